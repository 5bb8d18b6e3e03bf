//! Images in use: locked as systemd-nspawn(1) locks them, and not replaced.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use importd::sys::try_lock_exclusive;

use crate::kit::{Case, Reply, archive};

/// The lock that a container from that image holds, by its path.
fn path_lock(image: &Path) -> PathBuf {
    let name = image.file_name().unwrap().to_str().unwrap();
    image.with_file_name(format!(".#{name}.lck"))
}

/// The same by its inode, below the case's root.
fn inode_lock(case: &Case, image: &Path) -> PathBuf {
    let metadata = fs::metadata(image).unwrap();
    let name = format!("inode-{}:{}", metadata.dev(), metadata.ino());
    case.root().join("run/systemd/nspawn/locks").join(name)
}

#[track_caller]
fn locked(path: &Path) -> File {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = File::create(path).unwrap();
    assert!(try_lock_exclusive(&file).unwrap());
    file
}

/// A disk image and a tree, both called `a`, each in a case of its own, and how they are replaced.
fn used() -> [(Case, PathBuf, [&'static str; 5]); 2] {
    let disk = Case::new()
        .file("new", "new")
        .root_file("var/lib/machines/a.raw", "old");
    let tree = Case::new()
        .file("new", archive())
        .root_file("var/lib/machines/a/file", "old");
    let paths = [&disk, &tree].map(|case| case.image_dir("machine"));
    [
        (
            disk,
            paths[0].join("a.raw"),
            ["import-raw", "-m", "--force", "{dir}/new", "a"],
        ),
        (
            tree,
            paths[1].join("a"),
            ["import-tar", "-m", "--force", "{dir}/new", "a"],
        ),
    ]
}

#[test]
fn an_image_that_is_in_use_is_not_replaced() {
    for (case, image, import) in used() {
        let before = case.images("machine");
        for lock in [path_lock(&image), inode_lock(&case, &image)] {
            let held = locked(&lock);
            case.importctl(import)
                .code(1)
                .stderr_has(&format!("`{}` is in use", image.display()));
            assert!(lock.exists(), "it is another's");
            drop(held);
            fs::remove_file(&lock).unwrap();
            assert_eq!(case.images("machine"), before);
        }
        case.importctl(import).ok();
        assert_ne!(case.images("machine"), before);
    }
}

#[test]
fn it_is_refused_before_anything_is_asked_of_the_network() {
    let case = Case::new()
        .serve_as("a.raw", Reply::body("new"))
        .root_file("var/lib/machines/a.raw", "old");
    let _held = locked(&path_lock(&case.image_dir("machine").join("a.raw")));
    let pull = ["pull-raw", "-m", "--verify=no", "--force", "{url}/a.raw"];
    case.importctl(pull).code(1).stderr_has("is in use");
    assert!(case.server().requests().is_empty());
}

#[test]
fn locks_leave_nothing_behind_and_no_place_for_them_in_another_systems_tree() {
    for (case, image, import) in used() {
        // What a container left that was killed.
        fs::write(path_lock(&image), "").unwrap();
        case.importctl(import).ok();
        let names = case.images("machine").names().join(" ");
        assert!(!names.contains(".lck"), "{names}");
        assert!(!case.root().join("run").exists());
        let locks = case.root().join("run/systemd/nspawn/locks");
        fs::create_dir_all(&locks).unwrap();
        case.importctl(import).ok();
        assert_eq!(fs::read_dir(&locks).unwrap().count(), 0);
        let table = case.importctl(["list-images", "-m", "--no-legend"]).ok();
        assert_eq!(table.stdout_text().lines().count(), 2, "a and the host");
    }
}

#[test]
fn what_only_looks_like_a_lock_that_was_left_stays() {
    let case = Case::new()
        .file("new", "new")
        .root_file("var/lib/machines/.#notes.lck", "somebody's")
        .root_file("var/lib/machines/.#held.lck", "")
        .root_file("var/lib/machines/.#left.raw.lck", "");
    let elsewhere = case.dir().join("elsewhere/.#left.raw.lck");
    fs::create_dir(elsewhere.parent().unwrap()).unwrap();
    fs::write(&elsewhere, "").unwrap();
    let held = File::open(case.image_dir("machine").join(".#held.lck")).unwrap();
    held.lock().unwrap();
    case.importctl(["import-raw", "-m", "{dir}/new", "a"]).ok();
    let names = [".#held.lck", ".#notes.lck", "a.raw"];
    assert_eq!(case.images("machine").names(), names);
    let words = ["raw", "--direct", "{dir}/new", "{dir}/elsewhere/new"];
    case.helper("systemd-import", words).ok();
    assert!(elsewhere.exists());
}

#[test]
fn a_new_image_needs_no_lock() {
    let case = Case::new().file("new", "new");
    let import = ["import-raw", "-m", "{dir}/new", "a"];
    case.importctl(import).ok();
    assert!(!case.root().join("run").exists());
}

#[test]
fn what_is_used_through_a_link_is_not_replaced_with_the_link() {
    let case = Case::new().file("new", "new").root_file("srv/a.raw", "old");
    let case = case.root_file("var/lib/machines/other.raw", "x");
    let image = case.root().join("srv/a.raw");
    let link = case.image_dir("machine").join("a.raw");
    symlink("/srv/a.raw", &link).unwrap();
    let _held = [path_lock(&image), inode_lock(&case, &image)].map(|lock| locked(&lock));
    case.importctl(["import-raw", "-m", "--force", "{dir}/new", "a"])
        .ok();
    assert_eq!(fs::read(&image).unwrap(), b"old");
    assert_eq!(fs::read(&link).unwrap(), b"new");
}

#[test]
fn locks_can_be_turned_off() {
    for (case, image, import) in used() {
        let case = case.env("SYSTEMD_NSPAWN_LOCK", "0");
        let _held = [path_lock(&image), inode_lock(&case, &image)].map(|lock| locked(&lock));
        case.importctl(import).ok();
        assert!(path_lock(&image).exists());
    }
}
