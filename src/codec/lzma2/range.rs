//! The range decoder: bits out of a chunk, each with the probability that it is a zero.

use super::model::Probability;

/// The largest packed chunk, in bytes.
pub(super) const CHUNK_BYTES: usize = 1 << 16;

/// A chunk and as much again, which is looked at by none that is sound: a power of two, so that what runs on in a corrupt one
/// comes round and harms nobody.
pub(super) type Packed = [u8; 2 * CHUNK_BYTES];

const TOP: u32 = 1 << 24;
/// How many bits a probability has, and how fast it follows what comes.
const PROBABILITY_BITS: u32 = 11;
const SHIFT: u32 = 5;

#[derive(Clone, Copy)]
pub(super) struct Range<'a> {
    packed: &'a Packed,
    /// The next byte.
    at: usize,
    range: u32,
    code: u32,
}

impl<'a> Range<'a> {
    /// Begins with a chunk. None if it cannot begin like that.
    pub(super) fn new(packed: &'a Packed) -> Option<Self> {
        let [zero, code @ ..] = packed.first_chunk::<5>()?;
        (*zero == 0).then_some(Self {
            packed,
            at: 5,
            range: u32::MAX,
            code: u32::from_be_bytes(*code),
        })
    }

    /// Whether the chunk, of so many bytes, ends here and as it should.
    pub(super) fn is_finished(mut self, length: usize) -> bool {
        self.normalize();
        self.at == length && self.code == 0
    }

    #[inline(always)]
    fn normalize(&mut self) {
        if self.range < TOP {
            self.range <<= 8;
            let byte = self.packed[self.at & (self.packed.len() - 1)];
            self.code = (self.code << 8) | u32::from(byte);
            self.at += 1;
        }
    }

    /// A bit on which it depends what comes next.
    #[inline(always)]
    pub(super) fn decide(&mut self, probability: &mut Probability) -> bool {
        self.normalize();
        let current = u32::from(*probability);
        let bound = (self.range >> PROBABILITY_BITS) * current;
        if self.code < bound {
            self.range = bound;
            *probability = (current + (((1 << PROBABILITY_BITS) - current) >> SHIFT)) as u16;
            false
        } else {
            self.range -= bound;
            self.code -= bound;
            *probability = (current - (current >> SHIFT)) as u16;
            true
        }
    }

    /// A bit of a number, of the probability `current`, with what that becomes: all ones if the bit is a zero, else none.
    /// Nobody can foresee it, so nothing branches on it.
    #[inline(always)]
    fn zero(&mut self, current: Probability) -> (u32, Probability) {
        self.normalize();
        let current = u32::from(current);
        let bound = (self.range >> PROBABILITY_BITS) * current;
        let zero = u32::from(self.code < bound).wrapping_neg();
        let rest = self.range - bound;
        self.range = rest.wrapping_add(bound.wrapping_sub(rest) & zero);
        self.code = self.code.wrapping_sub(bound & !zero);
        let toward = ((1 << PROBABILITY_BITS) - (1 << SHIFT) + 1) & zero;
        // Arithmetic: towards one it grows.
        let step = (current.wrapping_sub(toward).cast_signed() >> SHIFT).cast_unsigned();
        (zero, current.wrapping_sub(step) as u16)
    }

    /// That many bits without probabilities, the highest first.
    #[inline(always)]
    pub(super) fn direct(&mut self, bits: u32) -> u32 {
        let mut value = 0;
        for _ in 0..bits {
            self.normalize();
            self.range >>= 1;
            let code = self.code.wrapping_sub(self.range);
            // All ones if it is a zero.
            let zero = (code.cast_signed() >> 31).cast_unsigned();
            self.code = code.wrapping_add(self.range & zero);
            value = (value << 1) | (zero.wrapping_add(1) & 1);
        }
        value
    }

    /// A number of `BITS` bits, the highest first, by a tree of probabilities.
    ///
    /// Both that may come next are looked up before it is known which one it is: what takes longest is not done twice in a row.
    #[inline(always)]
    pub(super) fn tree<const BITS: u32, const SIZE: usize>(
        &mut self,
        tree: &mut [Probability; SIZE],
    ) -> usize {
        let (mut symbol, mut current) = (1, tree[1]);
        for _ in 1..BITS {
            let next = (2 * symbol) & (SIZE - 1);
            let (low, high) = (tree[next], tree[next | 1]);
            let (zero, becomes) = self.zero(current);
            tree[symbol & (SIZE - 1)] = becomes;
            symbol = 2 * symbol + bit(zero);
            current = either(zero, low, high);
        }
        let (zero, becomes) = self.zero(current);
        tree[symbol & (SIZE - 1)] = becomes;
        2 * symbol + bit(zero) - (1 << BITS)
    }

    /// A byte, by the trees for one that is not `unlike`: for as long as it is like it, and for what follows.
    #[inline(always)]
    pub(super) fn unlike(&mut self, trees: &mut [Probability; 0x400], unlike: u8) -> usize {
        const MASK: usize = 0x3ff;
        let mut unlike = usize::from(unlike) << 1;
        let (mut symbol, mut offset) = (1, 0x100);
        let mut at = offset + (unlike & offset) + symbol;
        let mut current = trees[at & MASK];
        for _ in 0..8 {
            let expected = unlike & offset;
            unlike <<= 1;
            let (offset_low, offset_high) = (offset & !expected, expected);
            let low = offset_low + (unlike & offset_low) + 2 * symbol;
            let high = offset_high + (unlike & offset_high) + 2 * symbol + 1;
            let (p_low, p_high) = (trees[low & MASK], trees[high & MASK]);
            let (zero, becomes) = self.zero(current);
            trees[at & MASK] = becomes;
            symbol = 2 * symbol + bit(zero);
            current = either(zero, p_low, p_high);
            let zero = zero.cast_signed() as isize as usize;
            offset = offset_high ^ ((offset_low ^ offset_high) & zero);
            at = high ^ ((low ^ high) & zero);
        }
        symbol & 0xff
    }

    /// A number of so many bits, the lowest first, by the tree that begins behind `start`.
    #[inline(always)]
    pub(super) fn reversed<const SIZE: usize>(
        &mut self,
        (tree, start): (&mut [Probability; SIZE], usize),
        bits: u32,
    ) -> u32 {
        let (mut symbol, mut value) = (1, 0);
        let mut current = tree[(start + 1) & (SIZE - 1)];
        for place in 0..bits {
            let next = start + 2 * symbol;
            let (low, high) = (tree[next & (SIZE - 1)], tree[(next + 1) & (SIZE - 1)]);
            let (zero, becomes) = self.zero(current);
            tree[(start + symbol) & (SIZE - 1)] = becomes;
            symbol = 2 * symbol + bit(zero);
            value |= (bit(zero) as u32) << place;
            current = either(zero, low, high);
        }
        value
    }
}

#[inline(always)]
fn bit(zero: u32) -> usize {
    (zero.wrapping_add(1)) as usize
}

#[inline(always)]
fn either(zero: u32, low: Probability, high: Probability) -> Probability {
    high ^ ((low ^ high) & zero as u16)
}
