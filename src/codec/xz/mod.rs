//! xz (the .xz file format 1.2): every filter and check, any number of streams and blocks, padding between streams.
//!
//! The container is ours, because every field in it is held against what was decoded: the sizes in block headers, the index, and
//! the footer. The filters are the library's, LZMA2 apart.

mod block;
mod blocks;
mod check;
mod container;
mod decoder;
mod fields;
mod pieces;
mod records;
mod source;

pub(super) use blocks::Joiner;
pub(super) use blocks::{BLOCK_BYTES, WORKER_BYTES, pack};
pub(super) use decoder::Decoder;
pub(super) use pieces::Pieces;
pub(super) use records::Record;
