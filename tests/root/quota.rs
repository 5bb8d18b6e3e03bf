//! What trees take, counted by btrfs where that is asked for.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::images::field;
use crate::kit::{Case, Outcome, archive, need, need_root, tool};
use crate::mount::Mount;

/// A file system with an empty root in it.
struct Counted {
    mount: Mount,
    case: Case,
}

impl Counted {
    fn new() -> Self {
        Self {
            mount: Mount::formatted(256 << 20, "mkfs.btrfs", &["-q"]),
            case: Case::new()
                .without_root()
                .file("a.tar", archive())
                .file("broken.tar", &archive()[..5000])
                .env("SYSTEMD_IMPORT_BTRFS_QUOTA", "1"),
        }
    }

    fn root(&self) -> PathBuf {
        self.mount.path()
    }

    fn image(&self, name: &str) -> PathBuf {
        self.root().join("var/lib/machines").join(name)
    }

    #[track_caller]
    fn importctl(&self, arguments: &[&str]) -> Outcome {
        let root = format!("--root={}", self.root().display());
        let arguments = [root.as_str()].into_iter().chain(arguments.iter().copied());
        self.case.importctl(arguments)
    }

    /// Every group above a subvolume's own and what it counts, by name: `255/machines`, with `pool` for the pool.
    fn groups(&self) -> Vec<String> {
        let shown = tool(
            "btrfs",
            ["qgroup", "show", "-p", "--raw", text(&self.root())],
        );
        let shown = String::from_utf8(shown).unwrap();
        let mut groups = Vec::new();
        for line in shown
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        {
            let words: Vec<_> = line.split_whitespace().collect();
            let parent = words.iter().skip(1).find(|word| word.contains('/'));
            if let Some(parent) = parent.filter(|parent| parent.starts_with("25")) {
                groups.push(format!(
                    "{} in {}",
                    self.named(words[0]),
                    self.named(parent)
                ));
            }
        }
        groups.sort();
        groups
    }

    /// A group's number with the name of the subvolume.
    fn named(&self, group: &str) -> String {
        let (level, id) = group.split_once('/').unwrap();
        let list = tool("btrfs", ["subvolume", "list", text(&self.root())]);
        let list = String::from_utf8(list).unwrap();
        let found = list
            .lines()
            .find_map(|line| line.strip_prefix(&format!("ID {id} ")));
        let path = found.map_or("gone", |line| line.rsplit(' ').next().unwrap());
        format!("{level}/{}", path.rsplit('/').next().unwrap())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn is_subvolume(path: &Path) -> bool {
    let directory = fs::File::open(path).unwrap();
    importd::sys::btrfs::is_subvolume(directory.as_fd()).unwrap()
}

#[test]
fn the_pool_counts_its_trees_one_by_one_and_together() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let counted = Counted::new();
    counted
        .importctl(&["import-tar", "-m", "{dir}/a.tar", "a"])
        .ok()
        .stderr_lacks("Quota");
    assert!(is_subvolume(&counted.image("")));
    let mode = fs::metadata(counted.image("")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o700);
    // A copy that shares everything, and one of another class, which has no pool.
    let original = counted.image("a");
    counted
        .importctl(&["import-fs", "-m", text(&original), "b"])
        .ok();
    counted
        .importctl(&["import-tar", "--class=portable", "{dir}/a.tar", "p"])
        .ok();
    let expected = [
        "0/a in 254/a",
        "0/b in 254/b",
        "0/machines in 255/machines",
        "0/p in 255/p",
        "254/a in 255/machines",
        "254/b in 255/machines",
    ];
    assert_eq!(counted.groups(), expected);

    fs::write(counted.image("b/big"), vec![7; 1 << 20]).unwrap();
    tool("sync", ["-f", text(&counted.root())]);
    tool("btrfs", ["quota", "rescan", "-w", text(&counted.root())]);
    let number = |name, of| -> u64 { field(&counted.root(), name, of).parse().unwrap() };
    assert!(number("b", "usage") >= number("a", "usage") + (1 << 20));
    assert!(number("b", "usage-exclusive") >= 1 << 20);
    assert!(number("b", "usage-exclusive") <= number("b", "usage"));
    assert_eq!(field(&counted.root(), "b", "limit"), "null");
    let list = tool(
        "btrfs",
        ["inspect-internal", "rootid", text(&counted.image("b"))],
    );
    let group = format!("254/{}", String::from_utf8(list).unwrap().trim());
    tool(
        "btrfs",
        ["qgroup", "limit", "8M", &group, text(&counted.root())],
    );
    tool(
        "btrfs",
        ["qgroup", "limit", "-e", "4M", &group, text(&counted.root())],
    );
    tool("sync", ["-f", text(&counted.root())]);
    assert_eq!(field(&counted.root(), "b", "limit"), "8388608");
    assert_eq!(field(&counted.root(), "b", "limit-exclusive"), "4194304");
    assert_eq!(field(&counted.root(), "a", "limit"), "null");
}

#[test]
fn groups_go_with_the_trees_that_they_count() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let counted = Counted::new();
    let import = ["import-tar", "-m", "--force", "{dir}/a.tar", "a"];
    counted.importctl(&import).ok();
    let before = counted.groups();
    counted.importctl(&import).ok();
    counted
        .importctl(&["import-tar", "-m", "{dir}/broken.tar", "b"])
        .code(1);
    // Another process sweeps, and may not be done.
    for _ in 0..100 {
        if counted.groups() == before {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(counted.groups(), before);
}

#[test]
fn nothing_is_counted_that_nobody_asked_for() {
    if !need_root() || !need("mkfs.btrfs") || !need("mkfs.ext4") {
        return;
    }
    let counted = Counted {
        case: Case::new().without_root().file("a.tar", archive()),
        ..Counted::new()
    };
    counted
        .importctl(&["import-tar", "-m", "{dir}/a.tar", "a"])
        .ok();
    assert!(is_subvolume(&counted.image("a")) && !is_subvolume(&counted.image("")));
    let shown = std::process::Command::new("btrfs")
        .args(["qgroup", "show", text(&counted.root())])
        .output()
        .unwrap();
    assert!(!shown.status.success(), "quota is on");
    // Elsewhere there is nothing to count with, and a directory of somebody's own is no pool.
    let elsewhere = Counted {
        mount: Mount::ext4(64 << 20),
        ..Counted::new()
    };
    elsewhere
        .importctl(&["import-tar", "-m", "{dir}/a.tar", "a"])
        .ok()
        .stderr_lacks("Quota");
    let own = Counted::new();
    let option = format!("--image-root={}/own", own.root().display());
    own.case
        .importctl(["import-tar", "-m", &option, "{dir}/a.tar", "a"])
        .ok()
        .stderr_lacks("Quota");
    assert!(!is_subvolume(&own.root().join("own")));
}

#[test]
fn the_helpers_option_stands_above_the_variable() {
    if !need_root() || !need("mkfs.btrfs") {
        return;
    }
    let counted = Counted::new();
    tool("btrfs", ["quota", "enable", text(&counted.root())]);
    let own = format!("--image-root={}/own", counted.root().display());
    for (option, name) in [("--btrfs-quota=no", "a"), ("--btrfs-quota=yes", "b")] {
        let import = ["systemd-import", "tar", &own, option, "{dir}/a.tar", name];
        counted.case.importd(import).ok().stderr_lacks("Quota");
    }
    assert_eq!(counted.groups(), ["0/b in 255/b"]);
}
