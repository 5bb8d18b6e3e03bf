//! Every operation that makes or reads an image, and what it leaves on each file system.

use super::look;
use super::room::Room;

/// One operation in an empty room.
pub struct Operation {
    name: &'static str,
    /// What is there before.
    before: Before,
    /// The words for `importctl`; `{given}` and `{out}` are directories on the file system in question, `{elsewhere}` one
    /// on another.
    words: &'static [&'static str],
    /// What is there afterwards, in the words of [`look::at`]; TREE, MARKED are the file system's own.
    leaves: &'static str,
    /// Files that are shared where the file system can do that, and apart elsewhere.
    copies: &'static [(&'static str, &'static str)],
    /// What it says among other things.
    says: &'static str,
    /// It is refused.
    fails: bool,
}

pub enum Before {
    Nothing,
    /// Earlier operations.
    Runs(&'static [&'static [&'static str]]),
    /// An old disk image of the name, marked somehow.
    OldDisk(Mark),
    /// An old tree of the name.
    OldTree(Mark),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    None,
    /// As an image is marked that is to be read-only.
    ReadOnly,
    /// By chattr(1).
    Immutable,
}

const PLAIN: Operation = Operation {
    name: "",
    before: Before::Nothing,
    words: &[],
    leaves: "",
    copies: &[],
    says: "",
    fails: false,
};

const PULL_RAW: &[&str] = &["pull-raw", "{url}/disk.raw", "img"];
const PULL_TAR: &[&str] = &["pull-tar", "{url}/tree.tar", "img"];
const IMPORT_RAW: &[&str] = &["import-raw", "{given}/disk.raw", "disk"];
const IMPORT_FS: &[&str] = &["import-fs", "{given}/tree", "tree"];

const FORCE_RAW: &[&str] = &["--force", "import-raw", "{given}/disk.raw", "img"];
const FORCE_TAR: &[&str] = &["--force", "import-tar", "{given}/tree.tar", "img"];
const FORCE_FS: &[&str] = &["--force", "import-fs", "{given}/tree", "img"];
const NEW_DISK: &str = "img.raw 0644 new sparse";
const NEW_TREE: &str = "img TREE new sparse";

pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "pull-raw keeps a copy that nobody may write beside the image",
        words: PULL_RAW,
        leaves: "KEPT.raw 0444 new sparse, img.raw 0644 new sparse",
        copies: &[("images/KEPT.raw", "images/img.raw")],
        ..PLAIN
    },
    Operation {
        name: "pull-raw without a kept copy leaves the image alone",
        words: &["-N", "pull-raw", "{url}/disk.raw", "img"],
        leaves: NEW_DISK,
        ..PLAIN
    },
    Operation {
        name: "pull-raw without a local name leaves the kept copy alone",
        words: &["pull-raw", "{url}/disk.raw", "-"],
        leaves: "KEPT.raw 0444 new sparse",
        ..PLAIN
    },
    Operation {
        name: "pull-raw of a packed image has the same holes",
        words: &["pull-raw", "{url}/disk.raw.gz", "img"],
        leaves: "KEPT.raw 0444 new sparse, img.raw 0644 new sparse",
        copies: &[("images/KEPT.raw", "images/img.raw")],
        ..PLAIN
    },
    Operation {
        name: "a second pull-raw copies what is kept",
        before: Before::Runs(&[PULL_RAW]),
        words: &["pull-raw", "{url}/disk.raw", "two"],
        leaves: "KEPT.raw 0444 new sparse, img.raw 0644 new sparse, two.raw 0644 new sparse",
        copies: &[
            ("images/KEPT.raw", "images/img.raw"),
            ("images/KEPT.raw", "images/two.raw"),
        ],
        says: "Using the kept copy",
        ..PLAIN
    },
    Operation {
        name: "a second pull-raw over the image copies what is kept",
        before: Before::Runs(&[PULL_RAW]),
        words: &["--force", "-N", "pull-raw", "{url}/disk.raw", "img"],
        leaves: "KEPT.raw 0444 new sparse, img.raw 0644 new sparse",
        copies: &[("images/KEPT.raw", "images/img.raw")],
        says: "Using the kept copy",
        ..PLAIN
    },
    Operation {
        name: "pull-tar keeps a marked copy beside the tree",
        words: PULL_TAR,
        leaves: "KEPT TREE new sparse MARKED, img TREE new sparse",
        copies: &[
            ("images/KEPT/data", "images/img/data"),
            ("images/KEPT/sparse", "images/img/sparse"),
        ],
        ..PLAIN
    },
    Operation {
        name: "pull-tar without a kept copy leaves the tree alone",
        words: &["-N", "pull-tar", "{url}/tree.tar", "img"],
        leaves: NEW_TREE,
        ..PLAIN
    },
    Operation {
        name: "a second pull-tar copies what is kept",
        before: Before::Runs(&[PULL_TAR]),
        words: &["pull-tar", "{url}/tree.tar", "two"],
        leaves: "KEPT TREE new sparse MARKED, img TREE new sparse, two TREE new sparse",
        copies: &[
            ("images/KEPT/data", "images/img/data"),
            ("images/KEPT/data", "images/two/data"),
        ],
        says: "Using the kept copy",
        ..PLAIN
    },
    Operation {
        name: "a second pull-tar over the tree copies what is kept",
        before: Before::Runs(&[PULL_TAR]),
        words: &["--force", "-N", "pull-tar", "{url}/tree.tar", "img"],
        leaves: "KEPT TREE new sparse MARKED, img TREE new sparse",
        copies: &[("images/KEPT/data", "images/img/data")],
        says: "Using the kept copy",
        ..PLAIN
    },
    Operation {
        name: "import-raw of a file on the same file system shares it",
        words: &["import-raw", "{given}/disk.raw", "img"],
        leaves: NEW_DISK,
        copies: &[("given/disk.raw", "images/img.raw")],
        ..PLAIN
    },
    Operation {
        name: "import-raw of a file on another file system copies it with its holes",
        words: &["import-raw", "{elsewhere}/disk.raw", "img"],
        leaves: NEW_DISK,
        ..PLAIN
    },
    Operation {
        name: "import-raw of a file without holes makes them",
        words: &["import-raw", "{elsewhere}/full.raw", "img"],
        leaves: NEW_DISK,
        ..PLAIN
    },
    Operation {
        name: "import-tar makes a tree of a file",
        words: &["import-tar", "{given}/tree.tar", "img"],
        leaves: NEW_TREE,
        ..PLAIN
    },
    Operation {
        name: "import-fs of a directory on the same file system shares its files",
        words: &["import-fs", "{given}/tree", "img"],
        leaves: NEW_TREE,
        copies: &[
            ("given/tree/data", "images/img/data"),
            ("given/tree/sparse", "images/img/sparse"),
        ],
        ..PLAIN
    },
    Operation {
        name: "import-fs of an image shares its files",
        before: Before::Runs(&[IMPORT_FS]),
        words: &["import-fs", "{images}/tree", "img"],
        leaves: "img TREE new sparse, tree TREE new sparse",
        copies: &[("images/tree/data", "images/img/data")],
        ..PLAIN
    },
    Operation {
        name: "import-fs of a read-only image makes one that may be written",
        before: Before::Runs(&[&["--read-only", "import-fs", "{given}/tree", "tree"]]),
        words: &["import-fs", "{images}/tree", "img"],
        leaves: "img TREE new sparse, tree TREE new sparse MARKED",
        copies: &[("images/tree/data", "images/img/data")],
        ..PLAIN
    },
    Operation {
        name: "import-fs of a directory on another file system copies it with its holes",
        words: &["import-fs", "{elsewhere}/tree", "img"],
        leaves: NEW_TREE,
        ..PLAIN
    },
    // Read-only.
    Operation {
        name: "pull-raw makes what is read-only as far as modes go",
        words: &["--read-only", "pull-raw", "{url}/disk.raw", "img"],
        leaves: "KEPT.raw 0444 new sparse, img.raw 0444 new sparse",
        copies: &[("images/KEPT.raw", "images/img.raw")],
        ..PLAIN
    },
    Operation {
        name: "pull-tar marks a tree that is to be read-only",
        words: &["--read-only", "pull-tar", "{url}/tree.tar", "img"],
        leaves: "KEPT TREE new sparse MARKED, img TREE new sparse MARKED",
        copies: &[("images/KEPT/data", "images/img/data")],
        ..PLAIN
    },
    Operation {
        name: "import-raw makes what is read-only as far as modes go",
        words: &["--read-only", "import-raw", "{given}/disk.raw", "img"],
        leaves: "img.raw 0444 new sparse",
        copies: &[("given/disk.raw", "images/img.raw")],
        ..PLAIN
    },
    Operation {
        name: "import-tar marks a tree that is to be read-only",
        words: &["--read-only", "import-tar", "{given}/tree.tar", "img"],
        leaves: "img TREE new sparse MARKED",
        ..PLAIN
    },
    Operation {
        name: "import-fs marks a tree that is to be read-only",
        words: &["--read-only", "import-fs", "{given}/tree", "img"],
        leaves: "img TREE new sparse MARKED",
        copies: &[("given/tree/data", "images/img/data")],
        ..PLAIN
    },
    // Over what is there.
    Operation {
        name: "without --force a disk image stays as it was",
        before: Before::OldDisk(Mark::None),
        words: &["import-raw", "{given}/disk.raw", "img"],
        leaves: "img.raw 0644 old",
        says: "exists already",
        fails: true,
        ..PLAIN
    },
    Operation {
        name: "without --force a tree stays as it was",
        before: Before::OldTree(Mark::ReadOnly),
        words: &["import-tar", "{given}/tree.tar", "img"],
        leaves: "img TREE old MARKED",
        says: "exists already",
        fails: true,
        ..PLAIN
    },
    Operation {
        name: "--force replaces a disk image",
        before: Before::OldDisk(Mark::None),
        words: FORCE_RAW,
        leaves: NEW_DISK,
        copies: &[("given/disk.raw", "images/img.raw")],
        ..PLAIN
    },
    Operation {
        name: "--force replaces a disk image that is read-only",
        before: Before::OldDisk(Mark::ReadOnly),
        words: FORCE_RAW,
        leaves: NEW_DISK,
        ..PLAIN
    },
    Operation {
        name: "--force replaces a disk image that is immutable",
        before: Before::OldDisk(Mark::Immutable),
        words: FORCE_RAW,
        leaves: NEW_DISK,
        ..PLAIN
    },
    Operation {
        name: "--force replaces a disk image by a download and keeps that",
        before: Before::OldDisk(Mark::Immutable),
        words: &["--force", "pull-raw", "{url}/disk.raw", "img"],
        leaves: "KEPT.raw 0444 new sparse, img.raw 0644 new sparse",
        copies: &[("images/KEPT.raw", "images/img.raw")],
        ..PLAIN
    },
    Operation {
        name: "--force replaces a tree",
        before: Before::OldTree(Mark::None),
        words: FORCE_TAR,
        leaves: NEW_TREE,
        ..PLAIN
    },
    Operation {
        name: "--force replaces a tree that is read-only",
        before: Before::OldTree(Mark::ReadOnly),
        words: FORCE_TAR,
        leaves: NEW_TREE,
        ..PLAIN
    },
    Operation {
        name: "--force replaces a tree that is immutable",
        before: Before::OldTree(Mark::Immutable),
        words: FORCE_FS,
        leaves: NEW_TREE,
        copies: &[("given/tree/data", "images/img/data")],
        ..PLAIN
    },
    Operation {
        name: "--force replaces a tree that is read-only by one that is",
        before: Before::OldTree(Mark::ReadOnly),
        words: &[
            "--force",
            "--read-only",
            "pull-tar",
            "{url}/tree.tar",
            "img",
        ],
        leaves: "KEPT TREE new sparse MARKED, img TREE new sparse MARKED",
        ..PLAIN
    },
    // Out again.
    Operation {
        name: "export-raw to a file on the same file system shares the image",
        before: Before::Runs(&[IMPORT_RAW]),
        words: &["export-raw", "disk", "{out}/disk.raw"],
        leaves: "disk.raw 0644 new sparse, out/disk.raw 0644 new sparse",
        copies: &[("images/disk.raw", "out/disk.raw")],
        ..PLAIN
    },
    Operation {
        name: "export-raw to a file on another file system keeps the holes",
        before: Before::Runs(&[IMPORT_RAW]),
        words: &["export-raw", "disk", "{elsewhere}/out/disk.raw"],
        leaves: "disk.raw 0644 new sparse, elsewhere/disk.raw 0644 new sparse",
        ..PLAIN
    },
    Operation {
        name: "export-raw of a read-only image makes a file that may be written",
        before: Before::Runs(&[&["--read-only", "import-raw", "{given}/disk.raw", "disk"]]),
        words: &["export-raw", "disk", "{out}/disk.raw"],
        leaves: "disk.raw 0444 new sparse, out/disk.raw 0644 new sparse",
        copies: &[("images/disk.raw", "out/disk.raw")],
        ..PLAIN
    },
    Operation {
        name: "export-raw over a file replaces it",
        before: Before::Runs(&[IMPORT_RAW, &["export-raw", "disk", "{out}/disk.raw"]]),
        words: &["export-raw", "disk", "{out}/disk.raw"],
        leaves: "disk.raw 0644 new sparse, out/disk.raw 0644 new sparse",
        copies: &[("images/disk.raw", "out/disk.raw")],
        ..PLAIN
    },
    Operation {
        name: "export-tar leaves holes out of the archive",
        before: Before::Runs(&[IMPORT_FS]),
        words: &["export-tar", "tree", "{out}/tree.tar"],
        leaves: "out/tree.tar 0644 new sparse, tree TREE new sparse",
        ..PLAIN
    },
    Operation {
        name: "export-tar of a read-only tree to another file system leaves holes out of the archive",
        before: Before::Runs(&[&["--read-only", "import-fs", "{given}/tree", "tree"]]),
        words: &["export-tar", "tree", "{elsewhere}/out/tree.tar"],
        leaves: "elsewhere/tree.tar 0644 new sparse, tree TREE new sparse MARKED",
        ..PLAIN
    },
];

impl Operation {
    /// What is wrong with what it leaves.
    pub fn complaint(&self, room: &Room) -> Option<String> {
        room.clear();
        room.prepare(&self.before);
        let outcome = room.run(self.words);
        let text = outcome.stderr_text();
        let said = text.contains(self.says) && outcome.status.success() != self.fails;
        let left = look::at(room);
        let expected = room.fill_words(self.leaves);
        let related = self.copies.iter().find_map(|pair| {
            let found = look::relation(room, *pair);
            (found != room.on.copies).then(|| format!("{} and {} are {found}", pair.0, pair.1))
        });
        if said && left == expected && related.is_none() {
            return None;
        }
        let related = related.unwrap_or_default();
        Some(format!(
            "{}\n  leaves   {left}\n  not      {expected}\n  {related}\n  {text}",
            self.name
        ))
    }
}
