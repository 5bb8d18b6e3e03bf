//! A packed file in pieces that are unpacked each by itself, at the same time where somebody has threads for that.

use std::io::{self, BufRead};

use super::checked::Checked;
use super::{bzip2, xz};
use crate::stream::Cancel;
use crate::terms::Compression;

/// A part of what a file unpacks to, in its order.
pub enum Piece {
    /// What could be unpacked only where its predecessor was.
    Plain(Vec<u8>),
    /// What anybody may unpack at any time. Whatever is wrong with it then is wrong with the data.
    Packed {
        unpack: Unpack,
        /// The memory that this takes, what is packed and what comes of it included.
        bytes: u64,
    },
}

/// Unpacks a piece, unless somebody wishes that it stop.
pub(super) type Unpack = Box<dyn FnOnce(&Cancel) -> io::Result<Vec<u8>> + Send>;

/// The pieces of a file, or an error instead of the next and last one.
pub type Pieces<'a> = Box<dyn Iterator<Item = io::Result<Piece>> + Send + 'a>;

/// Cuts a file into pieces that take at most `limit_bytes` each; what would take more is unpacked on the way.
/// The source back if files of that kind cannot be cut.
///
/// All that a decoder compares is compared: what is in a piece by whoever unpacks it, what is around them here.
pub fn pieces<'a, R: BufRead + Send + 'a>(
    compression: Compression,
    source: R,
    limit_bytes: u64,
) -> Result<Pieces<'a>, R> {
    match compression {
        Compression::Xz => Ok(Box::new(Checked::new(compression, source, |source| {
            xz::Pieces::new(source, limit_bytes)
        }))),
        Compression::Bzip2 if limit_bytes >= bzip2::PIECE_BYTES => Ok(Box::new(Checked::new(
            compression,
            source,
            bzip2::Pieces::new,
        ))),
        _ => Err(source),
    }
}
