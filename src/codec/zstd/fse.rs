//! Tables of finite state entropy (RFC 8878, 4.1): how often each symbol comes, and from that what each state stands for.

use std::io;

use super::bits::Forward;
use crate::codec::fields::corrupt;

/// As many states as any table has.
pub(super) const STATES: usize = 512;

/// How often each symbol comes: never, so many times of all, or less than once.
pub(super) struct Counts {
    pub(super) log: u32,
    counts: Vec<i16>,
}

/// What a state stands for, and which ones may follow it: the first of them, to which the next so many bits are added.
#[derive(Clone, Copy, Default)]
pub(super) struct State {
    pub(super) symbol: u8,
    pub(super) bits: u8,
    pub(super) next: u16,
}

impl Counts {
    /// Of a table that is agreed upon.
    pub(super) fn known(log: u32, counts: &[i16]) -> Self {
        Self {
            log,
            counts: counts.to_vec(),
        }
    }

    /// What `bytes` begin with, for symbols below `symbols` and of a precision up to `log_max`; and how many bytes that takes.
    pub(super) fn read(bytes: &[u8], symbols: usize, log_max: u32) -> io::Result<(Self, usize)> {
        let mut bits = Forward::new(bytes);
        let log = bits.take(4) + 5;
        if log > log_max {
            return Err(corrupt("a table is more precise than one may be"));
        }
        let mut counts = Vec::with_capacity(symbols);
        let mut left = 1 << log;
        while left > 0 && counts.len() < symbols {
            let count = read_count(&mut bits, left);
            left -= i32::from(count.unsigned_abs());
            counts.push(count);
            while count == 0 && counts.len() < symbols {
                let more = bits.take(2);
                counts.resize(counts.len() + more as usize, 0);
                if more < 3 {
                    break;
                }
            }
        }
        if left != 0 || counts.len() > symbols {
            return Err(corrupt("a table does not add up"));
        }
        let length = bits.length()?;
        Ok((Self { log, counts }, length))
    }

    /// The states, of which there are two to the power of `log`, as `make` has them.
    pub(super) fn states<T: Copy + Default>(
        &self,
        make: impl Fn(State) -> io::Result<T>,
    ) -> io::Result<[T; STATES]> {
        let mut states = [T::default(); STATES];
        let size = 1 << self.log;
        let mut symbols = [0_u8; STATES];
        let mut high = size;
        let numbered = || (0..=u8::MAX).zip(&self.counts);
        for (symbol, _) in numbered().filter(|(_, count)| **count < 0) {
            high -= 1;
            symbols[high] = symbol;
        }
        let step = (size >> 1) + (size >> 3) + 3;
        let mut at = 0;
        for (symbol, count) in numbered() {
            for _ in 0..*count {
                symbols[at] = symbol;
                at = (at + step) & (size - 1);
                while at >= high {
                    at = (at + step) & (size - 1);
                }
            }
        }
        let mut follow = [0_u16; 256];
        for (symbol, count) in numbered() {
            follow[usize::from(symbol)] = count.unsigned_abs();
        }
        for (state, &symbol) in states[..size].iter_mut().zip(&symbols) {
            let follows = &mut follow[usize::from(symbol)];
            let bits = self.log - follows.ilog2();
            *state = make(State {
                symbol,
                bits: bits as u8,
                next: (*follows << bits) - size as u16,
            })?;
            *follows += 1;
        }
        Ok(states)
    }
}

/// A number up to `left` and one more, which takes a bit less where that is enough to tell it; less one.
fn read_count(bits: &mut Forward, left: i32) -> i16 {
    let most = left.cast_unsigned() + 1;
    let width = most.ilog2() + 1;
    let low = (1 << (width - 1)) - 1;
    let short = (1 << width) - 1 - most;
    let value = bits.peek(width);
    let value = match value & low {
        value if value < short => {
            bits.skip(width - 1);
            value
        }
        _ => {
            bits.skip(width);
            if value > low { value - short } else { value }
        }
    };
    value as i16 - 1
}
