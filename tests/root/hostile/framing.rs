//! Archives that are none, or that are damaged, or that say too much before a member.
#![allow(clippy::too_many_lines)] // tables are as long as they are

use super::Outcome::{Makes, Refused};
use super::Row;
use super::archive::{Header, global, long, members, padded, pax, record, whole};
use crate::kit::pack;

const NO_TAR: super::Outcome = Refused("this is not a tar archive");

fn plain() -> Vec<u8> {
    whole(&[members("d d; f d/a")])
}

fn containers() -> Vec<(&'static str, Vec<u8>, super::Outcome)> {
    let trailing = Refused("goes on behind its end mark");
    let zip = || [b"PK\x03\x04".as_slice(), &[b'z'; 600]].concat();
    let cpio = |magic: &[u8]| [magic, &[b'0'; 600]].concat();
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 4].to_vec();
    let gz = || pack("a.gz", &plain());
    vec![
        ("nothing", Vec::new(), Refused("the archive is empty")),
        (
            "nothing, packed",
            pack("a.gz", b""),
            Refused("the archive is empty"),
        ),
        ("a byte", b"x".to_vec(), Refused("truncated")),
        (
            "a block of zeros less a byte",
            vec![0; 511],
            Refused("truncated"),
        ),
        ("text", b"hello world\n".repeat(100), NO_TAR),
        (
            "new cpio",
            cpio(b"070701"),
            Refused("this is a cpio archive"),
        ),
        (
            "cpio with checksums",
            cpio(b"070702"),
            Refused("this is a cpio archive"),
        ),
        (
            "old cpio",
            cpio(b"070707"),
            Refused("this is a cpio archive"),
        ),
        ("zip", zip(), NO_TAR),
        ("gzip in gzip", pack("a.gz", &gz()), Refused("truncated")),
        (
            "zstd in gzip",
            pack("a.gz", &pack("a.zst", &plain())),
            Refused("truncated"),
        ),
        (
            "an archive in one",
            whole(&[Header::new("a.tar", b'0').data(&plain())]),
            Makes("f0644 a.tar=2560 bytes"),
        ),
        ("gzip, cut", cut(gz()), Refused("truncated")),
        (
            "gzip, and more",
            [gz(), b"junk".to_vec()].concat(),
            Refused("are followed by something else"),
        ),
        ("gzip twice", [gz(), gz()].concat(), trailing),
        ("xz, cut", cut(pack("a.xz", &plain())), Refused("truncated")),
        (
            "zstd, cut",
            cut(pack("a.zst", &plain())),
            Refused("truncated"),
        ),
        ("an archive twice", [plain(), plain()].concat(), trailing),
        (
            "a byte behind it",
            [plain(), b"x".to_vec()].concat(),
            trailing,
        ),
        (
            "a byte far behind it",
            [plain(), vec![0; 1 << 20], b"x".to_vec()].concat(),
            trailing,
        ),
        (
            "an end and more members",
            whole(&[members("f a"), vec![0; 512], members("f b")]),
            trailing,
        ),
        ("only an end", vec![0; 1024], Makes("")),
        ("only half an end", vec![0; 512], Makes("")),
        ("no end", members("f a; f b"), Refused("truncated")),
    ]
}

