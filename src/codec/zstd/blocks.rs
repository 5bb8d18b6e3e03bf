//! Frames, one after the other: each holds a block, and needs nothing of the others.

use std::io;

use crate::codec::blocks::{Packed, Sum};

/// So much that little is lost where a frame begins anew.
pub(in crate::codec) const BLOCK_BYTES: usize = 4 << 20;

/// What packing a block takes of memory, the block and what comes of it included.
pub(in crate::codec) const WORKER_BYTES: u64 = 16 << 20;

/// The library's highest, which makes of an image about what zstd(1) makes of it when not told; its third leaves a tenth more.
const LEVEL: i32 = 4;

/// What a frame ends with.
const CHECKSUM_BYTES: usize = 4;

/// Packs blocks one after the other, in memory that it has got once: to get it for each took two threads nearly half of their time.
pub struct BlockPacker {
    context: zrip::CompressContext,
    output: Vec<u8>,
}

impl BlockPacker {
    pub(in crate::codec) fn new() -> io::Result<Self> {
        Ok(Self {
            context: zrip::CompressContext::new(LEVEL).map_err(io::Error::other)?,
            output: Vec::new(),
        })
    }

    pub(in crate::codec) fn pack(&mut self, block: &[u8]) -> io::Result<Packed> {
        let most = zrip::compress_bound(block.len());
        if self.output.len() < most {
            self.output.resize(most, 0);
        }
        let packed = self.context.compress_into(block, &mut self.output);
        let length = packed.map_err(io::Error::other)?;
        // With room for what is joined to it.
        let mut bytes = Vec::with_capacity(length + CHECKSUM_BYTES);
        bytes.extend_from_slice(&self.output[..length]);
        let sum = Sum::Zstd;
        Ok(Packed { bytes, sum })
    }
}

/// Joins frames to a file.
///
/// The last bytes of each are held back until the next one is there: so a file that came to no end never looks whole.
#[derive(Default)]
pub struct Joiner {
    held: Vec<u8>,
}

impl Joiner {
    pub(in crate::codec) fn join(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        let end = frame.split_off(frame.len().saturating_sub(CHECKSUM_BYTES));
        frame.splice(..0, std::mem::replace(&mut self.held, end));
        frame
    }

    pub(in crate::codec) fn finish(self) -> io::Result<Vec<u8>> {
        match self.held.is_empty() {
            // A file of nothing has a frame of nothing.
            true => Ok(BlockPacker::new()?.pack(&[])?.bytes),
            false => Ok(self.held),
        }
    }
}
