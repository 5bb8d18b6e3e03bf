//! A tree as facts that can be compared one by one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::kit::{Entry, Snapshot};

/// What is said of one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    Kind,
    Mode,
    Owner,
    Modified,
    Size,
    /// Its sum, or what a link points to.
    Content,
    Device,
    /// Where it is no hole.
    Data,
    /// The first of all names that it has.
    FirstName,
    Xattr(String),
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xattr(name) => write!(f, "Xattr({name})"),
            aspect => write!(f, "{aspect:?}"),
        }
    }
}

/// The time of what was not given one.
pub const NOW: &str = "now";

/// A path beneath the top, which is empty for the top itself.
pub type Key = (PathBuf, Aspect);

pub type Facts = BTreeMap<Key, String>;

/// Later times are those of the extraction; the archives' own are earlier. In 2025.
const RECENT: i64 = 1_750_000_000;

/// Of the tree `top`, which lies in a directory of its own.
pub fn of(top: &Path) -> Facts {
    let mut facts = Facts::new();
    let mut first_names = BTreeMap::new();
    let snapshot = Snapshot::of(top.parent().unwrap());
    for (path, entry) in &snapshot.0 {
        let path = path.strip_prefix(top.file_name().unwrap()).unwrap();
        let file = top.join(path);
        let mut say = |aspect, value| facts.insert((path.to_owned(), aspect), value);
        for (aspect, value) in plain(entry) {
            say(aspect, value);
        }
        for (name, value) in &entry.xattrs {
            say(
                Aspect::Xattr(name.clone()),
                value.escape_ascii().to_string(),
            );
        }
        if entry.kind == 'f' {
            say(Aspect::Data, format!("{:?}", data(&file)));
        }
        if entry.kind != 'd' {
            let status = fs::symlink_metadata(&file).unwrap();
            let id = (status.dev(), status.ino());
            let first = first_names.entry(id).or_insert_with(|| path.to_owned());
            say(Aspect::FirstName, first.display().to_string());
        }
    }
    facts
}

fn plain(entry: &Entry) -> Vec<(Aspect, String)> {
    let (seconds, nanoseconds) = entry.modified;
    let modified = match seconds >= RECENT {
        true => NOW.to_owned(),
        false => format!("{seconds}+{nanoseconds}"),
    };
    let mut plain = vec![
        (Aspect::Kind, entry.kind.to_string()),
        (Aspect::Mode, format!("{:04o}", entry.mode)),
        (Aspect::Owner, format!("{:?}", entry.owner)),
        (Aspect::Modified, modified),
    ];
    if entry.kind == 'f' {
        plain.push((Aspect::Size, entry.size.to_string()));
    }
    if !entry.content.is_empty() {
        plain.push((Aspect::Content, entry.content.clone()));
    }
    if entry.device != 0 {
        plain.push((Aspect::Device, entry.device.to_string()));
    }
    plain
}

/// The stretches of a file that occupy the disk.
fn data(path: &Path) -> Vec<(u64, u64)> {
    let file = File::open(path).unwrap();
    let (mut stretches, mut at) = (Vec::new(), 0);
    loop {
        let start = match rustix::fs::seek(&file, SeekFrom::Data(at)) {
            Err(Errno::NXIO) => return stretches,
            start => start.unwrap(),
        };
        at = rustix::fs::seek(&file, SeekFrom::Hole(start)).unwrap();
        stretches.push((start, at));
    }
}
