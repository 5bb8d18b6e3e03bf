//! Members taken out, to be decoded elsewhere: those whose headers say where they end, as bgzip(1) writes them.
//!
//! Whether a header says so truly shows in what follows there; as soon as it does not, all from there on is decoded as if none
//! had said anything.

use std::io::{self, BufRead, Chain, Cursor, Read};

use super::Decoder;
use crate::codec::fields::corrupt;
use crate::codec::pieces::{Piece, Unpacked};

/// What such a header takes.
const HEADER_BYTES: usize = 18;

/// The most that a member takes, and as much again unpacked.
const MEMBER_BYTES: usize = 64 << 10;

/// How many members a piece has.
const MEMBERS: usize = 32;

/// What a piece may take, packed and unpacked, with a header more that it is known by.
pub(in crate::codec) const PIECE_BYTES: u64 = (2 * MEMBERS * MEMBER_BYTES + HEADER_BYTES) as u64;

/// How much of any other member is decoded at once.
const PLAIN_BYTES: u64 = 1 << 20;

/// What members of other kinds, or what is behind the last one, is decoded by.
type Rest<R> = Decoder<Chain<Cursor<Vec<u8>>, R>>;

/// All members, in their order.
pub(in crate::codec) struct Pieces<R>(State<R>);

enum State<R> {
    /// Between members, and what was read of the next one.
    Members(R, Vec<u8>),
    Rest(Box<Rest<R>>),
    Ended,
}

/// Whether a file of that head begins with a member that says where it ends.
pub(in crate::codec) fn starts_with_sized_member(head: &[u8]) -> bool {
    member_size(head).is_some()
}

/// How many bytes the member has that begins so, if it says that.
fn member_size(head: &[u8]) -> Option<usize> {
    match head {
        [
            0x1f,
            0x8b,
            8,
            4,
            _,
            _,
            _,
            _,
            _,
            _,
            6,
            0,
            b'B',
            b'C',
            2,
            0,
            low,
            high,
            ..,
        ] => {
            let size = usize::from(u16::from_le_bytes([*low, *high])) + 1;
            (size > HEADER_BYTES).then_some(size)
        }
        _ => None,
    }
}

/// Whether that may be what follows a member: another one, padding, or nothing.
fn may_follow(head: &[u8]) -> bool {
    matches!(head, [] | [0, ..] | [0x1f, 0x8b, ..])
}

impl<R: BufRead> Pieces<R> {
    pub(in crate::codec) fn new(source: R) -> Self {
        Self(State::Members(source, Vec::new()))
    }

    fn piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            match std::mem::replace(&mut self.0, State::Ended) {
                State::Members(source, head) => {
                    if let Some(piece) = self.members(source, head)? {
                        return Ok(Some(piece));
                    }
                }
                State::Rest(mut rest) => {
                    let mut plain = Vec::new();
                    (&mut rest).take(PLAIN_BYTES).read_to_end(&mut plain)?;
                    if !plain.is_empty() {
                        self.0 = State::Rest(rest);
                        return Ok(Some(Piece::Plain(plain)));
                    }
                }
                State::Ended => return Ok(None),
            }
        }
    }

    /// The next members, as many as are alike; none if there are none, and then it is known how to go on.
    fn members(&mut self, mut source: R, mut packed: Vec<u8>) -> io::Result<Option<Piece>> {
        packed.reserve_exact(MEMBERS * MEMBER_BYTES / 2);
        let (mut end, mut unpacked) = (0, 0);
        append(&mut source, &mut packed, HEADER_BYTES)?;
        for _ in 0..MEMBERS {
            let Some(size) = member_size(&packed[end..]) else {
                break;
            };
            let next = end + size;
            append(&mut source, &mut packed, next)?;
            let length = packed.get(..next).and_then(<[u8]>::last_chunk);
            let length = length.map(|bytes| u32::from_le_bytes(*bytes) as usize);
            append(&mut source, &mut packed, next + HEADER_BYTES)?;
            match length.filter(|length| *length <= MEMBER_BYTES) {
                Some(length) if may_follow(&packed[next..]) => unpacked += length,
                _ => {
                    self.0 = rest(packed, source)?;
                    return Ok(None);
                }
            }
            end = next;
        }
        let head = packed.split_off(end);
        if end > 0 {
            self.0 = State::Members(source, head);
            return Ok(Some(taken_out(packed, unpacked)));
        }
        self.0 = rest(head, source)?;
        Ok(None)
    }
}

/// Reads on until there are so many bytes, or no more.
fn append(source: &mut impl Read, bytes: &mut Vec<u8>, count: usize) -> io::Result<()> {
    let missing = count.saturating_sub(bytes.len());
    source.take(missing as u64).read_to_end(bytes)?;
    Ok(())
}

/// What is between members, or behind them all, and what follows it.
fn rest<R: BufRead>(head: Vec<u8>, source: R) -> io::Result<State<R>> {
    let rest = Decoder::between(Cursor::new(head).chain(source))?;
    Ok(State::Rest(Box::new(rest)))
}

fn taken_out(packed: Vec<u8>, length: usize) -> Piece {
    Piece::Packed {
        bytes: (packed.len() + length) as u64,
        unpack: Box::new(move |cancel| {
            cancel.check()?;
            let mut unpacked = Vec::with_capacity(length);
            let decoder = Decoder::new(&packed[..]);
            let decoded = decoder.take(length as u64 + 1).read_to_end(&mut unpacked);
            match decoded {
                Ok(count) if count == length => Ok(Unpacked::Bytes(unpacked)),
                // It is all there: what ends too early is not the file.
                Ok(_) => Err(corrupt("a member is not of the length that it says")),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Err(corrupt("a member ends within its data"))
                }
                Err(error) => Err(error),
            }
        }),
    }
}

impl<R: BufRead> Iterator for Pieces<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        self.piece().transpose()
    }
}
