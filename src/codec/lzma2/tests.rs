//! Against the library's encoder, of every kind of stream, and its decoder, of every kind of damage.

use std::io::{Cursor, Read, Write};
use std::num::NonZeroU64;

use lzma_rust2::{Lzma2Options, Lzma2Writer};

use super::Lzma2Reader;

const DICTIONARY: u32 = 1 << 16;

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// Bytes in which all there is occurs: what is new, what was just there, what was there long ago, runs and zeros.
fn bytes(count: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        let most = [3, 20, 300, 5000][random.next(4)];
        let length = 1 + random.next(most);
        match random.next(6) {
            0 => bytes.extend((0..length).map(|_| random.next(256) as u8)),
            1 => bytes.extend((0..length).map(|_| b"etaoin shrdlu\n"[random.next(14)])),
            2 => bytes.resize(bytes.len() + length, random.next(3) as u8),
            _ if bytes.is_empty() => {}
            _ => {
                let far = [1, 2, 7, 15, 16, 17, 1000, 70_000, 3 << 20][random.next(9)];
                let from = bytes.len() - (1 + random.next(far)).min(bytes.len());
                (from..from + length).for_each(|at| bytes.push(bytes[at]));
            }
        }
    }
    bytes.truncate(count);
    bytes
}

fn encoded(bytes: &[u8], options: &Lzma2Options) -> Vec<u8> {
    let mut writer = Lzma2Writer::new(Vec::new(), options.clone());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// By properties, and what every dictionary is.
fn options(lc: u32, lp: u32, pb: u32) -> Lzma2Options {
    let mut options = Lzma2Options::with_preset(1);
    options.lzma_options.dict_size = DICTIONARY;
    (
        options.lzma_options.lc,
        options.lzma_options.lp,
        options.lzma_options.pb,
    ) = (lc, lp, pb);
    options
}

fn decoded(packed: &[u8], size: Option<u64>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut source = Cursor::new(packed);
    Lzma2Reader::new(&mut source, DICTIONARY, size)?.read_to_end(&mut bytes)?;
    assert_eq!(source.position(), packed.len() as u64);
    Ok(bytes)
}

#[test]
fn every_kind_of_stream_is_decoded_to_the_last_byte() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for (lc, lp, pb) in [
        (3, 0, 2),
        (0, 0, 0),
        (4, 0, 0),
        (0, 4, 4),
        (2, 2, 1),
        (1, 3, 3),
    ] {
        for count in [0, 1, 15, 1000, 65_536, 300_000] {
            let bytes = bytes(count, &mut random);
            let packed = encoded(&bytes, &options(lc, lp, pb));
            for size in [None, Some(count as u64), Some(1)] {
                assert!(
                    decoded(&packed, size).unwrap() == bytes,
                    "{lc} {lp} {pb} {count} {size:?}"
                );
            }
        }
    }
}

#[test]
fn the_window_slides_and_dictionaries_begin_anew() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let bytes = bytes(24 << 20, &mut random);
    for pieces in [None, NonZeroU64::new(1 << 20)] {
        let mut options = options(3, 1, 2);
        options.set_chunk_size(pieces);
        let packed = encoded(&bytes, &options);
        for size in [None, Some(3 << 20)] {
            assert!(
                decoded(&packed, size).unwrap() == bytes,
                "{pieces:?} {size:?}"
            );
        }
    }
}

#[test]
fn no_damage_makes_it_panic_or_take_what_the_library_does_not() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..3000 {
        let bytes = bytes(1 + random.next(3000), &mut random);
        let mut packed = encoded(&bytes, &options(round % 5, 0, round % 4));
        for _ in 0..=random.next(3) {
            let at = random.next(packed.len());
            packed[at] = random.next(256) as u8;
        }
        let mut ours = Vec::new();
        let outcome = Lzma2Reader::new(packed.as_slice(), DICTIONARY, None)
            .unwrap()
            .read_to_end(&mut ours);
        let mut theirs = Vec::new();
        let library = lzma_rust2::Lzma2Reader::new(packed.as_slice(), DICTIONARY, None)
            .read_to_end(&mut theirs);
        match outcome {
            Ok(_) => {
                taken += 1;
                assert!(library.is_ok() && ours == theirs, "{round}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(taken > 0 && refused > 1000, "{taken} {refused}");
}
