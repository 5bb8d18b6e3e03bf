//! What real programs packed: the same tree in every format, attributes, holes.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::super::{Device, Entry, Extent, Kind, Reader, Timestamp, Xattr};
use super::kit;

pub(super) fn fixture(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tar");
    fs::read(fixtures.join(format!("{name}.tar"))).unwrap()
}

pub(super) const ALL: &[&str] = &[
    "v7",
    "ustar",
    "oldgnu",
    "gnu",
    "pax",
    "bsdtar",
    "attributes",
    "bsdtar-attributes",
    "sparse-old",
    "sparse-0.0",
    "sparse-0.1",
    "sparse-1.0",
    "bsdtar-sparse",
];

/// One line for each member: path, kind, mode, owner, time, data.
fn listing(name: &str) -> Vec<String> {
    let members = kit::read(&fixture(name)).unwrap();
    members
        .iter()
        .map(|(entry, data)| line(entry, data))
        .collect()
}

fn line(entry: &Entry, data: &[u8]) -> String {
    let path = shortened(&entry.path);
    let kind = match &entry.kind {
        Kind::File { size, .. } => {
            assert_eq!(*size, data.len() as u64);
            format!("file {:?}", String::from_utf8_lossy(data))
        }
        Kind::HardLink { target } => format!("hard {}", shortened(target)),
        Kind::Symlink { target } => format!("link {}", shortened(target)),
        Kind::Character(Device { major, minor }) => format!("c {major}:{minor}"),
        Kind::Block(Device { major, minor }) => format!("b {major}:{minor}"),
        Kind::Directory => "dir".to_owned(),
        Kind::Fifo => "fifo".to_owned(),
    };
    let Timestamp {
        seconds,
        nanoseconds,
    } = entry.modified;
    let Entry { mode, uid, gid, .. } = entry;
    format!("{path} {kind} {mode:o} {uid}:{gid} {seconds}+{nanoseconds}")
}

/// Runs of one letter counted, so that long names can be told here.
fn shortened(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path).into_owned();
    text.replace(&"n".repeat(150), "(150 n)")
        .replace(&"m".repeat(70), "(70 m)")
}

const OLD: &[&str] = &[
    "tree dir 755 0:0 T",
    "tree/file file \"hello\\n\" 4755 1000:100 T",
    "tree/hard hard tree/file 4755 1000:100 T",
    "tree/link link file 777 0:0 T",
];
const USTAR: &[&str] = &[
    "tree/(70 m) dir 755 0:0 T",
    "tree/(70 m)/(70 m) file \"far\\n\" 644 0:0 T",
    "tree/fifo fifo 600 0:0 T",
    "tree/null c 1:3 600 0:0 T",
    "tree/disk b 7:0 600 0:0 T",
];
const LONG: &[&str] = &[
    "tree/(150 n) file \"long\\n\" 644 0:0 T",
    "tree/to-(150 n) link (150 n) 777 0:0 T",
    "tree/uid file \"uid\\n\" 644 3000000:3000001 T",
    "tree/old file \"old\\n\" 644 0:0 OLD",
    "tree/ü file \"umlaut\\n\" 644 0:0 T",
];

#[track_caller]
fn holds(name: &str, parts: &[&[&str]], time: &str, old: &str) {
    let expected: Vec<_> = parts
        .concat()
        .iter()
        .map(|line| line.replace("OLD", old).replace(" T", &format!(" {time}")))
        .collect();
    assert_eq!(listing(name), expected, "{name}");
}

#[test]
fn every_format_says_as_much_of_a_tree_as_it_can() {
    holds("v7", &[OLD], "1000000000+0", "");
    holds("ustar", &[OLD, USTAR], "1000000000+0", "");
    holds("oldgnu", &[OLD, USTAR, LONG], "1000000000+0", "-2+0");
    holds("gnu", &[OLD, USTAR, LONG], "1000000000+0", "-2+0");
    let (time, old) = ("1000000000+250000000", "-2+500000000");
    holds("pax", &[OLD, USTAR, LONG], time, old);
}

/// It writes the half second before 1969-12-31 23:59:59 as `-2.5`.
#[test]
fn what_bsdtar_packed_is_read() {
    let time = "1000000000+250000000";
    holds("bsdtar", &[OLD, USTAR, LONG], time, "-3+500000000");
}

#[test]
fn attributes_and_acls_come_from_either_programs_records() {
    for name in ["attributes", "bsdtar-attributes"] {
        let members = kit::read(&fixture(name)).unwrap();
        let [(directory, _), (file, _)] = members.as_slice() else {
            panic!("{members:?}");
        };
        let capability = [&b"\x01\0\0\x02\0\x04"[..], &[0; 14]].concat();
        let mut xattrs = file.xattrs.clone();
        xattrs.sort_by(|one, other| one.name.cmp(&other.name));
        let expected = [
            (&b"security.capability"[..], capability.as_slice()),
            (b"user.a=b%", b"\0\x0a\xff"),
            (b"user.key", b"value"),
        ]
        .map(|(name, value)| Xattr {
            name: name.to_vec(),
            value: value.to_vec(),
        });
        // bsdtar also writes `SCHILY.xattr.` records, without escapes.
        let escaped = b"user.a%3Db%25";
        xattrs.retain(|xattr| xattr.name != escaped);
        assert_eq!(xattrs, expected, "{name}");
        assert!(file.access_acl.as_ref().unwrap().starts_with(b"user::rw-"));
        assert!(file.default_acl.is_none());
        assert!(directory.default_acl.is_some());
    }
}

/// A byte at a time, with interruptions.
struct Drops<'a>(&'a [u8], bool);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn members_are_the_same_whatever_is_read_of_the_data_and_however_these_arrive() {
    for name in ALL {
        let archive = fixture(name);
        let members = kit::read(&archive).unwrap();
        let mut reader = Reader::new(Drops(&archive, false));
        for (index, (entry, data)) in members.iter().enumerate() {
            assert_eq!(reader.next_entry().unwrap().as_ref(), Some(entry));
            let part = data.len() * (index % 3) / 2;
            let mut read = vec![0; part];
            reader.read_exact(&mut read).unwrap();
            assert!(data.starts_with(&read));
        }
        assert!(reader.next_entry().unwrap().is_none());
    }
}

#[test]
fn holes_are_found_in_every_sparse_format() {
    for name in ["sparse-old", "sparse-0.0", "sparse-0.1", "sparse-1.0"] {
        let members = kit::read(&fixture(name)).unwrap();
        let [(entry, data)] = members.as_slice() else {
            panic!("{members:?}");
        };
        assert_eq!(entry.path, b"holes");
        let extents = (0..30).map(|index| Extent {
            offset: 8192 * index + 1024,
            length: 512,
        });
        let expected = Kind::File {
            size: 8192 * 30,
            extents: Some(extents.collect()),
        };
        assert_eq!(entry.kind, expected, "{name}");
        let stored: Vec<u8> = (0..30).flat_map(|index| [65 + index; 512]).collect();
        assert!(*data == stored, "{name}");
    }
    let (entry, data) = kit::read(&fixture("bsdtar-sparse")).unwrap().remove(0);
    let extents = [0, 2, 5].map(|index| Extent {
        offset: 65536 * index,
        length: 4096,
    });
    let expected = Kind::File {
        size: 65536 * 6,
        extents: Some(extents.to_vec()),
    };
    assert_eq!((entry.kind, data.len()), (expected, 3 * 4096));
}
