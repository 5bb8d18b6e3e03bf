//! The other direction, for exports: one stream, its checks included, the same for the same bytes.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use super::blocks::{BlockFormat, Joiner};
use super::lz4;
use crate::stream::Cancel;
use crate::terms::Compression;

/// How much is packed at once, always, where that is not a block.
const STEP: usize = 128 << 10;

/// A writer that packs. What it has written is a whole stream only once [`finish`](Self::finish) has succeeded: dropped
/// before, it leaves one that every decoder calls truncated.
pub struct Encoder<W> {
    target: W,
    /// Bytes that have yet to be packed. Invariant: fewer than a step between two calls.
    plain: Vec<u8>,
    step: usize,
    packed: Pending,
    /// None where nothing is to be packed.
    packer: Option<Packer>,
}

/// A writer of what `format` says, over `target`, which ends with the wish to stop. Memory: about 180 MiB for xz, below 20 MiB
/// for any other.
pub fn encoder<W: Write>(
    format: Compression,
    target: W,
    cancel: &Cancel,
) -> io::Result<Encoder<W>> {
    let packed = Pending::default();
    let to = packed.clone();
    let blocks = BlockFormat::of(format);
    let packer = match (blocks, format) {
        (Some(format), _) => Some(Packer::Blocks(Blocks {
            format,
            joiner: format.joiner(),
            known: Vec::new(),
            to,
            cancel: cancel.clone(),
        })),
        (None, Compression::Lz4) => Some(Packer::Lz4(lz4::Encoder::new(to)?)),
        (None, _) => None,
    };
    let step = blocks.map_or(STEP, BlockFormat::block_bytes);
    Ok(Encoder {
        target,
        plain: Vec::with_capacity(step),
        step,
        packed,
        packer,
    })
}

impl<W: Write> Encoder<W> {
    /// Writes what was held back and the end of the stream. The target is not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(mut packer) = self.packer.take() {
            packer.writer().write_all(&self.plain)?;
            packer.finish()?;
        }
        self.target.write_all(&self.packed.take())?;
        Ok(self.target)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(packer) = &mut self.packer else {
            return self.target.write(bytes);
        };
        let room = self.step - self.plain.len();
        let (taken, _) = bytes.split_at(bytes.len().min(room));
        self.plain.extend_from_slice(taken);
        if self.plain.len() == self.step {
            packer.writer().write_all(&self.plain)?;
            self.plain.clear();
            self.target.write_all(&self.packed.take())?;
        }
        Ok(taken.len())
    }

    /// Flushes the target. What is held back stays so until the end: to part with it costs space.
    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

/// Where packers write. Some end their stream when they are dropped, so none gets at the target itself: of an export that
/// failed there would remain a file that looks whole.
#[derive(Clone, Default)]
struct Pending(Arc<Mutex<Vec<u8>>>);

impl Pending {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Packs a block whenever it is given one.
struct Blocks {
    format: BlockFormat,
    joiner: Joiner,
    /// The end of the last one.
    known: Vec<u8>,
    to: Pending,
    cancel: Cancel,
}

impl Write for Blocks {
    fn write(&mut self, block: &[u8]) -> io::Result<usize> {
        if block.is_empty() {
            return Ok(0);
        }
        let packed = self.format.pack(&self.known, block, &self.cancel)?;
        self.to.write_all(&self.joiner.join(packed)?)?;
        let known = block.len().saturating_sub(self.format.known_bytes());
        self.known = block[known..].to_vec();
        Ok(block.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The writer of each format.
enum Packer {
    Blocks(Blocks),
    Lz4(lz4::Encoder<Pending>),
}

impl Packer {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Blocks(packer) => packer,
            Self::Lz4(packer) => packer,
        }
    }

    fn finish(self) -> io::Result<Pending> {
        match self {
            Self::Blocks(Blocks { joiner, mut to, .. }) => {
                to.write_all(&joiner.finish()?)?;
                Ok(to)
            }
            Self::Lz4(packer) => packer.finish(),
        }
    }
}
