//! Disk images on btrfs: written to in place, except where they share what another file holds.

use std::fs::{self, File};
use std::path::Path;

use importd::disk::{CopyError, clone, clone_or_copy};
use importd::stream::Cancel;

use crate::kit::{Case, Reply, Snapshot, need, need_root, pack, tool};
use crate::mount::Mount;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Whether writes go to where the data is.
fn in_place(path: &Path) -> bool {
    let flags = String::from_utf8(tool("lsattr", [text(path)])).unwrap();
    flags.split(' ').next().unwrap().contains('C')
}

fn shares(path: &Path) -> bool {
    let extents = String::from_utf8(tool("filefrag", ["-v", text(path)])).unwrap();
    extents.contains("shared")
}

/// A file of some data, written to in place or not.
fn made(path: &Path, in_place: bool) -> File {
    let options = || {
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
    };
    let file = options().unwrap();
    if in_place {
        tool("chattr", ["+C", text(path)]);
    }
    fs::write(path, vec![7; 1 << 20]).unwrap();
    file.sync_all().unwrap();
    file
}

fn btrfs() -> Option<Mount> {
    let ready = need_root() && need("mkfs.btrfs") && need("filefrag");
    ready.then(|| Mount::formatted(256 << 20, "mkfs.btrfs", &["-q"]))
}

#[test]
fn a_new_image_is_written_to_in_place() {
    let Some(mount) = btrfs() else { return };
    let image = vec![7; 1 << 20];
    let case = Case::new()
        .without_root()
        .serve_as("img.raw", Reply::body(image.clone()).etag("\"1\""))
        .file("packed.raw.gz", pack("x.gz", &image))
        .file("plain.raw", &image);
    let root = format!("--image-root={}", mount.path().display());
    for source in ["packed.raw.gz", "plain.raw"] {
        let path = format!("{{dir}}/{source}");
        case.importctl(["import-raw", "-m", &root, &path]).ok();
    }
    assert!(
        in_place(&mount.path().join("packed.raw")) && in_place(&mount.path().join("plain.raw"))
    );
    // With its kept copy it shares its data all the same, and so does another one that is made of that.
    let pull = [
        "pull-raw",
        "-m",
        "--verify=no",
        "--keep-download=yes",
        &root,
        "{url}/img.raw",
    ];
    case.importctl(pull.into_iter().chain(["first"])).ok();
    case.importctl(pull.into_iter().chain(["second"]))
        .ok()
        .stderr_has("Using the kept copy");
    let names = Snapshot::of(&mount.path());
    assert_eq!(names.names().len(), 5);
    for name in names.names() {
        let path = mount.path().join(name);
        assert!(in_place(&path), "{name}");
        let alone = ["packed.raw", "plain.raw"].contains(&name);
        assert_eq!(shares(&path), !alone, "{name}");
    }
}

#[test]
fn an_image_shares_what_it_is_imported_from_and_becomes_like_that() {
    let Some(mount) = btrfs() else { return };
    let case = Case::new().without_root();
    let images = mount.path().join("images");
    let root = format!("--image-root={}", images.display());
    for (name, expected) in [("cow.raw", false), ("fixed.raw", true)] {
        let source = mount.path().join(name);
        made(&source, expected);
        case.importctl(["import-raw", "-m", &root, text(&source)])
            .ok();
        let image = images.join(name);
        assert_eq!(in_place(&image), expected, "{name}");
        assert!(shares(&image) && shares(&source), "{name}");
        // And back again.
        let exported = mount.path().join(format!("exported-{name}"));
        let stem = name.trim_end_matches(".raw");
        case.importctl(["export-raw", "-m", &root, stem, text(&exported)])
            .ok();
        assert!(shares(&exported), "{name}");
        assert_eq!(fs::read(&exported).unwrap(), fs::read(&source).unwrap());
    }
}

#[test]
fn a_qcow2_image_becomes_like_its_source_only_where_they_share() {
    let Some(mount) = btrfs() else { return };
    if !need("qemu-img") || !need("qemu-io") {
        return;
    }
    let case = Case::new().without_root();
    let root = format!("--image-root={}", mount.path().display());
    fs::write(mount.path().join("raw"), vec![7; 3 << 20]).unwrap();
    fs::write(mount.path().join("little"), [7; 1024]).unwrap();
    for (name, made, shared) in [
        ("plain", "qemu-img convert -O qcow2 raw source", true),
        ("packed", "qemu-img convert -c -O qcow2 raw source", false),
        ("last", "qemu-io -c 'write -P 9 2M 64k' source", true),
        (
            "little",
            "qemu-img convert -O qcow2 -o cluster_size=512 little source",
            false,
        ),
        ("empty", "qemu-img create -f qcow2 source 1M", false),
    ] {
        let line = format!("cd {} && {made}", mount.path().display());
        tool("sh", ["-c", &line]);
        let source = mount.path().join("source");
        case.importctl(["import-raw", "-m", &root, text(&source), name])
            .ok();
        let image = mount.path().join(format!("{name}.raw"));
        assert_eq!(shares(&image), shared, "{name}");
        assert_eq!(in_place(&image), !shared, "{name}");
    }
}

#[test]
fn a_file_that_cannot_share_stays_as_it_was() {
    let Some(mount) = btrfs() else { return };
    let elsewhere = Mount::formatted(256 << 20, "mkfs.btrfs", &["-q"]);
    for (source_in_place, target_in_place) in [(true, false), (false, true), (true, true)] {
        let target_path = mount.path().join("target");
        let empty = || {
            let _ = fs::remove_file(&target_path);
            let target = File::create(&target_path).unwrap();
            if target_in_place {
                tool("chattr", ["+C", text(&target_path)]);
            }
            target
        };
        let far = made(&elsewhere.path().join("source"), source_in_place);
        assert!(!clone(&far, &empty()));
        assert_eq!(in_place(&target_path), target_in_place);
        assert_eq!(fs::metadata(&target_path).unwrap().len(), 0);
        let source_path = mount.path().join("source");
        let _ = fs::remove_file(&source_path);
        let near = made(&source_path, source_in_place);
        assert!(clone(&near, &empty()));
        assert_eq!(in_place(&target_path), source_in_place);
        // A part of a block cannot be shared in the middle of a file, whatever that is like.
        let target = File::options().write(true).open(&target_path).unwrap();
        assert!(!clone(&File::open("/proc/version").unwrap(), &target));
    }
}

#[test]
fn a_large_file_is_shared_in_steps_that_end_with_the_wish_to_stop() {
    let Some(mount) = btrfs() else { return };
    let source_path = mount.path().join("source");
    // Neither whole steps nor whole blocks.
    let content: Vec<_> = (0..20_000_123_u32).map(|at| (at >> 12) as u8).collect();
    fs::write(&source_path, &content).unwrap();
    let source = File::open(&source_path).unwrap();
    source.sync_all().unwrap();
    let target_path = mount.path().join("target");
    let cancel = Cancel::new().unwrap();
    clone_or_copy(&source, &File::create(&target_path).unwrap(), &cancel, true).unwrap();
    assert!(fs::read(&target_path).unwrap() == content && shares(&target_path));
    cancel.cancel();
    let target = File::create(&target_path).unwrap();
    let stopped = clone_or_copy(&source, &target, &cancel, true).unwrap_err();
    assert!(matches!(stopped, CopyError::Cancelled(_)));
    assert!(target.metadata().unwrap().len() < content.len() as u64);
}
