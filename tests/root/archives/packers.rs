//! Trees packed by other programs, in every format that these know.

use std::path::Path;
use std::process::Command;

/// A packer's arguments; the archive's path follows, then what leads to the tree.
const PACKERS: &[(&str, &[&str])] = &[
    ("tar", &["--format=v7", "--numeric-owner", "-cf"]),
    ("tar", &["--format=oldgnu", "-S", "-cf"]),
    (
        "tar",
        &["--format=gnu", "-S", "--hole-detection=raw", "-cf"],
    ),
    ("tar", &["--format=ustar", "-cf"]),
    (
        "tar",
        &[
            "--format=pax",
            "--xattrs",
            "--xattrs-include=*",
            "--acls",
            "-S",
            "-cf",
        ],
    ),
    (
        "tar",
        &["--format=pax", "-S", "--sparse-version=0.0", "-cf"],
    ),
    (
        "tar",
        &[
            "--format=pax",
            "-S",
            "--sparse-version=0.1",
            "--acls",
            "-cf",
        ],
    ),
    (
        "bsdtar",
        &["--format=pax", "--xattrs", "--acls", "--read-sparse", "-cf"],
    ),
    ("bsdtar", &["--format=gnutar", "-cf"]),
    ("bsdtar", &["--format=ustar", "-cf"]),
    ("bsdtar", &["--format=v7", "-cf"]),
    ("python3", &["-c", PYTHON, "0"]),
    ("python3", &["-c", PYTHON, "1"]),
    ("python3", &["-c", PYTHON, "2"]),
];

const PYTHON: &str = "\
import sys, tarfile
with tarfile.open(sys.argv[2], 'w', format=int(sys.argv[1])) as archive:
    archive.add(sys.argv[4], '.')
";

/// Packs a tree by one of them, and says how; nothing if the tree has what the format has no room for.
pub fn pack(choice: usize, tree: &Path, archive: &Path) -> Option<String> {
    let (program, options) = PACKERS[choice % PACKERS.len()];
    let mut command = Command::new(program);
    command.args(options).arg(archive).arg("-C").arg(tree);
    if program != "python3" {
        command.arg(".");
    }
    let packed = command.env("LC_ALL", "C.UTF-8").output().unwrap();
    let said: Vec<_> = options
        .iter()
        .filter(|option| **option != PYTHON)
        .copied()
        .collect();
    packed
        .status
        .success()
        .then(|| format!("{program} {}", said.join(" ")))
}
