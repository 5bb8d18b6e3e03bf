//! The container: streams, their headers, footers and padding (2).

use std::io::{self, BufRead};

use super::check::CheckKind;
use super::fields::{corrupt, crc32, read_array};
use super::records::Records;
use super::source::Source;
use crate::codec::Error;
use crate::terms::Compression;

pub(super) const HEADER_MAGIC: [u8; 6] = *b"\xfd7zXZ\0";
pub(super) const FOOTER_MAGIC: [u8; 2] = *b"YZ";

/// What is known of a stream so far.
pub(super) struct Stream {
    flags: [u8; 2],
    pub(super) check: CheckKind,
    /// Of the blocks up to here.
    pub(super) blocks: Records,
}

impl Stream {
    /// Reads a stream's header (2.1.1).
    pub(super) fn begin<R: BufRead>(source: &mut Source<R>) -> io::Result<Self> {
        let [m0, m1, m2, m3, m4, m5, f0, f1, sum @ ..] = read_array::<12>(source)?;
        if [m0, m1, m2, m3, m4, m5] != HEADER_MAGIC {
            return Err(corrupt("something other than a stream follows"));
        }
        let flags = [f0, f1];
        if crc32(&flags) != u32::from_le_bytes(sum) {
            return Err(corrupt("the checksum of a stream's header is wrong"));
        }
        Ok(Self {
            flags,
            check: CheckKind::parse(flags)?,
            blocks: Records::default(),
        })
    }

    /// Reads the index, whose first byte is taken already, and the footer (2.1.2 and 4).
    pub(super) fn end<R: BufRead>(self, source: &mut Source<R>) -> io::Result<()> {
        let index_size = self.blocks.check_index(source)?;
        let [s0, s1, s2, s3, b0, b1, b2, b3, f0, f1, magic @ ..] = read_array::<12>(source)?;
        let backward_size = (u64::from(u32::from_le_bytes([b0, b1, b2, b3])) + 1) * 4;
        if crc32(&[b0, b1, b2, b3, f0, f1]) != u32::from_le_bytes([s0, s1, s2, s3]) {
            return Err(corrupt("the checksum of a stream's footer is wrong"));
        }
        if magic != FOOTER_MAGIC || [f0, f1] != self.flags || backward_size != index_size {
            return Err(corrupt(
                "a stream's footer does not fit its header and index",
            ));
        }
        Ok(())
    }

    /// Skips padding (2.2), and says whether another stream follows.
    pub(super) fn follows<R: BufRead>(source: &mut Source<R>) -> io::Result<bool> {
        loop {
            match source.peek(HEADER_MAGIC.len())?.as_slice() {
                [] => return Ok(false),
                [0, 0, 0, 0, ..] => source.skip(4)?,
                head if HEADER_MAGIC.starts_with(head) => return Ok(true),
                _ => return Err(io::Error::other(Error::TrailingGarbage(Compression::Xz))),
            }
        }
    }
}
