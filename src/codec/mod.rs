//! Compressions: told by magic, decoded to the last integrity field.
//!
//! **Architecture Invariant:** whatever the format, a decoder takes concatenated members, and an input that is
//! truncated, corrupted or followed by anything else is an error, never a shorter image.
//!
//! Limits: windows of 256 MiB (xz) and 128 MiB (zstd). No decoder owns a thread.

mod checked;
mod error;
mod gzip;
mod sniff;
mod xz;
mod zstd;

use std::io::{BufRead, Read};

use checked::Checked;

use crate::terms::Compression;

pub use error::Error;
pub use sniff::{MAGIC_LEN, sniff};

/// The reader of what `source` holds packed with `compression`; plain bytes pass through.
///
/// Errors of the source pass through as they are; what the codec finds wrong is an [`Error`] inside an [`io::Error`].
pub fn decoder<'a>(
    compression: Compression,
    source: impl BufRead + Send + 'a,
) -> Result<Box<dyn Read + Send + 'a>, Error> {
    Ok(match compression {
        Compression::Uncompressed => Box::new(source),
        Compression::Gzip => Box::new(Checked::new(compression, source, gzip::Decoder::new)),
        Compression::Xz => Box::new(Checked::new(compression, source, xz::Decoder::new)),
        Compression::Zstd => Box::new(Checked::new(compression, source, zstd::decoder)),
        Compression::Bzip2 | Compression::Lz4 => return Err(Error::Unsupported(compression)),
    })
}

#[cfg(test)]
mod tests;
