//! Blocks (RFC 8878, 3.1.1.2 and 3.1.1.3): told apart one after the other, since each may use the tables of those before it; and
//! then decoded to literals and sequences in any order, since that needs nothing else.

use std::io::{self, Read};
use std::mem;
use std::sync::Arc;

use super::frame::{BLOCK_BYTES, Header};
use super::huffman;
use super::sequences::{self, Sequence};
use crate::codec::fields::{corrupt, read_array};
use crate::stream::Spare;

/// How many bytes there are behind literals that are none, for copies of a constant size.
pub(super) const SLACK: usize = 16;

/// About the most memory that a block takes, packed and decoded: a sequence stands for three bytes at least.
pub(super) const MEMORY_BYTES: usize = 2 * BLOCK_BYTES + BLOCK_BYTES / 3 * size_of::<Sequence>();

/// A block that is told apart.
pub(super) enum Block {
    Plain(Vec<u8>),
    /// The same byte, so many times.
    Same(u8, usize),
    Packed(Box<Packed>),
}

/// What there is to do for the bytes of a block.
pub(super) enum Decoded {
    Plain(Vec<u8>),
    Same(u8, usize),
    Sequences(Buffers),
}

/// What a block was decoded to. It goes back to where it came from when nobody needs it any more: to get so much memory from the
/// system for each block takes longer than to fill it.
pub(super) struct Buffers {
    pub(super) filled: Filled,
    spare: Spare<Filled>,
}

#[derive(Default)]
pub(super) struct Filled {
    /// With slack behind them.
    pub(super) literals: Vec<u8>,
    /// What is behind the first `count` of them is of blocks before: to clear it takes as long as to read it.
    sequences: Vec<Sequence>,
    count: usize,
}

impl Filled {
    pub(super) fn sequences(&self) -> &[Sequence] {
        &self.sequences[..self.count]
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        self.spare.give(mem::take(&mut self.filled));
    }
}

/// A block that has to be decoded, and the tables for that.
pub(super) struct Packed {
    bytes: Vec<u8>,
    literals: Literals,
    /// Where the sequences begin, how many there are, and by which tables.
    sequences: (usize, usize, Option<sequences::Tables>),
    spare: Spare<Filled>,
}

/// Where literals are, and how many.
struct Literals {
    kind: Kind,
    start: usize,
    length: usize,
    count: usize,
}

enum Kind {
    Plain,
    Same,
    Packed(Arc<huffman::Table>, bool),
}

/// The tables that the next block of a frame may refer to, and what its blocks are decoded into.
#[derive(Default)]
pub(super) struct Tables {
    spare: Spare<Filled>,
    literals: Option<Arc<huffman::Table>>,
    sequences: sequences::Known,
}

impl Block {
    /// Reads the next block of a frame, and whether it is the last.
    pub(super) fn read(
        source: &mut impl Read,
        header: &Header,
        tables: &mut Tables,
    ) -> io::Result<(Self, bool)> {
        let [low, middle, high] = read_array(source)?;
        let word = u32::from_le_bytes([low, middle, high, 0]);
        let size = (word >> 3) as usize;
        if size > header.block_bytes() {
            return Err(corrupt("a block is larger than one may be"));
        }
        let block = match word >> 1 & 3 {
            0 => Self::Plain(read_bytes(source, size)?),
            1 => {
                let [byte] = read_array(source)?;
                Self::Same(byte, size)
            }
            2 => {
                let bytes = read_bytes(source, size)?;
                Self::Packed(Box::new(Packed::new(bytes, header, tables)?))
            }
            _ => return Err(corrupt("a block is of a kind that nobody has defined")),
        };
        Ok((block, word & 1 != 0))
    }

    pub(super) fn decode(self) -> io::Result<Decoded> {
        match self {
            Self::Plain(bytes) => Ok(Decoded::Plain(bytes)),
            Self::Same(byte, count) => Ok(Decoded::Same(byte, count)),
            Self::Packed(block) => block.decode(),
        }
    }
}

fn read_bytes(source: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size);
    match source.take(size as u64).read_to_end(&mut bytes)? < size {
        true => Err(io::ErrorKind::UnexpectedEof.into()),
        false => Ok(bytes),
    }
}

