//! Trees for tests: one of everything, and everything that can be seen of a tree.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, chmod, chown, getxattr,
    lgetxattr, llistxattr, lsetxattr, makedev, mknodat, setxattr, utimensat,
};
use rustix::process::geteuid;

/// `user::rwx,user:1234:r--,group::r-x,mask::r-x,other::r-x` as the kernel has it.
const ACL: &[u8] = b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x04\0\xd2\x04\0\0\
                     \x04\0\x05\0\xff\xff\xff\xff\x10\0\x05\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff";

/// A directory that is gone when its owner is.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("importd-tree-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A directory in it, which is made.
    pub(super) fn directory(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let parent = open(self.0.parent().unwrap());
        let name = CString::new(self.0.file_name().unwrap().as_bytes()).unwrap();
        let removed = super::remove(parent.as_fd(), &name);
        assert!(std::thread::panicking() || removed.is_ok(), "{removed:?}");
    }
}

pub(super) fn open(path: &Path) -> OwnedFd {
    File::open(path).unwrap().into()
}

/// Fills a directory with one of everything that may be made here.
pub(super) fn fill(top: &Path) {
    let write = |name: &str, content: &[u8]| fs::write(top.join(name), content).unwrap();
    fs::create_dir_all(top.join("a/b/c")).unwrap();
    fs::create_dir(top.join("empty")).unwrap();
    write("a/file", b"some bytes\n");
    write("a.txt", b"");
    write("a/b/big", &b"0123456789abcdef".repeat(40_000));
    write("größe\n\x1b", b"an odd name");
    write(&"long".repeat(60), b"a long name");
    fs::hard_link(top.join("a/file"), top.join("a/b/other")).unwrap();
    fs::hard_link(top.join("a/file"), top.join("zz")).unwrap();
    symlink("a/file", top.join("link")).unwrap();
    symlink("/nowhere/at/all".repeat(15), top.join("a/dangling")).unwrap();
    fs::hard_link(top.join("link"), top.join("link2")).unwrap();
    let sparse = File::create(top.join("sparse")).unwrap();
    sparse.write_all_at(b"begin", 0).unwrap();
    sparse.write_all_at(b"middle", 1 << 20).unwrap();
    sparse.set_len(3 << 20).unwrap();
    File::create(top.join("hole"))
        .unwrap()
        .set_len(1 << 20)
        .unwrap();
    node(top, "fifo", FileType::Fifo, 0);
    node(top, "a/socket", FileType::Socket, 0);
    set_attributes(top);
    if geteuid().is_root() {
        fill_as_root(top);
    }
    for (index, name) in [
        "link", "a/file", "fifo", "sparse", "a/b/c", "a/b", "a", "empty", ".",
    ]
    .iter()
    .enumerate()
    {
        let time = Timespec {
            tv_sec: 100_000_000 * (index as i64 - 1),
            tv_nsec: 123_456_789,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        utimensat(CWD, top.join(name), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}

fn set_attributes(top: &Path) {
    for (name, mode) in [
        ("a/file", 0o640),
        ("a/b/big", 0o4751),
        ("a/b", 0o2711),
        ("empty", 0o1777),
        ("fifo", 0o622),
    ] {
        chmod(top.join(name), Mode::from_raw_mode(mode)).unwrap();
    }
    for (name, value) in [
        ("user.note", &b"x\0y"[..]),
        ("user.source_url", b"forged"),
        ("user.importd.trust", b"forged"),
    ] {
        setxattr(top.join("a/file"), name, value, XattrFlags::empty()).unwrap();
        setxattr(top, name, value, XattrFlags::empty()).unwrap();
    }
    setxattr(
        top.join("a/b/big"),
        "user.large",
        &[7; 3000],
        XattrFlags::empty(),
    )
    .unwrap();
    setxattr(
        top.join("a/b/big"),
        "system.posix_acl_access",
        ACL,
        XattrFlags::empty(),
    )
    .unwrap();
    for name in ["system.posix_acl_access", "system.posix_acl_default"] {
        setxattr(top.join("a/b/c"), name, ACL, XattrFlags::empty()).unwrap();
    }
}

fn fill_as_root(top: &Path) {
    node(top, "null", FileType::CharacterDevice, makedev(1, 3));
    node(top, "a/disk", FileType::BlockDevice, makedev(259, 70_000));
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    fs::write(top.join("capable"), b"x").unwrap();
    for (name, id) in [
        ("a/b", 7),
        ("capable", 1000),
        ("zz", 1001),
        ("fifo", 5),
        ("null", 6),
    ] {
        chown(
            top.join(name),
            Some(rustix::fs::Uid::from_raw(id)),
            Some(rustix::fs::Gid::from_raw(id + 1)),
        )
        .unwrap();
    }
    chmod(top.join("a/b"), Mode::from_raw_mode(0o2711)).unwrap();
    setxattr(
        top.join("capable"),
        "security.capability",
        capability,
        XattrFlags::empty(),
    )
    .unwrap();
    for name in ["a/file", "link", "null", "fifo", "a/socket"] {
        lsetxattr(
            top.join(name),
            "trusted.note",
            b"root's",
            XattrFlags::empty(),
        )
        .unwrap();
    }
}

fn node(top: &Path, name: &str, kind: FileType, device: u64) {
    mknodat(
        CWD,
        top.join(name),
        kind,
        Mode::from_raw_mode(0o644),
        device,
    )
    .unwrap();
}

/// All that can be seen of a tree but records of ours, times of change and inode numbers.
pub(super) fn seen(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    let mut left = vec![top.to_owned()];
    let mut first_names = BTreeMap::new();
    while let Some(path) = left.pop() {
        let data = fs::symlink_metadata(&path).unwrap();
        let relative = path.strip_prefix(top).unwrap().to_owned();
        let content = if data.is_dir() {
            let mut inside: Vec<_> = fs::read_dir(&path)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            inside.sort();
            left.extend(inside.into_iter().rev());
            String::new()
        } else if data.is_file() {
            let holes = data.blocks() * 512 < data.len();
            format!(
                "{} holes={holes} {:?}",
                data.len(),
                crate::stream::sha256(&fs::read(&path).unwrap())
            )
        } else if data.is_symlink() {
            format!("{:?}", fs::read_link(&path).unwrap())
        } else {
            format!("{:?}", data.rdev())
        };
        let first = match data.is_dir() {
            true => relative.clone(),
            false => first_names
                .entry(data.ino())
                .or_insert(relative.clone())
                .clone(),
        };
        let line = format!(
            "{:o} {}:{} {}.{:09} {first:?} {content} {:?}",
            data.mode(),
            data.uid(),
            data.gid(),
            data.mtime(),
            data.mtime_nsec(),
            xattrs(&path)
        );
        seen.insert(relative, line);
    }
    seen
}

/// All but records of ours.
pub(super) fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 4096];
    let length = llistxattr(path, &mut names[..]).unwrap();
    let names = names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    names
        .filter(|name| !crate::terms::is_record_attribute(name))
        .map(|name| {
            let mut value = vec![0; 65536];
            let length = lgetxattr(path, name, &mut value[..]).unwrap();
            (
                String::from_utf8(name.to_vec()).unwrap(),
                value[..length].to_vec(),
            )
        })
        .collect()
}

pub(super) fn has_records(path: &Path) -> bool {
    getxattr(path, "user.source_url", &mut [0; 64][..]).is_ok()
}

/// Appends to a file.
pub(super) fn append(path: &Path, content: &[u8]) {
    use std::io::Write;
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
        .write_all(content)
        .unwrap();
}
