//! Every lie is refused by name, at the header that tells it; nothing panics, and nothing is kept that is large.

use std::io::{self, Read};

use super::super::field::{CHECKSUM, Field, GID, MAGIC, MAJOR, MODE, MTIME, REAL_SIZE, SIZE, UID};
use super::super::header::{Header, sums};
use super::super::{Error, Fault, Reader};
use super::fixtures::{ALL, fixture};
use super::kit::{self, Dice, Raw, archive, error, extended, fault, file, long, padded};

#[test]
fn what_is_no_archive_is_called_what_it_is() {
    for (bytes, said) in [
        (&b""[..], "empty"),
        (b"070701", "cpio"),
        (b"070707000", "cpio"),
        (b"hello", "truncated"),
        (&[b'x'; 512], "not a tar archive"),
        (&[0; 511], "truncated"),
    ] {
        assert!(error(bytes).contains(said), "{}", error(bytes));
    }
    let cpio = [b"070702", [b'0'; 1000].as_slice()].concat();
    assert!(error(&cpio).contains("cpio"));
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    for name in ALL {
        let whole = fixture(name);
        let end = 512 + whole.iter().rposition(|byte| *byte != 0).unwrap() / 512 * 512;
        let members = kit::read(&whole).unwrap().len();
        let mut cuts: Vec<_> = (0..end + 512).step_by(512).collect();
        cuts.extend((1..end + 512).step_by(97));
        for cut in cuts {
            let Err(error) = kit::read(&whole[..cut]) else {
                // A block of zeros that is data looks like an end if nothing follows.
                panic!("{name} at {cut} of {end}, {members} members");
            };
            let known = Error::of(&error);
            assert!(
                matches!(known, Some(Error::Truncated(_) | Error::Empty)),
                "{name} at {cut}: {error}"
            );
        }
    }
}

#[test]
fn a_bit_flipped_anywhere_is_refused_or_changes_data_but_never_panics() {
    for name in ALL {
        let mut bytes = fixture(name);
        // Every bit of a byte in its turn.
        for position in (0..bytes.len()).step_by(11) {
            let bit = 1 << (position % 8);
            bytes[position] ^= bit;
            let _ = kit::read(&bytes);
            bytes[position] ^= bit;
        }
    }
}

#[test]
fn headers_that_are_wrong_but_for_their_checksum_never_panic() {
    let mut dice = Dice(3);
    for name in ALL {
        let whole = fixture(name);
        for _ in 0..300 {
            let mut bytes = whole.clone();
            let mut blocks: Vec<_> = bytes.as_chunks_mut::<512>().0.iter_mut().collect();
            for _ in 0..1 + dice.below(4) {
                let index = dice.below(blocks.len() as u64) as usize;
                let is_header = Header::new(*blocks[index], 0).is_ok();
                for _ in 0..1 + dice.below(3) {
                    let byte = dice.roll() as u8;
                    blocks[index][dice.below(512) as usize] =
                        dice.one_of(&[byte, 0, b'0', b'7', 0x80, 0xff]);
                }
                if is_header {
                    let (sum, _) = sums(blocks[index]);
                    CHECKSUM.put(blocks[index], format!("{sum:06o}\0 ").as_bytes());
                }
            }
            let _ = kit::read(&bytes);
        }
    }
}

#[test]
fn a_flipped_bit_in_a_header_is_refused_or_says_the_same() {
    let whole = archive(&[file(b"first"), Raw::new(b"second", b'5').block()]);
    let members = kit::read(&whole).unwrap();
    for position in (0..512).chain(1024..1536) {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[position] ^= 1 << bit;
            // The checksum may be written in several ways.
            if let Ok(read) = kit::read(&bytes) {
                assert!(
                    CHECKSUM.holds(position % 512) && read == members,
                    "{position}, {bit}"
                );
            }
        }
    }
}

#[test]
fn what_follows_the_end_mark_is_refused() {
    for after in [
        file(b"b"),
        b"x".to_vec(),
        [vec![0; 70_000], b"\n".to_vec()].concat(),
    ] {
        let bytes = [archive(&[file(b"a")]), after].concat();
        assert!(error(&bytes).contains("behind its end mark"));
    }
    let lone = [file(b"a"), vec![0; 512], file(b"b"), vec![0; 1024]].concat();
    assert!(error(&lone).contains("at byte 1536"), "{}", error(&lone));
}

