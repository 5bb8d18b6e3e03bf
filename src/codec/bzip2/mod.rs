//! bzip2 (`bzip2(1)`) on libbz2-rs: any number of streams, the checksums of blocks and of streams compared by the library.
//!
//! Nothing may follow the last stream, not even the zeros that gzip allows.

mod bits;
mod block;
mod blocks;
mod pieces;
mod unpacker;

use std::io::{self, BufRead, Read, Write};

use bzip2::Compression as Level;
use bzip2::bufread::BzDecoder;
use bzip2::write::BzEncoder;

pub(super) use blocks::Joiner;
pub(super) use blocks::{BLOCK_BYTES, pack};
pub(super) use pieces::{PIECE_BYTES, Pieces};

use super::Error;
use crate::terms::Compression;

/// A reader of all streams one after the other.
pub(super) struct Decoder<R> {
    /// The stream being read; none once the last one has ended.
    stream: Option<BzDecoder<R>>,
}

impl<R: BufRead> Decoder<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            stream: Some(BzDecoder::new(source)),
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(stream) = &mut self.stream {
            let count = stream.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let Some(mut source) = self.stream.take().map(BzDecoder::into_inner) else {
                break;
            };
            match source.fill_buf()?.first() {
                None => {}
                Some(b'B') => self.stream = Some(BzDecoder::new(source)),
                Some(_) => return Err(trailing_garbage()),
            }
        }
        Ok(0)
    }
}

fn trailing_garbage() -> io::Error {
    io::Error::other(Error::TrailingGarbage(Compression::Bzip2))
}

/// A writer of one stream with blocks of 900 kB, as the tool makes it.
pub(super) fn encoder<W: Write>(target: W) -> BzEncoder<W> {
    BzEncoder::new(target, Level::best())
}
