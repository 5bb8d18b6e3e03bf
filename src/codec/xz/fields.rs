//! The small parts that headers and indexes are made of.

use std::io::{self, Read};

pub(super) use crate::codec::fields::{corrupt, read_array};

pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A multibyte integer (1.2): seven bits to a byte, at most nine bytes, and no more than needed.
pub(super) fn read_integer(source: &mut impl Read) -> io::Result<u64> {
    let mut value = 0;
    for index in 0..9 {
        let [byte] = read_array(source)?;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                break;
            }
            return Ok(value);
        }
    }
    Err(corrupt("a number is written in too many bytes"))
}

/// Writes one, in as few bytes as it takes.
pub(super) fn write_integer(target: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        target.push(value as u8 | 0x80);
        value >>= 7;
    }
    target.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_up_to_63_bits_in_the_fewest_bytes() {
        for (bytes, value) in [
            (&b"\0"[..], 0),
            (b"\x7f", 127),
            (b"\x80\x01", 128),
            (&[0xff; 8], 0),
        ] {
            let mut source = bytes;
            match read_integer(&mut source) {
                Ok(read) => {
                    assert_eq!(read, value);
                    let mut written = Vec::new();
                    write_integer(&mut written, value);
                    assert_eq!(written, bytes);
                }
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
            }
        }
        let most = [[0xff; 8].as_slice(), &[0x7f]].concat();
        assert_eq!(read_integer(&mut most.as_slice()).ok(), Some(u64::MAX >> 1));
        assert!(read_integer(&mut &b"\x80\0"[..]).is_err());
        assert!(read_integer(&mut &[0xff; 10][..]).is_err());
    }
}
