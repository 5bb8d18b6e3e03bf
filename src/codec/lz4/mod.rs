//! lz4 frames (LZ4 Frame Format 1.6): the frames are ours, the blocks in them the library's.
//!
//! Any number of frames and skippable frames; every checksum and size that is there is compared. Refused by name are
//! dictionaries, since an image has nowhere to bring one from, and the legacy format, which does not tell a whole file
//! from one that was cut.

mod decoder;
mod encoder;
mod header;
mod xxh32;

pub(super) use decoder::Decoder;
pub(super) use encoder::Encoder;

use header::Header;

/// What a frame begins with.
const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// What the frames of lz4's first years begin with.
const LEGACY_MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// What a block begins with that is stored as it is, beside its length.
const STORED: u32 = 1 << 31;

/// What the frame that `head` begins with says of its size, if its header is all there.
pub(super) fn declared_size(head: &[u8]) -> Option<u64> {
    let mut after = head.strip_prefix(&MAGIC)?;
    Header::read(&mut after).ok()?.content_size
}

#[cfg(test)]
mod tests;
