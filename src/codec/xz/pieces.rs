//! Blocks taken out, to be decoded elsewhere: those whose headers say where they end, as `xz -T2` writes them.

use std::io::{self, BufRead, Read};

use super::block::{Block, Header};
use super::container::Stream;
use super::source::Source;
use crate::codec::pieces::{Piece, Unpacked};

/// How much of any other block is decoded at once.
const PLAIN_BYTES: u64 = 1 << 20;

/// All blocks of all streams, in their order.
pub(in crate::codec) struct Pieces<'a, R> {
    source: Source<R>,
    limit_bytes: u64,
    state: State<'a>,
}

enum State<'a> {
    /// At the beginning of a stream.
    Stream,
    /// Between the blocks of one.
    Blocks(Stream),
    /// Within one that could not be taken out.
    Within(Stream, Block<'a>),
    Ended,
}

impl<'a, R: BufRead + Send + 'a> Pieces<'a, R> {
    /// Blocks that take at most `limit_bytes`, packed and unpacked, are taken out.
    pub(in crate::codec) fn new(source: R, limit_bytes: u64) -> Self {
        Self {
            source: Source::new(source),
            limit_bytes,
            state: State::Stream,
        }
    }

    /// One step. Whether there is a piece now.
    fn step(&mut self) -> io::Result<Option<Piece>> {
        let Self {
            source,
            limit_bytes,
            state,
        } = self;
        match std::mem::replace(state, State::Ended) {
            State::Stream => *state = State::Blocks(Stream::begin(source)?),
            State::Blocks(mut stream) => {
                let Some(header) = Header::read(source)? else {
                    stream.end(source)?;
                    if Stream::follows(source)? {
                        *state = State::Stream;
                    }
                    return Ok(None);
                };
                let check = stream.check;
                let Some(apart) = header.apart(check, *limit_bytes) else {
                    let block = Block::begin(header, source, check)?;
                    *state = State::Within(stream, block);
                    return Ok(None);
                };
                let mut packed = Vec::with_capacity(apart.follow);
                let follow = apart.follow as u64;
                if source.take(follow).read_to_end(&mut packed)? < apart.follow {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                stream.blocks.push(apart.record);
                *state = State::Blocks(stream);
                return Ok(Some(Piece::Packed {
                    unpack: Box::new(move |cancel| {
                        let unpacked = header.unpack(packed, check, cancel);
                        unpacked.map(Unpacked::Bytes)
                    }),
                    bytes: apart.bytes,
                }));
            }
            State::Within(mut stream, mut block) => {
                let mut plain = Vec::new();
                (&mut block).take(PLAIN_BYTES).read_to_end(&mut plain)?;
                if plain.is_empty() {
                    stream.blocks.push(block.finish(source)?);
                    *state = State::Blocks(stream);
                } else {
                    *state = State::Within(stream, block);
                    return Ok(Some(Piece::Plain(plain)));
                }
            }
            State::Ended => {}
        }
        Ok(None)
    }
}

impl<'a, R: BufRead + Send + 'a> Iterator for Pieces<'a, R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(None) if matches!(self.state, State::Ended) => return None,
                Ok(None) => {}
                Ok(Some(piece)) => return Some(Ok(piece)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
