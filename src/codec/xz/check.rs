//! The integrity checks of blocks (3.4): none, CRC-32, CRC-64 and SHA-256.

use std::io::{self, Read};

use super::fields::corrupt;
use crate::stream::Hasher;

/// Which check a stream's blocks carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckKind {
    None,
    Crc32,
    Crc64,
    Sha256,
}

impl CheckKind {
    /// From a stream's flags (2.1.1.2).
    pub(super) fn parse(flags: [u8; 2]) -> io::Result<Self> {
        match flags {
            [0, 0] => Ok(Self::None),
            [0, 1] => Ok(Self::Crc32),
            [0, 4] => Ok(Self::Crc64),
            [0, 0xa] => Ok(Self::Sha256),
            _ => Err(corrupt("a stream asks for a check that nobody has defined")),
        }
    }

    /// How many bytes it has in the file.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Crc32 => 4,
            Self::Crc64 => 8,
            Self::Sha256 => 32,
        }
    }
}

/// A check that is being computed.
pub(super) enum Check {
    None,
    Crc32(flate2::Crc),
    Crc64(crc64fast::Digest),
    Sha256(Box<Hasher>),
}

impl Check {
    pub(super) fn new(kind: CheckKind) -> Self {
        match kind {
            CheckKind::None => Self::None,
            CheckKind::Crc32 => Self::Crc32(flate2::Crc::new()),
            CheckKind::Crc64 => Self::Crc64(crc64fast::Digest::new()),
            CheckKind::Sha256 => Self::Sha256(Box::default()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Crc32(crc) => crc.update(bytes),
            Self::Crc64(crc) => crc.write(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The value, as it stands in the file.
    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Crc32(crc) => crc.sum().to_le_bytes().to_vec(),
            Self::Crc64(crc) => crc.sum64().to_le_bytes().to_vec(),
            Self::Sha256(hasher) => hasher.finish().as_bytes().to_vec(),
        }
    }

    /// Reads the value in the file, compares, and returns its size.
    pub(super) fn verify(self, source: &mut impl Read) -> io::Result<u64> {
        let expected = self.finish();
        let mut actual = vec![0; expected.len()];
        source.read_exact(&mut actual)?;
        if actual == expected {
            Ok(expected.len() as u64)
        } else {
            Err(corrupt("the check of a block is wrong"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc64_is_the_one_the_format_means_however_the_bytes_arrive() {
        let sum = |pieces: &[&[u8]]| {
            let mut check = Check::new(CheckKind::Crc64);
            pieces.iter().for_each(|bytes| check.update(bytes));
            let Check::Crc64(crc) = check else {
                unreachable!("it is that");
            };
            crc.sum64()
        };
        // The catalogue's check value of CRC-64/XZ.
        assert_eq!(sum(&[b"1234", b"56789"]), 0x995d_c9bb_df19_39fa);
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for split in [1, 7, 8, 9, 500] {
            assert_eq!(sum(&[&bytes]), sum(&[&bytes[..split], &bytes[split..]]));
        }
    }
}
