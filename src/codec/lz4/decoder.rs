//! From frames to bytes, a block at a time.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use lz4_flex::block::decompress_into_with_dict;

use super::header::Header;
use super::xxh32::Xxh32;
use super::{LEGACY_MAGIC, MAGIC, STORED};
use crate::codec::fields::{corrupt, read_array};
use crate::codec::{Error, skippable};
use crate::terms::Compression;

/// How far back a block may refer.
const HISTORY: usize = 64 << 10;

/// A reader of all frames one after the other. Holds two blocks of at most 4 MiB.
pub(in crate::codec) struct Decoder<R> {
    source: R,
    /// Whether anything has been read.
    begun: bool,
    frame: Option<Frame>,
    /// A block as it is stored.
    packed: Vec<u8>,
    /// What blocks may refer to, and after it the block that was unpacked.
    window: Vec<u8>,
    /// The part of the window that has yet to be read. Invariant: within the window.
    ready: Range<usize>,
}

/// A frame that is being read.
struct Frame {
    header: Header,
    decoded: u64,
    sum: Xxh32,
}

impl<R: BufRead> Decoder<R> {
    pub(in crate::codec) fn new(source: R) -> Self {
        Self {
            source,
            begun: false,
            frame: None,
            packed: Vec::new(),
            window: Vec::new(),
            ready: 0..0,
        }
    }

    /// Reads the next block, or what stands before or after blocks. Says whether there may be more.
    fn advance(&mut self) -> io::Result<bool> {
        if let Some(frame) = self.frame.take() {
            self.frame = self.next_block(frame)?;
            return Ok(true);
        }
        if self.begun && self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.begun = true;
        let refusal = match read_array(&mut self.source)? {
            MAGIC => {
                self.begin_frame()?;
                return Ok(true);
            }
            magic if skippable::is_magic(magic) => {
                skippable::skip(&mut self.source)?;
                return Ok(true);
            }
            LEGACY_MAGIC => Error::Unsupported(
                Compression::Lz4,
                "are in the legacy format, which cannot show that they are whole",
            ),
            _ => Error::TrailingGarbage(Compression::Lz4),
        };
        Err(io::Error::other(refusal))
    }

    fn begin_frame(&mut self) -> io::Result<()> {
        let header = Header::read(&mut self.source)?;
        let size = HISTORY + header.block_limit;
        if self.window.len() < size {
            self.window.resize(size, 0);
        }
        self.ready = 0..0;
        self.frame = Some(Frame {
            header,
            decoded: 0,
            sum: Xxh32::default(),
        });
        Ok(())
    }

    /// Unpacks a block into the window. None after the last one, all checks having passed.
    fn next_block(&mut self, mut frame: Frame) -> io::Result<Option<Frame>> {
        let head = u32::from_le_bytes(read_array(&mut self.source)?);
        if head == 0 {
            return frame.end(&mut self.source).map(|()| None);
        }
        let limit = frame.header.block_limit;
        let length = usize::try_from(head & !STORED).ok();
        let Some(length) = length.filter(|length| *length <= limit) else {
            return Err(corrupt("a block is larger than its frame allows"));
        };
        self.packed.resize(length, 0);
        self.source.read_exact(&mut self.packed)?;
        if frame.header.block_checksums {
            let sum = u32::from_le_bytes(read_array(&mut self.source)?);
            if Xxh32::of(&self.packed) != sum {
                return Err(corrupt("the checksum of a block is wrong"));
            }
        }
        let kept = self.keep_history(frame.header.linked);
        let (history, rest) = self.window.split_at_mut(kept);
        let (room, _) = rest.split_at_mut(limit.min(rest.len()));
        let count = if head & STORED == 0 {
            decompress_into_with_dict(&self.packed, room, history)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
        } else {
            let (target, _) = room.split_at_mut(length.min(room.len()));
            target.copy_from_slice(&self.packed);
            length
        };
        let (block, _) = room.split_at(count.min(room.len()));
        frame.decoded += block.len() as u64;
        if frame.header.content_checksum {
            frame.sum.update(block);
        }
        self.ready = kept..kept + block.len();
        Ok(Some(frame))
    }

    /// Moves what the next block may refer to to the front of the window, and says how much that is.
    fn keep_history(&mut self, linked: bool) -> usize {
        if !linked {
            return 0;
        }
        let end = self.ready.end;
        let kept = end.min(HISTORY);
        self.window.copy_within(end - kept..end, 0);
        kept
    }
}

impl Frame {
    /// Compares what follows the last block.
    fn end(&self, source: &mut impl Read) -> io::Result<()> {
        if self.header.content_checksum
            && u32::from_le_bytes(read_array(source)?) != self.sum.finish()
        {
            return Err(corrupt("the checksum of a frame's content is wrong"));
        }
        match self.header.content_size {
            Some(size) if size != self.decoded => {
                Err(corrupt("a frame's content is not of the size it says"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.ready.is_empty() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let mut ready = self.window.get(self.ready.clone()).unwrap_or_default();
        let count = ready.read(buffer)?;
        self.ready.start += count;
        Ok(count)
    }
}
