//! What a transfer says, kept for the connection that waits for it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use super::link::End;
use crate::daemon::log::ChangingLog;
use crate::report::Record;
use crate::transfer::{Outcome, Transfer, Watcher};
use crate::wire::fraction;

/// Something to tell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// The transfer's number.
    Begun(u32),
    Said {
        priority: u8,
        message: String,
    },
    /// As a fraction.
    Progress(f64),
    Ended(Outcome),
}

/// Takes what a transfer says without ever making it wait, and hands it on.
pub(super) struct Follower {
    log: Arc<ChangingLog>,
    state: Mutex<State>,
    /// Readable while there is something.
    wake: OwnedFd,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// Of what lines say.
    bytes: usize,
    /// The client has not taken what there was; or it has gone.
    given_up: bool,
}

/// What may wait for a client that does not read: about what a transfer says in all.
const EVENTS_LIMIT: usize = 1024;
const BYTES_LIMIT: usize = 256 << 10;
/// As `syslog(3)` numbers it: lines are the daemon's.
const FACILITY_DAEMON: u8 = 3 << 3;

impl Follower {
    pub(super) fn new(log: Arc<ChangingLog>) -> io::Result<Self> {
        Ok(Self {
            log,
            state: Mutex::default(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// All there is by now.
    pub(super) fn take(&self) -> Result<VecDeque<Event>, End> {
        let mut state = self.state();
        // Whether it was set is all the same.
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        state.bytes = 0;
        match state.given_up {
            true => Err(End::Behind),
            false => Ok(std::mem::take(&mut state.events)),
        }
    }

    /// Nobody is there to be told.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        state.given_up = true;
        state.events = VecDeque::new();
    }

    fn tell(&self, event: Event) {
        let mut state = self.state();
        if state.given_up {
            return;
        }
        match (&event, state.events.back_mut()) {
            // Only the last counts.
            (Event::Progress(new), Some(Event::Progress(old))) => *old = *new,
            _ => {
                if let Event::Said { message, .. } = &event {
                    state.bytes += message.len();
                }
                state.events.push_back(event);
            }
        }
        if state.events.len() > EVENTS_LIMIT || state.bytes > BYTES_LIMIT {
            state.given_up = true;
            state.events = VecDeque::new();
        }
        // It does not block, and fails only where it is set since long.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Follower {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Watcher for Follower {
    fn begun(&self, transfer: &Transfer) {
        self.tell(Event::Begun(transfer.id));
    }

    fn said(&self, _: &Transfer, record: &Record<'_>) {
        // What the log would not take nobody has to hear.
        if record.level > self.log.level() {
            return;
        }
        self.tell(Event::Said {
            priority: FACILITY_DAEMON | record.level.number(),
            message: record.message.to_owned(),
        });
    }

    fn progress(&self, transfer: &Transfer) {
        self.tell(Event::Progress(fraction(transfer.percent())));
    }

    fn ended(&self, _: &Transfer, outcome: Outcome) {
        self.tell(Event::Ended(outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Settings;

    fn follower() -> Follower {
        let log = ChangingLog::new(Settings::default(), "test");
        Follower::new(Arc::new(log)).unwrap()
    }

    fn said(message: &str) -> Event {
        Event::Said {
            priority: 30,
            message: message.to_owned(),
        }
    }

    #[test]
    fn of_progress_only_the_last_is_kept_and_of_lines_all() {
        let follower = follower();
        let told = [
            Event::Begun(1),
            Event::Progress(0.1),
            Event::Progress(0.2),
            said("a"),
            Event::Progress(0.3),
            said("b"),
        ];
        for event in told {
            follower.tell(event);
        }
        let kept = [
            Event::Begun(1),
            Event::Progress(0.2),
            said("a"),
            Event::Progress(0.3),
            said("b"),
        ];
        assert_eq!(follower.take().unwrap(), kept);
        assert!(follower.take().unwrap().is_empty());
    }

    #[test]
    fn who_does_not_listen_is_given_up() {
        let many = follower();
        for _ in 0..=EVENTS_LIMIT {
            many.tell(said("x"));
        }
        let much = follower();
        for _ in 0..3 {
            much.tell(said(&"x".repeat(BYTES_LIMIT / 2)));
        }
        for follower in [many, much] {
            assert!(matches!(follower.take(), Err(End::Behind)));
            follower.tell(said("more"));
            assert!(follower.state().events.is_empty());
        }
    }
}
