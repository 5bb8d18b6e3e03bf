//! Compressions: told by magic, decoded to the last integrity field; and for exports encoded.
//!
//! **Architecture Invariant:** whatever the format, a decoder takes concatenated members, and an input that is
//! truncated, corrupted or followed by anything else is an error, never a shorter image.
//!
//! Limits: windows of 256 MiB (xz) and 128 MiB (zstd). No decoder and no encoder owns a thread.

mod blocks;
mod bzip2;
mod checked;
mod cluster;
mod declared;
mod encoder;
mod error;
mod fields;
mod gzip;
mod lz4;
mod lzma2;
mod pieces;
mod skippable;
mod sniff;
mod xz;
mod zstd;

use std::io::{BufRead, Read};

use checked::Checked;

use crate::terms::Compression;

pub use blocks::{BlockFormat, BlockPacker, Joiner, Packed};
pub use cluster::{ClusterDecoder, ClusterError};
pub use declared::declared_size;
pub use encoder::{Encoder, encoder};
pub use error::Error;
pub use pieces::{Assembler, Piece, Pieces, Unpacked, pieces};
pub use sniff::{MAGIC_LEN, sniff};

/// The reader of what `source` holds packed with `compression`; plain bytes pass through.
///
/// Errors of the source pass through as they are; what the codec finds wrong is an [`Error`] inside an [`io::Error`].
///
/// [`io::Error`]: std::io::Error
pub fn decoder<'a>(
    compression: Compression,
    source: impl BufRead + Send + 'a,
) -> Box<dyn Read + Send + 'a> {
    match compression {
        Compression::Uncompressed => Box::new(source),
        Compression::Gzip => Box::new(Checked::new(compression, source, gzip::Decoder::new)),
        Compression::Xz => Box::new(Checked::new(compression, source, xz::Decoder::new)),
        Compression::Zstd => Box::new(Checked::new(compression, source, skippable::Decoder::new)),
        Compression::Bzip2 => Box::new(Checked::new(compression, source, bzip2::Decoder::new)),
        Compression::Lz4 => Box::new(Checked::new(compression, source, lz4::Decoder::new)),
    }
}

#[cfg(test)]
mod tests;
