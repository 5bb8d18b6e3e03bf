//! xz (the .xz file format 1.2): every filter and check, any number of streams and blocks, padding between streams.
//!
//! Decodes on one thread. The library's decoder with several threads never looks at the blocks' checks, so it is not used.

use std::io::{self, BufRead, Read};

use lzma_rust2::{XzReader, lzma2_get_memory_usage};

use crate::terms::Bytes;

/// The largest dictionary taken. `xz -9` uses 64 MiB.
pub(super) const WINDOW_LIMIT: Bytes = Bytes(WINDOW_LIMIT_BYTES as u64);
const WINDOW_LIMIT_BYTES: u32 = 256 << 20;

/// A reader of all streams one after the other.
pub(super) fn decoder(source: impl BufRead + Send) -> impl Read + Send {
    XzReader::new_mem_limit(source, true, lzma2_get_memory_usage(WINDOW_LIMIT_BYTES))
}

/// The library's word for a dictionary beyond the limit; nothing has been allocated for it.
pub(super) fn is_window_too_large(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}
