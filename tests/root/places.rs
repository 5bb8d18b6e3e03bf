//! Where images go: read-only and odd file systems, and places of other people.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::kit::{Case, NOBODY, Reply, Snapshot, allocated_bytes, image, need, need_root, tool};
use crate::mount::Mount;

/// Bytes that neither pack nor become holes.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::with_capacity(bytes);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend(state.to_ne_bytes());
    }
    noise
}

/// Pulls `name` into the directory. Kept copies are what the options say.
fn pull(case: &Case, directory: &Path, name: &str, options: &[&str]) -> crate::kit::Outcome {
    let place = format!("--image-root={}", directory.display());
    let url = format!("{{url}}/{name}");
    let fixed = ["pull-raw", "-m", "--verify=no", &place, &url, "img"];
    case.importctl(fixed.into_iter().chain(options.iter().copied()))
}

#[test]
fn a_read_only_file_system_is_named() {
    if !need_root() {
        return;
    }
    let case = Case::new().without_root().serve("img.raw");
    let mount = Mount::tmpfs(16 << 20);
    tool(
        "mount",
        ["-o", "remount,ro", mount.path().to_str().unwrap()],
    );
    let outcome = pull(&case, &mount.path(), "img.raw", &[]).code(1);
    outcome
        .stderr_has("Read-only file system")
        .stderr_has("remount it writable");
}

#[test]
fn what_lies_on_a_read_only_file_system_is_listed_as_read_only() {
    if !need_root() {
        return;
    }
    let mount = Mount::tmpfs(16 << 20);
    fs::write(mount.path().join("a.raw"), "").unwrap();
    fs::create_dir(mount.path().join("b")).unwrap();
    let root = format!("--image-root={}", mount.path().display());
    let list = ["-m", "-j", "list-images", &root];
    for (option, expected) in [("rw", false), ("ro", true)] {
        let remount = format!("remount,{option}");
        tool("mount", ["-o", &remount, mount.path().to_str().unwrap()]);
        let listed = Case::new()
            .without_root()
            .importctl(list)
            .ok()
            .stdout_text();
        let read_only = format!("\"ro\":{expected},");
        assert_eq!(listed.matches(&read_only).count(), 2, "{listed}");
    }
}

#[test]
fn a_file_system_without_attributes_is_good_enough() {
    if !need_root() {
        return;
    }
    let case = Case::new().without_root().serve("img.raw.gz");
    // ramfs knows no user attributes.
    let mount = Mount::ramfs();
    let outcome = pull(&case, &mount.path(), "img.raw.gz", &["--keep-download=yes"]).ok();
    outcome.stderr_has("no room for extended attributes");
    assert_eq!(fs::read(mount.path().join("img.raw")).unwrap(), image());
}

/// How many extents of the file are shared with another, by filefrag(8).
pub(super) fn shared_extents(path: &Path) -> usize {
    let text = tool("filefrag", ["-v", path.to_str().unwrap()]);
    let text = String::from_utf8(text).unwrap();
    text.lines().filter(|line| line.contains("shared")).count()
}

#[test]
fn kept_and_local_copy_share_their_extents_where_they_can() {
    if !need_root() || !need("mkfs.btrfs") || !need("mkfs.xfs") || !need("filefrag") {
        return;
    }
    let case = Case::new()
        .without_root()
        .serve_as("img.raw", Reply::body(noise(1 << 20)));
    for (mkfs, options) in [("mkfs.btrfs", ["-q", "-f"]), ("mkfs.xfs", ["-q", "-f"])] {
        let mount = Mount::formatted(512 << 20, mkfs, &options);
        pull(&case, &mount.path(), "img.raw", &["--keep-download=yes"]).ok();
        let images = Snapshot::of(&mount.path());
        assert_eq!(images.names().len(), 2);
        for name in images.names() {
            assert!(
                shared_extents(&mount.path().join(name)) > 0,
                "{mkfs}: {name}"
            );
        }
    }
}

