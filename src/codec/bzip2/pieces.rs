//! Blocks taken out, to be decoded elsewhere. Nothing says where one ends but what the next begins with.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::bits::Bits;
use super::block::{BLOCK, END, MARK_BITS, Marks, SUM_BITS, TABLES_BYTES, has_tables};
use super::trailing_garbage;
use super::unpacker::{UNPACKED_LIMIT, Unpacker};
use crate::codec::fields::corrupt;
use crate::codec::pieces::{Piece, Unpacked};
use crate::stream::{Cancel, Spare};

/// No block is larger, packed: 900,000 symbols of 20 bits and tables. In bytes.
const PACKED_LIMIT: usize = 3 << 20;

/// What a piece may take, packed and unpacked.
pub(in crate::codec) const PIECE_BYTES: u64 = (PACKED_LIMIT + UNPACKED_LIMIT) as u64;

/// How much is read at once.
const STEP_BYTES: u64 = 256 << 10;

/// All blocks of all streams, in their order.
pub(in crate::codec) struct Pieces<R> {
    source: R,
    marks: Marks,
    /// What was read and not yet taken out.
    bytes: Vec<u8>,
    /// Whether that is all there is.
    is_all: bool,
    state: State,
    /// Decoders that wait for another block.
    unpackers: Spare<Option<Unpacker>>,
}

enum State {
    /// At the beginning of a stream, the first or another one.
    Stream {
        first: bool,
    },
    Blocks(Stream),
    Ended,
}

struct Stream {
    level: u8,
    /// Of all blocks up to here.
    sum: u32,
    /// The bit at which a mark begins.
    at: usize,
}

impl<R: BufRead> Pieces<R> {
    pub(in crate::codec) fn new(source: R) -> Self {
        Self {
            source,
            marks: Marks::new(),
            bytes: Vec::new(),
            is_all: false,
            state: State::Stream { first: true },
            unpackers: Spare::default(),
        }
    }

    /// Reads on until there are so many bytes, or no more.
    fn fill(&mut self, count: usize) -> io::Result<()> {
        while self.bytes.len() < count && !self.is_all {
            let mut step = (&mut self.source).take(STEP_BYTES);
            self.is_all = step.read_to_end(&mut self.bytes)? == 0;
        }
        Ok(())
    }

    /// Reads a stream's header; none at the end of all.
    fn begin(&mut self, first: bool) -> io::Result<Option<Stream>> {
        self.fill(4)?;
        match self.bytes.as_slice() {
            [b'B', b'Z', b'h', level @ b'1'..=b'9', ..] => Ok(Some(Stream {
                level: level - b'0',
                sum: 0,
                at: 32,
            })),
            [] if !first => Ok(None),
            [] | [b'B'] | [b'B', b'Z'] | [b'B', b'Z', b'h'] => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            [b'B', ..] => Err(corrupt("a stream begins with what none begins with")),
            _ => Err(trailing_garbage()),
        }
    }

    /// Takes out the block, or the end, that the stream is at. None if that was the end.
    fn advance(&mut self, mut stream: Stream) -> io::Result<Option<Piece>> {
        self.fill(stream.at.div_ceil(8) + TABLES_BYTES)?;
        let mut bits = Bits::new(&self.bytes, stream.at);
        let (mark, sum) = bits
            .take(MARK_BITS)
            .zip(bits.take(SUM_BITS))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        if mark == END {
            if sum != u64::from(stream.sum) {
                return Err(corrupt("the checksum of a stream is wrong"));
            }
            let end = (stream.at + MARK_BITS + SUM_BITS).div_ceil(8);
            self.bytes.drain(..end);
            self.state = State::Stream { first: false };
            return Ok(None);
        }
        if mark != BLOCK {
            return Err(corrupt("neither a block nor a stream's end follows"));
        }
        stream.sum = stream.sum.rotate_left(1) ^ sum as u32;
        let end = self.end_of(&stream)?;
        let block = Block {
            packed: self.bytes[..end.div_ceil(8)].to_vec(),
            bits: stream.at..end,
            level: stream.level,
        };
        self.bytes.drain(..end / 8);
        stream.at = end % 8;
        self.state = State::Blocks(stream);
        let unpackers = self.unpackers.clone();
        Ok(Some(Piece::Packed {
            bytes: (block.packed.len() + UNPACKED_LIMIT) as u64,
            unpack: Box::new(move |cancel| block.unpack(&unpackers, cancel).map(Unpacked::Bytes)),
        }))
    }

    /// The bit at which the next mark begins.
    fn end_of(&mut self, stream: &Stream) -> io::Result<usize> {
        let (mut from, mut lies) = (stream.at + MARK_BITS + SUM_BITS, false);
        loop {
            // Behind whatever is found its tables have to be.
            let known = match self.is_all {
                true => self.bytes.len(),
                false => self.bytes.len().saturating_sub(TABLES_BYTES),
            };
            match self.marks.find(&self.bytes, from, known) {
                Some((at, BLOCK)) if has_tables(&self.bytes, at, stream.level) => return Ok(at),
                Some((at, END)) => {
                    let sum = Bits::new(&self.bytes, at + MARK_BITS).take(SUM_BITS);
                    if sum == Some(stream.sum.into()) {
                        return Ok(at);
                    }
                    lies = true;
                    from = at + 1;
                }
                Some((at, _)) => from = at + 1,
                None if self.is_all && lies => {
                    return Err(corrupt("the checksum of a stream is wrong"));
                }
                None if self.is_all => return Err(io::ErrorKind::UnexpectedEof.into()),
                None if self.bytes.len() > PACKED_LIMIT => {
                    return Err(corrupt("a block does not end"));
                }
                None => {
                    from = from.max(known * 8);
                    self.fill(self.bytes.len() + 1)?;
                }
            }
        }
    }
}

/// A block that is taken out, and which bits it is.
struct Block {
    packed: Vec<u8>,
    bits: Range<usize>,
    level: u8,
}

impl Block {
    fn unpack(self, unpackers: &Spare<Option<Unpacker>>, cancel: &Cancel) -> io::Result<Vec<u8>> {
        // One of another stream may be for smaller blocks.
        let spare = unpackers.take().filter(|it| it.level() == self.level);
        let mut unpacker = spare.map_or_else(|| Unpacker::new(self.level), Ok)?;
        let unpacked = unpacker.unpack(&self.packed, self.bits, cancel)?;
        unpackers.give(Some(unpacker));
        Ok(unpacked)
    }
}

impl<R: BufRead> Iterator for Pieces<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let told = match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return None,
                State::Stream { first } => self.begin(first).map(|stream| {
                    self.state = stream.map_or(State::Ended, State::Blocks);
                    None
                }),
                State::Blocks(stream) => self.advance(stream),
            };
            match told {
                Ok(None) => {}
                Ok(Some(piece)) => return Some(Ok(piece)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
