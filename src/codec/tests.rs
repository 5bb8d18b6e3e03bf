//! Every fixture is decoded, and every damaged one refused, whatever the steps the bytes arrive in.

use std::io::{self, BufReader, Read};

use super::*;
use crate::stream::Cancel;

mod encoding;
mod tools;

/// What the fixtures of every format are called.
const FORMATS: [(&str, &str); 5] = [
    ("gzip", "gz"),
    ("xz", "xz"),
    ("zstd", "zst"),
    ("bzip2", "bz2"),
    ("lz4", "lz4"),
];

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/codec/");

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}{name}")).unwrap()
}

/// Decodes, with `step` bytes at a time from the source.
fn decode(packed: &[u8], step: usize) -> Result<Vec<u8>, io::Error> {
    let compression = sniff(&packed[..packed.len().min(MAGIC_LEN)]);
    let mut decoded = Vec::new();
    let source = BufReader::with_capacity(step, packed);
    let outcome = decoder(compression, source).read_to_end(&mut decoded);
    for limit_bytes in [0, 1 << 25, 1 << 30] {
        let source = BufReader::with_capacity(step, packed);
        match (&outcome, pieces(compression, source, limit_bytes)) {
            (_, Err(_)) => {}
            (Ok(_), Ok(pieces)) => assert!(joined(pieces).unwrap() == decoded),
            (Err(_), Ok(pieces)) => assert!(is_of_data(&joined(pieces).unwrap_err())),
        }
    }
    outcome.map(|_| decoded)
}

/// What pieces unpack to, one after the other.
fn joined(pieces: Pieces) -> io::Result<Vec<u8>> {
    let mut joined = Vec::new();
    let mut assembler = pieces.assembler;
    for piece in pieces.cutter {
        assembler.put(match piece? {
            Piece::Plain(bytes) => Unpacked::Bytes(bytes),
            Piece::Packed { unpack, .. } => unpack(&Cancel::new()?)?,
        })?;
        // Not always all of it.
        if joined.len() % 2 == 0 {
            joined.extend_from_slice(assembler.bytes());
            assembler.consume(assembler.bytes().len());
        }
    }
    joined.extend_from_slice(assembler.bytes());
    Ok(joined)
}

/// How many pieces could be taken out.
fn taken_out(packed: &[u8]) -> usize {
    let compression = sniff(&packed[..MAGIC_LEN]);
    let Ok(pieces) = pieces(compression, packed, 1 << 30) else {
        return 0;
    };
    let taken_out = |piece: &io::Result<Piece>| matches!(piece, Ok(Piece::Packed { .. }));
    pieces.cutter.filter(taken_out).count()
}

#[test]
fn blocks_are_taken_out_where_they_can_be() {
    for (name, count) in [
        ("xz.sized-blocks.xz", 2),
        ("xz.true.xz", 0),
        ("bzip2.blocks.bz2", 2),
        ("zstd.true.zst", 1),
        ("zstd.skippable.zst", 0),
        ("gzip.true.gz", 0),
        ("gzip.sized-members.gz", 1),
    ] {
        let found = taken_out(&fixture(name));
        assert!(
            found >= count && (found > 0) == (count > 0),
            "{name}: {found}"
        );
    }
}

/// What a decoder has to say about the data.
pub(super) fn complaint(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn is_of_data(error: &io::Error) -> bool {
    complaint(error).is_some()
}

fn decodes(name: &str, expected: &[u8]) {
    for step in [1, 7, 4096, 1 << 20] {
        let decoded = decode(&fixture(name), step);
        assert!(
            decoded.as_ref().is_ok_and(|decoded| decoded == expected),
            "{name} in steps of {step}: {:?}",
            decoded.err()
        );
    }
}

fn refuses(name: &str) -> String {
    let mut messages = [1, 4096, 1 << 20].map(|step| match decode(&fixture(name), step) {
        Ok(decoded) => panic!("{name} was taken, for {} bytes", decoded.len()),
        Err(error) => {
            assert!(is_of_data(&error), "{name}: {error:?}");
            error.to_string()
        }
    });
    messages.sort();
    messages[0].clone()
}

#[test]
fn whole_streams_are_decoded() {
    let payload = fixture("payload.bin");
    for name in [
        "gzip.true.gz",
        "gzip.fields.gz",
        "gzip.padded.gz",
        "xz.true.xz",
        "zstd.true.zst",
        "bzip2.true.bz2",
        "lz4.true.lz4",
    ] {
        decodes(name, &payload);
    }
}

#[test]
fn empty_and_one_byte_streams_are_decoded() {
    for (stem, extension) in FORMATS {
        decodes(&format!("{stem}.empty.{extension}"), b"");
        decodes(&format!("{stem}.one.{extension}"), b"x");
    }
}

#[test]
fn concatenated_streams_are_decoded_to_the_last() {
    let payload = fixture("payload.bin");
    let twice = [payload.as_slice(), &payload].concat();
    for name in [
        "gzip.twice.gz",
        "xz.twice.xz",
        "xz.padded.xz",
        "zstd.twice.zst",
        "zstd.mixed.zst",
        "bzip2.twice.bz2",
        "lz4.twice.lz4",
        "lz4.mixed.lz4",
    ] {
        decodes(name, &twice);
    }
}

#[test]
fn every_filter_and_check_of_xz_is_decoded() {
    let payload = fixture("payload.bin");
    let mut count = 0;
    for entry in std::fs::read_dir(FIXTURES).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with("xz.bcj-") || name.starts_with("xz.delta-") {
            decodes(&name, &payload);
            count += 1;
        }
    }
    assert!(count >= 17, "only {count} filters were tried");
    for name in [
        "xz.none.xz",
        "xz.crc32.xz",
        "xz.crc64.xz",
        "xz.sha256.xz",
        "xz.blocks.xz",
        "xz.sized-blocks.xz",
    ] {
        decodes(name, &payload);
    }
}

