//! The transfers that are killed, as data.

/// A kind of transfer.
pub struct Kind {
    pub name: &'static str,
    /// The words for `importctl`; `{url}`, `{given}` and `{out}` are the place's.
    pub words: &'static [&'static str],
    /// What trickles into standard input.
    pub input: Option<&'static str>,
    /// The file or tree that it makes.
    pub makes: Makes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Makes {
    Disk,
    Tree,
    /// A file of that name, from the images in stock.
    Export(&'static str),
}

pub const KINDS: [Kind; 10] = [
    Kind {
        name: "pull-raw",
        words: &["pull-raw", "{url}/disk.raw", "img"],
        input: None,
        makes: Makes::Disk,
    },
    Kind {
        name: "pull-raw, packed",
        words: &["pull-raw", "{url}/disk.raw.gz", "img"],
        input: None,
        makes: Makes::Disk,
    },
    Kind {
        name: "pull-tar",
        words: &["pull-tar", "{url}/tree.tar", "img"],
        input: None,
        makes: Makes::Tree,
    },
    Kind {
        name: "pull-tar, packed",
        words: &["pull-tar", "{url}/tree.tar.zst", "img"],
        input: None,
        makes: Makes::Tree,
    },
    Kind {
        name: "import-raw",
        words: &["import-raw", "-", "img"],
        input: Some("disk.raw"),
        makes: Makes::Disk,
    },
    Kind {
        name: "import-raw, packed",
        words: &["import-raw", "-", "img"],
        input: Some("disk.raw.gz"),
        makes: Makes::Disk,
    },
    Kind {
        name: "import-tar",
        words: &["import-tar", "-", "img"],
        input: Some("tree.tar"),
        makes: Makes::Tree,
    },
    Kind {
        name: "import-fs",
        words: &["import-fs", "{given}/tree", "img"],
        input: None,
        makes: Makes::Tree,
    },
    Kind {
        name: "export-raw",
        words: &["--format=bzip2", "export-raw", "disk", "{out}/disk.raw.bz2"],
        input: None,
        makes: Makes::Export("disk.raw.bz2"),
    },
    Kind {
        name: "export-tar",
        words: &["--format=bzip2", "export-tar", "tree", "{out}/tree.tar.bz2"],
        input: None,
        makes: Makes::Export("tree.tar.bz2"),
    },
];

impl Kind {
    /// The directory that it writes to.
    pub fn target(&self) -> &'static str {
        match self.makes {
            Makes::Export(_) => "out",
            Makes::Disk | Makes::Tree => "images",
        }
    }

    /// The directory that its images lie in.
    pub fn image_root(&self) -> &'static str {
        match self.makes {
            Makes::Export(_) => "stock",
            Makes::Disk | Makes::Tree => "images",
        }
    }
}
