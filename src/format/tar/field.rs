//! The fields of a header block and the two ways in which it holds numbers (POSIX.1-2017 pax, GNU tar's manual
//! "Basic Tar Format"): octal digits, and big-endian two's complement behind a byte 0x80 or 0xff (base-256).
//!
//! Absent: the base-64 numbers of a short-lived GNU tar of 1999.

use super::error::Fault;

pub(super) const BLOCK: usize = 512;
pub(super) type Block = [u8; BLOCK];

/// How many bytes fill the last block of so many.
pub(super) fn padding(length: u64) -> u64 {
    length.wrapping_neg() % BLOCK as u64
}

/// A stretch of a header block.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    start: usize,
    length: usize,
}

pub(super) const NAME: Field = Field::new("name", 0, 100);
pub(super) const MODE: Field = Field::new("mode", 100, 8);
pub(super) const UID: Field = Field::new("uid", 108, 8);
pub(super) const GID: Field = Field::new("gid", 116, 8);
pub(super) const SIZE: Field = Field::new("size", 124, 12);
pub(super) const MTIME: Field = Field::new("mtime", 136, 12);
pub(super) const CHECKSUM: Field = Field::new("chksum", 148, 8);
pub(super) const TYPE: Field = Field::new("typeflag", 156, 1);
pub(super) const LINK: Field = Field::new("linkname", 157, 100);
pub(super) const MAGIC: Field = Field::new("magic", 257, 8);
pub(super) const MAJOR: Field = Field::new("devmajor", 329, 8);
pub(super) const MINOR: Field = Field::new("devminor", 337, 8);
pub(super) const PREFIX: Field = Field::new("prefix", 345, 155);
/// GNU's, in the old sparse format.
pub(super) const REAL_SIZE: Field = Field::new("realsize", 483, 12);
/// star keeps two times behind a shorter prefix, and says so at the end of the block.
pub(super) const STAR_PREFIX: Field = Field::new("prefix", 345, 131);
pub(super) const STAR_MAGIC: Field = Field::new("magic", 508, 4);

impl Field {
    pub(super) const fn new(name: &'static str, start: usize, length: usize) -> Self {
        Self {
            name,
            start,
            length,
        }
    }

    pub(super) fn of(self, block: &Block) -> &[u8] {
        block
            .get(self.start..self.start + self.length)
            .unwrap_or_default()
    }

    /// What stands before the first NUL, or all of it.
    pub(super) fn text(self, block: &Block) -> &[u8] {
        until_nul(self.of(block))
    }

    pub(super) fn number<N: TryFrom<i128>>(self, block: &Block) -> Result<N, Fault> {
        let value = number(self.of(block)).ok_or(Fault::Number(self.name))?;
        N::try_from(value).map_err(|_| Fault::Range(self.name))
    }

    /// A number of bytes, at most what an `off_t` holds.
    pub(super) fn size(self, block: &Block) -> Result<u64, Fault> {
        let size: i64 = self.number(block)?;
        u64::try_from(size).map_err(|_| Fault::Range(self.name))
    }

    /// Puts bytes at the field's beginning, as many as it holds.
    pub(super) fn put(self, block: &mut Block, bytes: &[u8]) {
        let places = block.iter_mut().skip(self.start).take(self.length);
        places.zip(bytes).for_each(|(place, byte)| *place = *byte);
    }

    /// Puts octal digits and a NUL, if the field holds so many.
    pub(super) fn put_number(self, block: &mut Block, value: u64) -> bool {
        let digits = format!("{value:0width$o}\0", width = self.length - 1);
        let fits = digits.len() == self.length;
        if fits {
            self.put(block, digits.as_bytes());
        }
        fits
    }

    pub(super) fn holds(self, position: usize) -> bool {
        (self.start..self.start + self.length).contains(&position)
    }

    pub(super) const fn length(self) -> usize {
        self.length
    }
}

pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number of any field; 88 bits are the most that it can have.
fn number(bytes: &[u8]) -> Option<i128> {
    let base_256 = |sign: i128, rest: &[u8]| {
        rest.iter()
            .fold(sign, |value, byte| value << 8 | i128::from(*byte))
    };
    match bytes.split_first()? {
        (0x80, rest) => Some(base_256(0, rest)),
        (0xff, rest) => Some(base_256(-1, rest)),
        // A NUL where the field before has no room for its own.
        (0, rest) => octal(rest),
        _ => octal(bytes),
    }
}

/// Blanks, digits, then a blank, a NUL or the end, and whatever; NULs alone are zero, blanks alone nothing.
fn octal(bytes: &[u8]) -> Option<i128> {
    let bytes = bytes.trim_ascii_start();
    let mut value = 0;
    for byte in bytes {
        match byte {
            b'0'..=b'7' => value = value << 3 | i128::from(byte - b'0'),
            0 | b' ' | b'\t' | b'\n' => break,
            _ => return None,
        }
    }
    (!bytes.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_as_gnu_tar_takes_them() {
        for (field, value) in [
            (&b"1750\0\0\0\0"[..], Some(1000)),
            (b"   1750\0", Some(1000)),
            (b"1750    ", Some(1000)),
            (b"1750 \0zz", Some(1000)),
            (b"00001750", Some(1000)),
            (b"\x001750   ", Some(1000)),
            (b"\t17\0\0\0\0\0", Some(15)),
            (b"17 50\0\0\0", Some(15)),
            (b"77777777", Some(0o77_777_777)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b" \0 1750 ", Some(0)),
            (b"        ", None),
            (b"1850\0\0\0\0", None),
            (b"0x10\0\0\0\0", None),
            (b"-1\0\0\0\0\0\0", None),
            (b"+AAAAAD\0", None),
            (b"\x80\0\0\0\0\0\x03\xe8", Some(1000)),
            (b"\x80\xff\xff\xff\xff\xff\xff\xff", Some((1 << 56) - 1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\0\0\0\0\0\0\0", Some(-1 << 56)),
            (b"\x81\0\0\0\0\0\0\x01", None),
            (b"\xc0\0\0\0\0\0\0\x01", None),
            (b"\xff\0\0\0\0\0\0\0\0\0\0\0", Some(-1 << 88)),
        ] {
            assert_eq!(number(field), value, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn a_number_is_put_only_where_it_fits() {
        let mut block = [0; BLOCK];
        assert!(UID.put_number(&mut block, 0o7_777_777));
        assert_eq!(UID.of(&block), b"7777777\0");
        assert!(!UID.put_number(&mut block, 0o10_000_000));
        assert_eq!(UID.number::<u32>(&block), Ok(0o7_777_777));
    }
}
