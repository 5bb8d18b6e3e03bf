//! Sizes and maps of holes that lie, and little that unpacks to much.
#![allow(clippy::too_many_lines)] // tables are as long as they are

use super::Outcome::{Makes, Refused};
use super::Row;
use super::archive::{Header, global, members, padded, pax, whole};
use crate::kit::pack;

const TRUNCATED: super::Outcome = Refused("the archive is truncated");

fn file() -> Header {
    Header::new("f", b'0')
}

/// A file of 2000 bytes by its records, and with these data.
fn sparse(records: &[(&str, &str)], data: &[u8]) -> Vec<u8> {
    let records = [&[("GNU.sparse.size", "2000")], records].concat();
    whole(&[pax(&records), file().data(data)])
}

/// A file with holes of version 1.0, whose map begins the data.
fn mapped(size: &str, map: &str, data: &[u8]) -> Vec<u8> {
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "f"),
        ("GNU.sparse.realsize", size),
    ];
    let data = [padded(map.as_bytes()), data.to_vec()].concat();
    whole(&[pax(&records), file().data(&data)])
}

fn lies() -> Vec<(&'static str, Vec<u8>, super::Outcome)> {
    let sized = |field: &[u8; 12]| whole(&[file().size_field(field).block(), vec![0; 2048]]);
    let said = |size: &str| whole(&[pax(&[("size", size)]), file().data(b"hello")]);
    let b256 = |first: u8, rest: u8| {
        let mut field = [rest; 12];
        field[0] = first;
        field
    };
    vec![
        ("8 GiB and none there", sized(b"77777777777\0"), TRUNCATED),
        (
            "2 TiB and none there",
            whole(&[file().size(2 << 40).block()]),
            TRUNCATED,
        ),
        (
            "2^62 and none there",
            whole(&[file().size(1 << 62).block()]),
            TRUNCATED,
        ),
        (
            "2^63",
            whole(&[file().size(1 << 63).block()]),
            Refused("`size` is out of range"),
        ),
        (
            "2^64-1",
            whole(&[file().size(u64::MAX).block()]),
            Refused("`size` is out of range"),
        ),
        (
            "2^88-1",
            sized(&b256(0x80, 0xff)),
            Refused("`size` is out of range"),
        ),
        (
            "-1 in base 256",
            sized(&b256(0xff, 0xff)),
            Refused("`size` is out of range"),
        ),
        (
            "-2^87 in base 256",
            sized(&b256(0xff, 0)),
            Refused("`size` is out of range"),
        ),
        (
            "-1 in octal",
            sized(b"-0000000001\0"),
            Refused("`size` is not a number"),
        ),
        (
            "no octal digits",
            sized(b"0000000009\0\0"),
            Refused("`size` is not a number"),
        ),
        (
            "blanks",
            sized(b"            "),
            Refused("`size` is not a number"),
        ),
        ("pax says two blocks more", said("1029"), TRUNCATED),
        (
            "pax says 2^63",
            said("9223372036854775808"),
            Refused("`size` is out of range"),
        ),
        (
            "pax says 2^64+5",
            said("18446744073709551621"),
            Refused("`size` is not a number"),
        ),
        ("pax says -1", said("-1"), Refused("`size` is not a number")),
        // The data then are read as a header.
        (
            "pax says 0 where data follow",
            said("0"),
            Refused("checksum does not match"),
        ),
        (
            "a size for all members",
            whole(&[global(&[("size", "0")]), file().data(b"hello")]),
            Refused("checksum does not match"),
        ),
        (
            "a directory with a size",
            whole(&[Header::new("d", b'5').size(1 << 40).block(), members("f a")]),
            Makes("f0644 a, d0755 d"),
        ),
        (
            "a link with a size",
            whole(&[
                Header::new("l", b'2').link("x").size(512).block(),
                members("f a"),
            ]),
            Makes("f0644 a, l l x"),
        ),
        (
            "a label of 2^62 bytes",
            whole(&[
                Header::new("label", b'V').size(1 << 62).block(),
                members("f a"),
            ]),
            TRUNCATED,
        ),
        (
            "a dump of a directory of 2^62 bytes",
            whole(&[Header::new("d", b'D').gnu().size(1 << 62).block()]),
            TRUNCATED,
        ),
    ]
}

