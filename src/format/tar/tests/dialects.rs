//! What is taken of all that a header may say, each as GNU tar takes it.

use super::super::field::{Field, MAGIC, MAJOR, MTIME, PREFIX, SIZE, STAR_MAGIC, UID};
use super::super::{Device, Entry, Extent, Kind, Timestamp, Xattr};
use super::kit::{self, GNU, Raw, archive, extended, file, long, one};

fn paths(parts: &[Vec<u8>]) -> Vec<String> {
    let members = kit::read(&archive(parts)).unwrap();
    let paths = members.into_iter().map(|(entry, _)| entry.path);
    paths.map(|path| String::from_utf8(path).unwrap()).collect()
}

fn data(parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let members = kit::read(&archive(parts)).unwrap();
    members.into_iter().map(|(_, data)| data).collect()
}

#[test]
fn a_prefix_counts_where_the_magic_is_posix_alone() {
    for (magic, path) in [
        (&b"ustar\x0000"[..], "before/name"),
        (b"ustar\0  ", "before/name"),
        (GNU, "name"),
        (b"ustar 00", "name"),
        (b"", "name"),
    ] {
        let raw = Raw::new(b"name", b'0');
        let raw = raw.with(MAGIC, magic).with(PREFIX, b"before");
        assert_eq!(paths(&[raw.block()]), [path]);
    }
    let full = Raw::new(&[b'n'; 100], b'0').with(PREFIX, &[b'p'; 155]);
    assert_eq!(one(&[full.block()]).path.len(), 256);
    let star = Raw::new(b"name", b'0')
        .with(PREFIX, &[b'p'; 155])
        .with(STAR_MAGIC, b"tar\0");
    assert_eq!(one(&[star.block()]).path.len(), 131 + 5);
}

#[test]
fn slashes_at_the_end_make_a_file_a_directory_and_are_left_out() {
    for flag in *b"\x0007" {
        let entry = one(&[Raw::new(b"d//", flag).block()]);
        assert_eq!(
            (entry.path.as_slice(), entry.kind),
            (&b"d"[..], Kind::Directory)
        );
    }
    let records = extended(b'x', &[("path", b"dd/")]);
    assert_eq!(
        one(&[records, Raw::new(b"d", b'0').block()]).kind,
        Kind::Directory
    );
    let link = one(&[Raw::new(b"l/", b'2').link(b"d/").block()]);
    let target = b"d/".to_vec();
    assert_eq!(
        (link.path.as_slice(), link.kind),
        (&b"l"[..], Kind::Symlink { target })
    );
    assert_eq!(
        paths(&[Raw::new(b"./", b'5').block(), Raw::new(b"//", b'5').block()]),
        [".", "/"]
    );
}

#[test]
fn a_size_counts_for_files_and_dumped_directories_alone() {
    for flag in *b"123456" {
        let raw = Raw::new(b"m", flag).link(b"t").with(SIZE, b"5\0");
        let pax = extended(b'x', &[("size", b"600")]);
        assert_eq!(paths(&[raw.block(), file(b"next")]), ["m", "next"]);
        let raw = Raw::new(b"m", flag).link(b"t");
        assert_eq!(paths(&[pax, raw.block(), file(b"next")]), ["m", "next"]);
    }
    let directory = Raw::new(b"d", b'D').data(b"Yfile\0\0");
    let members = kit::read(&archive(&[directory, file(b"next")])).unwrap();
    assert_eq!(members[0].0.kind, Kind::Directory);
    assert!(members[0].1.is_empty());
    assert_eq!(members[1].1, b"hello");
}

#[test]
fn a_volume_label_is_passed_over_with_its_data_and_what_was_said_of_it() {
    let label = Raw::new(b"label", b'V').with(MAGIC, GNU);
    let parts = [
        extended(b'x', &[("path", b"other")]),
        label.data(b"data"),
        file(b"name"),
    ];
    assert_eq!(paths(&parts), ["name"]);
}

