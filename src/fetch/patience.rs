//! How long and how often another try is made.
//!
//! The clock starts when a failure is noticed, not when an attempt begins, and is stopped by progress. Progress is a byte
//! beyond all that ever came, so that a server that always fails at the same place does not keep a transfer for ever.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Error;
use super::wait::random;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The patience with one URL.
#[derive(Debug)]
pub(super) struct Patience {
    /// For how long failures follow each other before the last one counts; zero for not at all.
    limit: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failing_since: Option<Instant>,
    pauses: u32,
    furthest_bytes: u64,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    /// How long to pause before the next try, or the error if there should be none.
    pub(super) fn next_pause(&self, error: &Error) -> Result<Duration, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = state
            .failing_since
            .get_or_insert_with(Instant::now)
            .elapsed();
        let left = self.limit.saturating_sub(tried);
        if left < FIRST_PAUSE || !error.is_transient() {
            return Err(tried);
        }
        let doubled = FIRST_PAUSE.saturating_mul(1 << state.pauses.min(10));
        state.pauses += 1;
        let pause = jittered(doubled.min(LONGEST_PAUSE));
        let wished = match error {
            Error::Status { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        Ok(pause.max(wished).min(left))
    }

    /// So many bytes of the resource have come in this attempt.
    pub(super) fn received(&self, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > state.furthest_bytes {
            *state = State {
                furthest_bytes: bytes,
                ..State::default()
            };
        }
    }

    /// The resource is there, or certainly is not.
    pub(super) fn finished(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

/// A quarter more or less, so that many machines that failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let share = random().map_or(0.5, |it| f64::from(it) / f64::from(u16::MAX));
    pause.mul_f64(0.75 + share / 2.0)
}
