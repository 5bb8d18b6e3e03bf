//! The window: what was unpacked, as far back as anything refers, and what of it nobody has read yet.

use std::hash::Hasher;
use std::io;

use twox_hash::XxHash64;

use super::block::{Decoded, Filled, SLACK};
use super::frame::{BLOCK_BYTES, Header};
use super::sequences::Sequence;
use super::{Step, Steps};
use crate::codec::fields::corrupt;

/// How far the window slides at once, at least and at most: moving it costs the less the rarer it is done.
const SLIDE_BYTES: std::ops::RangeInclusive<usize> = (2 << 20)..=(16 << 20);

/// What is copied without asking anybody, in bytes.
const SHORT: usize = 4 * SLACK;

/// What the window of a frame takes at most, that long, beside what nobody has read yet.
pub(super) fn memory_bytes(window: usize) -> u64 {
    (window + slide_bytes(window) + BLOCK_BYTES + SLACK) as u64
}

fn slide_bytes(window: usize) -> usize {
    (2 * window).clamp(*SLIDE_BYTES.start(), *SLIDE_BYTES.end())
}

#[derive(Default)]
pub(in crate::codec) struct Window {
    /// Up to `at` unpacked, up to `given` read; behind that room for a block and slack.
    bytes: Vec<u8>,
    at: usize,
    given: usize,
    /// None between frames.
    frame: Option<Frame>,
}

/// The frame that is being unpacked.
struct Frame {
    header: Header,
    /// How many bytes it has so far.
    size: u64,
    /// The latest distances.
    latest: [usize; 3],
    sum: XxHash64,
}

impl Window {
    /// What nobody has read yet.
    pub(in crate::codec) fn bytes(&self) -> &[u8] {
        &self.bytes[self.given..self.at]
    }

    /// Nothing is in it any more.
    pub(in crate::codec) fn clear(&mut self) {
        (self.at, self.given, self.frame) = (0, 0, None);
    }

    /// Does what a piece was unpacked to.
    pub(in crate::codec) fn take_all(&mut self, steps: Steps) -> io::Result<()> {
        steps.0.into_iter().try_for_each(|step| self.take(step))
    }

    /// Takes what was unpacked elsewhere, between frames.
    pub(in crate::codec) fn append(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.at);
        self.bytes.drain(..self.given);
        self.bytes.extend_from_slice(bytes);
        (self.at, self.given) = (self.bytes.len(), 0);
    }

    /// So much of it is read.
    pub(in crate::codec) fn consume(&mut self, count: usize) {
        self.given = (self.given + count).min(self.at);
    }

    /// Does the next step.
    pub(super) fn take(&mut self, step: Step) -> io::Result<()> {
        match (step, &mut self.frame) {
            (Step::Begin(header), None) => {
                // What came before is nothing to this frame.
                self.bytes.copy_within(self.given..self.at, 0);
                (self.at, self.given) = (self.at - self.given, 0);
                self.frame = Some(Frame {
                    header,
                    size: 0,
                    latest: [1, 4, 8],
                    sum: XxHash64::with_seed(0),
                });
                Ok(())
            }
            (Step::Block(block), Some(_)) => self.unpack(&block),
            (Step::End(checksum), Some(frame)) => {
                frame.check(checksum)?;
                self.frame = None;
                Ok(())
            }
            _ => Err(corrupt("a block is of no frame")),
        }
    }

    fn unpack(&mut self, block: &Decoded) -> io::Result<()> {
        let Some(mut frame) = self.frame.take() else {
            return Err(corrupt("a block is of no frame"));
        };
        self.make_room(&frame)?;
        let start = self.at;
        match block {
            Decoded::Plain(bytes) => {
                self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
                self.at += bytes.len();
            }
            Decoded::Same(byte, count) => {
                self.bytes[start..start + count].fill(*byte);
                self.at += count;
            }
            Decoded::Sequences(buffers) => {
                let Filled { literals, .. } = &buffers.filled;
                let end = start + frame.header.block_bytes();
                let known = frame.size.min(frame.header.window as u64) as usize;
                let run = Run {
                    bytes: &mut self.bytes[..end + SLACK],
                    at: start,
                    end,
                    reach: (start - known, frame.header.window),
                    literals,
                };
                self.at = run.follow(buffers.filled.sequences(), &mut frame.latest)?;
            }
        }
        let bytes = &self.bytes[start..self.at];
        frame.size += bytes.len() as u64;
        if frame.header.has_checksum {
            frame.sum.write(bytes);
        }
        if frame.header.size.is_some_and(|size| frame.size > size) {
            return Err(corrupt("a frame holds more than it says"));
        }
        self.frame = Some(frame);
        Ok(())
    }

    /// Lets the window slide or grow for a block.
    fn make_room(&mut self, frame: &Frame) -> io::Result<()> {
        let header = &frame.header;
        let whole = header.size.and_then(|size| usize::try_from(size).ok());
        let limit = header.window + slide_bytes(header.window);
        let limit = whole.map_or(limit, |whole| whole.min(limit)) + BLOCK_BYTES + SLACK;
        let room = header.block_bytes() + SLACK;
        if self.at + room > limit {
            let known = frame.size.min(header.window as u64) as usize;
            let kept = (self.at - known).min(self.given);
            self.bytes.copy_within(kept..self.at, 0);
            (self.at, self.given) = (self.at - kept, self.given - kept);
        }
        let needed = self.at + room;
        if needed > self.bytes.len() {
            let wanted = needed.max((2 * self.bytes.len()).min(limit));
            let missing = wanted - self.bytes.len();
            let reserved = self.bytes.try_reserve_exact(missing);
            reserved.map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            self.bytes.resize(wanted, 0);
        }
        Ok(())
    }
}

