//! Packing in blocks, each by itself and at the same time where somebody has threads for that. What comes of it does not depend
//! on how many there were.

use std::io;

use super::{bzip2, gzip, xz, zstd};
use crate::stream::Cancel;
use crate::terms::Compression;

/// A format whose files can be put together of blocks.
#[derive(Clone, Copy, Debug)]
pub enum BlockFormat {
    Gzip,
    Xz,
    Bzip2,
    Zstd,
}

/// Packs blocks of a format, one after the other.
pub enum BlockPacker {
    Gzip,
    Xz,
    Bzip2,
    /// With what it needs for each.
    Zstd(Box<zstd::BlockPacker>),
}

/// A block that was packed, and what is to be known of it where it is joined to others.
pub struct Packed {
    pub(super) bytes: Vec<u8>,
    pub(super) sum: Sum,
}

/// What blocks are checked by.
pub(super) enum Sum {
    Gzip(flate2::Crc),
    Xz(xz::Record),
    Bzip2(u32),
    /// It is in the block.
    Zstd,
}

/// Joins blocks, in their order, to a file.
pub enum Joiner {
    Gzip(gzip::Joiner),
    Xz(xz::Joiner),
    Bzip2(bzip2::Joiner),
    Zstd(zstd::Joiner),
}

impl BlockFormat {
    /// None for what is packed as one.
    pub fn of(compression: Compression) -> Option<Self> {
        match compression {
            Compression::Gzip => Some(Self::Gzip),
            Compression::Xz => Some(Self::Xz),
            Compression::Bzip2 => Some(Self::Bzip2),
            Compression::Zstd => Some(Self::Zstd),
            _ => None,
        }
    }

    /// How many bytes a block has, all but the last.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Gzip => gzip::BLOCK_BYTES,
            Self::Xz => xz::BLOCK_BYTES,
            Self::Bzip2 => bzip2::BLOCK_BYTES,
            Self::Zstd => zstd::BLOCK_BYTES,
        }
    }

    /// How many of the bytes before a block it is packed with the knowledge of.
    pub fn known_bytes(self) -> usize {
        match self {
            Self::Gzip => gzip::KNOWN_BYTES,
            Self::Xz | Self::Bzip2 | Self::Zstd => 0,
        }
    }

    /// About what whoever packs a block takes of memory.
    pub fn worker_bytes(self) -> u64 {
        match self {
            Self::Gzip => 4 << 20,
            Self::Xz => xz::WORKER_BYTES,
            Self::Bzip2 => 12 << 20,
            Self::Zstd => zstd::WORKER_BYTES,
        }
    }

    pub fn packer(self) -> io::Result<BlockPacker> {
        Ok(match self {
            Self::Gzip => BlockPacker::Gzip,
            Self::Xz => BlockPacker::Xz,
            Self::Bzip2 => BlockPacker::Bzip2,
            Self::Zstd => BlockPacker::Zstd(Box::new(zstd::BlockPacker::new()?)),
        })
    }

    pub fn joiner(self) -> Joiner {
        match self {
            Self::Gzip => Joiner::Gzip(gzip::Joiner::default()),
            Self::Xz => Joiner::Xz(xz::Joiner::default()),
            Self::Bzip2 => Joiner::Bzip2(bzip2::Joiner::default()),
            Self::Zstd => Joiner::Zstd(zstd::Joiner::default()),
        }
    }
}

impl BlockPacker {
    /// Packs a block, which is not empty, of which what comes before is known, unless somebody wishes that it stop.
    pub fn pack(&mut self, known: &[u8], block: &[u8], cancel: &Cancel) -> io::Result<Packed> {
        cancel.check()?;
        match self {
            Self::Gzip => gzip::pack(known, block),
            Self::Xz => xz::pack(block, cancel),
            Self::Bzip2 => bzip2::pack(block),
            Self::Zstd(packer) => packer.pack(block),
        }
    }
}

impl Joiner {
    /// What is to be written now that this block has come. An error if it is of another format.
    pub fn join(&mut self, packed: Packed) -> io::Result<Vec<u8>> {
        Ok(match (self, packed.sum) {
            (Self::Gzip(joiner), Sum::Gzip(sum)) => joiner.join(packed.bytes, &sum),
            (Self::Xz(joiner), Sum::Xz(record)) => joiner.join(packed.bytes, record),
            (Self::Bzip2(joiner), Sum::Bzip2(sum)) => joiner.join(&packed.bytes, sum),
            (Self::Zstd(joiner), Sum::Zstd) => joiner.join(packed.bytes),
            _ => return Err(io::Error::other("a block of another format")),
        })
    }

    /// What is to be written at the end.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        Ok(match self {
            Self::Gzip(joiner) => joiner.finish(),
            Self::Xz(joiner) => joiner.finish(),
            Self::Bzip2(joiner) => joiner.finish(),
            Self::Zstd(joiner) => joiner.finish()?,
        })
    }
}
