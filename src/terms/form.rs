//! The two forms of an image, and how the names of files differ with them.

use super::LocalName;

/// One file, or a tree of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageForm {
    /// A disk image: `NAME.raw`.
    Raw,
    /// A directory or subvolume: `NAME`.
    Tree,
}

impl ImageForm {
    /// What ends the file name of an image of this form.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Raw => ".raw",
            Self::Tree => "",
        }
    }

    /// What it is called on command lines and on the buses, and in the names of kept copies and of temporary files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Tree => "tar",
        }
    }

    /// The file name of an image of this form.
    pub fn file_name(self, name: &LocalName) -> String {
        format!("{name}{}", self.suffix())
    }
}
