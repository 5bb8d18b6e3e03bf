//! What a face asks for.

use std::fs::File;
use std::path::PathBuf;

use crate::terms::{Compression, ImageClass, ImageForm, ImageName, LocalName, Url, VerifyMode};

/// One transfer, as it was asked for.
pub enum Request {
    Pull(Pull),
    Import(Import),
    ImportDirectory(ImportDirectory),
    Export(Export),
}

/// The image a transfer makes.
#[derive(Clone, Debug)]
pub struct Target {
    pub class: ImageClass,
    pub form: ImageForm,
    /// Replaces an image that has the name.
    pub force: bool,
    pub read_only: bool,
}

/// An image from a server: a disk image, or an archive of a tree.
pub struct Pull {
    pub url: Url,
    /// None keeps the pristine copy only.
    pub local: Option<LocalName>,
    pub target: Target,
    pub verify: VerifyMode,
    pub keep_download: bool,
}

/// An image from a file or a pipe: a disk image, or an archive of a tree.
pub struct Import {
    pub origin: Origin,
    pub local: LocalName,
    pub target: Target,
}

/// A tree from a directory.
pub struct ImportDirectory {
    pub origin: Origin,
    pub local: LocalName,
    pub target: Target,
}

/// An open file or directory to import, and what to call it.
pub struct Origin {
    pub file: File,
    pub shown: String,
}

/// An image to a file or a pipe: a disk image as it is, a tree as an archive.
pub struct Export {
    pub class: ImageClass,
    pub form: ImageForm,
    pub name: ImageName,
    pub outlet: Outlet,
    pub compression: Compression,
}

/// Where an export goes.
pub enum Outlet {
    /// A file that is replaced once the export is whole; what is no regular file is written to as it is.
    Path(PathBuf),
    /// A pipe or an open file, and what to call it.
    Open { file: File, shown: String },
}
