//! Progress for two readers: whoever looks at the terminal, and whoever started this program.

use std::sync::{Arc, Mutex, PoisonError};

use crate::report::{Notifier, Progress, Record, Sink};
use crate::term::Screen;
use crate::terms::Percent;

/// Hands everything to the screen, and each new percentage to the notification socket as `X_IMPORT_PROGRESS=`.
pub(super) struct Both {
    screen: Arc<Screen>,
    notifier: Option<Arc<Notifier>>,
    last: Mutex<Option<Percent>>,
}

impl Both {
    pub(super) fn new(screen: Arc<Screen>, notifier: Option<Arc<Notifier>>) -> Self {
        Self {
            screen,
            notifier,
            last: Mutex::new(None),
        }
    }
}

impl Sink for Both {
    fn log(&self, record: &Record<'_>) {
        self.screen.log(record);
    }

    fn progress(&self, progress: Progress) {
        self.screen.progress(progress);
        let (Some(notifier), Some(percent)) = (&self.notifier, progress.percent) else {
            return;
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != Some(percent) {
            *last = Some(percent);
            notifier.say(&format!("X_IMPORT_PROGRESS={percent}"));
        }
    }
}
