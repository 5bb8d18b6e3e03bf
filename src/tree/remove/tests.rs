//! Trees that are removed, and what must not be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::process::geteuid;

use super::*;
use crate::tree::tests::{Scratch, fill, open};

fn removed(directory: &Path, name: &CStr) -> io::Result<()> {
    remove(open(directory).as_fd(), name)
}

#[test]
fn files_links_and_trees_are_removed_and_what_links_lead_to_is_not() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    let kept = scratch.directory("kept");
    fill(&kept);
    fill(&scratch.directory("top/tree"));
    symlink(&kept, top.join("tree/a/way-out")).unwrap();
    symlink(&kept, top.join("link")).unwrap();
    fs::write(top.join("file"), "x").unwrap();
    for name in [c"tree", c"link", c"file", c"missing"] {
        removed(&top, name).unwrap();
    }
    assert_eq!(fs::read_dir(&top).unwrap().count(), 0);
    assert!(kept.join("a/b/c").exists());
}

#[test]
fn no_tree_is_too_deep_or_too_wide() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    let mut directory = open(&top);
    for _ in 0..1000 {
        rustix::fs::mkdirat(&directory, c"d", Mode::RWXU).unwrap();
        directory = open_directory(&directory, c"d").unwrap();
    }
    let wide = scratch.directory("top/d/wide");
    for number in 0..5000 {
        fs::write(wide.join(format!("a file with a longer name {number}")), "").unwrap();
    }
    removed(&top, c"d").unwrap();
    assert_eq!(fs::read_dir(&top).unwrap().count(), 0);
}

#[test]
fn directories_that_forbid_it_are_opened_first() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    for (name, mode) in [
        ("none", 0),
        ("read", 0o500),
        ("write", 0o300),
        ("list", 0o600),
    ] {
        fs::create_dir_all(top.join("tree").join(name).join("in")).unwrap();
        chmod(top.join("tree").join(name), Mode::from_raw_mode(mode)).unwrap();
    }
    removed(&top, c"tree").unwrap();
    assert!(!top.join("tree").exists());
}

#[test]
fn a_tree_that_others_remove_as_well_is_removed() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    for number in 0..200 {
        fill(&scratch.directory(&format!("top/tree/{number}")));
    }
    std::thread::scope(|scope| {
        let removals = [(); 4].map(|()| scope.spawn(|| removed(&top, c"tree")));
        for removal in removals {
            removal.join().unwrap().unwrap();
        }
    });
    assert!(!top.join("tree").exists());
}

#[test]
fn immutable_and_append_only_files_are_removed() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    if !geteuid().is_root() {
        return;
    }
    for (name, flag) in [
        ("tree/in", IFlags::IMMUTABLE),
        ("tree", IFlags::IMMUTABLE),
        ("log", IFlags::APPEND),
    ] {
        let directory = scratch.directory("top/tree/in");
        fs::write(directory.join("file"), "x").unwrap_or(());
        fs::write(top.join("log"), "x").unwrap_or(());
        for path in [top.join(name), directory.join("file")] {
            if ioctl_setflags(open(&path), flag).is_err() {
                eprintln!("no inode flags here");
                return;
            }
        }
    }
    for name in [c"tree", c"log"] {
        removed(&top, name).unwrap();
    }
    assert_eq!(fs::read_dir(&top).unwrap().count(), 0);
}