impl Packed {
    /// Finds what is where, and reads the tables.
    fn new(bytes: Vec<u8>, header: &Header, tables: &mut Tables) -> io::Result<Self> {
        let literals = Literals::read(&bytes, &mut tables.literals)?;
        if literals.count > header.block_bytes() {
            return Err(corrupt("a block has more literals than it may have bytes"));
        }
        let rest = bytes.get(literals.start + literals.length..);
        let rest = rest.ok_or_else(too_short)?;
        let spare = tables.spare.clone();
        let (count, tables, rest) = tables.sequences.read(rest)?;
        if count > BLOCK_BYTES / 3 {
            return Err(corrupt("a block has more sequences than it may have bytes"));
        }
        let start = bytes.len() - rest.len();
        Ok(Self {
            literals,
            sequences: (start, count, tables),
            bytes,
            spare,
        })
    }

    fn decode(self) -> io::Result<Decoded> {
        let mut buffers = Buffers {
            filled: self.spare.take(),
            spare: self.spare,
        };
        let filled = &mut buffers.filled;
        self.literals.decode(&self.bytes, &mut filled.literals)?;
        let (start, count, tables) = self.sequences;
        filled.count = count;
        if filled.sequences.len() < count {
            filled.sequences.resize(count, Sequence::default());
        }
        if let Some(tables) = tables {
            tables.decode(&self.bytes[start..], &mut filled.sequences[..count])?;
        }
        Ok(Decoded::Sequences(buffers))
    }
}

impl Literals {
    /// What a block begins with.
    fn read(bytes: &[u8], known: &mut Option<Arc<huffman::Table>>) -> io::Result<Self> {
        let &first = bytes.first().ok_or_else(too_short)?;
        let kind = first & 3;
        let (width, bits) = match (kind, first >> 2 & 3) {
            (0 | 1, 0 | 2) => (1, 5),
            (0 | 1, 1) => (2, 12),
            (0 | 1, _) => (3, 20),
            (_, 0 | 1) => (3, 10),
            (_, 2) => (4, 14),
            _ => (5, 18),
        };
        let field = bytes.get(..width).ok_or_else(too_short)?;
        let higher = |word: u64, &byte: &u8| word << 8 | u64::from(byte);
        let word = field.iter().rev().fold(0, higher);
        let count = match bits {
            5 => usize::from(first >> 3),
            _ => (word >> 4) as usize & ((1 << bits) - 1),
        };
        if kind < 2 {
            let (kind, length) = match kind {
                0 => (Kind::Plain, count),
                _ => (Kind::Same, 1),
            };
            return Ok(Self {
                kind,
                start: width,
                length,
                count,
            });
        }
        let length = (word >> (4 + bits)) as usize;
        let packed = bytes.get(width..width + length).ok_or_else(too_short)?;
        let table_length = match kind {
            2 => {
                let (table, length) = huffman::Table::read(packed)?;
                *known = Some(Arc::new(table));
                length
            }
            _ => 0,
        };
        let table = known.as_ref().map(Arc::clone);
        let table = table.ok_or_else(|| corrupt("a code is used again that was not given"))?;
        Ok(Self {
            kind: Kind::Packed(table, first >> 2 & 3 == 0),
            start: width + table_length,
            length: length - table_length,
            count,
        })
    }

    fn decode(&self, bytes: &[u8], literals: &mut Vec<u8>) -> io::Result<()> {
        let packed = &bytes[self.start..self.start + self.length];
        literals.clear();
        literals.reserve(self.count + SLACK);
        match &self.kind {
            Kind::Plain => literals.extend_from_slice(packed),
            Kind::Same => literals.resize(self.count, packed[0]),
            Kind::Packed(table, is_one) => {
                literals.resize(self.count, 0);
                match is_one {
                    true => table.decode_one(packed, literals)?,
                    false => table.decode_four(packed, literals)?,
                }
            }
        }
        literals.resize(self.count + SLACK, 0);
        Ok(())
    }
}

fn too_short() -> io::Error {
    corrupt("a block ends before it is complete")
}
