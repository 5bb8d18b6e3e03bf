//! The container: streams, their headers, footers and padding, and the blocks in between (2).

use std::io::{self, BufRead, Read};

use super::block::Block;
use super::check::CheckKind;
use super::fields::{corrupt, crc32, read_array};
use super::records::Records;
use super::source::Source;
use crate::codec::Error;
use crate::terms::Compression;

const HEADER_MAGIC: [u8; 6] = *b"\xfd7zXZ\0";
const FOOTER_MAGIC: [u8; 2] = *b"YZ";

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

/// What is known of a stream so far.
struct Stream {
    flags: [u8; 2],
    check: CheckKind,
    decoded: Records,
}

impl<'a, R: BufRead + Send + 'a> Decoder<'a, R> {
    pub(in crate::codec) fn new(source: R) -> Self {
        Self {
            source: Source::new(source),
            state: State::Stream,
        }
    }

    /// Reads a stream's header (2.1.1).
    fn begin_stream(&mut self) -> io::Result<Stream> {
        let [m0, m1, m2, m3, m4, m5, f0, f1, sum @ ..] = read_array::<12>(&mut self.source)?;
        if [m0, m1, m2, m3, m4, m5] != HEADER_MAGIC {
            return Err(corrupt("something other than a stream follows"));
        }
        let flags = [f0, f1];
        if crc32(&flags) != u32::from_le_bytes(sum) {
            return Err(corrupt("the checksum of a stream's header is wrong"));
        }
        Ok(Stream {
            flags,
            check: CheckKind::parse(flags)?,
            decoded: Records::default(),
        })
    }

    /// Reads the index, whose first byte is taken already, and the footer (2.1.2 and 4).
    fn end_stream(&mut self, stream: Stream) -> io::Result<()> {
        let index_size = stream.decoded.check_index(&mut self.source)?;
        let [s0, s1, s2, s3, b0, b1, b2, b3, f0, f1, magic @ ..] =
            read_array::<12>(&mut self.source)?;
        let backward_size = (u64::from(u32::from_le_bytes([b0, b1, b2, b3])) + 1) * 4;
        if crc32(&[b0, b1, b2, b3, f0, f1]) != u32::from_le_bytes([s0, s1, s2, s3]) {
            return Err(corrupt("the checksum of a stream's footer is wrong"));
        }
        if magic != FOOTER_MAGIC || [f0, f1] != stream.flags || backward_size != index_size {
            return Err(corrupt(
                "a stream's footer does not fit its header and index",
            ));
        }
        Ok(())
    }

    /// Skips padding (2.2), and says whether another stream follows.
    fn at_stream(&mut self) -> io::Result<bool> {
        loop {
            match self.source.peek(HEADER_MAGIC.len())?.as_slice() {
                [] => return Ok(false),
                [0, 0, 0, 0, ..] => self.source.skip(4)?,
                head if HEADER_MAGIC.starts_with(head) => return Ok(true),
                _ => return Err(io::Error::other(Error::TrailingGarbage(Compression::Xz))),
            }
        }
    }

    /// The state after a stream's header, a whole block, or a stream's footer.
    fn advance(&mut self, stream: Option<Stream>) -> io::Result<State<'a>> {
        let Some(stream) = stream else {
            let stream = self.begin_stream()?;
            return Ok(State::Blocks(stream, None));
        };
        if let Some(block) = Block::begin(&mut self.source, stream.check)? {
            return Ok(State::Blocks(stream, Some(Box::new(block))));
        }
        self.end_stream(stream)?;
        Ok(if self.at_stream()? {
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
                    stream.decoded.push(block.finish(&mut self.source)?);
                    Some(stream)
                }
            };
            self.state = self.advance(stream)?;
        }
    }
}
