//! Sequences (RFC 8878, 3.1.1.3.2): how many literals come, and then how many bytes of those from how far back.

use std::io;
use std::sync::{Arc, LazyLock};

use super::bits::Backward;
use super::fse::{Counts, STATES, State};
use crate::codec::fields::corrupt;

/// A step: so many literals, then so many bytes again.
#[derive(Clone, Copy, Default)]
pub(super) struct Sequence {
    pub(super) literals: u32,
    pub(super) matched: u32,
    /// How far back, plus three; or below that, which of the latest distances it is again.
    pub(super) distance: u32,
}

/// A number: the least that it may be, to which so many bits are added.
#[derive(Clone, Copy, Default)]
struct Number {
    least: u32,
    bits: u8,
}

/// States that stand for numbers.
pub(super) struct Table {
    log: u32,
    states: [Packed; STATES],
}

/// A state in eight bytes: what it stands for, and which ones may follow.
#[derive(Clone, Copy, Default)]
struct Packed {
    least: u32,
    next: u16,
    bits: u8,
    next_bits: u8,
}

/// What the three numbers of a sequence are told by.
#[derive(Clone)]
pub(super) struct Tables {
    literals: Arc<Table>,
    distance: Arc<Table>,
    matched: Arc<Table>,
}

/// The tables that the next block may refer to.
#[derive(Clone, Default)]
pub(super) struct Known {
    literals: Option<Arc<Table>>,
    distance: Option<Arc<Table>>,
    matched: Option<Arc<Table>>,
}

/// One of the three kinds of numbers.
struct Kind {
    /// What each symbol stands for.
    numbers: LazyLock<Vec<Number>>,
    log_max: u32,
    agreed: LazyLock<Arc<Table>>,
}

static LITERALS: Kind = Kind {
    numbers: LazyLock::new(|| numbers(16, 0, &LITERALS_ABOVE)),
    log_max: 9,
    agreed: LazyLock::new(|| agreed(&LITERALS, 6, &LITERALS_COUNTS)),
};
static MATCHED: Kind = Kind {
    numbers: LazyLock::new(|| numbers(32, 3, &MATCHED_ABOVE)),
    log_max: 9,
    agreed: LazyLock::new(|| agreed(&MATCHED, 6, &MATCHED_COUNTS)),
};
static DISTANCE: Kind = Kind {
    numbers: LazyLock::new(|| {
        let number = |bits| Number {
            least: 1_u32 << bits,
            bits,
        };
        (0..32).map(number).collect()
    }),
    log_max: 8,
    agreed: LazyLock::new(|| agreed(&DISTANCE, 5, &DISTANCE_COUNTS)),
};

/// How many bits each number has that does not stand for itself.
const LITERALS_ABOVE: [u8; 20] = [
    1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];
const MATCHED_ABOVE: [u8; 21] = [
    1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];

/// The tables that are agreed upon. (3.1.1.3.2.2)
const LITERALS_COUNTS: [i16; 36] = [
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
    -1, -1, -1, -1,
];
const MATCHED_COUNTS: [i16; 53] = [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
];
const DISTANCE_COUNTS: [i16; 29] = [
    1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
];

/// Symbols below `direct` stand for themselves and `base`, those above for stretches of numbers that follow one another.
fn numbers(direct: u32, base: u32, above: &[u8]) -> Vec<Number> {
    let mut next = base;
    let widths = std::iter::repeat_n(&0, direct as usize).chain(above);
    let numbered = widths.map(|bits| {
        let least = next;
        next += 1 << bits;
        Number { least, bits: *bits }
    });
    numbered.collect()
}

fn agreed(kind: &Kind, log: u32, counts: &[i16]) -> Arc<Table> {
    let table = kind.table(&Counts::known(log, counts));
    Arc::new(table.expect("the tables that are agreed upon are sound"))
}

impl Kind {
    fn table(&self, counts: &Counts) -> io::Result<Table> {
        let numbers = self.numbers.as_slice();
        let states = counts.states(|state| packed(numbers, state))?;
        let log = counts.log;
        Ok(Table { log, states })
    }

    /// The table that `mode` says, which `bytes` may begin with and `known` may be; and what follows it.
    fn read<'a>(
        &self,
        mode: u8,
        bytes: &'a [u8],
        known: &mut Option<Arc<Table>>,
    ) -> io::Result<(Arc<Table>, &'a [u8])> {
        let (table, rest) = match mode & 3 {
            0 => (Arc::clone(&self.agreed), bytes),
            1 => {
                let (symbol, rest) = bytes.split_first().ok_or_else(too_short)?;
                let state = State {
                    symbol: *symbol,
                    ..State::default()
                };
                let state = packed(&self.numbers, state)?;
                let states = [state; STATES];
                (Arc::new(Table { log: 0, states }), rest)
            }
            2 => {
                let (counts, length) = Counts::read(bytes, self.numbers.len(), self.log_max)?;
                (Arc::new(self.table(&counts)?), &bytes[length..])
            }
            _ => {
                let known = known.as_ref().map(Arc::clone);
                let known =
                    known.ok_or_else(|| corrupt("a table is used again that was not given"));
                (known?, bytes)
            }
        };
        *known = Some(Arc::clone(&table));
        Ok((table, rest))
    }
}

