//! What a transfer does, in the words of lists and buses.

use super::ImageForm;

/// What a transfer does with what form of image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferType {
    Import(ImageForm),
    /// A tree from a directory.
    ImportDirectory,
    Export(ImageForm),
    Pull(ImageForm),
}

impl TransferType {
    /// The word in lists and on the bus, `org.freedesktop.import1(5)`.
    pub fn as_str(self) -> &'static str {
        use ImageForm::{Raw, Tree};
        match self {
            Self::Import(Tree) => "import-tar",
            Self::Import(Raw) => "import-raw",
            Self::ImportDirectory => "import-fs",
            Self::Export(Tree) => "export-tar",
            Self::Export(Raw) => "export-raw",
            Self::Pull(Tree) => "pull-tar",
            Self::Pull(Raw) => "pull-raw",
        }
    }
}
