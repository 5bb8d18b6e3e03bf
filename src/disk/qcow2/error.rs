//! Why an image was not converted, and who is to blame.

use std::io;

use crate::codec::ClusterError;
use crate::format::qcow2;
use crate::stream::Cancelled;

/// A failed conversion.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The image.
    #[error(transparent)]
    Image(#[from] qcow2::Error),
    /// The image.
    #[error(
        "the cluster at guest offset {guest} cannot be unpacked, {cause}: fetch the file again, or ask whoever made it"
    )]
    Cluster { guest: u64, cause: ClusterError },
    /// Wherever the image comes from.
    #[error("failed to read it: {0}")]
    Read(io::Error),
    /// This machine: the target, or what is set aside beside it.
    #[error("failed to write it: {0}")]
    Write(io::Error),
}
