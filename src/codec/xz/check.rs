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
}

/// A check that is being computed.
pub(super) enum Check {
    None,
    Crc32(flate2::Crc),
    Crc64(u64),
    Sha256(Box<Hasher>),
}

impl Check {
    pub(super) fn new(kind: CheckKind) -> Self {
        match kind {
            CheckKind::None => Self::None,
            CheckKind::Crc32 => Self::Crc32(flate2::Crc::new()),
            CheckKind::Crc64 => Self::Crc64(!0),
            CheckKind::Sha256 => Self::Sha256(Box::default()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Crc32(crc) => crc.update(bytes),
            Self::Crc64(crc) => *crc = crc64(*crc, bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// Reads the value in the file, compares, and returns its size.
    pub(super) fn verify(self, source: &mut impl Read) -> io::Result<u64> {
        let expected = match self {
            Self::None => Vec::new(),
            Self::Crc32(crc) => crc.sum().to_le_bytes().to_vec(),
            Self::Crc64(crc) => (!crc).to_le_bytes().to_vec(),
            Self::Sha256(hasher) => hasher.finish().as_bytes().to_vec(),
        };
        let mut actual = vec![0; expected.len()];
        source.read_exact(&mut actual)?;
        if actual == expected {
            Ok(expected.len() as u64)
        } else {
            Err(corrupt("the check of a block is wrong"))
        }
    }
}

/// For each of the eight bytes of a word, what it adds to the sum (ECMA-182, reflected).
static CRC64: [[u64; 256]; 8] = crc64_tables();

const fn crc64_tables() -> [[u64; 256]; 8] {
    const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut place = 1;
    while place < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[place - 1][byte];
            tables[place][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        place += 1;
    }
    tables
}

/// Takes bytes into the sum, a word at a time: one byte at a time would cost as much as a fast decoder.
fn crc64(mut crc: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mixed = (crc ^ u64::from_le_bytes(*word)).to_le_bytes();
        crc = 0;
        for (place, byte) in mixed.into_iter().enumerate() {
            crc ^= CRC64[7 - place][usize::from(byte)];
        }
    }
    for byte in rest {
        crc = CRC64[0][usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8);
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc64_is_the_one_the_format_means_however_the_bytes_arrive() {
        // The catalogue's check value of CRC-64/XZ.
        assert_eq!(!crc64(!0, b"123456789"), 0x995d_c9bb_df19_39fa);
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let whole = crc64(!0, &bytes);
        for split in [1, 7, 8, 9, 500] {
            assert_eq!(crc64(crc64(!0, &bytes[..split]), &bytes[split..]), whole);
        }
    }
}
