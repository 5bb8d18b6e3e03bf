//! What the writer writes says the same when it is read: by our reader, and by GNU tar.

use std::fs::File;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::{env, thread};

use super::super::{Device, Entry, Error, Extent, Fault, Kind, Timestamp, Writer, Xattr};
use super::kit::{self, Dice};

/// ASCII, UTF-8, anything.
const ALPHABETS: &[&[&[u8]]] = &[
    &[b"a", b"bc", b"/"],
    &[b"a", b"\xc3\xbc", b"/b"],
    &[b"\xff", b"a", b"\n", b" ", b"=", b"%", b"/."],
];

impl Dice {
    /// A name of any length and alphabet.
    fn name(&mut self) -> Vec<u8> {
        let alphabet = self.one_of(ALPHABETS);
        let length = self.one_of(&[1, 10, 60, 99, 100, 101, 120, 255, 256, 300, 2000]);
        let mut name = b"n".to_vec();
        while name.len() < length {
            name.extend_from_slice(self.one_of(alphabet));
        }
        while name.ends_with(b"/") {
            name.pop();
        }
        name
    }

    fn bytes(&mut self, limit: u64) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.roll() as u8).collect()
    }

    fn number(&mut self) -> u32 {
        let number = self.roll() as u32 >> self.below(32);
        number.min(u32::MAX - 1)
    }

    fn kind(&mut self) -> Kind {
        match self.below(9) {
            0 => Kind::Directory,
            1 => Kind::Fifo,
            2 => Kind::HardLink {
                target: self.name(),
            },
            3 => Kind::Symlink {
                target: self.name(),
            },
            4 => Kind::Character(self.device()),
            5 => Kind::Block(self.device()),
            6 => self.sparse(),
            _ => Kind::File {
                size: self.one_of(&[0, 1, 511, 512, 513, 3000]),
                extents: None,
            },
        }
    }

    fn device(&mut self) -> Device {
        Device {
            major: self.number(),
            minor: self.number(),
        }
    }

    fn sparse(&mut self) -> Kind {
        let mut end = 0;
        let mut extents: Vec<_> = (0..self.below(40))
            .map(|_| {
                let gap = self.one_of(&[2, 1 << 12, 1 << 40]);
                let offset = end + self.below(gap);
                let length = 512 * (1 + self.below(3));
                end = offset + length;
                Extent { offset, length }
            })
            .collect();
        if let Some(last) = extents.last_mut() {
            let more = self.below(512);
            last.length += more;
            end += more;
        }
        Kind::File {
            size: end + self.one_of(&[0, 1, 4096, 1 << 50]),
            extents: Some(extents),
        }
    }

    fn entry(&mut self) -> Entry {
        let seconds = self.roll() as i64;
        let xattrs = (0..self.below(4)).map(|index| Xattr {
            name: [format!("user.{index}").into_bytes(), self.name()].concat(),
            value: self.bytes(300),
        });
        Entry {
            xattrs: xattrs.collect(),
            path: self.name(),
            kind: self.kind(),
            mode: self.number() & 0o7777,
            uid: self.number(),
            gid: self.number(),
            modified: Timestamp {
                seconds: self.one_of(&[
                    0,
                    1,
                    -1,
                    1 << 33,
                    (1 << 33) - 1,
                    i64::MAX,
                    i64::MIN,
                    seconds,
                ]),
                nanoseconds: self.one_of(&[0, 1, 500_000_000, 999_999_999]),
            },
            access_acl: self
                .one_of(&[None, Some(&b"user::rw-,group::r--"[..])])
                .map(<[_]>::to_vec),
            default_acl: self
                .one_of(&[None, Some(&b"user::rwx\n"[..])])
                .map(<[_]>::to_vec),
        }
    }
}

fn stored(kind: &Kind) -> u64 {
    match kind {
        Kind::File {
            extents: Some(extents),
            ..
        } => extents.iter().map(|extent| extent.length).sum(),
        Kind::File { size, .. } => *size,
        _ => 0,
    }
}

fn members(seed: u64, count: usize) -> Vec<(Entry, Vec<u8>)> {
    let mut dice = Dice(seed);
    let member = |_| {
        let entry = dice.entry();
        let data = (0..stored(&entry.kind))
            .map(|_| dice.roll() as u8)
            .collect();
        (entry, data)
    };
    (0..count).map(member).collect()
}

