//! What happens to transfers, as signals.

use std::sync::{Arc, Mutex, PoisonError};

use zbus::Message;

use super::outbox::Outbox;
use crate::daemon::log::ChangingLog;
use crate::report::Record;
use crate::transfer::{Outcome, Transfer, Watcher};
use crate::wire::bus::{DBUS, MANAGER, MANAGER_PATH, NAME, TRANSFER, transfer_path};
use crate::wire::fraction;

/// Tells the bus, while there is one.
pub(in crate::daemon) struct Events {
    outbox: Mutex<Option<Outbox>>,
    /// What is not worth a line in it is not worth a signal.
    log: Arc<ChangingLog>,
}

/// As log lines of daemons have it before their priority (`syslog(3)`, LOG_DAEMON).
const FACILITY: u32 = 3 << 3;

impl Events {
    pub(in crate::daemon) fn new(log: Arc<ChangingLog>) -> Self {
        Self {
            outbox: Mutex::default(),
            log,
        }
    }

    pub(super) fn set_outbox(&self, outbox: Option<Outbox>) {
        *self.outbox.lock().unwrap_or_else(PoisonError::into_inner) = outbox;
    }

    /// Waits until all that was said is sent, but not for long.
    pub(in crate::daemon) fn flush(&self) {
        if let Some(outbox) = self.outbox() {
            outbox.flush();
        }
    }

    /// Lets go of our name on the bus.
    pub(in crate::daemon) fn give_up_name(&self) {
        self.call_bus("ReleaseName", &(NAME,));
    }

    /// Takes it again.
    pub(in crate::daemon) fn take_name(&self) {
        self.call_bus("RequestName", &(NAME, 0_u32));
    }

    fn call_bus<B>(&self, method: &str, values: &B)
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let (name, path, interface) = DBUS;
        let call = Message::method_call(path, method)
            .destination(name)
            .interface(interface)
            .build(values);
        if let (Some(outbox), Ok(call)) = (self.outbox(), call) {
            outbox.send(call);
        }
    }

    fn outbox(&self) -> Option<Outbox> {
        self.outbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn manager<B>(&self, signal: &str, values: &B)
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let Some(outbox) = self.outbox() else { return };
        if let Ok(message) = Message::signal(MANAGER_PATH, MANAGER, signal).build(values) {
            outbox.send(message);
        }
    }

    fn transfer<B>(&self, transfer: &Transfer, signal: &str, values: &B)
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let Some(outbox) = self.outbox() else { return };
        let path = transfer_path(transfer.id);
        if let Ok(message) = Message::signal(path, TRANSFER, signal).build(values) {
            outbox.offer(message);
        }
    }
}

/// The object path that a number and its path are told with.
pub(super) fn path_of(id: u32) -> zbus::OwnedObjectPath {
    // Letters, digits, `_` and `/`: it is one.
    zbus::ObjectPath::try_from(transfer_path(id)).map_or_else(|_| Default::default(), Into::into)
}

impl Watcher for Events {
    fn begun(&self, transfer: &Transfer) {
        self.manager("TransferNew", &(transfer.id, path_of(transfer.id)));
    }

    fn said(&self, transfer: &Transfer, record: &Record<'_>) {
        if record.level > self.log.level() {
            return;
        }
        let priority = FACILITY | u32::from(record.level.number());
        self.transfer(transfer, "LogMessage", &(priority, record.message));
    }

    fn progress(&self, transfer: &Transfer) {
        self.transfer(transfer, "ProgressUpdate", &(fraction(transfer.percent()),));
    }

    fn ended(&self, transfer: &Transfer, outcome: Outcome) {
        let result = match outcome {
            Outcome::Done => "done",
            Outcome::Canceled => "canceled",
            Outcome::Failed => "failed",
        };
        let values = (transfer.id, path_of(transfer.id), result);
        self.manager("TransferRemoved", &values);
    }
}
