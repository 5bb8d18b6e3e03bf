//! A frame's descriptor: what its blocks are like and what there is to compare.

use std::io::{self, Read};

use super::xxh32::Xxh32;
use crate::codec::Error;
use crate::codec::fields::{corrupt, read_array};
use crate::terms::Compression;

/// What follows the magic.
#[derive(Debug)]
pub(super) struct Header {
    /// Whether blocks refer to those before them.
    pub(super) linked: bool,
    pub(super) block_checksums: bool,
    pub(super) content_checksum: bool,
    pub(super) content_size: Option<u64>,
    /// How many bytes a block has at most, packed or not: 64 KiB to 4 MiB.
    pub(super) block_limit: usize,
}

impl Header {
    pub(super) fn read(source: &mut impl Read) -> io::Result<Self> {
        let [flags, sizes] = read_array(source)?;
        let mut sum = Xxh32::default();
        sum.update(&[flags, sizes]);
        let is_set = |bit: u8| flags & 1 << bit != 0;
        if flags >> 6 != 1 || is_set(1) {
            return Err(corrupt("a frame is of a version that nobody has defined"));
        }
        let block_limit = match sizes {
            0x40 => 64 << 10,
            0x50 => 256 << 10,
            0x60 => 1 << 20,
            0x70 => 4 << 20,
            _ => {
                return Err(corrupt(
                    "a frame's blocks are of a size that nobody has defined",
                ));
            }
        };
        let content_size = if is_set(3) {
            let bytes = read_array(source)?;
            sum.update(&bytes);
            Some(u64::from_le_bytes(bytes))
        } else {
            None
        };
        if is_set(0) {
            sum.update(&read_array::<4>(source)?);
        }
        let [check] = read_array(source)?;
        if sum.finish().to_le_bytes()[1] != check {
            return Err(corrupt("the checksum of a frame's header is wrong"));
        }
        if is_set(0) {
            let why = "need a dictionary, which no image brings along";
            return Err(io::Error::other(Error::Unsupported(Compression::Lz4, why)));
        }
        Ok(Self {
            linked: !is_set(5),
            block_checksums: is_set(4),
            content_checksum: is_set(2),
            content_size,
            block_limit,
        })
    }
}
