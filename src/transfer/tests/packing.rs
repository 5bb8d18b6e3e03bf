//! Packing in blocks: the same on any number of threads, and what goes wrong.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::Home;
use crate::codec::decoder;
use crate::terms::Compression;
use crate::transfer::Settings;
use crate::transfer::job::Job;
use crate::transfer::packing::Packing;

fn job(threads: usize) -> Job {
    let home = Home::new();
    let settings = Settings {
        threads,
        ..home.settings()
    };
    Job {
        settings: Arc::new(settings),
        ..home.job()
    }
}

fn packed(compression: Compression, bytes: &[u8], threads: usize) -> Vec<u8> {
    let mut packing = Packing::new(&job(threads), compression, Vec::new()).unwrap();
    for piece in bytes.chunks(100_003) {
        packing.write_all(piece).unwrap();
    }
    packing.finish().unwrap()
}

/// More than two blocks of the format, and not too hard to pack.
fn bytes(compression: Compression) -> Vec<u8> {
    let count = match compression {
        Compression::Xz => 50 << 20,
        _ => 5 << 20,
    };
    let mut bytes = vec![0; count];
    let places = bytes.iter_mut().step_by(1009).enumerate();
    places.for_each(|(number, byte)| *byte = (number * number) as u8);
    bytes
}

#[test]
fn the_same_comes_of_it_on_any_number_of_threads() {
    for compression in [
        Compression::Gzip,
        Compression::Xz,
        Compression::Bzip2,
        Compression::Zstd,
        Compression::Uncompressed,
    ] {
        let whole = bytes(compression);
        for bytes in [&whole[..0], &whole[..5], &whole] {
            let one = packed(compression, bytes, 1);
            let several = packed(compression, bytes, 3);
            assert!(one == several, "{compression}, {} bytes", bytes.len());
            let mut unpacked = Vec::new();
            let mut reader = decoder(compression, one.as_slice());
            reader.read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == bytes, "{compression}, {} bytes", bytes.len());
        }
    }
}

#[test]
fn a_target_that_fails_and_a_wish_to_stop_end_it() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("the target's own"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bytes = bytes(Compression::Gzip);
    for threads in [1, 3] {
        let mut packing = Packing::new(&job(threads), Compression::Gzip, Full).unwrap();
        let written = packing.write_all(&bytes);
        let ended = written.and_then(|()| packing.finish().map(drop));
        assert_eq!(ended.unwrap_err().to_string(), "the target's own");

        let job = job(threads);
        let mut packing = Packing::new(&job, Compression::Gzip, io::sink()).unwrap();
        job.cancel.cancel();
        let written = packing.write_all(&bytes);
        let ended = written.and_then(|()| packing.finish().map(drop));
        assert_eq!(ended.unwrap_err().to_string(), "cancelled");
    }
}