impl Known {
    /// How many sequences there are, and by which tables, as `bytes` begin with; and what follows.
    pub(super) fn read<'a>(
        &mut self,
        bytes: &'a [u8],
    ) -> io::Result<(usize, Option<Tables>, &'a [u8])> {
        let (count, rest) = match *bytes {
            [0, ref rest @ ..] => (0, rest),
            [low @ 1..128, ref rest @ ..] => (usize::from(low), rest),
            [high @ 128..=254, low, ref rest @ ..] => {
                (usize::from(u16::from_be_bytes([high - 128, low])), rest)
            }
            [255, low, high, ref rest @ ..] => {
                (usize::from(u16::from_le_bytes([low, high])) + 0x7f00, rest)
            }
            _ => return Err(too_short()),
        };
        if count == 0 {
            return match rest {
                [] => Ok((0, None, rest)),
                _ => Err(corrupt("no sequences are followed by something")),
            };
        }
        let (modes, rest) = rest.split_first().ok_or_else(too_short)?;
        if modes & 3 != 0 {
            return Err(corrupt("sequences are of a kind that nobody has defined"));
        }
        let (literals, rest) = LITERALS.read(modes >> 6, rest, &mut self.literals)?;
        let (distance, rest) = DISTANCE.read(modes >> 4, rest, &mut self.distance)?;
        let (matched, rest) = MATCHED.read(modes >> 2, rest, &mut self.matched)?;
        let tables = Tables {
            literals,
            distance,
            matched,
        };
        Ok((count, Some(tables), rest))
    }
}

impl Tables {
    /// Fills `sequences` with all that the stream holds. By itself: there are hardly enough registers for that alone.
    #[inline(never)]
    pub(super) fn decode(&self, packed: &[u8], sequences: &mut [Sequence]) -> io::Result<()> {
        let mut stream = Backward::new(packed)?;
        let mut literals = Walk::begin(&self.literals, &mut stream);
        let mut distance = Walk::begin(&self.distance, &mut stream);
        let mut matched = Walk::begin(&self.matched, &mut stream);
        let Some((last, others)) = sequences.split_last_mut() else {
            return Ok(());
        };
        for other in others {
            let states = [literals.state(), distance.state(), matched.state()];
            *other = sequence(&mut stream, states);
            literals.step(states[0], &mut stream);
            matched.step(states[2], &mut stream);
            distance.step(states[1], &mut stream);
        }
        let states = [literals.state(), distance.state(), matched.state()];
        *last = sequence(&mut stream, states);
        stream.refill();
        match stream.is_finished() {
            true => Ok(()),
            false => Err(corrupt("sequences do not end where their stream does")),
        }
    }
}

/// The numbers of one, with as many bits left in hand as three steps take.
#[inline(always)]
fn sequence(stream: &mut Backward, [literals, distance, matched]: [Packed; 3]) -> Sequence {
    const STEPS_BITS: u32 = 9 + 9 + 8;
    stream.refill();
    let distance_bits = u32::from(distance.bits);
    let others = u32::from(literals.bits) + u32::from(matched.bits);
    let distance = distance.least + stream.take(distance_bits);
    if distance_bits + others + STEPS_BITS > 57 {
        stream.refill();
    }
    let matched = matched.least + stream.take(matched.bits.into());
    let literals = literals.least + stream.take(literals.bits.into());
    if others + STEPS_BITS > 57 {
        stream.refill();
    }
    Sequence {
        literals,
        matched,
        distance,
    }
}

/// Where one is in a table.
struct Walk<'a> {
    states: &'a [Packed; STATES],
    at: usize,
}

impl<'a> Walk<'a> {
    fn begin(table: &'a Table, stream: &mut Backward) -> Self {
        stream.refill();
        let at = stream.take(table.log) as usize;
        let states = &table.states;
        Self { states, at }
    }

    #[inline(always)]
    fn state(&self) -> Packed {
        self.states[self.at % STATES]
    }

    #[inline(always)]
    fn step(&mut self, state: Packed, stream: &mut Backward) {
        self.at = usize::from(state.next) + stream.take(state.next_bits.into()) as usize;
    }
}

/// What a state stands for among these numbers.
#[inline(always)]
fn packed(numbers: &[Number], state: State) -> io::Result<Packed> {
    let number = numbers.get(usize::from(state.symbol));
    let number = number.ok_or_else(|| corrupt("a sequence has a number that does not exist"))?;
    let Number { least, bits } = *number;
    Ok(Packed {
        least,
        next: state.next,
        bits,
        next_bits: state.bits,
    })
}

fn too_short() -> io::Error {
    corrupt("sequences end before they are complete")
}