#[test]
fn zstd_with_and_without_checksum_sizes_skippable_frames_and_long_windows_is_decoded() {
    let payload = fixture("payload.bin");
    for name in [
        "zstd.no-check.zst",
        "zstd.sized.zst",
        "zstd.skippable.zst",
        "zstd.long-27.zst",
    ] {
        decodes(name, &payload);
    }
    decodes("zstd.only-skippable.zst", b"");
}

#[test]
fn frames_of_zstd_without_number_that_hold_nothing_are_passed_over() {
    // A window of 128 MiB, and one block, which is the last.
    let frame = b"\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00";
    assert!(decode(&frame.repeat(200_000), 1 << 16).unwrap().is_empty());
    let skipped = b"\x50\x2a\x4d\x18\x01\0\0\0x";
    let mixed = [&frame[..], skipped].concat().repeat(100_000);
    assert!(decode(&mixed, 1 << 16).unwrap().is_empty());
}

#[test]
fn bzip2_of_every_level_and_of_several_blocks_is_decoded() {
    let payload = fixture("payload.bin");
    decodes("bzip2.levels.bz2", &payload.repeat(9));
    decodes("bzip2.blocks.bz2", &payload.repeat(3));
}

#[test]
fn lz4_with_blocks_of_any_size_linked_or_not_and_any_checks_is_decoded() {
    let payload = fixture("payload.bin");
    for name in [
        "lz4.blocks-4.lz4",
        "lz4.blocks-5.lz4",
        "lz4.blocks-6.lz4",
        "lz4.blocks-7.lz4",
        "lz4.sized.lz4",
        "lz4.block-checks.lz4",
        "lz4.no-check.lz4",
        "lz4.skippable.lz4",
    ] {
        decodes(name, &payload);
    }
    decodes("lz4.linked.lz4", &payload.repeat(3));
    decodes("lz4.stored.lz4", b"stored bytes");
}

#[test]
fn truncated_streams_are_refused() {
    for (stem, extension) in FORMATS {
        for cut in ["cut", "half"] {
            let message = refuses(&format!("{stem}.{cut}.{extension}"));
            assert!(message.contains("truncated"), "{stem}.{cut}: {message}");
        }
    }
    for name in ["zstd.cut-skippable.zst", "lz4.cut-skippable.lz4"] {
        let message = refuses(name);
        assert!(message.contains("truncated"), "{name}: {message}");
    }
}

#[test]
fn every_truncation_of_a_stream_is_refused() {
    for name in [
        "gzip.true.gz",
        "xz.true.xz",
        "xz.sized-blocks.xz",
        "zstd.true.zst",
        "bzip2.true.bz2",
        "bzip2.empty.bz2",
        "bzip2.one.bz2",
        "lz4.true.lz4",
        "lz4.empty.lz4",
        "lz4.stored.lz4",
        "lz4.linked.lz4",
    ] {
        let whole = fixture(name);
        let step = whole.len().div_ceil(500);
        // Below the magic it is no stream of that format any more.
        for length in (MAGIC_LEN..whole.len())
            .step_by(step)
            .chain(whole.len().saturating_sub(12).max(MAGIC_LEN)..whole.len())
        {
            assert!(
                decode(&whole[..length], 4096).is_err(),
                "{name} cut to {length} bytes was taken"
            );
        }
    }
}

