//! Copies compared with what they are copies of.

use crate::stream::Cancel;
use std::fs;

use super::*;
use crate::tree::tests::{Scratch, append, fill, has_records, open, seen};

fn copied(
    source: &std::path::Path,
    target: &std::path::Path,
    tick: &mut dyn FnMut(),
) -> Result<Copied, Error> {
    copied_with(Some("filler"), source, target, tick)
}

fn copied_with(
    filler: Option<&str>,
    source: &std::path::Path,
    target: &std::path::Path,
    tick: &mut dyn FnMut(),
) -> Result<Copied, Error> {
    let mut how = Working {
        cancel: &Cancel::new().unwrap(),
        selinux: true,
        to_disk: true,
        filler,
        tick,
    };
    copy(open(source).as_fd(), open(target).as_fd(), &mut how)
}

#[test]
fn a_copy_is_equal_in_everything_but_records() {
    let scratch = Scratch::new();
    let source = scratch.directory("source");
    fill(&source);
    for filler in [None, Some("filler")] {
        let target = scratch.directory(filler.unwrap_or("target"));
        let mut ticks = 0;
        let copied = copied_with(filler, &source, &target, &mut || ticks += 1).unwrap();
        let (wanted, found) = (seen(&source), seen(&target));
        for (path, line) in &wanted {
            assert_eq!(Some(line), found.get(path), "{}", path.display());
        }
        assert_eq!(wanted.len(), found.len());
        assert_eq!(copied.entries, wanted.len() as u64);
        assert!(ticks >= copied.entries);
        assert_eq!((copied.mounts, copied.refused), (0, Refused::default()));
        assert!(has_records(&source) && !has_records(&target));
        assert!(!has_records(&target.join("a/file")));
    }
}

#[test]
fn a_target_in_its_own_source_is_passed_by() {
    let scratch = Scratch::new();
    let source = scratch.directory("source");
    fs::write(source.join("file"), "x").unwrap();
    let target = scratch.directory("source/in/target");
    copied(&source, &target, &mut || ()).unwrap();
    assert!(target.join("file").exists() && target.join("in").exists());
    assert!(!target.join("in/target").exists());
}

#[test]
fn what_the_target_inherited_is_taken_away() {
    let scratch = Scratch::new();
    let (source, other) = (scratch.directory("source"), scratch.directory("other"));
    fill(&other);
    fs::write(source.join("file"), "x").unwrap();
    let target = scratch.directory("other/a/b/c/target");
    copied(&source, &target, &mut || ()).unwrap();
    assert_eq!(seen(&target), seen(&source));
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    let (source, target) = (scratch.directory("source"), scratch.directory("target"));
    fs::create_dir(source.join("d")).unwrap();
    fs::write(source.join("d/log"), "x").unwrap();
    let cancel = Cancel::new().unwrap();
    let mut how = Working {
        cancel: &cancel,
        selinux: false,
        to_disk: false,
        filler: Some("filler"),
        tick: &mut || append(&source.join("d/log"), b"y"),
    };
    let error = copy(open(&source).as_fd(), open(&target).as_fd(), &mut how).unwrap_err();
    assert!(
        matches!(&error, Error::Changed { path } if path == "d/log"),
        "{error}"
    );
}

#[test]
fn a_cancelled_copy_ends_as_such() {
    let scratch = Scratch::new();
    let (source, target) = (scratch.directory("source"), scratch.directory("target"));
    fill(&source);
    let cancel = Cancel::new().unwrap();
    let mut how = Working {
        cancel: &cancel,
        selinux: false,
        to_disk: false,
        filler: Some("filler"),
        tick: &mut || cancel.cancel(),
    };
    let result = copy(open(&source).as_fd(), open(&target).as_fd(), &mut how);
    assert!(matches!(result, Err(Error::Cancelled(_))));
}

#[test]
fn a_tree_too_deep_is_refused_by_name() {
    let scratch = Scratch::new();
    let (source, target) = (scratch.directory("source"), scratch.directory("target"));
    let deepest = ["d"; 128].join("/");
    scratch.directory(&format!("source/{deepest}"));
    copied(&source, &target, &mut || ()).unwrap();
    assert!(target.join(&deepest).exists());
    scratch.directory(&format!("source/{deepest}/e"));
    let target = scratch.directory("again");
    let error = copied(&source, &target, &mut || ()).unwrap_err();
    assert!(
        matches!(&error, Error::TooDeep { path, .. } if path.ends_with("d/e")),
        "{error}"
    );
}