impl Frame {
    /// Whether what it holds is what it says.
    fn check(&self, checksum: Option<u32>) -> io::Result<()> {
        if self.header.size.is_some_and(|size| size != self.size) {
            return Err(corrupt("a frame holds less than it says"));
        }
        // The lower half is what is kept.
        match checksum {
            Some(checksum) if checksum != self.sum.finish() as u32 => {
                Err(corrupt("the checksum of a frame differs"))
            }
            _ => Ok(()),
        }
    }
}

/// How far back a sequence refers; it is the latest distance from now on. (3.1.1.5)
#[inline(always)]
fn distance(latest: &mut [usize; 3], sequence: &Sequence) -> io::Result<usize> {
    let [first, second, third] = *latest;
    let distance = sequence.distance as usize;
    if distance > 3 {
        *latest = [distance - 3, first, second];
        return Ok(distance - 3);
    }
    match distance + usize::from(sequence.literals == 0) {
        1 => {}
        2 => *latest = [second, first, third],
        3 => *latest = [third, first, second],
        _ => *latest = [first - 1, first, second],
    }
    match latest[0] {
        0 => Err(corrupt("a sequence refers to itself")),
        distance => Ok(distance),
    }
}

/// A block on its way into the window.
struct Run<'a> {
    /// Up to the largest end that the block may have, and slack.
    bytes: &'a mut [u8],
    at: usize,
    end: usize,
    /// Where the frame begins to be known, and how far back anything may refer.
    reach: (usize, usize),
    /// What is left of them, and slack.
    literals: &'a [u8],
}

impl Run<'_> {
    /// Does what the sequences say. Where the block ends. By itself: there are hardly enough registers for that alone.
    #[inline(never)]
    fn follow(mut self, sequences: &[Sequence], latest: &mut [usize; 3]) -> io::Result<usize> {
        let mut now = *latest;
        for sequence in sequences {
            let literals = sequence.literals as usize;
            let distance = distance(&mut now, sequence)?;
            self.copy(literals, sequence.matched as usize, distance)?;
        }
        *latest = now;
        self.rest()
    }

    /// Copies so many literals, and then so many bytes from that far back.
    #[inline(always)]
    fn copy(&mut self, literals: usize, matched: usize, distance: usize) -> io::Result<()> {
        let (from, window) = self.reach;
        let to = self.at + literals;
        if literals + SLACK > self.literals.len() || to + matched > self.end {
            return Err(corrupt("sequences are for more bytes than there are"));
        }
        if distance > to - from || distance > window {
            return Err(corrupt("a sequence refers to what is not there"));
        }
        self.copy_literals(literals);
        let source = to - distance;
        self.at = to + matched;
        if distance >= SLACK {
            // Sixteen bytes at a time, all there before they are copied; what is too much is written over.
            if matched <= SHORT {
                copy_chunk(self.bytes, source, to);
                let mut step = SLACK;
                while step < matched {
                    copy_chunk(self.bytes, source + step, to + step);
                    step += SLACK;
                }
                return Ok(());
            }
            if distance >= matched {
                self.bytes.copy_within(source..source + matched, to);
                return Ok(());
            }
        }
        copy_again(self.bytes, (source, to), matched);
        Ok(())
    }

    #[inline(always)]
    fn copy_literals(&mut self, count: usize) {
        let (now, later) = self.literals.split_at(count);
        if count <= SLACK
            && let Some(source) = self.literals.first_chunk::<SLACK>()
            && let Some(next) = chunk(self.bytes, self.at)
        {
            *next = *source;
        } else {
            self.bytes[self.at..self.at + count].copy_from_slice(now);
        }
        self.literals = later;
    }

    /// Copies what is left of the literals. Where the block ends.
    fn rest(mut self) -> io::Result<usize> {
        let count = self.literals.len() - SLACK;
        if self.at + count > self.end {
            return Err(corrupt("a block is larger than one may be"));
        }
        self.copy_literals(count);
        Ok(self.at + count)
    }
}

#[inline(always)]
fn chunk(bytes: &mut [u8], at: usize) -> Option<&mut [u8; SLACK]> {
    bytes.get_mut(at..)?.first_chunk_mut()
}

#[inline(always)]
fn copy_chunk(bytes: &mut [u8], from: usize, to: usize) {
    if let Some(&mut source) = chunk(bytes, from)
        && let Some(next) = chunk(bytes, to)
    {
        *next = source;
    }
}

/// Copies what overlaps itself: a pattern that comes again and again.
fn copy_again(bytes: &mut [u8], (source, to): (usize, usize), count: usize) {
    let end = to + count;
    let mut at = to;
    while at < end {
        // As much as is there by now.
        let step = (at - source).min(end - at);
        bytes.copy_within(source..source + step, at);
        at += step;
    }
}