#[test]
fn numbers_that_are_none_or_beyond_their_field_are_refused() {
    let binary = |number: i128| number.to_be_bytes()[4..].to_vec();
    let positive = |number: i128| {
        let mut bytes = binary(number);
        bytes[0] = 0x80;
        bytes
    };
    for (field, bytes, expected) in [
        (SIZE, b"zzzzzzzzzzz\0".to_vec(), Fault::Number("size")),
        (SIZE, vec![b' '; 12], Fault::Number("size")),
        (SIZE, b"-5\0".to_vec(), Fault::Number("size")),
        (SIZE, b"00000000008\0".to_vec(), Fault::Number("size")),
        (SIZE, binary(-5), Fault::Range("size")),
        (SIZE, positive(1 << 63), Fault::Range("size")),
        (
            SIZE,
            [&[0x80][..], &[0xff; 11]].concat(),
            Fault::Range("size"),
        ),
        (UID, vec![0xff; 8], Fault::Range("uid")),
        (UID, b"\x80\0\0\x01\0\0\0\0".to_vec(), Fault::Range("uid")),
        (
            UID,
            b"\x80\0\0\0\xff\xff\xff\xff".to_vec(),
            Fault::Range("uid"),
        ),
        (GID, b"\x81\0\0\0\0\0\0\x01".to_vec(), Fault::Number("gid")),
        (MODE, b"0x1ff\0".to_vec(), Fault::Number("mode")),
        (MODE, vec![0xff; 8], Fault::Range("mode")),
        (MTIME, positive(1 << 63), Fault::Range("mtime")),
        (MTIME, binary(-(1 << 63) - 1), Fault::Range("mtime")),
    ] {
        for flag in *b"05" {
            let bad = Raw::new(b"f", flag).with(field, &bytes).block();
            assert_eq!(
                fault(&[file(b"a"), bad]),
                (1024, expected),
                "{}",
                bytes.escape_ascii()
            );
        }
    }
    let device = Raw::new(b"d", b'3').with(MAJOR, b"zz").block();
    assert_eq!(fault(&[device]), (0, Fault::Number("devmajor")));
}

#[test]
fn sizes_beyond_the_data_are_truncation() {
    for size in [
        b"77777777777\0".to_vec(),
        [&[0x80, 0, 0, 0, 0x7f][..], &[0xff; 7]].concat(),
    ] {
        let lie = Raw::new(b"f", b'0').with(SIZE, &size).block();
        assert!(error(&archive(&[lie])).contains("truncated"));
    }
}

#[test]
fn headers_for_nobody_or_for_the_same_member_are_refused() {
    let records = || extended(b'x', &[("path", b"p")]);
    assert_eq!(fault(&[file(b"a"), records()]), (1024, Fault::Dangling));
    assert_eq!(
        fault(&[long(b'L', b"l"), long(b'K', b"k")]),
        (0, Fault::Dangling)
    );
    assert_eq!(
        fault(&[records(), records(), file(b"a")]),
        (1024, Fault::Repeated)
    );
}

#[test]
fn types_that_nobody_knows_are_refused() {
    for flag in *b"89AINZ\x80\xff" {
        let member = Raw::new(b"f", flag).block();
        assert_eq!(fault(&[member]), (0, Fault::Type(flag)));
    }
    assert_eq!(
        fault(&[Raw::new(b"f", b'M').block()]),
        (0, Fault::MultiVolume)
    );
    let volume = extended(b'x', &[("GNU.volume.offset", b"512")]);
    assert_eq!(fault(&[volume, file(b"f")]), (0, Fault::MultiVolume));
}

