//! The part of a stream that is being looked at.

use std::io::{self, Read};

use super::{Conversion, Error, PIECE_BYTES};

/// A stream, and the bytes that have come of it but have not passed yet.
pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// Invariant: `start <= filled <= buffer.len()`.
    start: usize,
    filled: usize,
    /// Where in the stream the window begins.
    pub(super) at: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; PIECE_BYTES],
            start: 0,
            filled: 0,
            at: 0,
            ended: false,
        }
    }

    /// The next bytes: so many, or all up to the end.
    pub(super) fn look(&mut self, count: usize, how: &mut Conversion) -> Result<&[u8], Error> {
        self.make_room(count);
        while self.filled - self.start < count && !self.ended {
            how.pause()?;
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Read(error)),
            }
        }
        let end = self.filled.min(self.start + count);
        Ok(&self.buffer[self.start..end])
    }

    /// Lets bytes pass that have been looked at.
    pub(super) fn pass(&mut self, count: usize) {
        self.start = self.filled.min(self.start + count);
        self.at += count as u64;
    }

    /// Has room for so many bytes from the window's beginning on, and a piece more, so that bytes are seldom moved.
    fn make_room(&mut self, count: usize) {
        if self.start + count > self.buffer.len() {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
            let room = count + PIECE_BYTES;
            self.buffer.resize(self.buffer.len().max(room), 0);
        }
    }
}
