//! What is told of subvolumes and block devices.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::kit::{Case, need, need_root, tool};
use crate::mount::{LoopDevice, Mount};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What the JSON of an image says of a field.
#[track_caller]
pub fn field(root: &Path, name: &str, field: &str) -> String {
    let option = format!("--root={}", root.display());
    let list = ["list-images", "-m", "-j", &option];
    let json = Case::new()
        .without_root()
        .importctl(list)
        .ok()
        .stdout_text();
    let named = format!("\"name\":\"{name}\",");
    let image = json
        .split('{')
        .find(|image| image.contains(&named))
        .unwrap();
    let (_, value) = image.split_once(&format!("\"{field}\":")).unwrap();
    value.split([',', '}']).next().unwrap().to_owned()
}

/// A node of that device as an image below the root.
fn node(root: &Path, name: &str, device: &LoopDevice) {
    let machines = root.join("var/lib/machines");
    fs::create_dir_all(&machines).unwrap();
    let number = fs::metadata(device.path()).unwrap().rdev();
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    let numbers = [major.to_string(), minor.to_string()];
    tool(
        "mknod",
        [text(&machines.join(name)), "b", &numbers[0], &numbers[1]],
    );
}

#[test]
fn a_subvolume_has_its_own_times() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let mount = Mount::formatted(128 << 20, "mkfs.btrfs", &["-q"]);
    let root = mount.path();
    let image = root.join("var/lib/machines/a");
    fs::create_dir_all(image.parent().unwrap()).unwrap();
    tool("btrfs", ["subvolume", "create", text(&image)]);
    let shown = String::from_utf8(tool("btrfs", ["subvolume", "show", text(&image)])).unwrap();
    let line = shown
        .lines()
        .find(|line| line.contains("Creation time:"))
        .unwrap();
    let (_, time) = line.split_once(':').unwrap();
    let seconds = tool("date", ["-d", time.trim(), "+%s"]);
    let seconds = String::from_utf8(seconds).unwrap();
    let created = field(&root, "a", "crtime");
    assert_eq!(created[..created.len() - 6], *seconds.trim());

    // A change deep inside counts, which the directory's own time does not tell.
    fs::create_dir_all(image.join("b/c")).unwrap();
    tool("sync", ["-f", text(&image)]);
    let before: u64 = field(&root, "a", "mtime").parse().unwrap();
    fs::write(image.join("b/c/file"), "x").unwrap();
    tool("sync", ["-f", text(&image)]);
    let after: u64 = field(&root, "a", "mtime").parse().unwrap();
    assert!(after > before && before >= created.parse().unwrap());
    assert_eq!(field(&root, "a", "type"), "\"subvolume\"");
    assert_eq!(field(&root, "a", "usage"), "null");
    assert_eq!(field(&root, "a", "ro"), "false");
    tool("btrfs", ["property", "set", text(&image), "ro", "true"]);
    assert_eq!(field(&root, "a", "ro"), "true");
}

#[test]
fn a_device_has_its_size_and_may_be_read_only() {
    if !need_root() || !need("losetup") {
        return;
    }
    let case = Case::new();
    let (writable, read_only) = (LoopDevice::new(3 << 20), LoopDevice::read_only(5 << 20));
    node(&case.root(), "a", &writable);
    node(&case.root(), "b.raw", &read_only);
    for (name, bytes, ro) in [("a", "3145728", "false"), ("b.raw", "5242880", "true")] {
        assert_eq!(field(&case.root(), name, "type"), "\"block\"");
        assert_eq!(field(&case.root(), name, "ro"), ro, "{name}");
        for size in ["usage", "usage-exclusive", "limit", "limit-exclusive"] {
            assert_eq!(field(&case.root(), name, size), bytes, "{name}: {size}");
        }
        for time in ["crtime", "mtime"] {
            assert_eq!(field(&case.root(), name, time), "0", "{name}: {time}");
        }
    }
    // What it is called counts, and what it is.
    fs::write(writable.path(), "disk").unwrap();
    case.importctl(["export-raw", "-m", "a", "{dir}/a"]).ok();
    let exported = fs::read(case.dir().join("a")).unwrap();
    assert!(exported.starts_with(b"disk") && exported.len() == 3 << 20);
    case.importctl(["export-tar", "-m", "a", "{dir}/a.tar"])
        .code(1)
        .stderr_has("is a disk image");
}

#[test]
fn among_versions_a_device_is_a_disk_image() {
    if !need_root() || !need("losetup") {
        return;
    }
    let case = Case::new();
    let device = LoopDevice::new(1 << 20);
    for place in ["disk.raw.v", "plain.v"] {
        fs::create_dir_all(case.image_dir("machine").join(place)).unwrap();
    }
    node(&case.root(), "disk.raw.v/disk_1.raw", &device);
    node(&case.root(), "plain.v/plain_1", &device);
    let table = case
        .importctl(["list-images", "-m", "--no-legend"])
        .ok()
        .stdout_text();
    let names: Vec<_> = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(names, [".host", "disk"]);
}
