//! Trees on btrfs, trees with mounts in them, and what resists being removed.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use importd::format::tar::{Reader, Writer};
use importd::stream::Cancel;
use importd::sys::btrfs;
use importd::tree::{self, Working};

use crate::kit::{Case, Snapshot, TempDir, archive, need, need_root, tool};
use crate::mount::Mount;

const BTRFS_BYTES: u64 = 128 << 20;

fn open(path: &Path) -> OwnedFd {
    File::open(path).unwrap().into()
}

fn remove(directory: &Path, name: &str) -> std::io::Result<()> {
    tree::remove(open(directory).as_fd(), &CString::new(name).unwrap())
}

fn copy(source: &Path, target: &Path) -> tree::Copied {
    let mut how = Working {
        cancel: &Cancel::new().unwrap(),
        selinux: false,
        to_disk: false,
        filler: Some("filler"),
        tick: &mut || (),
    };
    tree::copy(open(source).as_fd(), open(target).as_fd(), &mut how).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn subvolumes_come_go_and_forbid_changes() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let mount = Mount::formatted(BTRFS_BYTES, "mkfs.btrfs", &["-q"]);
    let (top, path) = (open(&mount.path()), mount.path());
    assert!(btrfs::is_subvolume(top.as_fd()).unwrap());
    btrfs::create_subvolume(top.as_fd(), c"one").unwrap();
    fs::create_dir(path.join("one/directory")).unwrap();
    fs::write(path.join("one/file"), "x").unwrap();
    let one = open(&path.join("one"));
    assert!(btrfs::is_subvolume(one.as_fd()).unwrap());
    assert!(!btrfs::is_subvolume(open(&path.join("one/directory")).as_fd()).unwrap());
    assert!(btrfs::has_subvolumes(top.as_fd()).unwrap());
    assert!(!btrfs::has_subvolumes(one.as_fd()).unwrap());
    btrfs::snapshot(one.as_fd(), top.as_fd(), c"other", true).unwrap();
    btrfs::snapshot(one.as_fd(), top.as_fd(), c"third", false).unwrap();
    let other = open(&path.join("other"));
    assert!(btrfs::is_read_only(other.as_fd()).unwrap());
    assert!(!btrfs::is_read_only(open(&path.join("third")).as_fd()).unwrap());
    assert!(fs::write(path.join("other/file"), "y").is_err());
    btrfs::set_read_only(other.as_fd(), false).unwrap();
    fs::write(path.join("other/file"), "y").unwrap();
    assert_eq!(fs::read(path.join("one/file")).unwrap(), b"x");
    btrfs::delete_subvolume(top.as_fd(), c"other").unwrap();
    assert!(!path.join("other").exists());
    assert!(btrfs::create_subvolume(top.as_fd(), c"one").is_err());
    assert!(btrfs::delete_subvolume(top.as_fd(), c"missing").is_err());
}

#[test]
fn subvolumes_within_subvolumes_and_read_only_ones_are_removed() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let mount = Mount::formatted(BTRFS_BYTES, "mkfs.btrfs", &["-q"]);
    let path = mount.path();
    let tree = path.join("tree");
    fs::create_dir(&tree).unwrap();
    for place in ["a", "a/b", "a/b/c", "a/d"] {
        let place = tree.join(place);
        let parent = open(place.parent().unwrap());
        let name = CString::new(place.file_name().unwrap().to_str().unwrap()).unwrap();
        btrfs::create_subvolume(parent.as_fd(), &name).unwrap();
        fs::create_dir(place.join("directory")).unwrap();
        fs::write(place.join("directory/file"), "x").unwrap();
    }
    tool("chattr", ["+i", text(&tree.join("a/b/c/directory"))]);
    for place in ["a/b/c", "a/b", "a"] {
        btrfs::set_read_only(open(&tree.join(place)).as_fd(), true).unwrap();
    }
    remove(&path, "tree").unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}

#[test]
fn a_copy_on_btrfs_shares_its_data_and_a_subvolume_becomes_a_directory() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let mount = Mount::formatted(BTRFS_BYTES, "mkfs.btrfs", &["-q"]);
    let path = mount.path();
    let (source, target) = (path.join("source"), path.join("target"));
    fs::create_dir(&source).unwrap();
    fs::create_dir(&target).unwrap();
    fs::write(source.join("big"), vec![7; 40 << 20]).unwrap();
    btrfs::create_subvolume(open(&source).as_fd(), c"nested").unwrap();
    fs::write(source.join("nested/file"), "x").unwrap();
    fs::hard_link(source.join("nested/file"), source.join("nested/other")).unwrap();
    // Three files of their own would not fit.
    for copy_name in ["target", "again"] {
        let target = path.join(copy_name);
        fs::create_dir_all(&target).unwrap();
        assert_eq!(copy(&source, &target).mounts, 0);
        assert_eq!(Snapshot::of(&source), Snapshot::of(&target));
    }
    assert!(!btrfs::is_subvolume(open(&target.join("nested")).as_fd()).unwrap());
}

