//! Compressions: told by magic, decoded to the last integrity field.
//!
//! **Architecture Invariant:** whatever the format, a decoder takes concatenated members, and an input that is
//! truncated, corrupted or followed by anything else is an error, never a shorter image.
//!
//! Limits: windows of 256 MiB (xz) and 128 MiB (zstd). No decoder owns a thread.

mod gzip;
mod sniff;
mod xz;
mod zstd;

use std::io::{self, BufRead, Read};

use crate::terms::{Bytes, Compression};

pub use sniff::{MAGIC_LEN, sniff};

/// Why packed bytes could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is not supported: unpack the image first, or pack it with gzip, xz or zstd")]
    Unsupported(Compression),
    #[error("the {0} data end too early: the file is truncated, fetch it again")]
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
}

impl Error {
    /// The codec's error inside an I/O error that one of its readers returned, if it is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// The reader of what `source` holds packed with `compression`; plain bytes pass through.
///
/// Errors of the source pass through as they are; what the codec finds wrong is an [`Error`] inside an [`io::Error`].
pub fn decoder<'a>(
    compression: Compression,
    source: impl BufRead + Send + 'a,
) -> Result<Box<dyn Read + Send + 'a>, Error> {
    Ok(match compression {
        Compression::Uncompressed => Box::new(source),
        Compression::Gzip => Box::new(Checked::new(compression, gzip::Decoder::new(source))),
        Compression::Xz => Box::new(Checked::new(compression, xz::decoder(source))),
        Compression::Zstd => Box::new(Checked::new(compression, zstd::decoder(source))),
        Compression::Bzip2 | Compression::Lz4 => return Err(Error::Unsupported(compression)),
    })
}

/// Turns a library's complaint about the data into an [`Error`] and leaves the source's own errors alone.
///
/// Invariant: after an error there is never an end: a reader that asks again gets another error.
struct Checked<R> {
    compression: Compression,
    inner: R,
    failed: bool,
}

impl<R> Checked<R> {
    fn new(compression: Compression, inner: R) -> Self {
        Self {
            compression,
            inner,
            failed: false,
        }
    }

    fn explain(&self, error: io::Error) -> io::Error {
        let of_data = match error.kind() {
            _ if xz::is_window_too_large(&error) => Error::WindowTooLarge {
                compression: Compression::Xz,
                limit: xz::WINDOW_LIMIT,
            },
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

#[cfg(test)]
mod tests;
