//! One header block as it stands, in the dialects v7, ustar, GNU and star: what it says once its checksum holds.

use super::error::Fault;
use super::field::{
    Block, CHECKSUM, GID, LINK, MAGIC, MAJOR, MINOR, MODE, MTIME, NAME, PREFIX, REAL_SIZE, SIZE,
    STAR_MAGIC, STAR_PREFIX, TYPE, UID,
};
use super::{Device, Timestamp};

/// A header block whose checksum holds.
pub(super) struct Header {
    pub(super) block: Block,
    /// Where in the archive it begins, in bytes.
    pub(super) offset: u64,
}

impl Header {
    pub(super) fn new(block: Block, offset: u64) -> Result<Self, Fault> {
        let claimed: i64 = CHECKSUM.number(&block)?;
        let (unsigned, signed) = sums(&block);
        if ![unsigned, signed].contains(&claimed) {
            return Err(Fault::Checksum);
        }
        Ok(Self { block, offset })
    }

    pub(super) fn flag(&self) -> u8 {
        TYPE.of(&self.block).first().copied().unwrap_or_default()
    }

    /// The name behind its prefix, which only POSIX has: GNU keeps times there.
    pub(super) fn path(&self) -> Vec<u8> {
        let prefix = match &self.block {
            block if !MAGIC.of(block).starts_with(b"ustar\0") => &[],
            block if STAR_MAGIC.of(block) == b"tar\0" => STAR_PREFIX.text(block),
            block => PREFIX.text(block),
        };
        let separator: &[u8] = if prefix.is_empty() { b"" } else { b"/" };
        [prefix, separator, NAME.text(&self.block)].concat()
    }

    pub(super) fn link(&self) -> Vec<u8> {
        LINK.text(&self.block).to_vec()
    }

    pub(super) fn size(&self) -> Result<u64, Fault> {
        SIZE.size(&self.block)
    }

    /// With the holes, where the type says that there are some.
    pub(super) fn real_size(&self) -> Result<u64, Fault> {
        REAL_SIZE.size(&self.block)
    }

    pub(super) fn mode(&self) -> Result<u32, Fault> {
        Ok(MODE.number::<u64>(&self.block)? as u32 & 0o7777)
    }

    pub(super) fn uid(&self) -> Result<u32, Fault> {
        UID.number(&self.block)
    }

    pub(super) fn gid(&self) -> Result<u32, Fault> {
        GID.number(&self.block)
    }

    /// Blanks are taken for 1970, as everywhere.
    pub(super) fn modified(&self) -> Result<Timestamp, Fault> {
        let blank = MTIME.of(&self.block).trim_ascii().is_empty();
        let seconds = if blank { 0 } else { MTIME.number(&self.block)? };
        Ok(Timestamp {
            seconds,
            nanoseconds: 0,
        })
    }

    /// 0:0 without a magic: before there was one, there were no fields for it.
    pub(super) fn device(&self) -> Result<Device, Fault> {
        if !MAGIC.of(&self.block).starts_with(b"ustar") {
            return Ok(Device { major: 0, minor: 0 });
        }
        Ok(Device {
            major: MAJOR.number(&self.block)?,
            minor: MINOR.number(&self.block)?,
        })
    }
}

/// The sums of a block's bytes, its checksum taken for blanks: of bytes without a sign, and with one as some add them.
pub(super) fn sums(block: &Block) -> (i64, i64) {
    let mut sums = (0, 0);
    for (position, byte) in block.iter().enumerate() {
        let byte = if CHECKSUM.holds(position) {
            b' '
        } else {
            *byte
        };
        sums.0 += i64::from(byte);
        sums.1 += i64::from(byte.cast_signed());
    }
    sums
}
