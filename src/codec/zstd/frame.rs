//! The header of a frame (RFC 8878, 3.1.1.1).

use std::io::{self, Read};

use super::WINDOW_LIMIT;
use crate::codec::Error;
use crate::codec::fields::{corrupt, read_array};
use crate::terms::Compression;

pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest block, packed or not.
pub(super) const BLOCK_BYTES: usize = 128 << 10;

/// What a frame says of itself.
#[derive(Clone, Copy)]
pub(super) struct Header {
    /// How far back its blocks refer.
    pub(super) window: usize,
    /// How many bytes it holds, if it tells.
    pub(super) size: Option<u64>,
    pub(super) has_checksum: bool,
}

impl Header {
    /// Reads what follows the magic.
    pub(super) fn read(source: &mut impl Read) -> io::Result<Self> {
        let [descriptor] = read_array(source)?;
        if descriptor & 8 != 0 {
            return Err(corrupt("a frame is of a kind that nobody has defined"));
        }
        let is_single_segment = descriptor & 0x20 != 0;
        let window = match is_single_segment {
            true => None,
            false => {
                let [byte] = read_array(source)?;
                let base = 1_u64 << (10 + (byte >> 3));
                Some(base + base / 8 * u64::from(byte & 7))
            }
        };
        let dictionary = read_number(source, [0, 1, 2, 4][usize::from(descriptor & 3)])?;
        let size = match descriptor >> 6 {
            0 if !is_single_segment => None,
            0 => Some(read_number(source, 1)?),
            1 => Some(read_number(source, 2)? + 256),
            flag => Some(read_number(source, 1 << flag)?),
        };
        if dictionary != 0 {
            let what = "need a dictionary, which an image has nowhere to bring from";
            return Err(io::Error::other(Error::Unsupported(
                Compression::Zstd,
                what,
            )));
        }
        let window = window.or(size).unwrap_or_default();
        Ok(Self {
            window: usize::try_from(window).unwrap_or(usize::MAX),
            size,
            has_checksum: descriptor & 4 != 0,
        })
    }

    /// Whether its window is one that is taken.
    pub(super) fn check_window(&self) -> io::Result<()> {
        match self.window as u64 <= WINDOW_LIMIT.0 {
            true => Ok(()),
            false => Err(io::Error::other(Error::WindowTooLarge {
                compression: Compression::Zstd,
                limit: WINDOW_LIMIT,
            })),
        }
    }

    /// How many bytes a block of the frame has at most, packed or not.
    pub(super) fn block_bytes(&self) -> usize {
        self.window.min(BLOCK_BYTES)
    }
}

/// A number of so many bytes, eight at most.
fn read_number(source: &mut impl Read, bytes: usize) -> io::Result<u64> {
    let mut number = [0; 8];
    source.read_exact(&mut number[..bytes])?;
    Ok(u64::from_le_bytes(number))
}
