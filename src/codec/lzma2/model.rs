//! What is expected of a stream, and its symbols: bytes, and copies of what came before.

use super::range::{Packed, Range};

/// That a bit is a zero, of 2048.
pub(super) type Probability = u16;

/// Neither more nor less.
const EVEN: Probability = 1024;
const STATES: usize = 16; // of which twelve are used
const POSITIONS: usize = 16;
/// States below this one follow a byte.
const AFTER_COPY: usize = 7;
/// The shortest copy.
const LENGTH_MIN: usize = 2;

/// How many bytes may be written behind the end of a copy.
pub(super) const SLACK: usize = 32;

/// Something that no encoder writes.
#[derive(Debug)]
pub(super) struct Corrupt;

/// Which of the bits of a position and of the byte before matter.
#[derive(Clone, Copy)]
pub(super) struct Properties {
    literal_context: u32,
    literal_position: u32,
    position: u32,
}

impl Properties {
    /// From a chunk's header.
    pub(super) fn parse(byte: u8) -> Option<Self> {
        let byte = u32::from(byte);
        let properties = Self {
            literal_context: byte % 9,
            literal_position: byte / 9 % 5,
            position: byte / 45,
        };
        let all = properties.literal_context + properties.literal_position;
        (properties.position <= 4 && all <= 4).then_some(properties)
    }
}

/// The lengths of copies.
struct Lengths {
    choice: Probability,
    second_choice: Probability,
    low: [[Probability; 8]; POSITIONS],
    middle: [[Probability; 8]; POSITIONS],
    high: [Probability; 256],
}

impl Lengths {
    const NEW: Self = Self {
        choice: EVEN,
        second_choice: EVEN,
        low: [[EVEN; 8]; POSITIONS],
        middle: [[EVEN; 8]; POSITIONS],
        high: [EVEN; 256],
    };

    #[inline(always)]
    fn decode(&mut self, range: &mut Range, position: usize) -> usize {
        if !range.decide(&mut self.choice) {
            LENGTH_MIN + range.tree::<3, 8>(&mut self.low[position])
        } else if !range.decide(&mut self.second_choice) {
            LENGTH_MIN + 8 + range.tree::<3, 8>(&mut self.middle[position])
        } else {
            LENGTH_MIN + 16 + range.tree::<8, 256>(&mut self.high)
        }
    }
}

/// Everything that is learned from a stream.
pub(super) struct Model {
    literals: Box<[[Probability; 0x400]; 16]>, // of each 0x300 are used
    is_copy: [[Probability; POSITIONS]; STATES],
    is_repeat: [Probability; STATES],
    is_not_last: [Probability; STATES],
    is_not_second: [Probability; STATES],
    is_not_third: [Probability; STATES],
    is_not_one_byte: [[Probability; POSITIONS]; STATES],
    slots: [[Probability; 64]; 4],
    middle_bits: [Probability; 128],
    low_bits: [Probability; 16],
    lengths: Lengths,
    repeat_lengths: Lengths,
    past: Past,
    properties: Properties,
}

/// What came last.
#[derive(Clone, Copy)]
struct Past {
    /// What the last symbols were.
    state: usize,
    /// How far back the last four copies were from, less one.
    distances: [u32; 4],
}

impl Past {
    #[inline(always)]
    fn literal(&mut self) {
        self.state = match self.state {
            0..4 => 0,
            4..10 => self.state - 3,
            _ => self.state - 6,
        };
    }

    #[inline(always)]
    fn copy(&mut self, after_literal: usize, after_copy: usize) {
        self.state = match self.state < AFTER_COPY {
            true => after_literal,
            false => after_copy,
        };
    }
}

/// Where bytes go.
pub(super) struct Window<'a> {
    /// Has [`SLACK`] bytes behind whatever is decoded.
    pub(super) bytes: &'a mut [u8],
    /// Where the next byte belongs.
    pub(super) at: usize,
    /// How many bytes before that may be copied from.
    pub(super) known: usize,
    /// How far back they may be: the size of the dictionary.
    pub(super) dictionary: usize,
    /// What is to be added to `at` for the position as the stream counts it, in its lowest bits.
    pub(super) bias: usize,
}

impl Model {
    pub(super) fn new(properties: Properties) -> Self {
        Self {
            literals: Box::new([[EVEN; 0x400]; 16]),
            is_copy: [[EVEN; POSITIONS]; STATES],
            is_repeat: [EVEN; STATES],
            is_not_last: [EVEN; STATES],
            is_not_second: [EVEN; STATES],
            is_not_third: [EVEN; STATES],
            is_not_one_byte: [[EVEN; POSITIONS]; STATES],
            slots: [[EVEN; 64]; 4],
            middle_bits: [EVEN; 128],
            low_bits: [EVEN; 16],
            lengths: Lengths::NEW,
            repeat_lengths: Lengths::NEW,
            past: Past {
                state: 0,
                distances: [0; 4],
            },
            properties,
        }
    }

