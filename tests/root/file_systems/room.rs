//! A file system with sources on it and a place for images, the same sources elsewhere, and a server that has them too.

use std::fs::{self, File, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use importd::sys::btrfs;
use rustix::fs::{
    CWD, FileType, IFlags, Mode, XattrFlags, ioctl_getflags, ioctl_setflags, makedev, mknodat,
    setxattr, statfs,
};

use super::FileSystem;
use super::operations::{Before, Mark};
use crate::kit::{Case, Outcome, Reply, Snapshot, clear, pack, tool};
use crate::places::noise;

/// What a disk image has in its two places, between which there is nothing.
const PIECE_BYTES: usize = 64 << 10;
const SECOND_PIECE_AT: usize = 5 << 20;
const DISK_BYTES: usize = 8 << 20;
/// More than the data of any sparse file here, and much less than its size.
pub const SPARSE_LIMIT_BYTES: u64 = 512 << 10;

/// The type of XFS in statfs(2).
const XFS: i64 = 0x5846_5342;

pub struct Room {
    pub on: FileSystem,
    mount: PathBuf,
    case: Case,
    disk: Vec<u8>,
    tree: Snapshot,
}

impl Room {
    pub fn new(on: FileSystem, mount: PathBuf, binary: &Path) -> Self {
        let mut disk = vec![0; DISK_BYTES];
        for (piece, at) in noise(2 * PIECE_BYTES)
            .chunks(PIECE_BYTES)
            .zip([0, SECOND_PIECE_AT])
        {
            disk[at..at + PIECE_BYTES].copy_from_slice(piece);
        }
        let subvolumes = if on.subvolumes { "yes" } else { "no" };
        let case = Case::new()
            .without_root()
            .of_binary(binary)
            .env("SYSTEMD_IMPORT_BTRFS_SUBVOL", subvolumes);
        let elsewhere = case.dir();
        make_sources(&elsewhere, &disk);
        let [packed, archive] = [
            pack("disk.raw.gz", &disk),
            fs::read(elsewhere.join("tree.tar")).unwrap(),
        ];
        let served = [
            ("disk.raw", &disk),
            ("disk.raw.gz", &packed),
            ("tree.tar", &archive),
        ];
        let case = case.serve_sums(&served.map(|(name, bytes)| (name, &bytes[..])));
        let serve = |case: Case, (name, bytes): (&str, &Vec<u8>)| {
            case.serve_as(name, Reply::body(bytes.clone()).etag("\"first\""))
        };
        let case = served.into_iter().fold(case, serve);
        for directory in ["given", "images", "out"] {
            fs::create_dir_all(mount.join(directory)).unwrap();
        }
        // Where others get at a tree nobody vouches for it.
        fs::set_permissions(mount.join("images"), Permissions::from_mode(0o700)).unwrap();
        for source in ["disk.raw", "tree.tar", "tree"] {
            let [from, to] = [elsewhere.join(source), mount.join("given")];
            tool("cp", ["-a", text(&from), text(&to)]);
        }
        let tree = subtree(&Snapshot::of(&elsewhere), "tree");
        Self {
            on,
            mount,
            case,
            disk,
            tree,
        }
    }

    /// A directory of the room: `images`, `given` and `out` are on its file system.
    pub fn path(&self, name: &str) -> PathBuf {
        match name {
            "elsewhere" => self.case.dir().join("out"),
            name => self.mount.join(name),
        }
    }

    /// Runs `importctl` for these words, with a demand that the sources here meet.
    pub fn run(&self, words: &[&str]) -> Outcome {
        let place = format!("--image-root={}", self.path("images").display());
        let fill = |word: &str| {
            let mut word = word.replace("{elsewhere}", text(&self.case.dir()));
            for name in ["given", "images", "out"] {
                word = word.replace(&format!("{{{name}}}"), text(&self.mount.join(name)));
            }
            word
        };
        let words: Vec<_> = words.iter().map(|word| fill(word)).collect();
        let fixed = ["-m", "--verify=checksum", &place];
        (self.case).importctl(fixed.into_iter().chain(words.iter().map(String::as_str)))
    }

    /// Removes what operations left.
    pub fn clear(&self) {
        for directory in ["images", "out", "elsewhere"] {
            clear(&self.path(directory));
        }
    }

    pub fn prepare(&self, before: &Before) {
        match before {
            Before::Nothing => {}
            Before::Runs(runs) => {
                for words in *runs {
                    self.run(words).ok();
                }
            }
            Before::OldDisk(mark) => {
                let path = self.path("images").join("img.raw");
                fs::write(&path, "old").unwrap();
                match mark {
                    Mark::None => {}
                    Mark::ReadOnly => {
                        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
                    }
                    Mark::Immutable => make_immutable(&path),
                }
            }
            Before::OldTree(mark) => self.make_old_tree(*mark),
        }
    }

    fn make_old_tree(&self, mark: Mark) {
        let images = self.path("images");
        let path = images.join("img");
        if self.on.tree == "subvolume" {
            btrfs::create_subvolume(File::open(&images).unwrap().as_fd(), c"img").unwrap();
        } else {
            fs::create_dir(&path).unwrap();
        }
        fs::create_dir(path.join("old")).unwrap();
        fs::write(path.join("old/file"), "old").unwrap();
        match mark {
            Mark::None => {}
            Mark::ReadOnly if self.on.marked == "read-only" => {
                btrfs::set_read_only(File::open(&path).unwrap().as_fd(), true).unwrap();
            }
            Mark::ReadOnly | Mark::Immutable => make_immutable(&path),
        }
    }

    /// Puts the file system's own words into a text.
    pub fn fill_words(&self, text: &str) -> String {
        let FileSystem { tree, marked, .. } = self.on;
        text.replace("TREE", tree).replace("MARKED", marked)
    }

    pub fn is_disk(&self, path: &Path) -> bool {
        fs::read(path).unwrap() == self.disk
    }

    /// Whether `name` in this directory is the source's tree in all that anybody can see.
    pub fn is_tree(&self, directory: &Path, name: &str) -> bool {
        let mut found = subtree(&Snapshot::of(directory), name);
        if statfs(directory).unwrap().f_type == XFS {
            // The ACLs once more.
            let again = |name: &str| name.starts_with("trusted.SGI_ACL_");
            let entries = found.0.values_mut();
            entries.for_each(|entry| entry.xattrs.retain(|name, _| !again(name)));
        }
        let same = found == self.tree;
        if !same {
            eprintln!("is\n{found:?}\nwas\n{:?}", self.tree);
        }
        same
    }

    /// The same of what GNU tar makes of an archive.
    pub fn is_archive(&self, path: &Path) -> bool {
        let unpacked = self.case.dir().join("unpacked");
        fs::create_dir_all(unpacked.join("tree")).unwrap();
        let top = unpacked.join("tree");
        let options = [
            "--xattrs",
            "--xattrs-include=*",
            "--acls",
            "--numeric-owner",
        ];
        tool(
            "tar",
            options
                .into_iter()
                .chain(["-xpf", text(path), "-C", text(&top)]),
        );
        let same = self.is_tree(&unpacked, "tree");
        fs::remove_dir_all(unpacked).unwrap();
        same
    }
}

/// What stands below `name` in a snapshot and that itself, without records that only the program writes.
fn subtree(of: &Snapshot, name: &str) -> Snapshot {
    let entries = of.0.iter().filter_map(|(path, entry)| {
        let mut entry = entry.clone();
        let records = ["user.source_", "user.importd.", "user.crtime_usec"];
        let is_record = |name: &str| records.iter().any(|record| name.starts_with(record));
        entry.xattrs.retain(|name, _| !is_record(name));
        Some((path.strip_prefix(name).ok()?.to_owned(), entry))
    });
    Snapshot(entries.collect())
}

/// A disk image with its holes and without, a tree with one of most things, and an archive of that by GNU tar.
fn make_sources(place: &Path, disk: &[u8]) {
    fs::create_dir(place.join("out")).unwrap();
    fs::write(place.join("full.raw"), disk).unwrap();
    let file = File::create(place.join("disk.raw")).unwrap();
    for at in [0, SECOND_PIECE_AT] {
        file.write_all_at(&disk[at..at + PIECE_BYTES], at as u64)
            .unwrap();
    }
    file.set_len(DISK_BYTES as u64).unwrap();
    let tree = place.join("tree");
    make_tree(&tree, &disk[..PIECE_BYTES]);
    let options = ["--format=posix", "--sparse", "--numeric-owner", "--acls"];
    let attributes = ["--xattrs", "--xattrs-include=*"];
    let archive = place.join("tree.tar");
    let words = ["-cf", text(&archive), "-C", text(&tree), "."];
    tool("tar", options.into_iter().chain(attributes).chain(words));
}

fn make_tree(tree: &Path, piece: &[u8]) {
    for directory in ["bin", "usr/lib", "closed", "empty"] {
        fs::create_dir_all(tree.join(directory)).unwrap();
    }
    fs::write(tree.join("data"), piece.repeat(3)).unwrap();
    let sparse = File::create(tree.join("sparse")).unwrap();
    sparse.write_all_at(piece, 2 << 20).unwrap();
    sparse.set_len(4 << 20).unwrap();
    fs::write(tree.join("bin/program"), "#!/bin/sh\n").unwrap();
    fs::write(tree.join("usr/lib/first"), "first").unwrap();
    fs::write(tree.join("closed/secret"), "secret").unwrap();
    fs::hard_link(tree.join("bin/program"), tree.join("bin/again")).unwrap();
    symlink("usr/lib", tree.join("lib")).unwrap();
    std::os::unix::fs::chown(tree.join("closed"), Some(1000), Some(2000)).unwrap();
    for (path, mode) in [("", 0o750), ("bin/program", 0o4755), ("closed", 0o700)] {
        fs::set_permissions(tree.join(path), Permissions::from_mode(mode)).unwrap();
    }
    for (name, kind, device) in [
        ("pipe", FileType::Fifo, 0),
        ("null", FileType::CharacterDevice, makedev(1, 3)),
    ] {
        mknodat(
            CWD,
            tree.join(name),
            kind,
            Mode::from_raw_mode(0o640),
            device,
        )
        .unwrap();
    }
    set_attributes(tree);
    // Innermost first, since a directory's time changes with what is in it.
    let touch = ["touch", "-h", "-d", "@1000000000.123456789"];
    let find = [text(tree), "-depth", "-exec"];
    tool("find", find.into_iter().chain(touch).chain(["{}", "+"]));
}

fn set_attributes(tree: &Path) {
    for path in ["", "data", "bin/program", "empty"] {
        setxattr(
            tree.join(path),
            "user.mine",
            path.as_bytes(),
            XattrFlags::empty(),
        )
        .unwrap();
    }
    // What another user may do as well, one without a name: linux/posix_acl_xattr.h.
    let entry = |tag: u16, rights: u16, id: u32| {
        [
            &tag.to_le_bytes()[..],
            &rights.to_le_bytes(),
            &id.to_le_bytes(),
        ]
        .concat()
    };
    let (nobody, mut acl) = (u32::MAX, 2_u32.to_le_bytes().to_vec());
    for (tag, rights, id) in [
        (1, 6, nobody),
        (2, 6, 77777),
        (4, 4, nobody),
        (16, 6, nobody),
        (32, 4, nobody),
    ] {
        acl.extend(entry(tag, rights, id));
    }
    let granted = tree.join("usr/lib/first");
    setxattr(
        granted,
        "system.posix_acl_access",
        &acl,
        XattrFlags::empty(),
    )
    .unwrap();
}

fn make_immutable(path: &Path) {
    let file = File::open(path).unwrap();
    let flags = ioctl_getflags(&file).unwrap();
    ioctl_setflags(&file, flags | IFlags::IMMUTABLE).unwrap();
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