fn written(members: &[(Entry, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (entry, data) in members {
        writer.append(entry).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn everything_that_is_written_is_read_again() {
    for seed in 1..=60 {
        let members = members(seed, 20);
        let archive = written(&members);
        assert_eq!(archive.len() % 512, 0);
        let read = kit::read(&archive).unwrap();
        for (read, member) in read.iter().zip(&members) {
            assert_eq!(read, member, "seed {seed}");
        }
        assert_eq!(read.len(), members.len());
        assert!(written(&read) == archive, "seed {seed}");
    }
}

#[test]
fn what_fits_into_a_header_has_no_other() {
    let plain = |path: &[u8]| Entry {
        path: path.to_vec(),
        kind: Kind::File {
            size: 0,
            extents: None,
        },
        mode: 0o644,
        uid: 0o7_777_777,
        gid: 0,
        modified: Timestamp {
            seconds: (1 << 33) - 1,
            nanoseconds: 0,
        },
        xattrs: Vec::new(),
        access_acl: None,
        default_acl: None,
    };
    let halves = [&[b'p'; 155][..], b"/", &[b'n'; 100]].concat();
    for path in [&b"f"[..], &[b'n'; 100], &halves, b"\xff"] {
        let archive = written(&[(plain(path), Vec::new())]);
        assert_eq!(archive.len(), 3 * 512, "{}", path.escape_ascii());
    }
    for path in [
        &[b'n'; 101][..],
        "ü".as_bytes(),
        &[&halves[..], b"n"].concat(),
    ] {
        assert_eq!(
            written(&[(plain(path), Vec::new())]).len() / 512,
            5 + path.len() / 512
        );
    }
}

fn file(size: u64, extents: Option<Vec<Extent>>) -> Entry {
    let (mut entry, _) = members(1, 1).remove(0);
    entry.kind = Kind::File { size, extents };
    entry
}

#[track_caller]
fn is(error: io::Error, said: &str) {
    assert!(
        Error::of(&error).is_some() && error.to_string().contains(said),
        "{error}"
    );
}

#[test]
fn more_or_less_data_than_were_promised_is_an_error() {
    let mut writer = Writer::new(Vec::new());
    writer.append(&file(5, None)).unwrap();
    writer.write_all(b"hel").unwrap();
    is(
        writer.append(&file(0, None)).unwrap_err(),
        "2 bytes of its data are missing",
    );
    is(writer.write_all(b"lo!").unwrap_err(), "more data");
    writer.write_all(b"lo").unwrap();
    is(writer.write_all(b"!").unwrap_err(), "more data");
    writer.append(&file(1, None)).unwrap();
    is(writer.finish().map(|_| ()).unwrap_err(), "1 bytes");
}

#[test]
fn what_no_archive_can_say_is_refused() {
    let refused = |entry: &Entry| match Writer::new(io::sink()).append(entry) {
        Err(error) => match Error::of(&error) {
            Some(Error::Unwritable(fault)) => *fault,
            _ => panic!("{error}"),
        },
        Ok(()) => panic!("{entry:?} was written"),
    };
    let extent = |offset, length| Extent { offset, length };
    let sparse = |extents: &[Extent]| refused(&file(2000, Some(extents.to_vec())));
    assert_eq!(sparse(&[extent(0, 512), extent(511, 1)]), Fault::MapOrder);
    assert_eq!(sparse(&[extent(1999, 2)]), Fault::MapBeyond);
    assert_eq!(
        sparse(&[extent(0, 511), extent(512, 1)]),
        Fault::MapUnaligned
    );
    assert_eq!(refused(&file(1 << 63, None)), Fault::Range("size"));
    let path = |path: &[u8]| {
        refused(&Entry {
            path: path.to_vec(),
            ..file(0, None)
        })
    };
    assert_eq!(path(b""), Fault::Empty("path"));
    assert_eq!(path(b"a\0"), Fault::Nul("path"));
    assert_eq!(path(&[b'p'; 4097]), Fault::TooLong("path", 4096));
    let mut large = file(0, None);
    large.xattrs = vec![Xattr {
        name: b"user.a".to_vec(),
        value: vec![0; 1 << 20],
    }];
    assert_eq!(refused(&large), Fault::TooLong("extended header", 1 << 20));
}

/// What GNU tar says of an archive, and nothing, but noted, where it is not installed.
fn gnu_tar(archive: &[u8], options: &[&str]) -> Option<Vec<u8>> {
    let version = Command::new("tar").arg("--version").output();
    if !version.is_ok_and(|version| version.stdout.starts_with(b"tar (GNU tar)")) {
        note_skipped("no GNU tar");
        return None;
    }
    let mut tar = Command::new("tar");
    tar.args(options).args(["-f", "-"]).env("LC_ALL", "C");
    tar.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = tar.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        scope.spawn(move || input.write_all(archive).unwrap());
        child.wait_with_output().unwrap()
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(output.stdout)
}

fn note_skipped(reason: &str) {
    let test = thread::current();
    let line = format!("skipped: {}: {reason}\n", test.name().unwrap_or("?"));
    eprint!("{line}");
    if let Some(path) = env::var_os("IMPORTD_SKIPS_FILE") {
        let mut options = File::options();
        let mut file = options.append(true).create(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

#[test]
fn gnu_tar_lists_what_was_written() {
    for seed in 100..110 {
        let members = members(seed, 20);
        let options = ["-t", "--quoting-style=literal"];
        let Some(listed) = gnu_tar(&written(&members), &options) else {
            return;
        };
        let mut expected = Vec::new();
        for (entry, _) in &members {
            expected.extend_from_slice(&entry.path);
            let is_directory = entry.kind == Kind::Directory;
            expected.extend_from_slice(if is_directory { b"/\n" } else { b"\n" });
        }
        assert!(listed == expected, "seed {seed}");
    }
}

#[test]
fn gnu_tar_unpacks_data_and_holes_as_written() {
    let mut dice = Dice(7);
    for _ in 0..20 {
        let extents = [
            Extent {
                offset: 512 * dice.below(9),
                length: 1024,
            },
            Extent {
                offset: 65536 * (1 + dice.below(9)),
                length: dice.below(3000),
            },
        ];
        let mut whole = vec![0; 700_000];
        let mut data = Vec::new();
        for extent in &extents {
            let bytes = (0..extent.length).map(|_| dice.roll() as u8);
            let bytes: Vec<_> = bytes.collect();
            whole[extent.offset as usize..][..bytes.len()].copy_from_slice(&bytes);
            data.extend_from_slice(&bytes);
        }
        let entry = file(700_000, Some(extents.to_vec()));
        let Some(unpacked) = gnu_tar(&written(&[(entry, data)]), &["-x", "-O"]) else {
            return;
        };
        assert!(unpacked == whole);
    }
}