fn headers() -> Vec<(&'static str, Vec<u8>, super::Outcome)> {
    let damaged = |at: usize| {
        let mut bytes = plain();
        bytes[at] ^= 1;
        bytes
    };
    let member = |kind: u8| whole(&[members("f a"), Header::new("x", kind).block()]);
    let checksum = Refused("its checksum does not match");
    vec![
        ("the first name damaged", damaged(0), NO_TAR),
        ("the first checksum damaged", damaged(149), NO_TAR),
        ("the second name damaged", damaged(512), checksum),
        ("the second mode damaged", damaged(512 + 106), checksum),
        ("the second block's end damaged", damaged(1023), checksum),
        (
            "a block of garbage",
            whole(&[members("f a"), vec![b'x'; 512]]),
            Refused("`chksum` is not a number"),
        ),
        (
            "a volume to be continued",
            member(b'M'),
            Refused("part of a multi-volume archive"),
        ),
        (
            "a name table",
            member(b'N'),
            Refused("its type `N` is unknown"),
        ),
        (
            "an ACL of Solaris",
            member(b'A'),
            Refused("its type `A` is unknown"),
        ),
        ("an inode", member(b'I'), Refused("its type `I` is unknown")),
        ("type 8", member(b'8'), Refused("its type `8` is unknown")),
        (
            "type 255",
            member(255),
            Refused("its type `\\xff` is unknown"),
        ),
        (
            "an owner of -1",
            whole(&[Header::new("f", b'0')
                .with(108, b"\xff\xff\xff\xff\xff\xff\xff\xff")
                .block()]),
            Refused("`uid` is out of range"),
        ),
        (
            "an owner of 2^32-1",
            whole(&[pax(&[("uid", "4294967295")]), members("f a")]),
            Refused("`uid` is out of range"),
        ),
        (
            "a mode of letters",
            whole(&[Header::new("f", b'0').with(100, b"rwxr-x\0\0").block()]),
            Refused("`mode` is not a number"),
        ),
        (
            "a mode of all bits",
            whole(&[Header::new("f", b'0').with(100, b"7777777\0").block()]),
            Makes("f7777 f="),
        ),
        (
            "a time of 2^63",
            whole(&[pax(&[("mtime", "9223372036854775808")]), members("f a")]),
            Refused("`mtime` is not a number"),
        ),
        (
            "a time of -2^63",
            whole(&[pax(&[("mtime", "-9223372036854775808")]), members("f a")]),
            Makes("f0644 a"),
        ),
        (
            "a device of 2^21-1",
            whole(&[Header::new("c", b'3').device(0o7_777_777, 0).block()]),
            Refused("has the number 2097151:0, which Linux has no room for"),
        ),
        (
            "a link to nothing at all",
            whole(&[Header::new("l", b'2').block()]),
            Refused("`linkpath` is empty"),
        ),
        (
            "a member without a name",
            whole(&[Header::new("", b'0').block()]),
            Refused("`path` is empty"),
        ),
    ]
}

