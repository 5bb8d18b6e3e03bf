//! The archive as a stream that knows where it is, and in which an end that comes too early is an error.

use std::io::{self, BufRead, BufReader, Read};

use super::error::Error;
use super::field::{BLOCK, Block, padding};

/// As many bytes as are asked of the source at a time where fewer are needed.
const BUFFER: usize = 1 << 16;

pub(super) struct Blocks<R> {
    source: BufReader<R>,
    offset: u64,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER, source),
            offset: 0,
        }
    }

    /// How many bytes were read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What the source has at hand, without taking it; nothing at its end.
    pub(super) fn ahead(&mut self) -> io::Result<&[u8]> {
        while let Err(error) = self.source.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(self.source.buffer())
    }

    /// Some bytes; the end is an error.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            return Err(Error::Truncated(self.offset).into());
        }
        self.offset += count as u64;
        Ok(count)
    }

    /// The next block.
    pub(super) fn block(&mut self) -> io::Result<Block> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        Ok(block)
    }

    /// So many bytes and what fills their last block; the caller has limited their number.
    pub(super) fn padded(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let length_in_memory = usize::try_from(length).map_err(io::Error::other)?;
        let mut bytes = vec![0; length_in_memory];
        self.fill(&mut bytes)?;
        self.skip(padding(length))?;
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, mut length: u64) -> io::Result<()> {
        while length > 0 {
            let at_hand = self.ahead()?.len();
            if at_hand == 0 {
                return Err(Error::Truncated(self.offset).into());
            }
            let count = usize::try_from(length).map_or(at_hand, |length| length.min(at_hand));
            self.consume(count);
            length -= count as u64;
        }
        Ok(())
    }

    /// Reads to the source's end, where there may be nothing but zeros.
    pub(super) fn only_zeros(&mut self) -> io::Result<()> {
        loop {
            let at_hand = self.ahead()?;
            let count = at_hand.len();
            if count == 0 {
                return Ok(());
            }
            if let Some(position) = at_hand.iter().position(|byte| *byte != 0) {
                return Err(Error::Trailing(self.offset + position as u64).into());
            }
            self.consume(count);
        }
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read(buffer) {
                Ok(count) => buffer = buffer.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn consume(&mut self, count: usize) {
        self.source.consume(count);
        self.offset += count as u64;
    }
}