#[test]
fn mounts_are_no_part_of_the_tree_they_are_in() {
    if !need_root() {
        return;
    }
    let temp = TempDir::new();
    let (source, target) = (temp.path().join("source"), temp.path().join("target"));
    for directory in ["mounted", "other", "d"] {
        fs::create_dir_all(source.join(directory)).unwrap();
    }
    fs::create_dir(&target).unwrap();
    fs::write(source.join("other/inside"), "x").unwrap();
    fs::write(source.join("bound"), "below").unwrap();
    fs::write(source.join("d/file"), "y").unwrap();
    let places = [source.join("mounted"), source.join("bound")];
    tool(
        "mount",
        ["--bind", text(&source.join("other")), text(&places[0])],
    );
    tool(
        "mount",
        ["--bind", text(&source.join("d/file")), text(&places[1])],
    );
    let copied = copy(&source, &target);
    let mut archive = Writer::new(Vec::new());
    let mut how = Working {
        cancel: &Cancel::new().unwrap(),
        selinux: false,
        to_disk: false,
        filler: None,
        tick: &mut || (),
    };
    let packed = tree::pack(open(&source).as_fd(), &mut archive, None, &mut how).unwrap();
    let removed = remove(temp.path(), "source");
    for place in &places {
        tool("umount", [text(place)]);
    }
    assert_eq!((copied.mounts, packed.mounts), (2, 2));
    let names = Snapshot::of(&target);
    assert_eq!(names.names(), ["bound", "d", "mounted", "other"]);
    assert!(!target.join("mounted/inside").exists());
    assert_eq!(fs::read(target.join("bound")).unwrap(), b"");
    let archive = archive.finish().unwrap();
    let mut reader = Reader::new(&archive[..]);
    let mut paths = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        paths.push(String::from_utf8(entry.path).unwrap());
    }
    assert_eq!(paths.len() as u64, packed.entries);
    assert!(!paths.contains(&"./mounted/inside".to_owned()));
    let message = removed.unwrap_err().to_string();
    assert!(message.contains("mounted there"), "{message}");
    assert_eq!(fs::read(source.join("bound")).unwrap(), b"below");
    remove(temp.path(), "source").unwrap();
    assert!(!source.exists());
}

#[test]
fn immutable_trees_are_removed_and_so_are_immutable_files_in_them() {
    if !need_root() || !need("mkfs.ext4") || !need("chattr") {
        return;
    }
    let mount = Mount::ext4(8 << 20);
    let tree = mount.path().join("tree");
    fs::create_dir_all(tree.join("a/b")).unwrap();
    for name in ["file", "a/b/immutable", "a/b/log", "a/other"] {
        fs::write(tree.join(name), "x").unwrap();
    }
    tool("chattr", ["+a", text(&tree.join("a/b/log"))]);
    for name in ["a/b/immutable", "a/b", "."] {
        tool("chattr", ["+i", text(&tree.join(name))]);
    }
    remove(&mount.path(), "tree").unwrap();
    assert!(!tree.exists());
}

#[test]
fn on_btrfs_trees_are_subvolumes_and_shared_where_that_loses_nothing() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let mount = Mount::formatted(BTRFS_BYTES, "mkfs.btrfs", &["-q"]);
    let path = mount.path();
    let case = Case::new().without_root().file("t.tar", archive());
    let root = format!("--image-root={}", text(&path));
    let run = |words: &[&str]| case.importctl(["-m", &root].iter().chain(words).copied());
    let subvolume = |name: &str| btrfs::is_subvolume(open(&path.join(name)).as_fd()).unwrap();
    run(&["--read-only", "import-tar", "t.tar", "one"]).ok();
    assert!(subvolume("one"));
    assert!(btrfs::is_read_only(open(&path.join("one")).as_fd()).unwrap());
    run(&["import-fs", text(&path.join("one")), "two"]).ok();
    assert!(subvolume("two") && !btrfs::is_read_only(open(&path.join("two")).as_fd()).unwrap());
    assert_eq!(
        Snapshot::of(&path.join("one")),
        Snapshot::of(&path.join("two"))
    );
    // What is read-only is replaced all the same, and a subvolume in another one is not lost.
    btrfs::create_subvolume(open(&path.join("two/bin")).as_fd(), c"inner").unwrap();
    fs::write(path.join("two/bin/inner/file"), "inside").unwrap();
    run(&["--force", "import-fs", text(&path.join("two")), "one"]).ok();
    assert_eq!(
        fs::read(path.join("one/bin/inner/file")).unwrap(),
        b"inside"
    );
    run(&["export-tar", "one", "out.tar"]).ok();
    run(&["import-tar", "out.tar", "three"]).ok();
    assert_eq!(
        Snapshot::of(&path.join("one")),
        Snapshot::of(&path.join("three"))
    );
    let plain = case.env("SYSTEMD_IMPORT_BTRFS_SUBVOL", "no");
    plain
        .importctl(["-m", &root, "--force", "import-tar", "t.tar", "one"])
        .ok();
    assert!(!subvolume("one"));
    assert_eq!(Snapshot::of(&path).names(), ["one", "three", "two"]);
}