#[test]
fn records_that_say_nonsense_are_refused() {
    for (keyword, value, expected) in [
        ("path", &b""[..], Fault::Empty("path")),
        ("path", b"a\0b", Fault::Nul("path")),
        ("path", &[b'p'; 4097], Fault::TooLong("path", 4096)),
        ("size", b"-1", Fault::Number("size")),
        ("size", b"+5", Fault::Number("size")),
        ("size", b"5 ", Fault::Number("size")),
        ("size", b"", Fault::Number("size")),
        ("size", b"9223372036854775808", Fault::Range("size")),
        ("size", b"99999999999999999999", Fault::Number("size")),
        ("uid", b"4294967296", Fault::Range("uid")),
        ("uid", b"4294967295", Fault::Range("uid")),
        ("gid", b"", Fault::Number("gid")),
        ("mtime", b"9223372036854775808", Fault::Number("mtime")),
        ("mtime", b"now", Fault::Number("mtime")),
        ("SCHILY.xattr.", b"v", Fault::Empty("SCHILY.xattr")),
        ("SCHILY.xattr.user.\0", b"v", Fault::Nul("SCHILY.xattr")),
        (
            "LIBARCHIVE.xattr.user.a",
            b"*",
            Fault::Base64("LIBARCHIVE.xattr"),
        ),
    ] {
        let (offset, found) = fault(&[extended(b'x', &[(keyword, value)]), file(b"f")]);
        assert_eq!(found, expected);
        assert!(offset == 0 || ["path", "uid"].contains(&keyword));
    }
    let link = Raw::new(b"l", b'2');
    assert_eq!(fault(&[link.block()]), (0, Fault::Empty("linkpath")));
    assert_eq!(
        fault(&[Raw::new(b"", b'0').block()]),
        (0, Fault::Empty("path"))
    );
    assert_eq!(
        fault(&[Raw::new(b"x", b'x').data(b"6 abc\n"), file(b"f")]),
        (0, Fault::Record)
    );
}

#[test]
fn headers_larger_than_their_limits_are_refused_before_they_are_read() {
    for (flag, size, expected) in [
        (b'x', 1 << 20, Fault::TooLong("extended header", 1 << 20)),
        (b'g', 1 << 16, Fault::TooLong("global header", 1 << 16)),
        (b'L', 4097, Fault::TooLong("name", 4097)),
        (b'K', 4097, Fault::TooLong("name", 4097)),
    ] {
        let with = |size: u64| {
            Raw::new(b"x", flag)
                .with(SIZE, format!("{size:o}\0").as_bytes())
                .block()
        };
        assert_eq!(fault(&[with(size + 1)]), (0, expected));
        let error = kit::read(&with(size)).unwrap_err();
        assert!(matches!(Error::of(&error), Some(Error::Truncated(512))));
    }
    let names: Vec<_> = (0..4097)
        .map(|index| format!("SCHILY.xattr.user.{index}"))
        .collect();
    let records: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(
        fault(&[extended(b'x', &records), file(b"f")]),
        (0, Fault::TooManyXattrs(4096))
    );
}

/// A file of 2000 bytes with these records and data.
fn sparse(records: &[(&str, &[u8])], data: &[u8]) -> Fault {
    let records = [&[("GNU.sparse.size", &b"2000"[..])], records].concat();
    let (offset, fault) = fault(&[extended(b'x', &records), Raw::new(b"f", b'0').data(data)]);
    assert!([0, 1024].contains(&offset));
    fault
}

