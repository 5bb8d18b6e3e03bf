//! Skippable frames (RFC 8878, 3.1.2), which zstd and lz4 have in common: whoever wrote them, their content is nobody's image.
//!
//! They may stand first, and then only what follows them tells which of the two it is.

use std::io::{self, BufRead, Cursor, Read};

use super::checked::Checked;
use super::fields::read_array;
use super::{lz4, sniff, zstd};
use crate::terms::Compression;

/// Whether this is one of the sixteen that a skippable frame begins with.
pub(super) fn is_magic(bytes: [u8; 4]) -> bool {
    matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

/// Skips a frame whose magic is read already.
pub(super) fn skip(source: &mut impl Read) -> io::Result<()> {
    let length = u64::from(u32::from_le_bytes(read_array(source)?));
    if io::copy(&mut source.take(length), &mut io::sink())? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// A reader of zstd's frames, or of lz4's where such a one is the first that is not skippable.
pub(super) enum Decoder<'a, R> {
    /// Before that one.
    Leading(Option<R>),
    Led(Box<dyn Read + Send + 'a>),
}

impl<'a, R: BufRead + Send + 'a> Decoder<'a, R> {
    pub(super) fn new(source: R) -> Self {
        Self::Leading(Some(source))
    }
}

impl<'a, R: BufRead + Send + 'a> Read for Decoder<'a, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Leading(None) => return Ok(0),
                Self::Leading(source) => {
                    if let Some(source) = source.take() {
                        *self = Self::Led(lead(source)?);
                    }
                }
                Self::Led(decoder) => return decoder.read(buffer),
            }
        }
    }
}

/// The decoder of what follows any number of skippable frames, if anything does.
fn lead<'a>(mut source: impl BufRead + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    loop {
        let magic = read_array(&mut source)?;
        if !is_magic(magic) {
            let source = Cursor::new(magic).chain(source);
            return Ok(match sniff(&magic) {
                Compression::Lz4 => {
                    Box::new(Checked::new(Compression::Lz4, source, lz4::Decoder::new))
                }
                _ => Box::new(zstd::Decoder::new(source)),
            });
        }
        skip(&mut source)?;
        if source.fill_buf()?.is_empty() {
            return Ok(Box::new(io::empty()));
        }
    }
}
