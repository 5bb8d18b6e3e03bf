//! Bits, the highest of a byte first, from anywhere in memory.

/// A reader of what lies in memory, from a bit on.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The next `count` bits, 48 at most. None if there are not so many.
    pub(super) fn take(&mut self, count: usize) -> Option<u64> {
        if count == 0 {
            return Some(0);
        }
        let (first, skipped) = (self.at / 8, self.at % 8);
        let last = (self.at + count).div_ceil(8);
        let bytes = self.bytes.get(first..last)?;
        let whole = bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        self.at += count;
        let behind = bytes.len() * 8 - skipped - count;
        Some(whole >> behind & ((1 << count) - 1))
    }
}

/// Bits, put one after the other.
#[derive(Default)]
pub(super) struct Row {
    bytes: Vec<u8>,
    /// How many of the last byte's bits are free.
    free: u32,
}

impl Row {
    /// An empty one, in the memory of what was there.
    pub(super) fn within(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, free: 0 }
    }

    /// Adds the lowest `count` bits, 48 at most.
    pub(super) fn add(&mut self, value: u64, count: usize) {
        for place in (0..count).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            let bit = (value >> place & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << self.free;
            }
        }
    }

    /// Adds the bits from one up to another one of what lies in memory. This row must end with a byte.
    pub(super) fn add_from(&mut self, bytes: &[u8], bits: std::ops::Range<usize>) {
        let (first, skipped) = (bits.start / 8, bits.start % 8);
        let whole = (bits.end - bits.start) / 8;
        let from = &bytes[first..];
        match skipped {
            0 => self.bytes.extend_from_slice(&from[..whole]),
            _ => {
                let pairs = from.iter().zip(&from[1..]).take(whole);
                self.bytes
                    .extend(pairs.map(|(a, b)| a << skipped | b >> (8 - skipped)));
            }
        }
        let rest = (bits.end - bits.start) % 8;
        let mut tail = Bits::new(bytes, bits.end - rest);
        if let Some(value) = tail.take(rest) {
            self.add(value, rest);
        }
    }

    /// Adds them wherever this row ends.
    pub(super) fn append(&mut self, bytes: &[u8], bits: std::ops::Range<usize>) {
        // What fills the last byte comes first, and the rest lies as it would in a row of its own.
        let fill = (self.free as usize).min(bits.end - bits.start);
        let (start, end) = (bits.start + fill, bits.end);
        if let Some(value) = Bits::new(bytes, bits.start).take(fill) {
            self.add(value, fill);
        }
        if start < end {
            self.add_from(bytes, start..end);
        }
    }

    /// All bytes that are whole.
    pub(super) fn take_whole(&mut self) -> Vec<u8> {
        let kept = usize::from(self.free > 0);
        let rest = self.bytes.split_off(self.bytes.len() - kept);
        std::mem::replace(&mut self.bytes, rest)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_taken_and_put_from_anywhere_to_anywhere() {
        let bytes: Vec<u8> = (0..=255)
            .map(|byte: u8| byte.wrapping_mul(167) ^ 0x5a)
            .collect();
        let bit = |at: usize| u64::from(bytes[at / 8] >> (7 - at % 8) & 1);
        for (start, count) in [
            (0, 1),
            (0, 48),
            (3, 48),
            (7, 42),
            (8, 8),
            (13, 3),
            (2000, 48),
        ] {
            let expected = (start..start + count).fold(0, |all, at| all << 1 | bit(at));
            assert_eq!(Bits::new(&bytes, start).take(count), Some(expected));
        }
        assert_eq!(Bits::new(&bytes, 2040).take(9), None);
        for start in 0..17 {
            for end in [start, start + 1, start + 8, start + 100, 2047, 2048] {
                let mut row = Row::default();
                row.add_from(&bytes, start..end);
                row.add(0b101, 3);
                let row = row.into_bytes();
                let mut taken = Bits::new(&row, 0);
                for at in start..end {
                    assert_eq!(taken.take(1), Some(bit(at)), "{start} {end} {at}");
                }
                assert_eq!(taken.take(3), Some(0b101));
            }
        }
    }
}
