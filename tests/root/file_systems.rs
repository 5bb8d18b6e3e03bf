//! What the file system makes of an image: the same operations on each, and what is left of them, as data.
//!
//! A file system is a row of words, below; an operation says in these words what it leaves. What is left is looked at
//! and told in the same words: of every copy whether it is equal to its source and has its holes, how it is marked as
//! read-only, and with what it shares its extents.

/// What is there, in words.
mod look;
/// What is done, and what it leaves.
mod operations;
/// Sources, and a place for images on the file system in question.
mod room;

use std::fs;

use crate::kit::{Case, archive, need, need_root};
use crate::mount::Mount;
use crate::static_binary::binary;

use operations::OPERATIONS;
use room::Room;

/// A file system, in words.
#[derive(Clone, Copy)]
pub struct FileSystem {
    mount: fn() -> Mount,
    /// Value of `$SYSTEMD_IMPORT_BTRFS_SUBVOL`.
    subvolumes: bool,
    /// What a tree is: `subvolume` or `directory`.
    tree: &'static str,
    /// What a tree becomes that is to be read-only: `read-only`, as a subvolume, or `immutable`.
    marked: &'static str,
    /// How a copy of a file relates to its original: `shared` or `apart`.
    copies: &'static str,
}

fn btrfs() -> Mount {
    Mount::formatted(256 << 20, "mkfs.btrfs", &["-q"])
}

fn xfs() -> Mount {
    let options = ["-q", "-m", "reflink=1"];
    Mount::formatted(320 << 20, "mkfs.xfs", &options)
}

fn xfs_without_reflink() -> Mount {
    let options = ["-q", "-m", "reflink=0"];
    Mount::formatted(320 << 20, "mkfs.xfs", &options)
}

fn ext4() -> Mount {
    Mount::ext4(96 << 20)
}

const PLAIN: FileSystem = FileSystem {
    mount: ext4,
    subvolumes: true,
    tree: "directory",
    marked: "immutable",
    copies: "apart",
};

const BTRFS: FileSystem = FileSystem {
    mount: btrfs,
    tree: "subvolume",
    marked: "read-only",
    copies: "shared",
    ..PLAIN
};

/// Does everything there, and compares what is left with what should be.
fn try_all(on: FileSystem) {
    let tools = ["mkfs.btrfs", "mkfs.xfs", "mkfs.ext4", "filefrag", "tar"];
    let Some(binary) = binary().filter(|_| need_root() && tools.into_iter().all(need)) else {
        return;
    };
    let mount = (on.mount)();
    let room = Room::new(on, mount.path(), &binary);
    let complaints: Vec<_> = OPERATIONS
        .iter()
        .filter_map(|operation| operation.complaint(&room))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn on_btrfs_trees_are_subvolumes_and_copies_share_their_extents() {
    try_all(BTRFS);
}

#[test]
fn on_btrfs_trees_are_directories_where_that_is_wished_and_share_all_the_same() {
    try_all(FileSystem {
        subvolumes: false,
        tree: "directory",
        marked: "immutable",
        ..BTRFS
    });
}

#[test]
fn on_xfs_copies_share_their_extents() {
    try_all(FileSystem {
        mount: xfs,
        copies: "shared",
        ..PLAIN
    });
}

#[test]
fn on_xfs_without_reflinks_copies_keep_their_holes() {
    try_all(FileSystem {
        mount: xfs_without_reflink,
        ..PLAIN
    });
}

#[test]
fn on_ext4_copies_keep_their_holes() {
    try_all(PLAIN);
}

#[test]
fn in_memory_copies_keep_their_holes() {
    try_all(FileSystem {
        mount: || Mount::tmpfs(96 << 20),
        ..PLAIN
    });
}

#[test]
fn on_an_overlay_copies_keep_their_holes() {
    try_all(FileSystem {
        mount: || Mount::overlay(ext4()),
        ..PLAIN
    });
}

#[test]
fn in_the_lower_layer_of_an_overlay_a_disk_image_is_replaced_and_a_tree_stays_as_it_was() {
    let Some(binary) = binary().filter(|_| need_root() && need("mkfs.ext4")) else {
        return;
    };
    let below = ext4();
    let lower = below.path().join("lower/images");
    fs::create_dir_all(lower.join("img/old")).unwrap();
    fs::write(lower.join("img/old/file"), "old").unwrap();
    fs::write(lower.join("disk.raw"), "old").unwrap();
    let mount = Mount::overlay(below);
    let room = Room::new(PLAIN, mount.path(), &binary);
    room.run(&["--force", "import-raw", "{given}/disk.raw", "disk"])
        .ok();
    // Nothing there does that in one step, nor in two without taking the old tree apart in public.
    room.run(&["--force", "import-tar", "{given}/tree.tar", "img"])
        .code(1)
        .stderr_has("an overlay cannot replace a directory of its lower layer: remove that first");
    assert_eq!(
        look::at(&room),
        "disk.raw 0644 new sparse, img directory old"
    );
}

#[test]
fn a_tree_that_cannot_be_made_read_only_is_kept_with_a_warning() {
    let Some(binary) = binary().filter(|_| need_root()) else {
        return;
    };
    // ramfs has no flags.
    let mount = Mount::ramfs();
    let place = format!("--image-root={}", mount.path().display());
    let case = Case::new().without_root().of_binary(&binary);
    let case = case.file("t.tar", archive());
    for force in [&[][..], &["--force"]] {
        let words = ["-m", "--read-only", &place, "import-tar", "t.tar", "img"];
        case.importctl(words.into_iter().chain(force.iter().copied()))
            .ok()
            .stderr_has("cannot make")
            .stderr_has("read-only, ignoring");
    }
    assert!(mount.path().join("img/bin/program").exists());
}
