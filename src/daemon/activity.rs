//! Whether anybody wants anything: a daemon that nobody needs ends, and is started again when somebody does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What goes on beside transfers: calls that are being answered, connections, questions to polkit.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    count: usize,
    /// When the last has ended.
    since: Instant,
}

/// Something that goes on as long as this lives.
pub(super) struct Busy(Activity);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            count: 0,
            since: Instant::now(),
        })))
    }

    pub(super) fn begin(&self) -> Busy {
        self.state().count += 1;
        Busy(self.clone())
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
}
