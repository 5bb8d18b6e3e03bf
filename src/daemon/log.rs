//! The daemon's log, whose level and target can be changed while it runs.

use std::io::{self, Write};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::report::{Level, Log, Progress, Record, Settings, Sink, Target};

/// A sink like any other, but that its settings change.
pub(super) struct ChangingLog {
    identifier: String,
    state: RwLock<(Settings, Log)>,
}

impl ChangingLog {
    pub(super) fn new(settings: Settings, identifier: &str) -> Self {
        let log = Log::new(settings.clone(), identifier, false);
        Self {
            identifier: identifier.to_owned(),
            state: RwLock::new((settings, log)),
        }
    }

    pub(super) fn identifier(&self) -> &str {
        &self.identifier
    }

    pub(super) fn level(&self) -> Level {
        self.state().0.maxima.all
    }

    pub(super) fn target(&self) -> Target {
        self.state().0.target
    }

    pub(super) fn set_level(&self, level: Level) {
        self.change(|settings| settings.maxima.all = level);
    }

    pub(super) fn set_target(&self, target: Target) {
        self.change(|settings| settings.target = target);
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut state.0);
        state.1 = Log::new(state.0.clone(), &self.identifier, false);
    }

    fn state(&self) -> RwLockReadGuard<'_, (Settings, Log)> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for ChangingLog {
    fn log(&self, record: &Record<'_>) {
        self.state().1.write(record, |lines| {
            // Who has closed standard error does not want to hear of it.
            let _ = io::stderr().lock().write_all(lines.as_bytes());
        });
    }

    fn progress(&self, _: Progress) {}
}
