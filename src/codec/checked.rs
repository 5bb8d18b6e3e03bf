//! A decoder whose complaints are told from those of its source, and are never followed by an end.

use std::io::{self, Read};

use super::{Error, zstd};
use crate::terms::Compression;

/// Turns a library's complaint about the data into an [`Error`] and leaves the source's own errors alone.
///
/// Invariant: after an error there is never an end: a reader that asks again gets another error.
pub(super) struct Checked<R> {
    compression: Compression,
    inner: R,
    failed: bool,
}

impl<R> Checked<R> {
    pub(super) fn new(compression: Compression, inner: R) -> Self {
        Self {
            compression,
            inner,
            failed: false,
        }
    }

    fn explain(&self, error: io::Error) -> io::Error {
        let of_data = match error.kind() {
            _ if zstd::is_window_too_large(&error) => Error::WindowTooLarge {
                compression: Compression::Zstd,
                limit: zstd::WINDOW_LIMIT,
            },
            io::ErrorKind::UnexpectedEof => Error::Truncated(self.compression),
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Unsupported => Error::Corrupt(self.compression, error),
            _ => return error,
        };
        io::Error::other(of_data)
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other(
                "the data before this point were not readable",
            ));
        }
        self.inner.read(buffer).map_err(|error| {
            self.failed = true;
            self.explain(error)
        })
    }
}