#[test]
fn holes_survive_the_copy_where_nothing_can_be_shared() {
    if !need_root() || !need("mkfs.ext4") {
        return;
    }
    let mut sparse = vec![0; 8 << 20];
    sparse[..4096].fill(1);
    sparse[5 << 20..(5 << 20) + 4096].fill(2);
    let case = Case::new()
        .without_root()
        .serve_as("img.raw", Reply::body(sparse));
    let mount = Mount::ext4(16 << 20);
    pull(&case, &mount.path(), "img.raw", &["--keep-download=yes"]).ok();
    let images = Snapshot::of(&mount.path());
    let files = images.0.iter().filter(|(_, entry)| entry.kind == 'f');
    let files: Vec<_> = files.map(|(path, _)| mount.path().join(path)).collect();
    assert_eq!(files.len(), 2);
    for file in files {
        assert!(allocated_bytes(&file) <= 64 << 10, "{}", file.display());
        let mut byte = [0];
        fs::File::open(&file)
            .unwrap()
            .read_exact_at(&mut byte, 5 << 20)
            .unwrap();
        assert_eq!(byte, [2]);
    }
}

#[test]
fn an_ordinary_user_needs_a_directory_of_their_own() {
    if !need_root() || !need("setpriv") {
        return;
    }
    let case = Case::new().serve("img.raw").through(NOBODY);
    let own = case.dir().join("own");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    chown(&own, Some(65534), Some(65534)).unwrap();
    let elsewhere = ["pull-raw", "-m", "--verify=no", "{url}/img.raw"];
    let outcome = case.importctl(elsewhere).code(1);
    outcome
        .stderr_has("Permission denied")
        .stderr_has("choose a place of your own; images go where --image-root= says");

    let case = case.without_root();
    pull(&case, &own, "img.raw", &[]).ok();
    let image = &Snapshot::of(&own);
    assert_eq!(image.entry("img.raw").owner, (65534, 65534));
}

#[test]
fn a_marked_file_is_replaced_by_its_path_only_with_force_and_keeps_its_owner() {
    if !need_root() || !need("mkfs.ext4") || !need("chattr") {
        return;
    }
    let mount = Mount::ext4(16 << 20);
    let target = mount.path().join("target");
    fs::write(&target, "old").unwrap();
    chown(&target, Some(1234), Some(4321)).unwrap();
    let path = target.to_str().unwrap();
    tool("chattr", ["+i", path]);
    let case = Case::new().file("disk.raw", "new");
    let import = ["raw", "--direct", "disk.raw", path];
    case.helper("systemd-import", import)
        .code(1)
        .stderr_has("Operation not permitted");
    assert_eq!(fs::read(&target).unwrap(), b"old");
    let before = Snapshot::of(&mount.path()).names().len();
    case.helper("systemd-import", ["--force"].into_iter().chain(import))
        .ok();
    assert_eq!(fs::read(&target).unwrap(), b"new");
    let new = fs::metadata(&target).unwrap();
    assert_eq!((new.uid(), new.gid()), (1234, 4321));
    assert_eq!(Snapshot::of(&mount.path()).names().len(), before);
}

#[test]
fn a_tree_does_not_take_the_place_of_a_mount_point() {
    if !need_root() {
        return;
    }
    let mount = Mount::tmpfs(1 << 20);
    let path = mount.path();
    let path = path.to_str().unwrap();
    let case = Case::new().file("t.tar", crate::kit::archive());
    let import = ["tar", "--direct", "t.tar", path];
    for force in [None, Some("--force")] {
        case.helper("systemd-import", force.into_iter().chain(import))
            .code(1)
            .stderr_has("something is mounted on");
    }
    let below = format!("{path}/tree");
    case.helper("systemd-import", ["tar", "--direct", "t.tar", &below])
        .ok();
}
