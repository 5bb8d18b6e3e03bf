//! A small tree, packed as an archive.

use std::io::Write;

use importd::format::tar::{Entry, Kind, Timestamp, Writer, Xattr};

/// A member without attributes of its own, from long ago.
pub fn member(path: &str, kind: Kind) -> Entry {
    Entry {
        path: path.into(),
        mode: if kind == Kind::Directory {
            0o755
        } else {
            0o644
        },
        kind,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        modified: Timestamp {
            seconds: 1_000_000_000,
            nanoseconds: 123_456_789,
        },
        xattrs: Vec::new(),
        access_acl: None,
        default_acl: None,
    }
}

/// An archive of these members, files with their contents.
pub fn archive_of(members: impl IntoIterator<Item = (Entry, &'static str)>) -> Vec<u8> {
    let mut archive = Writer::new(Vec::new());
    for (mut entry, content) in members {
        if let Kind::File { size, .. } = &mut entry.kind {
            *size = content.len() as u64;
        }
        archive.append(&entry).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap()
}

pub fn file(path: &str) -> Entry {
    member(
        path,
        Kind::File {
            size: 0,
            extents: None,
        },
    )
}

pub fn directory(path: &str) -> Entry {
    member(path, Kind::Directory)
}

/// A tree with one of most things: links of both kinds, an attribute, a fifo, and records that nobody may bring.
pub fn archive() -> Vec<u8> {
    let target = |target: &str| target.as_bytes().to_vec();
    let attribute = |name: &str, value: &str| Xattr {
        name: name.into(),
        value: value.into(),
    };
    let mut top = directory(".");
    top.mode = 0o750;
    top.xattrs = vec![
        attribute("user.importd.trust", "1 signature 00"),
        attribute("user.source_url", "http://elsewhere/"),
        attribute("user.mine", "top"),
    ];
    let mut program = file("./bin/program");
    program.mode = 0o4755;
    program.xattrs = vec![attribute("user.mine", "program")];
    let again = member(
        "./bin/again",
        Kind::HardLink {
            target: target("./bin/program"),
        },
    );
    let link = member(
        "./lib",
        Kind::Symlink {
            target: target("usr/lib"),
        },
    );
    archive_of([
        (top, ""),
        (directory("./bin"), ""),
        (program, "#!/bin/sh\n"),
        (again, ""),
        // Nothing in the archive makes the directories on the way there.
        (file("./usr/lib/first"), ""),
        (link, ""),
        (member("./pipe", Kind::Fifo), ""),
        (file("./lib/file"), "through a link"),
    ])
}