fn maps() -> Vec<(&'static str, Vec<u8>, super::Outcome)> {
    let order = Refused("overlap or are not in order");
    let beyond = Refused("goes beyond the size of the file");
    let data = Refused("does not agree with the size of the data");
    let malformed = Refused("its map of holes is malformed");
    let map = |map: &str, data: &[u8]| sparse(&[("GNU.sparse.map", map)], data);
    let old = |offset: &[u8], length: &[u8]| {
        let header = Header::new("f", b'S')
            .gnu()
            .with(386, offset)
            .with(398, length);
        whole(&[header.with(483, b"00000003720\0").data(b"hello")])
    };
    let offsets = |offsets: &[&str]| {
        let records = |offset| [("GNU.sparse.offset", offset), ("GNU.sparse.numbytes", "1")];
        let records: Vec<_> = offsets.iter().flat_map(|offset| records(*offset)).collect();
        sparse(&records, &vec![b'x'; offsets.len()])
    };
    vec![
        ("0.1: overlapping", map("0,3,2,2", b"hello"), order),
        ("0.1: backwards", map("1000,3,0,2", b"hello"), order),
        ("0.1: beyond the end", map("1998,5", b"hello"), beyond),
        (
            "0.1: beyond 2^63",
            map("9223372036854775807,5", b"hello"),
            beyond,
        ),
        ("0.1: less than the data", map("0,4", b"hello"), data),
        ("0.1: more than the data", map("0,6", b"hello"), data),
        (
            "0.1: an offset without a length",
            map("0,3,4", b"hello"),
            malformed,
        ),
        (
            "0.1: negative",
            map("-512,5", b"hello"),
            Refused("is not a number"),
        ),
        ("0.0: overlapping", offsets(&["5", "5"]), order),
        ("0.0: beyond the end", offsets(&["2000"]), beyond),
        (
            "1.0: overlapping",
            mapped("9", "2\n0\n3\n2\n2\n", b"hello"),
            order,
        ),
        (
            "1.0: beyond the end",
            mapped("4", "1\n0\n5\n", b"hello"),
            beyond,
        ),
        (
            "1.0: more extents than there are",
            mapped("9", "3\n0\n5\n", b"hello"),
            malformed,
        ),
        (
            "1.0: 2^64-1 extents",
            mapped("9", "18446744073709551615\n", b""),
            malformed,
        ),
        (
            "1.0: 2^64 extents",
            mapped("9", "18446744073709551616\n", b""),
            malformed,
        ),
        (
            "1.0: a million extents and one",
            mapped("9", &million(), b""),
            Refused("has more than 1000000 extents"),
        ),
        (
            "1.0: a size beyond 2^63",
            mapped("9223372036854775808", "0\n", b""),
            Refused("out of range"),
        ),
        (
            "old: beyond the end",
            old(b"00000003720\0", b"00000000005\0"),
            beyond,
        ),
        (
            "old: 2^63",
            old(b"\x80\0\0\0\x80\0\0\0\0\0\0\0", b"00000000005\0"),
            Refused("`offset` is out of range"),
        ),
        (
            "old: negative",
            old(
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                b"00000000005\0",
            ),
            Refused("`offset` is out of range"),
        ),
        (
            "old: it goes on and does not",
            [
                Header::new("f", b'S').gnu().with(482, b"1").block(),
                vec![0; 512],
            ]
            .concat(),
            TRUNCATED,
        ),
        (
            "a directory with a map",
            whole(&[
                pax(&[("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "1")]),
                members("d d"),
            ]),
            Refused("without being a file"),
        ),
        (
            "a TiB of holes",
            mapped("1099511627776", "1\n1099511627776\n0\n", b""),
            Makes("f0644 f=1099511627776 bytes"),
        ),
        (
            "2^63-1 bytes of holes",
            mapped("9223372036854775807", "0\n", b""),
            Makes("f0644 f=9223372036854775807 bytes"),
        ),
    ]
}

/// A map of more extents than may be, empty ones.
fn million() -> String {
    format!("1000001\n{}", "0\n0\n".repeat(1_000_001))
}

/// More zeros than there is room for, with an end as it should be.
fn bomb() -> Vec<u8> {
    let zeros = vec![0; 128 << 20];
    whole(&[members("f a"), file().data(&zeros)])
}

pub fn rows() -> Vec<Row> {
    let full = Refused("No space left on device");
    let row = |(name, archive, outcome): (&str, _, _)| (name.to_owned(), archive, outcome);
    let mut rows: Vec<Row> = lies().into_iter().chain(maps()).map(row).collect();
    let bomb = bomb();
    for name in ["bomb.gz", "bomb.zst"] {
        rows.push((name.to_owned(), pack(name, &bomb), full));
    }
    // Zeros behind the end are none of anybody's business.
    let zeros = [whole(&[members("f a")]), vec![0; 128 << 20]].concat();
    rows.push((
        "zeros.zst".to_owned(),
        pack("zeros.zst", &zeros),
        Makes("f0644 a"),
    ));
    rows
}
