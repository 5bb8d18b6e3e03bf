//! What is there, in words: names, marks, holes, and who shares with whom.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use importd::sys::btrfs;
use rustix::fs::{IFlags, ioctl_getflags};

use super::room::{Room, SPARSE_LIMIT_BYTES};
use crate::kit::{Snapshot, allocated_bytes};

/// For so long a sweeper may go on behind a transfer.
const SWEEPING: Duration = Duration::from_secs(5);

/// Every image and every export there is, by name: its mode or what kind of tree it is, whether it is equal to its
/// source (`new`), to what was there before (`old`) or to neither, whether it has its holes, and how a tree is marked.
pub fn at(room: &Room) -> String {
    wait_for_sweepers(&room.path("images"));
    let mut lines = Vec::new();
    for (directory, prefix) in [("images", ""), ("out", "out/"), ("elsewhere", "elsewhere/")] {
        let path = room.path(directory);
        for name in names(&path) {
            let words = match fs::symlink_metadata(path.join(&name)).unwrap().is_dir() {
                true => tree(room, &path, &name),
                false => file(room, &path.join(&name)),
            };
            lines.push(format!("{prefix}{} {words}", known(&name)));
        }
    }
    lines.sort();
    lines.join(", ")
}

/// What is staged is gone when its sweeper is.
fn wait_for_sweepers(images: &Path) {
    let start = Instant::now();
    let staged = |name: &String| name.starts_with(".#importd.");
    while names(images).iter().any(staged) && start.elapsed() < SWEEPING {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}

/// Kept copies by one name.
fn known(name: &str) -> &str {
    match name {
        name if name.starts_with(".raw-") && name.ends_with(".raw") => "KEPT.raw",
        name if name.starts_with(".tar-") => "KEPT",
        name => name,
    }
}

fn file(room: &Room, path: &Path) -> String {
    let data = fs::metadata(path).unwrap();
    let (is_archive, is_old) = (path.extension().unwrap() == "tar", data.len() == 3);
    let content = match () {
        () if is_old => "old",
        () if is_archive && room.is_archive(path) => "new",
        () if !is_archive && room.is_disk(path) => "new",
        () => "broken",
    };
    // In an archive there are no holes on the disk: it is as small as what it says of them.
    let holes = match is_archive {
        true => data.len() <= SPARSE_LIMIT_BYTES,
        false => has_holes(path),
    };
    let holes = if is_old {
        ""
    } else if holes {
        " sparse"
    } else {
        " full"
    };
    let immutable = if is_immutable(path) { " immutable" } else { "" };
    format!("{:04o} {content}{holes}{immutable}", data.mode() & 0o7777)
}

fn tree(room: &Room, directory: &Path, name: &str) -> String {
    let path = directory.join(name);
    let top = File::open(&path).unwrap();
    let is_subvolume = btrfs::is_subvolume(top.as_fd()).unwrap_or(false);
    let kind = if is_subvolume {
        "subvolume"
    } else {
        "directory"
    };
    let old = Snapshot::of(&path).names() == ["old"];
    let content = match old {
        true => "old",
        false if room.is_tree(directory, name) => "new",
        false => "broken",
    };
    let holes = match old {
        true => "",
        false if has_holes(&path.join("sparse")) => " sparse",
        false => " full",
    };
    let read_only = is_subvolume && btrfs::is_read_only(top.as_fd()).unwrap();
    let read_only = if read_only { " read-only" } else { "" };
    let immutable = if is_immutable(&path) {
        " immutable"
    } else {
        ""
    };
    format!("{kind} {content}{holes}{read_only}{immutable}")
}

fn is_immutable(path: &Path) -> bool {
    let flags = ioctl_getflags(File::open(path).unwrap());
    flags.is_ok_and(|flags| flags.contains(IFlags::IMMUTABLE))
}

/// Whether there is something on the disk, but much less than its size.
fn has_holes(path: &Path) -> bool {
    (1..=SPARSE_LIMIT_BYTES).contains(&allocated_bytes(path))
}

/// How two files stand to each other, by where their extents are: `shared`, or `apart`, or `partly shared`.
pub fn relation(room: &Room, pair: (&str, &str)) -> &'static str {
    let [first, second] = [pair.0, pair.1].map(|path| extents(room, path));
    let common = first
        .iter()
        .filter(|extent| second.contains(extent))
        .count();
    match common {
        0 => "apart",
        _ if first == second => "shared",
        _ => "partly shared",
    }
}

/// Where a file's blocks are, in its own and on the disk, by filefrag(8); nowhere in memory.
fn extents(room: &Room, path: &str) -> Vec<u64> {
    let (directory, rest) = path.split_once('/').unwrap();
    let mut path = room.path(directory);
    for part in rest.split('/') {
        let found = names(&path).into_iter().find(|name| known(name) == part);
        path = path.join(found.unwrap_or_else(|| part.to_owned()));
    }
    let output = Command::new("filefrag")
        .args(["-s", "-v"])
        .arg(path)
        .output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.lines().flat_map(blocks).collect()
}

/// The blocks of a line `NUMBER: FIRST.. LAST: FIRST.. LAST: COUNT: FLAGS`, those on the disk.
fn blocks(line: &str) -> std::ops::Range<u64> {
    let range = line
        .split(':')
        .nth(2)
        .and_then(|range| range.split_once(".."));
    let numbers = range.map(|(first, last)| (first.trim().parse(), last.trim().parse::<u64>()));
    match numbers {
        Some((Ok(first), Ok(last))) => first..last + 1,
        _ => 0..0,
    }
}
