//! What is wrong with packed data, by kind.

use std::io;

use crate::terms::{Bytes, Compression};

/// Why packed bytes could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the {0} data {1}: pack the image anew")]
    Unsupported(Compression, &'static str),
    #[error(
        "the {0} data end too early: the file is truncated, or has a few bytes too many; fetch it again"
    )]
    Truncated(Compression),
    #[error("the {0} data are corrupt ({1}): fetch the file again, or ask whoever made it")]
    Corrupt(Compression, io::Error),
    #[error(
        "the {0} data are followed by something else: the file is damaged, or not one that may be trusted"
    )]
    TrailingGarbage(Compression),
    #[error(
        "the {compression} data need a window beyond the limit of {limit}: pack the image with a smaller dictionary"
    )]
    WindowTooLarge {
        compression: Compression,
        limit: Bytes,
    },
    #[error(
        "the {0} data need more memory than there is: free some, or pack the image with a smaller dictionary"
    )]
    OutOfMemory(Compression),
}
