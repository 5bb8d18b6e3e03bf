//! All streams one after the other, on one thread.

use std::io::{self, BufRead, Read};

use super::block::{Block, Header};
use super::container::Stream;
use super::source::Source;

/// A reader of all streams one after the other.
pub(in crate::codec) struct Decoder<'a, R> {
    source: Source<R>,
    state: State<'a>,
}

enum State<'a> {
    /// At the beginning of a stream.
    Stream,
    /// Between the blocks of a stream, or within one.
    Blocks(Stream, Option<Box<Block<'a>>>),
    Ended,
}

impl<'a, R: BufRead + Send + 'a> Decoder<'a, R> {
    pub(in crate::codec) fn new(source: R) -> Self {
        Self {
            source: Source::new(source),
            state: State::Stream,
        }
    }

    /// The state after a stream's header, a whole block, or a stream's footer.
    fn advance(&mut self, stream: Option<Stream>) -> io::Result<State<'a>> {
        let Some(stream) = stream else {
            let stream = Stream::begin(&mut self.source)?;
            return Ok(State::Blocks(stream, None));
        };
        if let Some(header) = Header::read(&mut self.source)? {
            let block = Block::begin(header, &self.source, stream.check)?;
            return Ok(State::Blocks(stream, Some(Box::new(block))));
        }
        stream.end(&mut self.source)?;
        Ok(if Stream::follows(&mut self.source)? {
            State::Stream
        } else {
            State::Ended
        })
    }
}

impl<'a, R: BufRead + Send + 'a> Read for Decoder<'a, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let stream = match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Stream => None,
                State::Blocks(stream, None) => Some(stream),
                State::Blocks(mut stream, Some(mut block)) => {
                    let count = block.read(buffer)?;
                    if count > 0 {
                        self.state = State::Blocks(stream, Some(block));
                        return Ok(count);
                    }
                    stream.blocks.push(block.finish(&mut self.source)?);
                    Some(stream)
                }
            };
            self.state = self.advance(stream)?;
        }
    }
}
