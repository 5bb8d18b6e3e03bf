//! Where blocks begin and streams end: at any bit, behind 48 bits that nothing else is likely to be.

use super::bits::Bits;

/// What a block begins with, and what comes behind the last one.
pub(super) const BLOCK: u64 = 0x3141_5926_5359;
pub(super) const END: u64 = 0x1772_4538_5090;
pub(super) const MARK_BITS: usize = 48;
pub(super) const SUM_BITS: usize = 32;

/// More than a block's tables take, in bytes.
pub(super) const TABLES_BYTES: usize = 32 << 10;

/// Where marks may be: the pairs of bytes that lie in the middle of one, at any of eight places.
pub(super) struct Marks(Box<[u64; 1 << 10]>);

impl Marks {
    pub(super) fn new() -> Self {
        let mut pairs = Box::new([0; 1 << 10]);
        for mark in [BLOCK, END] {
            for place in 0..8 {
                let pair = (mark >> (24 + place)) as u16;
                pairs[usize::from(pair >> 6)] |= 1 << (pair & 63);
            }
        }
        Self(pairs)
    }

    /// The first mark from a bit on that begins before `end`, a byte, and which it is. It may be there by chance.
    pub(super) fn find(&self, bytes: &[u8], from: usize, end: usize) -> Option<(usize, u64)> {
        // The first whole byte of a mark is the one behind that in which it begins.
        for at in from / 8 + 1..(end + 1).min(bytes.len().saturating_sub(1)) {
            let pair = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            if self.0[usize::from(pair >> 6)] >> (pair & 63) & 1 == 0 {
                continue;
            }
            for bit in ((at - 1) * 8..at * 8).filter(|bit| *bit >= from) {
                if let Some(mark @ (BLOCK | END)) = Bits::new(bytes, bit).take(MARK_BITS) {
                    return Some((bit, mark));
                }
            }
        }
        None
    }
}

/// Whether behind a mark at that bit there are tables as a block has them: by chance they are not.
pub(super) fn has_tables(bytes: &[u8], at: usize, level: u8) -> bool {
    tables(Bits::new(bytes, at + MARK_BITS + SUM_BITS), level).is_some()
}

fn tables(mut bits: Bits, level: u8) -> Option<()> {
    let _randomised = bits.take(1)?;
    let origin = bits.take(24)?;
    if origin > 10 + 100_000 * u64::from(level) {
        return None;
    }
    let used = bits.take(16)?;
    let mut symbols = 0;
    for _ in 0..used.count_ones() {
        symbols += bits.take(16)?.count_ones();
    }
    let groups = bits.take(3)?;
    let selectors = bits.take(15)?;
    if symbols == 0 || !(2..=6).contains(&groups) || selectors == 0 {
        return None;
    }
    for _ in 0..selectors {
        let mut group = 0;
        while bits.take(1)? == 1 {
            group += 1;
            if group == groups {
                return None;
            }
        }
    }
    Some(())
}
