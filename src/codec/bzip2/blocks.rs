//! One stream, put together of blocks: none begins at a byte but the first.

use std::io::{self, Write};

use super::bits::{Bits, Row};
use super::block::{END, MARK_BITS, SUM_BITS};
use super::encoder;
use crate::codec::blocks::{Packed, Sum};
use crate::codec::fields::corrupt;

/// What is one block whatever it holds: four bytes may become five before they are counted.
pub(in crate::codec) const BLOCK_BYTES: usize = (900_000 - 20) / 5 * 4;

const HEADER: [u8; 4] = *b"BZh9";
const HEADER_BITS: usize = 32;

pub(in crate::codec) fn pack(block: &[u8]) -> io::Result<Packed> {
    let mut encoder = encoder(Vec::new());
    encoder.write_all(block)?;
    let bytes = encoder.finish()?;
    let sum = Bits::new(&bytes, HEADER_BITS + MARK_BITS).take(SUM_BITS);
    let sum = sum.ok_or_else(|| corrupt("the encoder wrote no block"))?;
    // It is the stream's as well if there is one block, which is taken for granted where it is joined.
    let end = Bits::new(&bytes, end_of(&bytes) + MARK_BITS).take(SUM_BITS);
    if end != Some(sum) {
        return Err(corrupt("the encoder wrote several blocks"));
    }
    Ok(Packed {
        bytes,
        sum: Sum::Bzip2(sum as u32),
    })
}

/// Joins blocks to a stream.
pub struct Joiner {
    row: Row,
    sum: u32,
}

impl Default for Joiner {
    fn default() -> Self {
        let mut row = Row::default();
        HEADER.iter().for_each(|byte| row.add((*byte).into(), 8));
        Self { row, sum: 0 }
    }
}

impl Joiner {
    pub(in crate::codec) fn join(&mut self, stream: &[u8], sum: u32) -> Vec<u8> {
        self.sum = self.sum.rotate_left(1) ^ sum;
        self.row.append(stream, HEADER_BITS..end_of(stream));
        self.row.take_whole()
    }

    pub(in crate::codec) fn finish(mut self) -> Vec<u8> {
        self.row.add(END, MARK_BITS);
        self.row.add(self.sum.into(), SUM_BITS);
        self.row.into_bytes()
    }
}

/// The bit at which a stream's end begins; behind it there are fewer than eight that mean nothing.
fn end_of(stream: &[u8]) -> usize {
    let last = (stream.len() * 8).saturating_sub(MARK_BITS + SUM_BITS);
    let ends = |bit: &usize| Bits::new(stream, *bit).take(MARK_BITS) == Some(END);
    (0..8)
        .map(|padding| last.saturating_sub(padding))
        .find(ends)
        .unwrap_or(last)
}
