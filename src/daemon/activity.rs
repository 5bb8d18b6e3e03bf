//! Whether anybody wants anything: a daemon that nobody needs ends, and is started again when somebody does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What goes on beside transfers: calls that are being answered, connections, questions to polkit.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    count: usize,
    /// Nobody is let in any more.
    closed: bool,
    /// When the last has ended.
    since: Instant,
}

/// Something that goes on as long as this lives.
pub(super) struct Busy(Activity);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            count: 0,
            closed: false,
            since: Instant::now(),
        })))
    }

    pub(super) fn begin(&self) -> Busy {
        self.state().count += 1;
        Busy(self.clone())
    }

    /// The same for somebody who can wait for the next daemon; none once we are sure to go.
    pub(super) fn admit(&self) -> Option<Busy> {
        let mut state = self.state();
        state.count += usize::from(!state.closed);
        (!state.closed).then(|| Busy(self.clone()))
    }

    /// Lets nobody in any more, if nobody is there. So a client that comes at the last moment is either served or left to the
    /// next daemon.
    pub(super) fn close(&self) -> bool {
        let mut state = self.state();
        state.closed |= state.count == 0;
        state.closed
    }

    /// For how long nothing has gone on; none while something does.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let state = self.state();
        (state.count == 0).then(|| state.since.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.count -= 1;
        state.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_idle_while_something_goes_on() {
        let activity = Activity::new();
        let (first, second) = (activity.begin(), activity.clone().begin());
        drop(first);
        assert_eq!(activity.idle_for(), None);
        drop(second);
        assert!(activity.idle_for().is_some());
    }

    #[test]
    fn who_comes_at_the_last_moment_is_served_or_not_let_in() {
        let activity = Activity::new();
        let guest = activity.admit();
        assert!(guest.is_some() && !activity.close());
        drop(guest);
        assert!(activity.close() && activity.admit().is_none());
        assert!(activity.idle_for().is_some());
    }
}
