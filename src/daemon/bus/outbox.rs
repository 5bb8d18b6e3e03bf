//! What is sent, in order, by one thread, so that a bus that is slow to read holds up nobody's transfer.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use zbus::{Connection, Message, block_on};

/// So many messages may wait.
const QUEUE_LIMIT: usize = 4096;

/// The way out of the process. Clones lead to the same bus.
#[derive(Clone)]
pub(super) struct Outbox(SyncSender<Item>);

enum Item {
    Message(Message),
    /// To be told of once all before it is sent.
    Mark(SyncSender<()>),
}

/// A bus that does not read for longer gets no more.
const PATIENCE: Duration = Duration::from_secs(1);

impl Outbox {
    /// Sends until the last clone is gone.
    pub(super) fn new(bus: Connection) -> io::Result<(Self, JoinHandle<()>)> {
        let (outbox, queue) = sync_channel(QUEUE_LIMIT);
        let thread = Builder::new()
            .name("bus-out".to_owned())
            .spawn(move || send_all(&bus, &queue))?;
        Ok((Self(outbox), thread))
    }

    /// Sends what must not be lost.
    pub(super) fn send(&self, message: Message) {
        // Without a bus there is nobody to send it to.
        let _ = self.0.send(Item::Message(message));
    }

    /// Sends what others of its kind will follow, unless too much is waiting already.
    pub(super) fn offer(&self, message: Message) {
        let _ = self.0.try_send(Item::Message(message));
    }

    /// Waits until all before is sent, but not for long.
    pub(super) fn flush(&self) {
        let (reached, mark) = sync_channel(1);
        if self.0.try_send(Item::Mark(reached)).is_ok() {
            let _ = mark.recv_timeout(PATIENCE);
        }
    }
}

fn send_all(bus: &Connection, queue: &Receiver<Item>) {
    for item in queue {
        let message = match item {
            Item::Message(message) => message,
            Item::Mark(reached) => {
                let _ = reached.send(());
                continue;
            }
        };
        if block_on(bus.send(&message)).is_err() && bus.is_closed() {
            return;
        }
    }
}