fn records() -> Vec<(&'static str, Vec<u8>, super::Outcome)> {
    let raw = |bytes: &[u8]| whole(&[Header::new("x", b'x').data(bytes), members("f a")]);
    let claimed = |kind: u8, size: u64| whole(&[Header::new("x", kind).size(size).block()]);
    let (record_fault, dangling) = (Refused("not of the form"), Refused("no member follows"));
    vec![
        (
            "records of 2 GiB",
            claimed(b'x', 2 << 30),
            Refused("larger than the limit of 1M"),
        ),
        (
            "records of 2^62 bytes",
            claimed(b'x', 1 << 62),
            Refused("larger than the limit of 1M"),
        ),
        (
            "records for all of 2 GiB",
            claimed(b'g', 2 << 30),
            Refused("larger than the limit of 64K"),
        ),
        (
            "a long name of 2 GiB",
            claimed(b'L', 2 << 30),
            Refused("larger than the limit"),
        ),
        (
            "a long link of 2 GiB",
            claimed(b'K', 2 << 30),
            Refused("larger than the limit"),
        ),
        (
            "100,000 records",
            raw(&many("comment", 100_000, false)[..1 << 20]),
            record_fault,
        ),
        (
            "50,000 records",
            raw(&many("c", 50_000, false)),
            Makes("f0644 a"),
        ),
        (
            "100,000 records, too large",
            raw(&many("comment", 100_000, false)),
            Refused("larger than the limit of 1M"),
        ),
        (
            "5,000 attributes",
            raw(&many("SCHILY.xattr.user.", 5_000, true)),
            Refused("more than 4096 extended attributes"),
        ),
        ("a length that lies", raw(b"99 path=b\n"), record_fault),
        ("a length of none", raw(b"0 path=b\n"), record_fault),
        (
            "a length of 2^64",
            raw(b"18446744073709551616 path=b\n"),
            record_fault,
        ),
        ("a negative length", raw(b"-9 path=b\n"), record_fault),
        ("no newline", raw(b"9 path=bx"), record_fault),
        ("no equals sign", raw(b"7 path\n"), record_fault),
        (
            "a NUL in a path",
            whole(&[pax(&[("path", "a\0/../../victim")]), members("f a")]),
            Refused("`path` holds a NUL byte"),
        ),
        (
            "a NUL in a target",
            whole(&[pax(&[("linkpath", "a\0b")]), members("l l x")]),
            Refused("`linkpath` holds a NUL byte"),
        ),
        (
            "an empty path",
            whole(&[pax(&[("path", "")]), members("f a")]),
            Refused("`path` is empty"),
        ),
        (
            "a NUL in an attribute's name",
            whole(&[pax(&[("SCHILY.xattr.user.a\0b", "v")]), members("f a")]),
            Refused("holds a NUL byte"),
        ),
        (
            "records for no member",
            whole(&[members("f a"), pax(&[("path", "b")])]),
            dangling,
        ),
        (
            "a long name for no member",
            whole(&[long(b'L', "../x")]),
            dangling,
        ),
        (
            "records twice",
            whole(&[pax(&[("path", "b")]), pax(&[("path", "c")]), members("f a")]),
            Refused("second extended header"),
        ),
        (
            "a path for all members",
            whole(&[global(&[("path", "x")]), members("d a; f a/b")]),
            Makes("f0644 x=a/b"),
        ),
        (
            "a target for all members",
            whole(&[global(&[("linkpath", "/outside")]), members("l a b; l b a")]),
            Makes("l a /outside, l b /outside"),
        ),
        (
            "a path through a target for all",
            whole(&[
                global(&[("linkpath", "/outside")]),
                members("l a b; f a/new"),
            ]),
            Refused("leads out of the tree"),
        ),
        (
            "a volume's offset",
            whole(&[pax(&[("GNU.volume.offset", "512")]), members("f a")]),
            Refused("multi-volume"),
        ),
    ]
}

/// So many records, of the same keyword or of numbered ones.
fn many(keyword: &str, count: usize, numbered: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..count {
        let number = if numbered {
            number.to_string()
        } else {
            String::new()
        };
        record(&mut bytes, &format!("{keyword}{number}"), b"v");
    }
    bytes
}

/// A small archive of everything, without its end: no block of it is zero.
pub fn small() -> Vec<u8> {
    let sparse = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "holes"),
        ("GNU.sparse.realsize", "1000000"),
    ];
    let map = [padded(b"1\n999995\n5\n"), b"hello".to_vec()].concat();
    [
        members("d0711 d; f4755 d/a; h d/b d/a; l l d"),
        long(b'L', "n"),
        Header::new("n", b'0').data(&[b'x'; 700]),
        pax(&[("path", "p"), ("SCHILY.xattr.user.a", "v")]),
        members("f a"),
        pax(&sparse),
        Header::new("s", b'0').data(&map),
    ]
    .concat()
}

pub fn rows() -> Vec<Row> {
    let row = |(name, archive, outcome): (&str, _, _)| (name.to_owned(), archive, outcome);
    let all = containers().into_iter().chain(headers()).chain(records());
    let mut rows: Vec<Row> = all.map(row).collect();
    let small = small();
    let cuts = (0..small.len()).step_by(512);
    let cuts = cuts.flat_map(|block| [block, block + 1, block + 100, block + 511]);
    for cut in cuts.filter(|cut| *cut > 0) {
        let name = format!("{cut} bytes of {}", small.len());
        rows.push((
            name,
            small[..cut].to_vec(),
            Refused("the archive is truncated"),
        ));
    }
    // Half of the second block of zeros is missed by nobody.
    rows.push((
        "all of it".to_owned(),
        [small, vec![0; 700]].concat(),
        Makes(SMALL),
    ));
    rows
}

const SMALL: &str = "d0711 d, f4755 d/a *2, f4755 d/b=d/a *2, f0644 holes=1000000 bytes, l l d, f0644 n=700 bytes, f0644 p=a +user.a";
