//! Literals by Huffman's code (RFC 8878, 4.2): the weights become a table, and bits become bytes by it.

use std::io;

use super::bits::Backward;
use super::fse::{Counts, STATES};
use crate::codec::fields::corrupt;

/// The longest code.
const BITS: u32 = 11;
const SIZE: usize = 1 << BITS;

/// How many bytes are decoded between two looks for more bits.
const RUN: usize = 5;

/// What each eleven bits begin with: a byte, and in the higher half how many bits that took.
pub(super) struct Table(Box<[u16; SIZE]>);

impl Table {
    /// What `bytes` begin with, and how many bytes that takes.
    pub(super) fn read(bytes: &[u8]) -> io::Result<(Self, usize)> {
        let (&first, rest) = bytes.split_first().ok_or_else(too_short)?;
        let (weights, length) = match first {
            0..128 => {
                let length = usize::from(first);
                (
                    packed_weights(rest.get(..length).ok_or_else(too_short)?)?,
                    length,
                )
            }
            _ => {
                let count = usize::from(first) - 127;
                let length = count.div_ceil(2);
                let bytes = rest.get(..length).ok_or_else(too_short)?;
                let mut weights: Vec<u8> = bytes.iter().flat_map(|it| [it >> 4, it & 15]).collect();
                weights.truncate(count);
                (weights, length)
            }
        };
        Ok((Self::of(weights)?, 1 + length))
    }

    /// By the weights of all bytes but the last one, whose weight is what is left.
    fn of(mut weights: Vec<u8>) -> io::Result<Self> {
        let unsound = || corrupt("the weights of a code do not add up");
        if weights.iter().any(|weight| u32::from(*weight) > BITS) {
            return Err(unsound());
        }
        let share = |weight: &u8| (1_usize << weight) >> 1;
        let sum: usize = weights.iter().map(share).sum();
        let bits = sum.checked_ilog2().ok_or_else(unsound)? + 1;
        let left = (1 << bits) - sum;
        if bits > BITS || !left.is_power_of_two() || weights.len() > 255 {
            return Err(unsound());
        }
        weights.push(left.ilog2() as u8 + 1);
        let rarest = weights.iter().filter(|weight| **weight == 1).count();
        if rarest < 2 || rarest % 2 != 0 {
            return Err(unsound());
        }
        let mut table = Box::new([0; SIZE]);
        // Short codes stand for all that begins with them.
        let scale = SIZE >> bits;
        let mut at = 0;
        for weight in 1..=bits as u8 {
            let entry = u16::from(bits as u8 + 1 - weight) << 8;
            for (byte, _) in (0..=u8::MAX).zip(&weights).filter(|(_, it)| **it == weight) {
                let end = at + scale * share(&weight);
                table[at..end].fill(entry | u16::from(byte));
                at = end;
            }
        }
        Ok(Self(table))
    }

    /// Fills `bytes` with what one stream holds.
    pub(super) fn decode_one(&self, packed: &[u8], bytes: &mut [u8]) -> io::Result<()> {
        self.decode_rest(Backward::new(packed)?, bytes)
    }

    /// Fills `bytes` with what four streams hold, a quarter each.
    pub(super) fn decode_four(&self, packed: &[u8], bytes: &mut [u8]) -> io::Result<()> {
        let (lengths, packed) = packed.split_first_chunk::<6>().ok_or_else(too_short)?;
        let length = |at| usize::from(u16::from_le_bytes([lengths[at], lengths[at + 1]]));
        let (first, packed) = packed.split_at_checked(length(0)).ok_or_else(too_short)?;
        let (second, packed) = packed.split_at_checked(length(2)).ok_or_else(too_short)?;
        let (third, fourth) = packed.split_at_checked(length(4)).ok_or_else(too_short)?;
        if bytes.len() < 6 {
            return Err(corrupt("there are fewer literals than streams"));
        }
        let quarter = bytes.len().div_ceil(4);
        let (a, bytes) = bytes.split_at_mut(quarter);
        let (b, bytes) = bytes.split_at_mut(quarter);
        let (c, d) = bytes.split_at_mut(quarter);
        let mut lanes = Lanes {
            table: self,
            first: Lane::new(first)?,
            second: Lane::new(second)?,
            third: Lane::new(third)?,
            fourth: Lane::new(fourth)?,
        };
        let done = lanes.decode([&mut *a, &mut *b, &mut *c, &mut *d]);
        self.decode_rest(lanes.first.rest(), &mut a[done..])?;
        self.decode_rest(lanes.second.rest(), &mut b[done..])?;
        self.decode_rest(lanes.third.rest(), &mut c[done..])?;
        self.decode_rest(lanes.fourth.rest(), &mut d[done..])
    }

