//! Trees that are moved up, and those that stay.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{XattrFlags, chmod, setxattr};

use super::*;
use crate::tree::tests::{Scratch, fill, open, seen};

fn raised(top: &Path) -> bool {
    raise_os_tree(open(top).as_fd(), &Cancel::new().unwrap()).unwrap()
}

/// Makes an OS tree.
fn system(at: &Path) {
    fs::create_dir_all(at.join("usr/lib")).unwrap();
    fs::write(at.join("usr/lib/os-release"), "ID=test\n").unwrap();
}

#[test]
fn the_only_directory_is_raised_if_it_is_an_os_tree() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    let child = scratch.directory("top/child");
    system(&child);
    fs::create_dir(child.join("child")).unwrap();
    fill(&child);
    fs::create_dir(child.join("proc")).unwrap();
    chmod(child.join("proc"), Mode::from_raw_mode(0o555)).unwrap();
    setxattr(&top, "user.of-top", b"", XattrFlags::empty()).unwrap();
    let before = seen(&child);
    assert!(raised(&top));
    assert_eq!(seen(&top), before);
    assert!(!raised(&top));
}

#[test]
fn a_tree_of_many_names_is_raised_whole() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    let child = scratch.directory("top/child");
    system(&child);
    for number in 0..5000 {
        fs::write(child.join(number.to_string()), "").unwrap();
    }
    assert!(raised(&top));
    assert_eq!(fs::read_dir(&top).unwrap().count(), 5001);
}

#[test]
fn a_wish_to_stop_is_heard() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    system(&top.join("child"));
    let cancel = Cancel::new().unwrap();
    cancel.cancel();
    let cancelled = raise_os_tree(open(&top).as_fd(), &cancel);
    assert!(matches!(cancelled, Err(Error::Cancelled(_))));
}

#[test]
fn links_count_if_they_lead_to_a_file_with_the_tree_as_root() {
    for (target, expected) in [
        ("/usr/lib/os-release-real", true),
        ("../usr/lib/os-release-real", true),
        ("../../../../usr/lib/os-release-real", true),
        ("/usr/lib", false),
        ("missing", false),
    ] {
        let scratch = Scratch::new();
        let top = scratch.directory("top");
        fs::create_dir_all(top.join("child/usr/lib")).unwrap();
        fs::create_dir_all(top.join("child/etc")).unwrap();
        fs::write(top.join("child/usr/lib/os-release-real"), "").unwrap();
        symlink(target, top.join("child/etc/os-release")).unwrap();
        assert_eq!(raised(&top), expected, "{target}");
        assert_eq!(top.join("etc").exists(), expected);
    }
}

#[test]
fn other_trees_stay_as_they_are() {
    let scratch = Scratch::new();
    let twins = scratch.directory("twins");
    system(&twins.join("one"));
    system(&twins.join("other"));
    let linked = scratch.directory("linked");
    symlink(twins.join("one"), linked.join("child")).unwrap();
    let file = scratch.directory("file");
    fs::write(file.join("child"), "x").unwrap();
    let plain = scratch.directory("plain");
    fs::create_dir(plain.join("child")).unwrap();
    let already = scratch.directory("already");
    system(&already);
    for top in [
        twins,
        linked,
        file,
        plain,
        already,
        scratch.directory("empty"),
    ] {
        let before = seen(&top);
        assert!(!raised(&top), "{}", top.display());
        assert_eq!(seen(&top), before);
    }
}
