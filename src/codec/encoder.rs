//! The other direction, for exports: packed data with all their checks, the same for the same bytes.

use std::io::{self, Write};

use super::blocks::{BlockFormat, BlockPacker, Joiner};
use super::lz4;
use crate::stream::Cancel;
use crate::terms::Compression;

/// A writer that packs. What it has written is whole only once [`finish`](Self::finish) has succeeded: dropped before, it
/// leaves what every decoder calls truncated.
pub struct Encoder<W>(Format<W>);

/// The writer of each format.
enum Format<W> {
    Plain(W),
    Lz4(lz4::Encoder<W>),
    Blocks(Blocks<W>),
}

/// A writer of what `format` says, over `target`, which ends with the wish to stop. Memory: about 180 MiB for xz, below 20 MiB
/// for any other.
pub fn encoder<W: Write>(format: Compression, target: W, cancel: &Cancel) -> Encoder<W> {
    Encoder(match (BlockFormat::of(format), format) {
        (Some(format), _) => Format::Blocks(Blocks {
            target,
            plain: Vec::with_capacity(format.block_bytes()),
            known: Vec::new(),
            format,
            packer: None,
            joiner: format.joiner(),
            cancel: cancel.clone(),
        }),
        (None, Compression::Lz4) => Format::Lz4(lz4::Encoder::new(target)),
        (None, _) => Format::Plain(target),
    })
}

impl<W: Write> Encoder<W> {
    /// Writes what was held back and the end. The target is not flushed.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Format::Plain(target) => Ok(target),
            Format::Lz4(packer) => packer.finish(),
            Format::Blocks(packer) => packer.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Format::Plain(target) => target.write(bytes),
            Format::Lz4(packer) => packer.write(bytes),
            Format::Blocks(packer) => packer.write(bytes),
        }
    }

    /// Flushes the target. What is held back stays so until the end: to part with it costs space.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Format::Plain(target) => target.flush(),
            Format::Lz4(packer) => packer.flush(),
            Format::Blocks(packer) => packer.target.flush(),
        }
    }
}

/// Packs a block whenever there is a whole one.
struct Blocks<W> {
    target: W,
    /// Bytes that have yet to be packed. Invariant: fewer than a block between two calls.
    plain: Vec<u8>,
    /// The end of the last block.
    known: Vec<u8>,
    format: BlockFormat,
    /// Once there is a block.
    packer: Option<BlockPacker>,
    joiner: Joiner,
    cancel: Cancel,
}

impl<W: Write> Blocks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.format.block_bytes() - self.plain.len();
        let (taken, _) = bytes.split_at(bytes.len().min(room));
        self.plain.extend_from_slice(taken);
        if taken.len() == room {
            self.write_block()?;
        }
        Ok(taken.len())
    }

    fn write_block(&mut self) -> io::Result<()> {
        let packer = match &mut self.packer {
            Some(packer) => packer,
            packer => packer.insert(self.format.packer()?),
        };
        let packed = packer.pack(&self.known, &self.plain, &self.cancel)?;
        self.target.write_all(&self.joiner.join(packed)?)?;
        let known = self.plain.len().saturating_sub(self.format.known_bytes());
        self.known = self.plain.split_off(known);
        self.plain.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        if !self.plain.is_empty() {
            self.write_block()?;
        }
        self.target.write_all(&self.joiner.finish()?)?;
        Ok(self.target)
    }
}