#[test]
fn extended_records_come_before_long_names_and_these_before_the_header() {
    let pax = || extended(b'x', &[("path", b"pax")]);
    let global = || extended(b'g', &[("path", b"global")]);
    let name = || long(b'L', b"long");
    let file = || file(b"header");
    assert_eq!(paths(&[name(), file(), file()]), ["long", "header"]);
    assert_eq!(paths(&[name(), long(b'L', b"later"), file()]), ["later"]);
    assert_eq!(paths(&[pax(), name(), file(), file()]), ["pax", "header"]);
    assert_eq!(paths(&[name(), pax(), file()]), ["pax"]);
    assert_eq!(
        paths(&[global(), name(), file(), file()]),
        ["global", "global"]
    );
    assert_eq!(paths(&[pax(), global(), file(), file()]), ["pax", "global"]);
    let records = [
        ("path", &b"first"[..]),
        ("GNU.sparse.name", b"real"),
        ("path", b"last"),
    ];
    assert_eq!(paths(&[extended(b'X', &records), file()]), ["real"]);
}

#[test]
fn a_global_header_counts_until_the_next_one() {
    let uid = |part: &[u8]| extended(b'g', &[("uid", part), ("mtime", b"3.25")]);
    let mtime = extended(b'g', &[("mtime", b"9")]);
    let parts = [uid(b"77"), file(b"a"), file(b"b"), mtime, file(b"c")];
    let members = kit::read(&archive(&parts)).unwrap();
    let owners: Vec<_> = members
        .iter()
        .map(|(entry, _)| (entry.uid, entry.modified.seconds))
        .collect();
    assert_eq!(owners, [(77, 3), (77, 3), (0, 9)]);
}

#[test]
fn a_size_by_record_wins_over_the_headers() {
    let parts = [extended(b'x', &[("size", b"3")]), file(b"a"), file(b"b")];
    assert_eq!(data(&parts), [&b"hel"[..], b"hello"]);
    let none = Raw::new(b"a", b'0').with(SIZE, b"77777777777\0");
    let parts = [extended(b'x', &[("size", b"0")]), none.block(), file(b"b")];
    assert_eq!(data(&parts), [&b""[..], b"hello"]);
}

#[test]
fn long_names_end_at_their_nul_or_with_their_data() {
    for (stored, name) in [(&b"abc"[..], "abc"), (b"ab\0cd\0", "ab")] {
        let long = Raw::new(b"././@LongLink", b'L').data(stored);
        assert_eq!(paths(&[long, file(b"f")]), [name]);
    }
    let link = Raw::new(b"l", b'2').link(b"short").block();
    let entry = one(&[long(b'K', &[b't'; 4096]), long(b'L', &[b'l'; 4096]), link]);
    assert_eq!(entry.path, [b'l'; 4096]);
    assert_eq!(
        entry.kind,
        Kind::Symlink {
            target: vec![b't'; 4096]
        }
    );
}

#[test]
fn times_owners_and_devices_are_taken_from_either_place() {
    let seconds = |raw: Raw| one(&[raw.block()]).modified.seconds;
    let file = || Raw::new(b"f", b'0');
    assert_eq!(seconds(file().with(MTIME, &[b' '; 12])), 0);
    assert_eq!(seconds(file().with(MTIME, &[0xff; 12])), -1);
    assert_eq!(seconds(file().with(MTIME, b"77777777777 ")), (1 << 33) - 1);
    assert_eq!(
        one(&[file().with(UID, b"\x80\0\0\0\xff\xff\xff\xfe").block()]).uid,
        u32::MAX - 1
    );
    let records = [
        ("SCHILY.devmajor", &b"7"[..]),
        ("SCHILY.devminor", b"3000000"),
        ("mtime", b"-0.5"),
    ];
    let entry = one(&[extended(b'x', &records), Raw::new(b"d", b'4').block()]);
    assert_eq!(
        entry.kind,
        Kind::Block(Device {
            major: 7,
            minor: 3_000_000
        })
    );
    let device = Raw::new(b"d", b'3').with(MAJOR, b"7");
    for (magic, major) in [(&b"ustar\x0000"[..], 7), (GNU, 7), (b"", 0)] {
        let device = Raw(device.0).with(MAGIC, magic).block();
        let minor = 0;
        assert_eq!(
            one(&[device]).kind,
            Kind::Character(Device { major, minor })
        );
    }
    assert_eq!(
        entry.modified,
        Timestamp {
            seconds: -1,
            nanoseconds: 500_000_000
        }
    );
    let mode = Raw::new(b"f", b'0').with(super::super::field::MODE, b"0107755\0");
    assert_eq!(one(&[mode.block()]).mode, 0o7755);
}

