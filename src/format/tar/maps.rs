//! Maps of holes that go on in the blocks behind a header: GNU's old format, and version 1.0 before the data.

use std::io::{self, Read};

use super::Extent;
use super::blocks::Blocks;
use super::error::Fault;
use super::field::{BLOCK, Block, Field};
use super::header::Header;

/// The largest map, in extents.
const LIMIT: usize = 1_000_000;

/// The map that begins in a header of the old format.
pub(super) fn in_header<R: Read>(
    blocks: &mut Blocks<R>,
    header: &Header,
) -> io::Result<Vec<Extent>> {
    let at = |fault: Fault| fault.at(header.offset);
    let mut map = Vec::new();
    let mut more = IN_HEADER.take(&header.block, &mut map).map_err(at)?;
    while more {
        more = IN_EXTENSION.take(&blocks.block()?, &mut map).map_err(at)?;
    }
    Ok(map)
}

/// Where a block has extents of the old format, how many, and where it says that another block follows.
struct Layout {
    start: usize,
    count: usize,
    more: usize,
}

const IN_HEADER: Layout = Layout {
    start: 386,
    count: 4,
    more: 482,
};
const IN_EXTENSION: Layout = Layout {
    start: 0,
    count: 21,
    more: 504,
};

impl Layout {
    /// Adds a block's extents to the map, and says whether another block follows.
    fn take(&self, block: &Block, map: &mut Vec<Extent>) -> Result<bool, Fault> {
        for index in 0..self.count {
            let start = self.start + 24 * index;
            let length = Field::new("numbytes", start + 12, 12);
            if length.text(block).is_empty() {
                break;
            }
            push(
                map,
                Extent {
                    offset: Field::new("offset", start, 12).size(block)?,
                    length: length.size(block)?,
                },
            )?;
        }
        Ok(Field::new("isextended", self.more, 1).of(block) != [0])
    }
}

fn push(map: &mut Vec<Extent>, extent: Extent) -> Result<(), Fault> {
    if map.len() == LIMIT {
        return Err(Fault::TooManyExtents(LIMIT));
    }
    map.push(extent);
    Ok(())
}

/// The map at the beginning of the data, whose size is counted down: lines of decimal digits, the first of which says
/// how many extents follow, in whole blocks.
pub(super) fn in_data<R: Read>(
    blocks: &mut Blocks<R>,
    header: &Header,
    stored: &mut u64,
) -> io::Result<Vec<Extent>> {
    let mut lines = Lines {
        blocks,
        header,
        stored,
        block: [0; BLOCK],
        taken: BLOCK,
    };
    let mut map = Vec::new();
    for _ in 0..lines.number()? {
        let extent = Extent {
            offset: lines.number()?,
            length: lines.number()?,
        };
        push(&mut map, extent).map_err(|fault| fault.at(header.offset))?;
    }
    Ok(map)
}

struct Lines<'a, R> {
    blocks: &'a mut Blocks<R>,
    header: &'a Header,
    stored: &'a mut u64,
    block: Block,
    taken: usize,
}

impl<R: Read> Lines<'_, R> {
    fn number(&mut self) -> io::Result<u64> {
        let mut value = None;
        loop {
            let next = match self.byte()? {
                b'\n' => return value.ok_or_else(|| self.fault(Fault::Map)),
                byte @ b'0'..=b'9' => value
                    .unwrap_or(0_u64)
                    .checked_mul(10)
                    .and_then(|value| value.checked_add(u64::from(byte - b'0'))),
                _ => None,
            };
            value = Some(next.ok_or_else(|| self.fault(Fault::Map))?);
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        if self.taken == BLOCK {
            let left = self.stored.checked_sub(BLOCK as u64);
            *self.stored = left.ok_or_else(|| self.fault(Fault::MapData))?;
            self.block = self.blocks.block()?;
            self.taken = 0;
        }
        let byte = self.block.get(self.taken).copied().unwrap_or_default();
        self.taken += 1;
        Ok(byte)
    }

    fn fault(&self, fault: Fault) -> io::Error {
        fault.at(self.header.offset).into()
    }
}
