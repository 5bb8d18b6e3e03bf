//! Archives of our own: pax, the same bytes for the same members, read by GNU tar, bsdtar and Python alike.
//!
//! Absent: names of users and groups, times but that of the last change, and the zeros with which GNU tar fills its
//! last ten kilobytes.

use std::io::{self, Write};

use super::Entry;
use super::compose::Composed;
use super::error::Error;
use super::field::{BLOCK, padding};

/// Writes an archive member by member.
pub struct Writer<W> {
    target: W,
    /// Data of the current member that are still to come.
    left: u64,
    /// What fills the last block of them.
    padding: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(target: W) -> Self {
        Self {
            target,
            left: 0,
            padding: 0,
        }
    }

    /// Writes a member's headers. A file's stored data are to follow by [`Write`], exactly as many bytes as its size or,
    /// if it has a map, its extents say; all of these but the last are to be multiples of 512 bytes long.
    ///
    /// A map is written whether or not the file has holes. Its own faults are [`Error`]s.
    pub fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.end_data()?;
        let composed = Composed::new(entry).map_err(Error::Unwritable)?;
        self.target.write_all(&composed.blocks)?;
        self.left = composed.stored;
        self.padding = padding(composed.stored);
        Ok(())
    }

    /// Writes the end mark and gives the target back, not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_data()?;
        self.target.write_all(&[0; 2 * BLOCK])?;
        Ok(self.target)
    }

    fn end_data(&mut self) -> io::Result<()> {
        if self.left > 0 {
            return Err(Error::TooFewData(self.left).into());
        }
        let zeros = [0; BLOCK];
        let zeros = usize::try_from(self.padding)
            .ok()
            .and_then(|count| zeros.get(..count));
        self.target.write_all(zeros.unwrap_or_default())?;
        self.padding = 0;
        Ok(())
    }
}

/// The current file's stored data.
impl<W: Write> Write for Writer<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.len() as u64 > self.left {
            return Err(Error::TooManyData.into());
        }
        let count = self.target.write(buffer)?;
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}
