//! What happens to transfers, in the log and in the service's status.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::activity::{Activity, Busy};
use super::log::ChangingLog;
use crate::report::{Level, Notifier, Record, Sink};
use crate::transfer::{Outcome, Transfer, Watcher};

/// Tells the log and the service manager, and keeps the daemon from being idle.
pub(super) struct Teller {
    log: Arc<ChangingLog>,
    notifier: Option<Arc<Notifier>>,
    activity: Activity,
    under_way: Mutex<HashMap<u32, Busy>>,
}

impl Teller {
    pub(super) fn new(
        log: Arc<ChangingLog>,
        notifier: Option<Arc<Notifier>>,
        activity: Activity,
    ) -> Self {
        Self {
            log,
            notifier,
            activity,
            under_way: Mutex::default(),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<u32, Busy>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_status(&self, count: usize) {
        if let Some(notifier) = &self.notifier {
            notifier.say(&status(count));
        }
    }
}

/// What the service manager shows of so many transfers.
pub(super) fn status(count: usize) -> String {
    match count {
        0 => "STATUS=Waiting for calls".to_owned(),
        1 => "STATUS=1 transfer is under way".to_owned(),
        count => format!("STATUS={count} transfers are under way"),
    }
}

impl Watcher for Teller {
    fn begun(&self, transfer: &Transfer) {
        let mut under_way = self.under_way();
        under_way.insert(transfer.id, self.activity.begin());
        self.tell_status(under_way.len());
    }

    fn said(&self, transfer: &Transfer, record: &Record<'_>) {
        self.log.log(&Record {
            message: &format!("(transfer{}) {}", transfer.id, record.message),
            transfer: Some(transfer.id),
            ..*record
        });
    }

    fn progress(&self, _: &Transfer) {}

    fn ended(&self, transfer: &Transfer, outcome: Outcome) {
        if outcome != Outcome::Failed {
            let word = match outcome {
                Outcome::Done => "is done",
                _ => "was cancelled",
            };
            self.log.log(&Record {
                level: Level::Debug,
                message: &format!("(transfer{}) The transfer {word}", transfer.id),
                location: std::panic::Location::caller(),
                transfer: Some(transfer.id),
            });
        }
        let mut under_way = self.under_way();
        under_way.remove(&transfer.id);
        self.tell_status(under_way.len());
    }
}