#[test]
fn corrupted_streams_are_refused() {
    let names = [
        "gzip.forged.gz",
        "gzip.length.gz",
        "xz.forged.xz",
        "xz.crc32.forged.xz",
        "xz.crc64.forged.xz",
    ];
    for name in names.into_iter().chain([
        "xz.sha256.forged.xz",
        "xz.index.xz",
        "zstd.forged.zst",
        "zstd.checksum.zst",
        "bzip2.forged.bz2",
        "bzip2.stream.bz2",
        "lz4.forged.lz4",
        "lz4.checksum.lz4",
        "lz4.block-checksum.lz4",
    ]) {
        let message = refuses(name);
        assert!(message.contains("corrupt"), "{name}: {message}");
    }
}

#[test]
fn whatever_follows_a_stream_is_refused() {
    for name in [
        "gzip.trailing.gz",
        "xz.trailing.xz",
        "xz.badly-padded.xz",
        "zstd.trailing.zst",
        "bzip2.trailing.bz2",
        "lz4.trailing.lz4",
    ] {
        refuses(name);
    }
    for name in FORMATS.map(|(stem, extension)| format!("{stem}.true.{extension}")) {
        let name = &name;
        for tail in [
            &b"\x01"[..],
            b"\x1f",
            b"\x1f\x8b",
            b"\xfd",
            b"\x28\xb5\x2f\xfd",
            b"BZh91AY&SY",
            b"\x04\x22\x4d\x18\x64",
            b"\x02\x21\x4c\x18",
            b"\x50\x2a\x4d\x18\x01\0\0\0",
        ] {
            let garbage = [fixture(name), tail.to_vec()].concat();
            assert!(
                decode(&garbage, 4096).is_err(),
                "{name} followed by {tail:?} was taken"
            );
        }
    }
}

#[test]
fn windows_beyond_the_limits_are_refused_by_name() {
    for (name, limit) in [
        ("xz.huge-dictionary.xz", "256M"),
        ("zstd.huge-window.zst", "128M"),
    ] {
        let message = refuses(name);
        assert!(message.contains(limit), "{name}: {message}");
    }
}

#[test]
fn the_legacy_format_of_lz4_is_refused_by_name() {
    let message = refuses("refused.legacy.lz4");
    assert!(message.contains("legacy format"), "{message}");
}

#[test]
fn errors_of_the_source_pass_through_and_no_end_follows_an_error() {
    /// Interrupted every other time, and then at its end.
    struct Failing<'a>(&'a [u8], bool, io::ErrorKind);
    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            match (self.1, self.0) {
                (true, _) => Err(io::ErrorKind::Interrupted.into()),
                (false, []) => Err(io::Error::new(self.2, "the source's own")),
                (false, _) => self.0.read(buffer),
            }
        }
    }
    for name in [
        "gzip.true.gz",
        "xz.true.xz",
        "xz.bcj-x86-delta.xz",
        "zstd.true.zst",
    ] {
        let whole = fixture(name);
        let compression = sniff(&whole[..MAGIC_LEN]);
        for kind in [
            io::ErrorKind::Other,
            io::ErrorKind::InvalidData,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::WouldBlock,
        ] {
            for length in [0, 3, 20, 200, whole.len()] {
                let source = Failing(&whole[..length], false, kind);
                let mut reader = decoder(compression, BufReader::new(source));
                let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
                let what = format!("{name} up to {length}");
                assert_eq!(error.to_string(), "the source's own", "{what}");
                assert_eq!(error.kind(), kind, "{what}");
                assert!(reader.read(&mut [0; 1]).is_err(), "{what}");
            }
        }
    }
}

#[test]
fn no_damage_makes_a_decoder_panic_or_return_another_image() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let names = [
        "gzip.true.gz",
        "gzip.sized-members.gz",
        "xz.true.xz",
        "xz.sized-blocks.xz",
        "xz.bcj-x86-delta.xz",
        "xz.sha256.xz",
        "zstd.true.zst",
        "bzip2.true.bz2",
        "bzip2.blocks.bz2",
        "lz4.true.lz4",
        "lz4.linked.lz4",
        "lz4.block-checks.lz4",
    ];
    for name in names {
        let whole = fixture(name);
        let payload = decode(&whole, 4096).unwrap();
        for _ in 0..400 {
            let mut damaged = whole.clone();
            for _ in 0..=next(3) {
                // Past the magic: without that it is a plain file.
                let at = MAGIC_LEN + next(damaged.len() - MAGIC_LEN);
                damaged[at] ^= 1 << next(8);
            }
            match decode(&damaged, 4096) {
                // Fields that say nothing about the data, such as gzip's time, may change.
                Ok(decoded) => assert!(decoded == payload, "{name}"),
                Err(error) => assert!(is_of_data(&error), "{name}: {error:?}"),
            }
        }
    }
}