    /// Fills `bytes` with all that is left of a stream.
    fn decode_rest(&self, mut stream: Backward, bytes: &mut [u8]) -> io::Result<()> {
        for run in bytes.chunks_mut(RUN) {
            stream.refill();
            for byte in run {
                *byte = self.next(&mut stream);
            }
        }
        match stream.is_finished() {
            true => Ok(()),
            false => Err(corrupt("literals do not end where their stream does")),
        }
    }

    #[inline(always)]
    fn next(&self, stream: &mut Backward) -> u8 {
        let entry = self.0[stream.peek::<BITS>() & (SIZE - 1)];
        stream.skip(u32::from(entry >> 8));
        entry as u8
    }
}

/// Four streams that are decoded side by side: what one waits for, the others need not.
struct Lanes<'a> {
    table: &'a Table,
    first: Lane<'a>,
    second: Lane<'a>,
    third: Lane<'a>,
    fourth: Lane<'a>,
}

impl Lanes<'_> {
    /// Decodes into all four as long as all have enough for another run. How many bytes each has then.
    fn decode(&mut self, [a, b, c, d]: [&mut [u8]; 4]) -> usize {
        let table = &*self.table.0;
        let runs = a.chunks_exact_mut(RUN).zip(b.chunks_exact_mut(RUN));
        let runs = runs.zip(c.chunks_exact_mut(RUN).zip(d.chunks_exact_mut(RUN)));
        let [mut first, mut second, mut third, mut fourth] =
            [self.first, self.second, self.third, self.fourth];
        let mut done = 0;
        for ((a, b), (c, d)) in runs {
            if !(first.refill() & second.refill() & third.refill() & fourth.refill()) {
                break;
            }
            for at in 0..RUN {
                a[at] = first.next(table);
                b[at] = second.next(table);
                c[at] = third.next(table);
                d[at] = fourth.next(table);
            }
            done += RUN;
        }
        [self.first, self.second, self.third, self.fourth] = [first, second, third, fourth];
        done
    }
}

/// One of them, in as few registers as it can be: behind the bits in hand stands a one, so that their number need not be kept.
#[derive(Clone, Copy)]
struct Lane<'a> {
    bytes: &'a [u8],
    at: usize,
    bits: u64,
}

impl<'a> Lane<'a> {
    fn new(bytes: &'a [u8]) -> io::Result<Self> {
        let (at, bits) = Backward::new(bytes)?.into_parts();
        Ok(Self { bytes, at, bits })
    }

    /// Has enough in hand for a run. False if it has to be looked what there is.
    #[inline(always)]
    fn refill(&mut self) -> bool {
        let used = self.bits.trailing_zeros();
        let at = self.at.wrapping_sub((used >> 3) as usize);
        match self.bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
            Some(bytes) => {
                self.at = at;
                self.bits = (u64::from_le_bytes(*bytes) | 1) << (used & 7);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn next(&mut self, table: &[u16; SIZE]) -> u8 {
        let entry = table[(self.bits >> (64 - BITS)) as usize];
        self.bits <<= entry >> 8;
        entry as u8
    }

    /// What is left, to be read with more care.
    fn rest(self) -> Backward<'a> {
        Backward::from_parts(self.bytes, (self.at, self.bits))
    }
}

/// Weights that are packed themselves: two states take turns, until there are no more bits.
fn packed_weights(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (counts, length) = Counts::read(bytes, usize::from(u8::MAX) + 1, 6)?;
    let states = counts.states(Ok)?;
    let mut stream = Backward::new(&bytes[length..])?;
    stream.refill();
    let mut turns = [stream.take(counts.log), stream.take(counts.log)];
    let mut weights = Vec::new();
    for turn in [0, 1].into_iter().cycle() {
        let state = states[turns[turn] as usize % STATES];
        weights.push(state.symbol);
        stream.refill();
        turns[turn] = u32::from(state.next) + stream.take(u32::from(state.bits));
        if stream.is_overrun() {
            weights.push(states[turns[1 - turn] as usize % STATES].symbol);
            break;
        }
        if weights.len() > 254 {
            return Err(corrupt("a code has more weights than there are bytes"));
        }
    }
    Ok(weights)
}

fn too_short() -> io::Error {
    corrupt("literals end before they are complete")
}
