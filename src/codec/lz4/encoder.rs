//! From bytes to one frame, as lz4(1) makes it: independent blocks of 4 MiB and a checksum over all.

use std::io::{self, Write};

use lz4_flex::block::{compress_into, get_maximum_output_size};

use super::xxh32::Xxh32;
use super::{MAGIC, STORED};

/// Version 1, independent blocks, a content checksum.
const FLAGS: u8 = 0x64;
/// Blocks of up to 4 MiB, and their number of bytes.
const SIZES: u8 = 0x70;
const BLOCK: usize = 4 << 20;

/// A writer of one frame, which is whole only once it has been finished. Holds two blocks.
pub(in crate::codec) struct Encoder<W> {
    target: W,
    /// Whether the header is written.
    begun: bool,
    /// Bytes that have yet to be packed. Invariant: fewer than a block between two calls.
    block: Vec<u8>,
    packed: Vec<u8>,
    sum: Xxh32,
}

impl<W: Write> Encoder<W> {
    pub(in crate::codec) fn new(target: W) -> Self {
        Self {
            target,
            begun: false,
            block: Vec::with_capacity(BLOCK),
            packed: vec![0; get_maximum_output_size(BLOCK)],
            sum: Xxh32::default(),
        }
    }

    /// Writes the header, once.
    fn begin(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            let [_, check, ..] = Xxh32::of(&[FLAGS, SIZES]).to_le_bytes();
            self.target.write_all(&MAGIC)?;
            self.target.write_all(&[FLAGS, SIZES, check])?;
        }
        Ok(())
    }

    /// Writes the last block, the mark of the end and the checksum.
    pub(in crate::codec) fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        self.begin()?;
        self.target.write_all(&[0; 4])?;
        self.target.write_all(&self.sum.finish().to_le_bytes())?;
        Ok(self.target)
    }

    fn write_block(&mut self) -> io::Result<()> {
        self.begin()?;
        self.sum.update(&self.block);
        let count = compress_into(&self.block, &mut self.packed).map_err(io::Error::other)?;
        let (stored, bytes) = match self.packed.get(..count) {
            Some(packed) if count < self.block.len() => (0, packed),
            _ => (STORED, self.block.as_slice()),
        };
        // A block has at most 4 MiB, so its length fits.
        let head = bytes.len() as u32 | stored;
        self.target.write_all(&head.to_le_bytes())?;
        self.target.write_all(bytes)?;
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = BLOCK - self.block.len();
        let (taken, _) = bytes.split_at(bytes.len().min(room));
        self.block.extend_from_slice(taken);
        if self.block.len() == BLOCK {
            self.write_block()?;
        }
        Ok(taken.len())
    }

    /// What is held back becomes a block of its own only at the end.
    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}
