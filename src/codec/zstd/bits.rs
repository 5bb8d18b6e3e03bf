//! Bits: of streams that are read from their end to their beginning, and of the few fields that are read forwards.

use std::io;

use crate::codec::fields::corrupt;

/// A stream that begins with its last byte, whose highest one is a mark, and ends with the first bit of its first.
///
/// Beyond its end it gives something, and harms nobody: whoever has read it all asks whether it ended there.
pub(super) struct Backward<'a> {
    bytes: &'a [u8],
    /// Where the eight bytes in hand come from.
    at: usize,
    hand: u64,
    /// How many of its bits are used up, from the highest on.
    used: u32,
    /// How many there are once its first bytes are in hand.
    all: u32,
}

impl<'a> Backward<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> io::Result<Self> {
        let mark = match bytes.last() {
            Some(&last) if last != 0 => last.leading_zeros() + 1,
            _ => return Err(corrupt("a stream of bits has no mark at its end")),
        };
        let at = bytes.len().saturating_sub(8);
        let (hand, all) = first_hand(&bytes[at..]);
        Ok(Self {
            bytes,
            at,
            hand,
            used: mark,
            all,
        })
    }

    /// Where it stands, and the bits in hand with a one behind them. There must be some left.
    pub(super) fn into_parts(self) -> (usize, u64) {
        (self.at, (self.hand | 1).wrapping_shl(self.used))
    }

    /// What goes on from there.
    pub(super) fn from_parts(bytes: &'a [u8], (at, hand): (usize, u64)) -> Self {
        let (first, all) = first_hand(&bytes[at..]);
        Self {
            bytes,
            at,
            hand: first,
            used: hand.trailing_zeros(),
            all,
        }
    }

    /// Has 57 bits in hand at least, if there are so many.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let by = (self.used >> 3).min(self.at as u32);
        let at = self.at - by as usize;
        if let Some(bytes) = self.bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
            self.at = at;
            self.used -= 8 * by;
            self.hand = u64::from_le_bytes(*bytes);
        }
    }

    /// The next `BITS` bits of those in hand, one at least, which stay there.
    #[inline(always)]
    pub(super) fn peek<const BITS: u32>(&self) -> usize {
        (self.hand.wrapping_shl(self.used) >> (64 - BITS)) as usize
    }

    /// That many bits of those in hand are done with.
    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        self.used += bits;
    }

    /// The next so many bits of those in hand, or none.
    #[inline(always)]
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        let value = self.hand.wrapping_shl(self.used) >> 1 >> (63 - (bits & 63));
        self.used += bits;
        value as u32
    }

    /// Whether all bits are used up, and no more.
    pub(super) fn is_finished(&self) -> bool {
        self.at == 0 && self.used == self.all
    }

    /// Whether more were used than there are.
    pub(super) fn is_overrun(&self) -> bool {
        self.at == 0 && self.used > self.all
    }
}

/// The first eight bytes, or as many as there are in the highest places; and how many bits that is.
fn first_hand(bytes: &[u8]) -> (u64, u32) {
    let bytes = &bytes[..bytes.len().min(8)];
    let higher = |hand, &byte: &u8| hand >> 8 | u64::from(byte) << 56;
    (bytes.iter().fold(0, higher), 8 * bytes.len() as u32)
}

/// A few fields that are read as they come, the lowest bit first.
pub(super) struct Forward<'a> {
    bytes: &'a [u8],
    bit: usize,
}

impl<'a> Forward<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, bit: 0 }
    }

    /// The next so many bits, 16 at most; zeros where there are none.
    pub(super) fn peek(&self, bits: u32) -> u32 {
        let bytes = self.bytes.get(self.bit / 8..).unwrap_or_default();
        let higher = |value: u32, &byte: &u8| value << 8 | u32::from(byte);
        let value = bytes.iter().take(4).rev().fold(0, higher);
        (value >> (self.bit % 8)) & ((1 << bits) - 1)
    }

    pub(super) fn skip(&mut self, bits: u32) {
        self.bit += bits as usize;
    }

    pub(super) fn take(&mut self, bits: u32) -> u32 {
        let value = self.peek(bits);
        self.skip(bits);
        value
    }

    /// How many bytes were begun, if there are so many.
    pub(super) fn length(&self) -> io::Result<usize> {
        let length = self.bit.div_ceil(8);
        match length <= self.bytes.len() {
            true => Ok(length),
            false => Err(corrupt("a table ends before it is complete")),
        }
    }
}
