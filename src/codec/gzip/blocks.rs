//! One member, put together of blocks: each ends at a byte and goes on with what the one before has shown, so for whoever unpacks
//! it is a member like any other.

use std::io;

use flate2::{Compress, Compression as Level, Crc, FlushCompress, Status};

use crate::codec::blocks::{Packed, Sum};

pub(in crate::codec) const BLOCK_BYTES: usize = 1 << 20;
/// As far back as anything may refer.
pub(in crate::codec) const KNOWN_BYTES: usize = 32 << 10;

/// No name and no time; made by nobody in particular.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A last block that holds nothing.
const LAST_BLOCK: [u8; 2] = [3, 0];

pub(in crate::codec) fn pack(known: &[u8], block: &[u8]) -> io::Result<Packed> {
    let mut packer = Compress::new(Level::new(6), false);
    if !known.is_empty() {
        packer.set_dictionary(known)?;
    }
    let mut bytes = Vec::with_capacity(block.len() / 2);
    loop {
        // A flush is done once there is room left.
        bytes.reserve(block.len() / 8 + 4096);
        let taken = usize::try_from(packer.total_in()).unwrap_or(block.len());
        let status = packer.compress_vec(&block[taken..], &mut bytes, FlushCompress::Sync)?;
        if packer.total_in() == block.len() as u64 && bytes.len() < bytes.capacity() {
            break;
        }
        if status == Status::StreamEnd {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let mut sum = Crc::new();
    sum.update(block);
    Ok(Packed {
        bytes,
        sum: Sum::Gzip(sum),
    })
}

/// Joins blocks to a member.
#[derive(Default)]
pub struct Joiner {
    begun: bool,
    sum: Crc,
}

impl Joiner {
    pub(in crate::codec) fn join(&mut self, bytes: Vec<u8>, sum: &Crc) -> Vec<u8> {
        self.sum.combine(sum);
        match std::mem::replace(&mut self.begun, true) {
            true => bytes,
            false => [&HEADER, bytes.as_slice()].concat(),
        }
    }

    pub(in crate::codec) fn finish(self) -> Vec<u8> {
        let header: &[u8] = if self.begun { &[] } else { &HEADER };
        let (sum, size) = (
            self.sum.sum().to_le_bytes(),
            self.sum.amount().to_le_bytes(),
        );
        [header, &LAST_BLOCK, &sum, &size].concat()
    }
}