#[test]
fn either_sum_of_the_bytes_is_a_checksum() {
    let mut block = Raw::new(b"\xe9\xff", b'0').0;
    let (unsigned, signed) = super::super::header::sums(&block);
    assert_ne!(unsigned, signed);
    for text in [
        format!("{unsigned:06o}\0 "),
        format!("{signed:06o}\0 "),
        format!("{unsigned:07o}\0"),
        format!("{unsigned:06o} \0"),
        format!("{unsigned:6o}\0\0"),
        format!("\0{unsigned:07o}"),
    ] {
        super::super::field::CHECKSUM.put(&mut block, text.as_bytes());
        assert_eq!(one(&[block.to_vec()]).path, b"\xe9\xff", "{text:?}");
    }
}

fn xattrs(records: &[(&str, &[u8])]) -> Entry {
    one(&[extended(b'x', records), file(b"f")])
}

#[test]
fn attributes_of_every_spelling_are_one_kind() {
    let entry = xattrs(&[
        ("SCHILY.xattr.user.a%3Db", b"one"),
        ("LIBARCHIVE.xattr.user.%62", b"dHdv"),
        ("RHT.security.selinux", b"label"),
        ("SCHILY.xattr.user.empty", b""),
        ("SCHILY.xattr.user.b", b"later"),
        ("SCHILY.xattr.system.posix_acl_access", b"\x02\0\0\0"),
        ("SCHILY.acl.access", b"user::rw-"),
        ("SCHILY.acl.default", b""),
        ("comment", b"none"),
        ("hdrcharset", b"BINARY"),
        ("VENDOR.word", b"\0"),
    ]);
    let expected = [
        (&b"user.a=b"[..], &b"one"[..]),
        (b"user.b", b"later"),
        (b"security.selinux", b"label\0"),
        (b"user.empty", b""),
    ]
    .map(|(name, value)| Xattr {
        name: name.to_vec(),
        value: value.to_vec(),
    });
    assert_eq!(entry.xattrs, expected);
    assert_eq!(entry.access_acl.as_deref(), Some(&b"user::rw-"[..]));
    assert_eq!(entry.default_acl, None);
}

#[test]
fn an_end_mark_is_one_block_of_zeros_or_more() {
    let zeros = |count| [file(b"f"), vec![0; count]].concat();
    for count in [512, 513, 1024, 10_240, 200_000] {
        assert_eq!(kit::read(&zeros(count)).unwrap().len(), 1);
    }
    assert!(kit::read(&[0; 512]).unwrap().is_empty());
}

#[test]
fn a_map_without_extents_is_a_hole() {
    let records = [
        ("GNU.sparse.size", &b"5000"[..]),
        ("GNU.sparse.offset", b"5000"),
        ("GNU.sparse.numbytes", b"0"),
    ];
    let entry = one(&[extended(b'x', &records), Raw::new(b"f", b'0').block()]);
    assert_eq!(
        entry.kind,
        Kind::File {
            size: 5000,
            extents: Some(Vec::new())
        }
    );
}

#[test]
fn the_old_map_is_read_from_under_any_magic_and_star_may_name_the_size() {
    let at = |start| Field::new("", start, 12);
    let raw = Raw::new(b"f", b'S')
        .with(at(386), b"00000010000\0")
        .with(at(398), b"5\0")
        .with(at(483), b"20000\0");
    let parts = [
        extended(b'x', &[("SCHILY.realsize", b"9000")]),
        raw.data(b"hello"),
    ];
    let extents = Some(vec![Extent {
        offset: 4096,
        length: 5,
    }]);
    assert_eq!(
        one(&parts).kind,
        Kind::File {
            size: 9000,
            extents
        }
    );
}
