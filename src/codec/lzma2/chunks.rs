//! The chunks, and a reader of what they hold.

use std::io::{self, Read};

use super::model::{Model, Properties, SLACK, Window};
use super::range::{CHUNK_BYTES, Packed};
use crate::codec::fields::{corrupt, read_array};

/// The largest chunk, unpacked.
const UNPACKED_BYTES: usize = 1 << 21;

/// How far the window slides at once, at least and at most: moving the dictionary costs the less the rarer it is done.
const SLIDE_BYTES: std::ops::RangeInclusive<usize> = (2 * UNPACKED_BYTES)..=(16 << 20);

/// A reader of one stream of chunks, up to its end mark.
pub(in crate::codec) struct Lzma2Reader<R> {
    source: R,
    packed: Box<Packed>,
    model: Option<Model>,
    /// A dictionary, what was decoded and not yet read, and room for a chunk. It grows to as much as is needed.
    window: Vec<u8>,
    /// How long it may be.
    window_limit: usize,
    /// What it holds may make place for what comes.
    slides: bool,
    dictionary: usize,
    /// Where the next chunk goes, and what is read next.
    at: usize,
    given: usize,
    /// How many bytes there are to copy from.
    known: usize,
    bias: usize,
    /// Until a chunk has begun a dictionary, and properties.
    may_continue: bool,
    ended: bool,
}

impl<R: Read> Lzma2Reader<R> {
    /// `dictionary` in bytes; `size` if it is known how many bytes there will be. An error if there is no memory for that.
    pub(in crate::codec) fn new(source: R, dictionary: u32, size: Option<u64>) -> io::Result<Self> {
        let dictionary = (dictionary as usize).max(4096);
        let slide = dictionary.clamp(*SLIDE_BYTES.start(), *SLIDE_BYTES.end());
        let window_limit = dictionary + slide + SLACK;
        // What is small lies in the window as a whole. It may be a lie: then it is found out in the end.
        let whole = size.and_then(|size| usize::try_from(size).ok());
        let whole = whole.map_or(window_limit, |size| size.saturating_add(SLACK));
        let mut window = Vec::new();
        reserve(&mut window, whole.min(window_limit))?;
        Ok(Self {
            source,
            packed: Box::new([0; 2 * CHUNK_BYTES]),
            model: None,
            window,
            window_limit,
            slides: true,
            dictionary,
            at: 0,
            given: 0,
            known: 0,
            bias: 0,
            may_continue: false,
            ended: false,
        })
    }

    /// Decodes everything at once, into memory, where it is known how many bytes there will be.
    pub(in crate::codec) fn unpack(source: R, dictionary: u32, size: usize) -> io::Result<Vec<u8>> {
        let mut reader = Self::new(source, dictionary, Some(size as u64))?;
        reader.slides = false;
        reader.window_limit = size.saturating_add(SLACK);
        reserve(&mut reader.window, reader.window_limit)?;
        while !reader.ended {
            reader.next_chunk()?;
        }
        reader.window.truncate(reader.at);
        Ok(reader.window)
    }

    /// Decodes the next chunk, all of whose predecessors have been read.
    fn next_chunk(&mut self) -> io::Result<()> {
        let [control] = read_array(&mut self.source)?;
        match control {
            0 => self.ended = true,
            1 | 2 => {
                let count = usize::from(u16::from_be_bytes(read_array(&mut self.source)?)) + 1;
                if control == 1 {
                    self.begin_dictionary();
                } else if !self.may_continue {
                    return Err(corrupt("a chunk goes on with what has not begun"));
                }
                self.make_room(count)?;
                self.source
                    .read_exact(&mut self.window[self.at..self.at + count])?;
                self.at += count;
                self.known += count;
            }
            0x80.. => self.packed_chunk(control)?,
            _ => return Err(corrupt("a chunk is of a kind that nobody has defined")),
        }
        Ok(())
    }

    fn packed_chunk(&mut self, control: u8) -> io::Result<()> {
        let [u0, u1, p0, p1] = read_array(&mut self.source)?;
        let high = usize::from(control & 0x1f) << 16;
        let count = high + usize::from(u16::from_be_bytes([u0, u1])) + 1;
        let length = usize::from(u16::from_be_bytes([p0, p1])) + 1;
        let reset = control >> 5 & 3;
        if reset == 3 {
            self.begin_dictionary();
        }
        let properties = match reset {
            2 | 3 => {
                let [byte] = read_array(&mut self.source)?;
                let parsed = Properties::parse(byte);
                Some(parsed.ok_or_else(|| corrupt("a chunk has properties that do not exist"))?)
            }
            _ => None,
        };
        if !self.may_continue {
            return Err(corrupt("a chunk goes on with what has not begun"));
        }
        match (&mut self.model, properties) {
            (Some(model), _) if reset > 0 => model.reset(properties),
            (None, Some(properties)) => self.model = Some(Model::new(properties)),
            (Some(_), _) => {}
            (None, None) => return Err(corrupt("a chunk goes on with what has not begun")),
        }
        self.source.read_exact(&mut self.packed[..length])?;
        self.make_room(count)?;
        let mut window = Window {
            bytes: &mut self.window,
            at: self.at,
            known: self.known,
            dictionary: self.dictionary,
            bias: self.bias,
        };
        let model = self
            .model
            .as_mut()
            .ok_or_else(|| corrupt("a chunk has no properties"))?;
        let decoded = model.decode((&self.packed, length), &mut window, count);
        decoded.map_err(|_| corrupt("a chunk holds what no encoder writes"))?;
        (self.at, self.known) = (window.at, window.known);
        Ok(())
    }

    /// From here on nothing is known of what came before, properties included.
    fn begin_dictionary(&mut self) {
        self.known = 0;
        self.bias = self.at.wrapping_neg() & 15;
        self.model = None;
        self.may_continue = true;
    }

    /// Lets the window grow or slide for a chunk of that size; all that was decoded has been read by then.
    fn make_room(&mut self, count: usize) -> io::Result<()> {
        let needed = self.at + count + SLACK;
        if needed > self.window_limit {
            if !self.slides {
                return Err(corrupt("there is more than was promised"));
            }
            // By a multiple of sixteen, and positions stay what they were.
            let by = (self.at - self.dictionary.min(self.known)) & !15;
            self.window.copy_within(by..self.at, 0);
            (self.at, self.given) = (self.at - by, self.given - by);
            self.known = self.known.min(self.at);
        }
        let needed = self.at + count + SLACK;
        if needed > self.window.len() {
            if needed > self.window.capacity() {
                reserve(&mut self.window, self.window_limit)?;
            }
            self.window.resize(needed, 0);
        }
        Ok(())
    }
}

/// Has the window hold so many bytes at least.
fn reserve(window: &mut Vec<u8>, bytes: usize) -> io::Result<()> {
    let missing = bytes.saturating_sub(window.len());
    window
        .try_reserve_exact(missing)
        .map_err(|_| io::ErrorKind::OutOfMemory.into())
}

impl<R: Read> Read for Lzma2Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.at && !self.ended {
            self.next_chunk()?;
        }
        let ready = &self.window[self.given..self.at];
        let count = buffer.len().min(ready.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        Ok(count)
    }
}
