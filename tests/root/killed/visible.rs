//! What is visible in a directory under its final name: as it was, or whole.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::kit::{Entry, Snapshot};

/// How temporary names begin.
const STAGED: &str = ".#importd.";

/// Whether that is a lock file, which is no image and is left by a kill.
fn is_lock(name: &str) -> bool {
    name.starts_with(".#") && name.ends_with(".lck")
}

/// Everything under final names, each with all that is in it.
pub type Visible = BTreeMap<String, Snapshot>;

fn names(directory: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap())
}

pub fn staged(directory: &Path) -> Vec<String> {
    names(directory)
        .filter(|name| name.starts_with(STAGED))
        .collect()
}

/// Everything that a transfer has to have swept.
pub fn leavings(directory: &Path) -> Vec<String> {
    names(directory)
        .filter(|name| name.starts_with(STAGED) || is_lock(name))
        .collect()
}

pub fn visible(directory: &Path) -> Visible {
    let finals = names(directory).filter(|name| !name.starts_with(STAGED) && !is_lock(name));
    finals
        .map(|name| (name.clone(), whole(&directory.join(name))))
        .collect()
}

/// A file or a tree, its own time aside: imports from a pipe and archives have none but the clock's.
fn whole(path: &Path) -> Snapshot {
    let mut top = Entry::of(path);
    top.modified = (0, 0);
    let mut snapshot = match top.kind {
        'd' => Snapshot::of(path),
        _ => Snapshot::default(),
    };
    snapshot.0.insert(PathBuf::new(), top);
    snapshot
}

/// Looks again and again at a directory in which a transfer is under way.
pub struct Watch<'a> {
    directory: PathBuf,
    what: &'a str,
    before: Visible,
    expected: &'a Visible,
    /// What was looked at already, by name and number.
    seen: HashSet<(String, u64)>,
    /// Whether anything was staged at any time.
    pub has_staged: bool,
}

impl<'a> Watch<'a> {
    pub fn new(directory: PathBuf, expected: &'a Visible, what: &'a str) -> Self {
        Self {
            before: visible(&directory),
            directory,
            what,
            expected,
            seen: HashSet::new(),
            has_staged: false,
        }
    }

    /// What has come up since the last time is whole.
    #[track_caller]
    pub fn look(&mut self) {
        for name in names(&self.directory) {
            if name.starts_with(STAGED) {
                self.has_staged = true;
                continue;
            }
            if is_lock(&name) {
                continue;
            }
            let path = self.directory.join(&name);
            let number = fs::symlink_metadata(&path).unwrap().ino();
            if self.seen.contains(&(name.clone(), number)) {
                continue;
            }
            let found = whole(&path);
            // Unless it has been replaced while it was looked at; then it is looked at again.
            if fs::symlink_metadata(&path).unwrap().ino() == number {
                self.judge(&name, &found);
                self.seen.insert((name, number));
            }
        }
    }

    /// Everything is as it was or whole, and nothing that was there is missing.
    #[track_caller]
    pub fn look_at_all(&self) {
        let now = visible(&self.directory);
        for (name, found) in &now {
            self.judge(name, found);
        }
        let mut missing = self.before.keys().filter(|name| !now.contains_key(*name));
        let missing = missing.next();
        assert!(missing.is_none(), "{}: {missing:?} is gone", self.what);
    }

    #[track_caller]
    fn judge(&self, name: &str, found: &Snapshot) {
        let known = [self.before.get(name), self.expected.get(name)];
        assert!(
            known.contains(&Some(found)),
            "{}: `{name}` is\n{found:?}\nand was to be one of\n{known:?}",
            self.what
        );
    }
}
