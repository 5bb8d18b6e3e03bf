//! Members in a few letters, a tree to take them out into, and a watch on what lies beside it.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{getegid, geteuid};

use crate::format::tar::{Entry, Kind, Timestamp};
use crate::stream::Cancel;
use crate::tree::Error;
use crate::tree::Working;
use crate::tree::extract::{Extracted, Extraction};

pub(super) const TIME: Timestamp = Timestamp {
    seconds: 1_000_000_000,
    nanoseconds: 123_456_789,
};

pub(super) fn member(path: &str, kind: Kind) -> Entry {
    let mode = match kind {
        Kind::Directory => 0o755,
        _ => 0o644,
    };
    Entry {
        path: path.into(),
        kind,
        mode,
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
        modified: TIME,
        xattrs: Vec::new(),
        access_acl: None,
        default_acl: None,
    }
}

pub(super) fn file(path: &str, size: u64) -> Entry {
    let extents = None;
    member(path, Kind::File { size, extents })
}

pub(super) fn directory(path: &str) -> Entry {
    member(path, Kind::Directory)
}

/// Members apart by `; `, each a letter as `find -type` (and `h` for a hard link) with octal permissions or none, the
/// name, and what a link points to. A file holds its own name.
pub(super) fn parse(members: &str) -> Vec<Entry> {
    let members = members.split("; ").filter(|member| !member.is_empty());
    members.map(parse_member).collect()
}

fn parse_member(text: &str) -> Entry {
    let mut words = text.splitn(3, ' ');
    let (kind, mode) = words.next().unwrap().split_at(1);
    let path = words.next().unwrap();
    let mut target = || words.next().unwrap_or_default().into();
    let mut entry = match kind {
        "d" => directory(path),
        "f" => file(path, path.len() as u64),
        "l" => member(path, Kind::Symlink { target: target() }),
        "h" => member(path, Kind::HardLink { target: target() }),
        "p" => member(path, Kind::Fifo),
        _ => panic!("`{text}` is no member"),
    };
    if !mode.is_empty() {
        entry.mode = u32::from_str_radix(mode, 8).unwrap();
    }
    entry
}

/// A tree and its surroundings, gone with it.
pub(super) struct Case {
    base: PathBuf,
    outside: String,
}

impl Case {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("importd-extract-{}-{number}", std::process::id());
        let base = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&base);
        fs::create_dir_all(base.join("top")).unwrap();
        fs::create_dir_all(base.join("outside/dir")).unwrap();
        for victim in ["outside/victim", "outside/dir/victim", "victim"] {
            fs::write(base.join(victim), victim).unwrap();
        }
        let mut case = Self {
            base,
            outside: String::new(),
        };
        case.outside = case.watch();
        case
    }

    pub(super) fn top(&self) -> PathBuf {
        self.base.join("top")
    }

    /// Where strangers have no business.
    pub(super) fn outside(&self) -> PathBuf {
        self.base.join("outside")
    }

    /// Takes members out into the tree, each file with its name in it. `@` in them is the path of what is outside.
    pub(super) fn extract(&self, members: &str) -> Result<Extracted, Error> {
        let members = members.replace('@', self.outside().to_str().unwrap());
        let entries = parse(&members);
        let with_data: Vec<_> = entries
            .iter()
            .map(|entry| (entry.clone(), &entry.path[..]))
            .collect();
        self.run(&with_data)
    }

    pub(super) fn run(&self, members: &[(Entry, &[u8])]) -> Result<Extracted, Error> {
        let mut how = Working {
            cancel: &Cancel::new().unwrap(),
            selinux: false,
            to_disk: false,
            filler: Some("filler"),
            tick: &mut || {},
        };
        self.run_with(members, &mut how)
    }

    pub(super) fn run_with(
        &self,
        members: &[(Entry, &[u8])],
        how: &mut Working<'_>,
    ) -> Result<Extracted, Error> {
        let top = fs::File::open(self.top()).unwrap();
        let done = Extraction::run(top.as_fd(), how, |extraction| {
            let mut members = members.iter();
            members.try_for_each(|(entry, data)| extraction.add(entry, &mut &data[..]))
        });
        assert_eq!(self.watch(), self.outside, "something outside has changed");
        done
    }

    /// The tree, in the words of [`parse`], with the number of names where there are several.
    pub(super) fn listing(&self) -> String {
        let lines = walk(&self.top(), &|_| true);
        let lines: Vec<_> = lines
            .iter()
            .map(|path| describe(&self.top(), path))
            .collect();
        lines.join(", ")
    }

    /// All that is to be seen of what is not in the tree, access times aside.
    fn watch(&self) -> String {
        let beside = walk(&self.base, &|path| !path.starts_with(self.top()));
        let describe = |path: &PathBuf| {
            let data = fs::symlink_metadata(path).unwrap();
            let seen = (
                data.ino(),
                data.mode(),
                data.uid(),
                data.gid(),
                data.nlink(),
            );
            let times = (
                data.mtime(),
                data.mtime_nsec(),
                data.ctime(),
                data.ctime_nsec(),
            );
            format!(
                "{} {seen:?} {times:?} {:?}\n",
                path.display(),
                fs::read(path).ok()
            )
        };
        beside.iter().map(describe).collect()
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
    }
}

/// Every path below, sorted.
fn walk(top: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![top.to_owned()]);
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if !wanted(&path) {
                continue;
            }
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                left.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

fn describe(top: &Path, path: &Path) -> String {
    let data = fs::symlink_metadata(path).unwrap();
    let (name, kind) = (path.strip_prefix(top).unwrap().display(), data.file_type());
    let mode = data.permissions().mode() & 0o7777;
    let links = match data.nlink() {
        links @ 2.. if !kind.is_dir() => format!(" *{links}"),
        _ => String::new(),
    };
    if kind.is_symlink() {
        return format!("l {name} {}{links}", fs::read_link(path).unwrap().display());
    }
    let letter = match kind {
        kind if kind.is_dir() => 'd',
        kind if kind.is_fifo() => 'p',
        kind if kind.is_char_device() => 'c',
        kind if kind.is_block_device() => 'b',
        _ => 'f',
    };
    format!("{letter}{mode:04o} {name}{links}")
}
