//! What a face asks for.

use std::fs::File;
use std::path::PathBuf;

use crate::fetch;
use crate::store::Roots;
use crate::terms::{ImageClass, LocalName, Url, VerifyMode};

/// What holds for all transfers of a Manager.
pub struct Settings {
    pub roots: Roots,
    pub fetch: fetch::Config,
    /// The one keyring to trust instead of the system's.
    pub keyring: Option<PathBuf>,
    /// Waits until an image is on disk before it becomes visible.
    pub sync: bool,
}

/// One transfer, as it was asked for.
pub enum Request {
    PullRaw(PullRaw),
    ImportRaw(ImportRaw),
}

/// The image a transfer makes.
#[derive(Clone, Debug)]
pub struct Target {
    pub class: ImageClass,
    /// Replaces an image that has the name.
    pub force: bool,
    pub read_only: bool,
}

/// A raw image from a server.
pub struct PullRaw {
    pub url: Url,
    /// None keeps the pristine copy only.
    pub local: Option<LocalName>,
    pub target: Target,
    pub verify: VerifyMode,
    pub keep_download: bool,
}

/// A raw image from a file or a pipe.
pub struct ImportRaw {
    pub origin: Origin,
    pub local: LocalName,
    pub target: Target,
}

/// An open file to import, and what to call it.
pub struct Origin {
    pub file: File,
    pub shown: String,
}
