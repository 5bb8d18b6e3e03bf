//! What a helper has to say when it fails.

use std::io;

use super::daemon::Failure;
use crate::store;
use crate::terms::{InvalidName, InvalidUrl};
use crate::transfer;
use crate::usage;

/// Every way in which a run ends with exit status 1.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Usage(#[from] usage::Error),
    #[error(transparent)]
    Combination(#[from] Combination),
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("failed to open `{path}`: {cause}")]
    Open { path: String, cause: io::Error },
    #[error("images of registries (`{0}`) cannot be downloaded yet")]
    Oci(String),
    #[error("a user's own images are not managed yet: name a directory with --image-root=")]
    User,
    #[error("failed to write to standard output: {0}")]
    Output(io::Error),
    #[error("the daemon has not done it: {0}")]
    Daemon(#[from] Failure),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Transfer(#[from] transfer::Error),
}

/// Options that each make sense, but not together.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Combination {
    #[error(
        "{0}=yes cannot be combined with --direct: nothing goes beside what is written directly"
    )]
    BesideDirect(&'static str),
    #[error(
        "{0}=yes cannot be combined with a digest in --verify=: that vouches for the image alone"
    )]
    BesidePinned(&'static str),
    #[error(
        "--keep-download=yes cannot be combined with --direct: there is no image directory to keep it in"
    )]
    KeepDirect,
    #[error("{0} cannot be combined with --daemon=: the daemon cannot be told that")]
    NotTold(&'static str),
    #[error("--offset= is for files and block devices: a pipe has one beginning")]
    OffsetStream,
    #[error("--offset= needs --direct: an image of its own begins at its beginning")]
    OffsetIndirect,
    #[error("--offset= and --zero-fill= are for disk images: a tree is no range of bytes")]
    OffsetTree,
    #[error("--zero-fill=yes needs both --offset= and --size-max=: they say what to fill")]
    ZeroFill,
    #[error("--offset= and --size-max= together lie beyond what a file can hold")]
    Range,
}
