//! A root file system that holds the program, what archives point at, and nothing else: all of it is watched.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, makedev, mknodat, setxattr};

use crate::kit::{Snapshot, tool};

/// What the program may have of memory that it writes to, for any archive.
pub const DATA_BYTES: u64 = 64 << 20;

/// The world, below an empty directory that is somebody else's.
pub struct World {
    base: PathBuf,
    before: Watched,
}

/// All that is there, and which file it was and when it was last changed in any way: a change that is undone shows.
type Watched = (Snapshot, BTreeMap<PathBuf, (u64, i64, i64)>);

impl World {
    pub fn new(base: PathBuf, binary: &Path) -> Self {
        let root = base.join("root");
        for directory in ["outside/dir", "outside/closed", "images/other/dir", "etc"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        fs::copy(binary, root.join("importd")).unwrap();
        for file in [
            "victim",
            "etc/passwd",
            "outside/victim",
            "outside/set-id",
            "outside/dir/victim",
            "images/other/victim",
            "images/other.raw",
        ] {
            fs::write(root.join(file), file).unwrap();
            chown(root.join(file), Some(1), Some(2)).unwrap();
            setxattr(root.join(file), "user.mine", b"v", XattrFlags::empty()).unwrap();
        }
        symlink("victim", root.join("outside/link")).unwrap();
        let root_text = root.to_str().unwrap();
        tool("chmod", ["6755", &format!("{root_text}/outside/set-id")]);
        tool("chmod", ["0700", &format!("{root_text}/outside/closed")]);
        tool("mkfifo", [&format!("{root_text}/outside/fifo")]);
        let device = root.join("outside/device");
        let null = makedev(1, 3);
        let kind = FileType::CharacterDevice;
        mknodat(CWD, &device, kind, Mode::from_raw_mode(0o600), null).unwrap();
        let mut world = Self {
            base,
            before: (Snapshot::default(), BTreeMap::new()),
        };
        world.before = world.watch();
        world
    }

    pub fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    pub fn images(&self) -> PathBuf {
        self.root().join("images")
    }

    fn watch(&self) -> Watched {
        let mut snapshot = Snapshot::of(&self.root());
        // Images come and go.
        snapshot.0.get_mut(Path::new("images")).unwrap().modified = (0, 0);
        let look = |path: &PathBuf| {
            let data = fs::symlink_metadata(self.root().join(path)).unwrap();
            let seen = (data.ino(), data.ctime(), data.ctime_nsec());
            (path.clone(), seen)
        };
        let others = snapshot.0.keys().filter(|path| *path != "images");
        let changes = others.map(look).collect();
        (snapshot, changes)
    }

    /// Nothing has changed, and nothing was added.
    #[track_caller]
    pub fn assert_untouched(&self, what: &str) {
        let now = self.watch();
        let added = now
            .0
            .0
            .keys()
            .filter(|path| !self.before.0.0.contains_key(*path));
        let added: Vec<_> = added.collect();
        assert!(added.is_empty(), "{what}: {added:?} was added");
        assert!(
            now == self.before,
            "{what}: {:?} was {:?}",
            now,
            self.before
        );
    }

    /// The program in this root, its memory limited, which is to import from standard input as `x`.
    pub fn import(&self, data_bytes: u64) -> Command {
        let limit = format!("--data={data_bytes}");
        let mut command = Command::new("prlimit");
        command
            .arg(limit)
            .arg("chroot")
            .arg(self.root())
            .args(["/importd", "importctl", "-m", "--image-root=/images"])
            .args(["import-tar", "-", "x"])
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    /// Imports an archive as `x`.
    pub fn import_all(&self, archive: &[u8]) -> Output {
        let path = self.base.join("archive.tar");
        fs::write(&path, archive).unwrap();
        let file = fs::File::open(&path).unwrap();
        let output = self.import(DATA_BYTES).stdin(file).output().unwrap();
        fs::remove_file(path).unwrap();
        output
    }

    /// Takes the image `x` out of the root, to where nobody watches, and says what is in it.
    pub fn take(&self) -> String {
        let taken = self.base.join("taken");
        fs::rename(self.images().join("x"), &taken).unwrap();
        listing(&taken)
    }

    /// Removes what was taken, once the root was looked at: a hard link to what is in there would go with it.
    pub fn forget(&self) {
        fs::remove_dir_all(self.base.join("taken")).unwrap();
    }
}

/// A tree in the words of [`members`](super::archive::members), sorted, with the number of names where there are
/// several, device numbers, the content of a file that is not its name, and extended attributes.
fn listing(top: &Path) -> String {
    let mut lines = vec![describe(top, Path::new("."))];
    let tree = walk(top);
    lines.extend(
        tree.iter()
            .map(|path| describe(top, path.strip_prefix(top).unwrap())),
    );
    // The top itself only where there is something to say.
    lines.retain(|line| line != "d0755 .");
    lines.join(", ")
}

/// Every path below, sorted.
fn walk(top: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![top.to_owned()]);
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                left.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

fn describe(top: &Path, name: &Path) -> String {
    let path = top.join(name);
    let data = fs::symlink_metadata(&path).unwrap();
    let (kind, mode) = (data.file_type(), data.mode() & 0o7777);
    let name = name.as_os_str().as_encoded_bytes().escape_ascii();
    let mut line = match kind {
        kind if kind.is_dir() => format!("d{mode:04o} {name}"),
        kind if kind.is_fifo() => format!("p{mode:04o} {name}"),
        kind if kind.is_char_device() => format!("c{mode:04o} {name}"),
        kind if kind.is_block_device() => format!("b{mode:04o} {name}"),
        kind if kind.is_symlink() => {
            let target = fs::read_link(&path).unwrap();
            format!("l {name} {}", target.display())
        }
        _ => format!("f{mode:04o} {name}"),
    };
    if data.rdev() != 0 {
        let (major, minor) = (
            rustix::fs::major(data.rdev()),
            rustix::fs::minor(data.rdev()),
        );
        write!(line, " {major}:{minor}").unwrap();
    }
    if kind.is_file() && data.size() > 64 {
        write!(line, "={} bytes", data.size()).unwrap();
    } else if kind.is_file() {
        let content = fs::read(&path).unwrap().escape_ascii().to_string();
        if content != name.to_string() {
            write!(line, "={content}").unwrap();
        }
    }
    if data.nlink() > 1 && !kind.is_dir() {
        write!(line, " *{}", data.nlink()).unwrap();
    }
    for name in xattrs(&path) {
        write!(line, " +{name}").unwrap();
    }
    line
}

fn xattrs(path: &Path) -> Vec<String> {
    let mut names = vec![0; 64 << 10];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let names = names[..length].split(|byte| *byte == 0);
    let names = names.filter(|name| !name.is_empty());
    let mut names: Vec<_> = names.map(|name| name.escape_ascii().to_string()).collect();
    names.sort();
    names
}
