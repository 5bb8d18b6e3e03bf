//! xz (the .xz file format 1.2): every filter and check, any number of streams and blocks, padding between streams.
//!
//! The container is ours, because every field in it is held against what was decoded: the sizes in block headers, the index, and
//! the footer. The filters are the library's, LZMA2 apart.

mod block;
mod check;
mod container;
mod decoder;
mod fields;
mod pieces;
mod records;
mod source;

use std::io::{self, Write};

use lzma_rust2::{XzOptions, XzWriter};

pub(super) use decoder::Decoder;
pub(super) use pieces::Pieces;

/// A writer of one stream of one block, of the usual level and check: preset 6, CRC-64. Holds about 100 MiB.
pub(super) fn encoder<W: Write>(target: W) -> io::Result<XzWriter<W>> {
    XzWriter::new(target, XzOptions::with_preset(6))
}
