//! Reading ahead: what one thread reads, another takes in a few buffers that go round.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, scope};

use super::job::{Job, panicked};
use super::{Error, Local};

/// The size of a buffer, and how many there are on the way.
const BUFFER_BYTES: usize = 256 << 10;
const BUFFERS: usize = 4;

/// A buffer with bytes; one that is not full, or an error, is the last.
type Message = io::Result<Vec<u8>>;

/// Has a thread, named after `what` it does, read from the source while `take` takes what arrives. Both are done when it
/// returns.
pub(super) fn read_ahead<T>(
    job: &Job,
    what: &str,
    mut source: impl Read + Send,
    take: impl FnOnce(Arriving) -> Result<T, Error>,
) -> Result<T, Error> {
    let (full_tx, full) = sync_channel(BUFFERS);
    let (empty, empty_rx) = sync_channel(BUFFERS);
    let ended = Ended::default();
    let reads = ended.clone();
    let read = move || read_all(&mut source, &full_tx, &empty_rx, &reads);
    let arriving = Arriving::new(full, empty, ended.clone());
    alongside(job, what, &ended, read, || take(arriving))
}

/// Does work on a thread of its own, named after what it is, while `take` takes what comes of it.
fn alongside<T>(
    job: &Job,
    what: &str,
    ended: &Ended,
    work: impl FnOnce() + Send,
    take: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    scope(|threads| {
        let thread = Builder::new().name(format!("{}-{what}", job.name));
        let worker = thread.spawn_scoped(threads, work).map_err(Local::Thread)?;
        let taken = take();
        ended.settle(job, &taken);
        worker.join().map_err(|panic| panicked(&*panic))?;
        taken
    })
}

/// Has a thread look at what arrives before `take` takes it. Both are done when it returns.
pub(super) fn look_ahead<T>(
    job: &Job,
    what: &str,
    arriving: Arriving,
    mut look: impl FnMut(&[u8]) + Send,
    take: impl FnOnce(Arriving) -> Result<T, Error>,
) -> Result<T, Error> {
    let Arriving {
        full,
        empty,
        ended,
        buffer,
        taken,
    } = arriving;
    let (on_tx, on) = sync_channel(BUFFERS);
    let pass = move || {
        let first = (taken < buffer.len()).then(|| Ok(buffer[taken..].to_vec()));
        for message in first.into_iter().chain(full) {
            if let Ok(bytes) = &message {
                look(bytes);
            }
            if on_tx.send(message).is_err() {
                return;
            }
        }
    };
    let arriving = Arriving::new(on, empty, ended.clone());
    alongside(job, what, &ended, pass, || take(arriving))
}

/// Whether whoever reads has come to an end, and waits for nothing any more.
#[derive(Clone, Default)]
pub(super) struct Ended(Arc<AtomicBool>);

impl Ended {
    /// Where it failed on this side, whoever still waits for bytes on the other may stop.
    pub(super) fn settle<T>(&self, job: &Job, taken: &Result<T, Error>) {
        if taken.is_err() && !self.0.load(Ordering::SeqCst) {
            job.cancel.cancel();
        }
    }
}

/// Sends everything there is to read, in full buffers, until the end, an error, or until nobody wants it any more.
///
/// `ended` is set before the last message, so that whoever gets it knows that nothing is waited for any more.
fn read_all(
    body: &mut impl Read,
    full: &SyncSender<Message>,
    empty: &Receiver<Vec<u8>>,
    ended: &Ended,
) {
    for made in 0.. {
        let mut buffer = match empty.try_recv() {
            Ok(buffer) => buffer,
            Err(_) if made < BUFFERS => vec![0; BUFFER_BYTES],
            Err(_) => match empty.recv() {
                Ok(buffer) => buffer,
                Err(_) => return,
            },
        };
        buffer.resize(BUFFER_BYTES, 0);
        let filled = fill(body, &mut buffer);
        let last = !matches!(filled, Ok(BUFFER_BYTES));
        let message = filled.map(|count| {
            buffer.truncate(count);
            buffer
        });
        ended.0.store(last, Ordering::SeqCst);
        if full.send(message).is_err() || last {
            return;
        }
    }
}

/// Reads until the buffer is full or there is no more.
fn fill(body: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match body.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// The other end: the buffers as one reader.
pub(super) struct Arriving {
    full: Receiver<Message>,
    empty: SyncSender<Vec<u8>>,
    ended: Ended,
    buffer: Vec<u8>,
    taken: usize,
}

impl Arriving {
    /// Whether whoever reads has ended, for those who have others work on what arrives.
    pub(super) fn ended(&self) -> Ended {
        self.ended.clone()
    }

    fn new(full: Receiver<Message>, empty: SyncSender<Vec<u8>>, ended: Ended) -> Self {
        Self {
            full,
            empty,
            ended,
            buffer: Vec::new(),
            taken: 0,
        }
    }
}

impl BufRead for Arriving {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // A closed channel is the end: the sender's last message was a buffer that is not full, or an error.
        if self.taken == self.buffer.len()
            && let Ok(message) = self.full.recv()
        {
            let used = std::mem::replace(&mut self.buffer, message?);
            self.taken = 0;
            // Nobody may want it back any more.
            let _ = self.empty.try_send(used);
        }
        Ok(&self.buffer[self.taken..])
    }

    fn consume(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.buffer.len());
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
