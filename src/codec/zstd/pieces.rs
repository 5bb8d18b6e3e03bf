//! A file in pieces of a few blocks. What takes longest, decoding them to literals and sequences, needs only the tables that
//! came before, so that is done for each by itself; and then the window puts them together one after the other.

use std::io::{self, BufRead, Read};

use super::block::{Block, MEMORY_BYTES, Tables};
use super::frame::{Header, MAGIC};
use super::window::memory_bytes;
use super::{Step, Steps, Window};
use crate::codec::fields::{corrupt, read_array};
use crate::codec::pieces::{Piece, Unpacked};
use crate::codec::skippable;
use crate::stream::Cancel;

/// How many blocks a piece has.
const BLOCKS: usize = 8;

/// How much of a frame with a large window makes a piece.
const PLAIN_BYTES: usize = 1 << 20;

/// What a piece may take.
pub(in crate::codec) const PIECE_BYTES: u64 = (BLOCKS * MEMORY_BYTES) as u64;

/// Whether a file of that head begins with a frame that holds something.
pub(in crate::codec) fn starts_with_frame(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

/// Takes frames apart.
pub(super) struct Cutter<R> {
    source: R,
    state: State,
}

enum State {
    /// At the beginning of a file, where a frame must be.
    First,
    /// Between frames.
    Between,
    Within(Header, Box<Tables>),
    /// Behind the last block of one.
    Ending(Header),
    Ended,
}

/// A part of a frame.
pub(super) enum Part {
    Begin(Header),
    Block(Block),
    /// With its checksum, if it has one.
    End(Option<u32>),
}

impl Part {
    pub(super) fn decode(self) -> io::Result<Step> {
        Ok(match self {
            Self::Begin(header) => Step::Begin(header),
            Self::Block(block) => Step::Block(block.decode()?),
            Self::End(checksum) => Step::End(checksum),
        })
    }
}

impl<R: Read> Cutter<R> {
    pub(super) fn new(source: R) -> Self {
        let state = State::First;
        Self { source, state }
    }

    /// The next part within a frame, whose end it does not go beyond; none between frames.
    fn within(&mut self) -> io::Result<Option<Part>> {
        let source = &mut self.source;
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Within(header, mut tables) => {
                let (block, is_last) = Block::read(source, &header, &mut tables)?;
                self.state = match is_last {
                    true => State::Ending(header),
                    false => State::Within(header, tables),
                };
                Ok(Some(Part::Block(block)))
            }
            State::Ending(header) => {
                let checksum = match header.has_checksum {
                    true => Some(u32::from_le_bytes(read_array(source)?)),
                    false => None,
                };
                self.state = State::Between;
                Ok(Some(Part::End(checksum)))
            }
            state => {
                self.state = state;
                Ok(None)
            }
        }
    }

    /// Begins with the next frame, of either kind. It is told of if it is one that holds something.
    fn begin(&mut self) -> io::Result<Option<Part>> {
        self.state = State::Ended;
        let magic = read_array(&mut self.source)?;
        if skippable::is_magic(magic) {
            skippable::skip(&mut self.source)?;
            self.state = State::Between;
            return Ok(None);
        }
        if magic != MAGIC {
            return Err(corrupt("something follows that is no frame"));
        }
        let header = Header::read(&mut self.source)?;
        header.check_window()?;
        self.state = State::Within(header, Box::default());
        Ok(Some(Part::Begin(header)))
    }

    /// Unpacks the frame that the source begins with into memory, behind what is there; false if that is more than
    /// `limit_bytes` then.
    pub(super) fn frame(mut self, window: &mut Window, limit_bytes: usize) -> io::Result<bool> {
        if let Some(begin) = self.begin()? {
            window.take(begin.decode()?)?;
        }
        while let Some(part) = self.within()? {
            window.take(part.decode()?)?;
            if window.bytes().len() > limit_bytes {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<R: BufRead> Cutter<R> {
    /// The next part; none at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Part>> {
        loop {
            if let Some(part) = self.within()? {
                return Ok(Some(part));
            }
            let at_end = matches!(self.state, State::Between) && self.source.fill_buf()?.is_empty();
            if at_end || matches!(self.state, State::Ended) {
                return Ok(None);
            }
            if let Some(part) = self.begin()? {
                return Ok(Some(part));
            }
        }
    }
}

/// All frames in pieces, in their order.
pub(in crate::codec) struct Pieces<R> {
    cutter: Cutter<R>,
    limit_bytes: u64,
    /// Where a frame with a larger window is unpacked.
    large: Option<Window>,
}

impl<R: BufRead> Pieces<R> {
    /// Pieces that take [`PIECE_BYTES`]. What has a window that takes more than `limit_bytes` is unpacked on the way.
    pub(in crate::codec) fn new(source: R, limit_bytes: u64) -> Self {
        Self {
            cutter: Cutter::new(source),
            limit_bytes,
            large: None,
        }
    }

    fn piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(plain) = self.large_piece()? {
                return Ok(Some(Piece::Plain(plain)));
            }
            let parts = self.parts()?;
            if !parts.is_empty() {
                return Ok(Some(packed(parts)));
            }
            if self.large.is_none() {
                return Ok(None);
            }
        }
    }

    /// What follows, up to a frame with a large window or to the end.
    fn parts(&mut self) -> io::Result<Vec<Part>> {
        let mut parts = Vec::with_capacity(BLOCKS);
        while parts.len() < BLOCKS {
            match self.cutter.next()? {
                None => break,
                Some(Part::Begin(header)) if memory_bytes(header.window) > self.limit_bytes => {
                    let mut window = Window::default();
                    window.take(Step::Begin(header))?;
                    self.large = Some(window);
                    break;
                }
                Some(part) => parts.push(part),
            }
        }
        Ok(parts)
    }

    /// What follows of a frame with a large window; none behind its end.
    fn large_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(window) = &mut self.large else {
            return Ok(None);
        };
        while window.bytes().len() < PLAIN_BYTES
            && let Some(part) = self.cutter.within()?
        {
            window.take(part.decode()?)?;
        }
        let plain = window.bytes().to_vec();
        window.consume(plain.len());
        if plain.is_empty() {
            self.large = None;
        }
        Ok((!plain.is_empty()).then_some(plain))
    }
}

/// A piece of these.
fn packed(parts: Vec<Part>) -> Piece {
    let decode = move |cancel: &Cancel| {
        let steps = parts.into_iter().map(|part| {
            cancel.check()?;
            part.decode()
        });
        Ok(Unpacked::Steps(Steps(steps.collect::<io::Result<_>>()?)))
    };
    Piece::Packed {
        unpack: Box::new(decode),
        bytes: PIECE_BYTES,
    }
}

impl<R: BufRead> Iterator for Pieces<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        self.piece().transpose()
    }
}
