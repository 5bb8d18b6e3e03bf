//! The sizes of a stream's blocks, as they were decoded and as the index has them.

use std::io::{self, Read};

use super::fields::{corrupt, read_array, read_integer};
use crate::stream::Hasher;

/// The sizes of one block.
#[derive(Clone, Copy)]
pub(in crate::codec) struct Record {
    /// Of header, data and check, without padding.
    pub(super) unpadded: u64,
    pub(super) uncompressed: u64,
}

/// The sizes of any number of blocks, in constant memory: there may be millions.
#[derive(Default)]
pub(super) struct Records {
    count: u64,
    sizes: Hasher,
}

impl Records {
    pub(super) fn push(&mut self, record: Record) {
        self.count += 1;
        self.sizes.update(&record.unpadded.to_le_bytes());
        self.sizes.update(&record.uncompressed.to_le_bytes());
    }

    /// Reads an index (4) from behind its first byte, holds it against these records, and returns its size.
    pub(super) fn check_index(self, source: &mut impl Read) -> io::Result<u64> {
        let mut index = Summed::new(source);
        let count = read_integer(&mut index)?;
        if count != self.count {
            return Err(corrupt("the index has another number of blocks"));
        }
        let mut listed = Self::default();
        for _ in 0..count {
            let unpadded = read_integer(&mut index)?;
            listed.push(Record {
                unpadded,
                uncompressed: read_integer(&mut index)?,
            });
        }
        if listed.sizes.finish() != self.sizes.finish() {
            return Err(corrupt("the index has other sizes than the blocks"));
        }
        while !index.size.is_multiple_of(4) {
            if read_array(&mut index)? != [0] {
                return Err(corrupt("the padding of the index is not zero"));
            }
        }
        let (size, sum) = (index.size + 4, index.crc.sum());
        if u32::from_le_bytes(read_array(source)?) != sum {
            return Err(corrupt("the checksum of the index is wrong"));
        }
        Ok(size)
    }
}

/// A reader that counts and sums up. It begins with the index's first byte, a zero.
struct Summed<'a, R> {
    source: &'a mut R,
    crc: flate2::Crc,
    size: u64,
}

impl<'a, R> Summed<'a, R> {
    fn new(source: &'a mut R) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(&[0]);
        Self {
            source,
            crc,
            size: 1,
        }
    }
}

impl<R: Read> Read for Summed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.crc.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::crc32;
    use super::*;

    /// An index with these records and a right checksum, without its first byte.
    fn index(records: &[(u8, u8)]) -> Vec<u8> {
        let mut bytes = vec![0, records.len() as u8];
        bytes.extend(
            records
                .iter()
                .flat_map(|(unpadded, uncompressed)| [*unpadded, *uncompressed]),
        );
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let sum = crc32(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes.split_off(1)
    }

    fn decoded(records: &[(u8, u8)]) -> Records {
        let mut all = Records::default();
        for (unpadded, uncompressed) in records {
            all.push(Record {
                unpadded: (*unpadded).into(),
                uncompressed: (*uncompressed).into(),
            });
        }
        all
    }

    #[test]
    fn an_index_counts_only_if_every_size_in_it_is_what_was_decoded() {
        let blocks = [(30, 100), (31, 5)];
        assert_eq!(
            decoded(&blocks)
                .check_index(&mut index(&blocks).as_slice())
                .unwrap(),
            12
        );
        for forged in [
            &[(30, 100)][..],
            &[(30, 100), (31, 6)],
            &[(29, 100), (31, 5)],
            &[(31, 5), (30, 100)],
        ] {
            assert!(
                decoded(&blocks)
                    .check_index(&mut index(forged).as_slice())
                    .is_err()
            );
        }
    }
}
