//! gzip (RFC 1952) on zlib-rs: any number of members, each with its CRC-32 and length checked by the library.
//!
//! Zero bytes after the last member are padding, as gzip(1) has it; anything else there is an error.

mod blocks;
mod pieces;

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

pub(super) use blocks::Joiner;
pub(super) use blocks::{BLOCK_BYTES, KNOWN_BYTES, pack};
pub(super) use pieces::{PIECE_BYTES, Pieces, starts_with_sized_member};

use super::Error;
use crate::terms::Compression;

/// A reader of all members one after the other.
pub(super) struct Decoder<R> {
    /// The member being read; none once the last one has ended.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Decoder<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            member: Some(GzDecoder::new(source)),
        }
    }

    /// The same of what follows a member, which may be nothing.
    fn between(mut source: R) -> io::Result<Self> {
        let member = match source.fill_buf()?.first() {
            None => None,
            Some(0) => {
                skip_padding(&mut source)?;
                None
            }
            Some(0x1f) => Some(GzDecoder::new(source)),
            Some(_) => return Err(trailing_garbage()),
        };
        Ok(Self { member })
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let Some(source) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            *self = Self::between(source)?;
        }
        Ok(0)
    }
}

/// Reads zeros to the end.
fn skip_padding(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = source.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        if chunk.iter().any(|byte| *byte != 0) {
            return Err(trailing_garbage());
        }
        let count = chunk.len();
        source.consume(count);
    }
}

fn trailing_garbage() -> io::Error {
    io::Error::other(Error::TrailingGarbage(Compression::Gzip))
}