    /// Forgets everything, and begins with other properties, or with the same.
    pub(super) fn reset(&mut self, properties: Option<Properties>) {
        *self = Self::new(properties.unwrap_or(self.properties));
    }

    /// Decodes a chunk of `length` packed bytes to `count` bytes.
    pub(super) fn decode(
        &mut self,
        (packed, length): (&Packed, usize),
        window: &mut Window,
        count: usize,
    ) -> Result<(), Corrupt> {
        let mut range = Range::new(packed).ok_or(Corrupt)?;
        let mut past = self.past;
        let position_mask = (1 << self.properties.position) - 1;
        let bytes = &mut *window.bytes;
        let (mut at, end) = (window.at, window.at + count);
        let first = at - window.known;
        // What comes before the first byte counts as zero.
        let mut before = match window.known {
            0 => 0,
            _ => bytes[at - 1],
        };
        while at < end {
            let place = at + window.bias;
            let position = place & position_mask & (POSITIONS - 1);
            past.state &= STATES - 1;
            if !range.decide(&mut self.is_copy[past.state][position]) {
                let literals = self.literals(place, before);
                before = match past.state < AFTER_COPY {
                    true => range.tree::<8, 0x400>(literals),
                    false => range.unlike(literals, bytes[at - past.distances[0] as usize - 1]),
                } as u8;
                bytes[at] = before;
                at += 1;
                past.literal();
                continue;
            }
            let copied = match range.decide(&mut self.is_repeat[past.state]) {
                false => self.new_copy(&mut range, &mut past, position),
                true => self.repeated_copy(&mut range, &mut past, position),
            };
            let last = past.distances[0] as usize;
            if last >= (at - first).min(window.dictionary) || copied > end - at {
                return Err(Corrupt);
            }
            copy(bytes, at, last + 1, copied);
            at += copied;
            before = bytes[at - 1];
        }
        self.past = past;
        window.at = at;
        window.known += count;
        match range.is_finished(length) {
            true => Ok(()),
            false => Err(Corrupt),
        }
    }

    /// What is expected of a byte at that place, behind that other one.
    #[inline(always)]
    fn literals(&mut self, place: usize, before: u8) -> &mut [Probability; 0x400] {
        let Properties {
            literal_context,
            literal_position,
            ..
        } = self.properties;
        let place = place & ((1 << literal_position) - 1);
        let which = (place << literal_context) + (usize::from(before) >> (8 - literal_context));
        &mut self.literals[which & 15]
    }

    /// A copy from somewhere else. Returns its length.
    #[inline(always)]
    fn new_copy(&mut self, range: &mut Range, past: &mut Past, position: usize) -> usize {
        let copied = self.lengths.decode(range, position);
        past.copy(7, 10);
        let slots = &mut self.slots[(copied - LENGTH_MIN).min(3)];
        let slot = range.tree::<6, 64>(slots) as u32;
        let bits = (slot >> 1).saturating_sub(1);
        let base = (2 | (slot & 1)) << bits;
        let distance = match slot {
            0..4 => slot,
            4..14 => base + range.reversed((&mut self.middle_bits, (base - slot) as usize), bits),
            _ => {
                let high = range.direct(bits - 4) << 4;
                let low = range.reversed((&mut self.low_bits, 0), 4);
                base.wrapping_add(high).wrapping_add(low)
            }
        };
        let [first, second, third, _] = past.distances;
        past.distances = [distance, first, second, third];
        copied
    }

    /// A copy from as far back as one of the last four. Returns its length.
    #[inline(always)]
    fn repeated_copy(&mut self, range: &mut Range, past: &mut Past, position: usize) -> usize {
        let state = past.state;
        let [first, second, third, fourth] = past.distances;
        if !range.decide(&mut self.is_not_last[state]) {
            if !range.decide(&mut self.is_not_one_byte[state][position]) {
                past.copy(9, 11);
                return 1;
            }
        } else if !range.decide(&mut self.is_not_second[state]) {
            past.distances = [second, first, third, fourth];
        } else if !range.decide(&mut self.is_not_third[state]) {
            past.distances = [third, first, second, fourth];
        } else {
            past.distances = [fourth, first, second, third];
        }
        past.copy(8, 11);
        self.repeat_lengths.decode(range, position)
    }
}

/// Copies within the window, from `distance` bytes back; what lies behind may be overwritten, up to [`SLACK`] bytes.
#[inline(always)]
fn copy(bytes: &mut [u8], at: usize, distance: usize, count: usize) {
    const STEP: usize = 16;
    let end = at + count;
    if distance >= STEP {
        let mut to = at;
        while to < end {
            let from = to - distance;
            let mut piece = [0; STEP];
            piece.copy_from_slice(&bytes[from..from + STEP]);
            bytes[to..to + STEP].copy_from_slice(&piece);
            to += STEP;
        }
    } else if distance == 1 {
        let byte = bytes[at - 1];
        bytes[at..end].fill(byte);
    } else {
        for to in at..end {
            bytes[to] = bytes[to - distance];
        }
    }
}