#[test]
fn maps_that_cannot_be_are_refused() {
    let map = |text: &[u8], data| sparse(&[("GNU.sparse.map", text)], data);
    assert_eq!(map(b"512,3,514,2", b"hello"), Fault::MapOrder);
    assert_eq!(map(b"1000,3,512,2", b"hello"), Fault::MapOrder);
    assert_eq!(map(b"1998,5", b"hello"), Fault::MapBeyond);
    assert_eq!(
        map(b"9223372036854775807,9223372036854775807", b"hello"),
        Fault::MapBeyond
    );
    assert_eq!(map(b"512,4", b"hello"), Fault::MapData);
    assert_eq!(map(b"512,6", b"hello"), Fault::MapData);
    assert_eq!(map(b"512,3,514", b"hello"), Fault::Map);
    assert_eq!(map(b"512,5,", b"hello"), Fault::Number("GNU.sparse.map"));
    assert_eq!(map(b"", b""), Fault::Number("GNU.sparse.map"));
    let (offset, bytes) = (
        ("GNU.sparse.offset", &b"5"[..]),
        ("GNU.sparse.numbytes", &b"5"[..]),
    );
    assert_eq!(sparse(&[offset, offset, bytes], b"hello"), Fault::Map);
    assert_eq!(sparse(&[bytes], b"hello"), Fault::Map);
    assert_eq!(sparse(&[offset, bytes, offset], b"hello"), Fault::Map);
    assert_eq!(
        sparse(&[("GNU.sparse.numblocks", b"2"), offset, bytes], b"hello"),
        Fault::Map
    );
    assert_eq!(sparse(&[], b"hello"), Fault::Map);
    fn version<'a>(major: &'a [u8], minor: &'a [u8]) -> [(&'static str, &'a [u8]); 2] {
        [("GNU.sparse.major", major), ("GNU.sparse.minor", minor)]
    }
    assert_eq!(sparse(&version(b"1", b"1"), b"hello"), Fault::MapVersion);
    assert_eq!(sparse(&version(b"2", b"0"), b"hello"), Fault::MapVersion);
    let nothing = extended(b'x', &version(b"1", b"0"));
    assert_eq!(
        fault(&[nothing, file(b"f")]),
        (1024, Fault::Empty("GNU.sparse.realsize"))
    );
    let records = [("GNU.sparse.map", &b"0,1"[..]), ("GNU.sparse.size", b"1")];
    let directory = [extended(b'x', &records), Raw::new(b"d", b'5').block()];
    assert_eq!(fault(&directory), (1024, Fault::MapWithoutFile));
}

#[test]
fn maps_before_the_data_are_held_to_their_form() {
    let version = [("GNU.sparse.major", &b"1"[..]), ("GNU.sparse.minor", b"0")];
    for (text, expected) in [
        (&b"1\n512\n5\n"[..], Fault::MapData),
        (b"1\n512\n", Fault::Map),
        (b"1\n 512\n5\n", Fault::Map),
        (b"1\n\n5\n", Fault::Map),
        (b"-1\n", Fault::Map),
        (b"99999999999999999999\n", Fault::Map),
        (&[b'1'; 512], Fault::Map),
        (&[b'0'; 512], Fault::MapData),
        (b"18446744073709551615\n", Fault::Map),
    ] {
        assert_eq!(
            sparse(&version, &padded(text)),
            expected,
            "{}",
            text.escape_ascii()
        );
    }
    assert_eq!(sparse(&version, b"1\n"), Fault::MapData);
}

#[test]
fn old_maps_are_held_to_their_form() {
    let at = |start| Field::new("", start, 12);
    let raw = || {
        Raw::new(b"f", b'S')
            .with(at(386), b"512")
            .with(at(398), b"5\0")
            .with(REAL_SIZE, b"5000\0")
    };
    assert_eq!(fault(&[raw().data(b"hell")]), (0, Fault::MapData));
    assert_eq!(
        fault(&[raw().with(REAL_SIZE, b"10").data(b"hello")]),
        (0, Fault::MapBeyond)
    );
    assert_eq!(
        fault(&[raw().with(at(386), b"x").data(b"hello")]),
        (0, Fault::Number("offset"))
    );
    assert_eq!(
        fault(&[raw().with(REAL_SIZE, &[b' '; 12]).data(b"hello")]),
        (0, Fault::Number("realsize"))
    );
    let more = raw().with(Field::new("", 482, 1), b"1").block();
    assert!(error(&more).contains("truncated"));
}

/// Blocks of an old map that never ends.
struct Endless(Vec<u8>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            self.0 = vec![b'1'; 512];
        }
        let count = buffer.len().min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0.drain(..count);
        Ok(count)
    }
}

#[test]
fn a_map_that_never_ends_is_refused() {
    let head = Raw::new(b"f", b'S')
        .with(MAGIC, kit::GNU)
        .with(Field::new("", 482, 1), b"1");
    let error = Reader::new(Endless(head.block())).next_entry().unwrap_err();
    let expected = Fault::TooManyExtents(1_000_000);
    assert!(
        matches!(Error::of(&error), Some(Error::Header { offset: 0, fault }) if *fault == expected)
    );
}

#[test]
fn the_sources_own_errors_pass_through() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let head = Raw::new(b"f", b'0').with(SIZE, b"5\0").block();
    let mut reader = Reader::new(head.as_slice().chain(Failing));
    reader.next_entry().unwrap();
    let error = reader.read(&mut [0; 5]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}
