//! A directory tree, attribute for attribute, as a value that can be compared and printed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Everything below a directory, by relative path; the directory itself is not in it. Equal snapshots mean that nothing
/// anyone can see has changed, access and change times and the layout on the disk aside.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Snapshot(pub BTreeMap<PathBuf, Entry>);

/// One file of any type.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// As `find -type`: f, d, l, c, b, p, s.
    pub kind: char,
    /// Permissions with the set-id and sticky bits.
    pub mode: u32,
    pub owner: (u32, u32),
    /// 0 for a directory, whose size is the file system's own affair.
    pub size: u64,
    /// Seconds and nanoseconds.
    pub modified: (i64, i64),
    pub links: u64,
    /// The device's number where it is one.
    pub device: u64,
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// SHA-256 of a regular file in hexadecimal, the target of a link, empty for others.
    pub content: String,
}

impl Snapshot {
    /// Of a directory that does not exist it is empty.
    #[track_caller]
    pub fn of(top: &Path) -> Self {
        let mut entries = BTreeMap::new();
        let mut left = vec![top.to_owned()];
        while let Some(directory) = left.pop() {
            let listing = match fs::read_dir(&directory) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                listing => listing.unwrap(),
            };
            for path in listing.map(|entry| entry.unwrap().path()) {
                let entry = Entry::of(&path);
                if entry.kind == 'd' {
                    left.push(path.clone());
                }
                entries.insert(path.strip_prefix(top).unwrap().to_owned(), entry);
            }
        }
        Self(entries)
    }

    /// The names at the top, sorted.
    pub fn names(&self) -> Vec<&str> {
        let top = self.0.keys().filter(|path| path.components().count() == 1);
        top.map(|path| path.to_str().unwrap()).collect()
    }

    #[track_caller]
    pub fn entry(&self, path: &str) -> &Entry {
        let entry = self.0.get(Path::new(path));
        entry.unwrap_or_else(|| panic!("`{path}` is not among\n{self:?}"))
    }
}

impl Entry {
    #[track_caller]
    pub fn of(path: &Path) -> Self {
        let data = fs::symlink_metadata(path).unwrap();
        let kind = match data.file_type() {
            kind if kind.is_file() => 'f',
            kind if kind.is_dir() => 'd',
            kind if kind.is_symlink() => 'l',
            kind if kind.is_char_device() => 'c',
            kind if kind.is_block_device() => 'b',
            kind if kind.is_fifo() => 'p',
            _ => 's',
        };
        let content = match kind {
            'f' => importd::stream::sha256(&fs::read(path).unwrap()).to_string(),
            'l' => fs::read_link(path).unwrap().display().to_string(),
            _ => String::new(),
        };
        Self {
            kind,
            mode: data.mode() & 0o7777,
            owner: (data.uid(), data.gid()),
            size: if kind == 'd' { 0 } else { data.size() },
            modified: (data.mtime(), data.mtime_nsec()),
            links: if kind == 'd' { 0 } else { data.nlink() },
            device: data.rdev(),
            xattrs: xattrs(path),
            content,
        }
    }

    /// The text of an extended attribute.
    pub fn xattr(&self, name: &str) -> Option<&str> {
        let value = self.xattrs.get(name)?;
        Some(std::str::from_utf8(value).unwrap())
    }
}

/// Empty where the file system has none.
fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 64 * 1024];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else {
        return BTreeMap::new();
    };
    let names = names[..length].split(|byte| *byte == 0);
    let value = |name: &str| {
        let mut value = vec![0; 64 * 1024];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
        value.truncate(length);
        value
    };
    (names.filter(|name| !name.is_empty()))
        .map(|name| String::from_utf8(name.to_vec()).unwrap())
        .map(|name| (name.clone(), value(&name)))
        .collect()
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, entry) in &self.0 {
            writeln!(f, "{} {entry:?}", path.display())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanoseconds) = self.modified;
        write!(f, "{} {:04o} {:?} ", self.kind, self.mode, self.owner)?;
        write!(f, "{} bytes {seconds}.{nanoseconds:09} ", self.size)?;
        write!(f, "links={} device={} ", self.links, self.device)?;
        for (name, value) in &self.xattrs {
            write!(f, "{name}={} ", value.escape_ascii())?;
        }
        f.write_str(&self.content)
    }
}

/// How much of the disk a file occupies, to be compared with its size where holes matter.
pub fn allocated_bytes(path: &Path) -> u64 {
    fs::metadata(path).unwrap().blocks() * 512
}
