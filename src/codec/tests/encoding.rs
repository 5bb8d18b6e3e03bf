//! What is encoded is what every decoder of the format makes of it again.

use std::io::Write;

use super::tools::{large, tool};
use super::*;
use crate::stream::Cancel;

/// The formats that pack, and how to have the real tool unpack, which tests the stream too.
const TOOLS: [(Compression, &str); 5] = [
    (Compression::Gzip, "gzip -dc"),
    (Compression::Xz, "xz -dc"),
    (Compression::Zstd, "zstd -qdc"),
    (Compression::Bzip2, "bzip2 -dc"),
    (Compression::Lz4, "lz4 -qdc"),
];

/// Encodes, with `step` bytes at a time.
fn encode(format: Compression, bytes: &[u8], step: usize) -> Vec<u8> {
    let mut writer = encoder(format, Vec::new(), &Cancel::new().unwrap());
    for chunk in bytes.chunks(step) {
        writer.write_all(chunk).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn every_format_is_decoded_again_by_us_and_by_the_real_tools() {
    let whole = large();
    for bytes in [&b""[..], b"x", &fixture("payload.bin"), &whole] {
        for (format, words) in TOOLS {
            let packed = encode(format, bytes, 1 << 20);
            assert_eq!(sniff(&packed), format);
            let decoded = decode(&packed, 4096).unwrap();
            assert!(decoded == bytes, "{format}, {} bytes", bytes.len());
            if let Some(decoded) = tool(words, &packed) {
                assert!(decoded == bytes, "{words}, {} bytes", bytes.len());
            }
            if bytes.len() == whole.len() {
                assert!(packed.len() < 700_000, "{format}: {}", packed.len());
            }
        }
    }
}

#[test]
fn plain_bytes_pass_through() {
    let bytes = fixture("payload.bin");
    assert_eq!(encode(Compression::Uncompressed, &bytes, 1000), bytes);
}

#[test]
fn the_same_bytes_are_the_same_stream_whatever_the_steps_they_come_in() {
    let bytes = fixture("payload.bin").repeat(5);
    for (format, _) in TOOLS {
        let packed = encode(format, &bytes, bytes.len());
        for step in [333, 4096, 131_072] {
            assert!(encode(format, &bytes, step) == packed, "{format}, {step}");
        }
    }
}

#[test]
fn every_stream_carries_a_check_of_its_content() {
    for (format, _) in TOOLS {
        let packed = encode(format, b"checked", 7);
        // The kind of check that the header of xz names; in the others, the check itself.
        let at = match format {
            Compression::Xz => 7,
            Compression::Gzip => packed.len() - 8,
            _ => packed.len() - 2,
        };
        let mut damaged = packed.clone();
        damaged[at] ^= 0x10;
        assert!(decode(&damaged, 4096).is_err(), "{format}");
        if format == Compression::Xz {
            assert_eq!(packed[at], 4, "CRC-64");
        }
    }
}

#[test]
fn a_stream_that_was_not_finished_is_truncated() {
    for (format, _) in TOOLS {
        for bytes in [fixture("payload.bin"), large()] {
            let mut target = Vec::new();
            let mut writer = encoder(format, &mut target, &Cancel::new().unwrap());
            writer.write_all(&bytes).unwrap();
            writer.flush().unwrap();
            drop(writer);
            let mut reader = decoder(format, target.as_slice());
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            let truncated = matches!(complaint(&error), Some(Error::Truncated(_)));
            assert!(truncated, "{format}: {error}");
        }
    }
}

#[test]
fn errors_of_the_target_pass_through() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or_else(|| io::Error::other("the target's own"))?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bytes = large();
    for (format, _) in TOOLS {
        for room in [0, 5, 30_000] {
            let mut writer = encoder(format, Full(room), &Cancel::new().unwrap());
            let written = writer.write_all(&bytes);
            let error = written
                .and_then(|()| writer.finish().map(drop))
                .unwrap_err();
            assert_eq!(error.to_string(), "the target's own", "{format}");
        }
    }
}
