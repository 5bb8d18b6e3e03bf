//! Unpacking on several threads: each takes the next piece of a file and unpacks it, and whoever reads gets all in order.
//!
//! Whoever cuts a piece off holds the lock on the file for that long, and no longer: so a file that cannot be cut is unpacked by
//! one thread at a time, and needs no other code.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, scope};

use super::ahead::Ended;
use super::job::{Job, panicked};
use super::memory::Share;
use super::{Error, Local};
use crate::codec::{self, Assembler, Piece, Pieces};
use crate::stream::Cancel;

/// What is less is read together with what follows it.
const SMALL_BYTES: usize = 64 << 10;

/// What becomes of a piece.
type Unpacked = io::Result<codec::Unpacked>;

/// A piece that somebody unpacks, and how much memory that takes.
struct Promise {
    unpacked: Receiver<Unpacked>,
    bytes: u64,
}

/// Has threads unpack the pieces, as many as have a share in the memory, while `take` reads what comes of them. All are done
/// when it returns. `ended` is whoever reads what is cut.
pub(super) fn unpack_ahead<T>(
    job: &Job,
    (pieces, ended): (Pieces<'_>, &Ended),
    share: &Share,
    take: impl FnOnce(Unpacking) -> Result<T, Error>,
) -> Result<T, Error> {
    let Pieces { cutter, assembler } = pieces;
    // Where pieces are to be put together, whoever reads has work enough for a processor.
    let workers = match assembler.works() {
        true => share.workers.saturating_sub(1).max(1),
        false => share.workers,
    };
    let (promised, promises) = sync_channel(2 * workers);
    let room = Room {
        limit_bytes: share.bytes.saturating_sub(assembler.memory_bytes()),
        piece_bytes: share.piece_bytes(),
        used: Mutex::default(),
        changed: Condvar::new(),
    };
    let source = Mutex::new(Some(Source { cutter, promised }));
    scope(|threads| {
        let work = || while work(&source, &room, &job.cancel) {};
        let spawn = |number| {
            let thread = Builder::new().name(format!("{}-unpack{number}", job.name));
            thread.spawn_scoped(threads, work)
        };
        let started: Vec<_> = (0..workers)
            .map_while(|number| spawn(number).ok())
            .collect();
        let taken = match started.is_empty() {
            true => Err(Local::Thread(io::ErrorKind::OutOfMemory.into()).into()),
            false => take(Unpacking::new(promises, &room, assembler)),
        };
        ended.settle(job, &taken);
        for thread in started {
            thread.join().map_err(|panic| panicked(&*panic))?;
        }
        taken
    })
}

struct Source<'a> {
    cutter: Box<dyn Iterator<Item = io::Result<Piece>> + Send + 'a>,
    promised: SyncSender<Promise>,
}

/// Takes the next piece and unpacks it. False at the end, and when nobody wants any more.
fn work(source: &Mutex<Option<Source>>, room: &Room, cancel: &Cancel) -> bool {
    let (result, unpacked) = sync_channel(1);
    let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(Source { cutter, promised }) = &mut *source else {
        return false;
    };
    // What is packed of a piece is in memory before anybody knows of it.
    let wanted = room.take_for_piece();
    let piece = wanted.then(|| cutter.next()).flatten();
    let bytes = match &piece {
        Some(Ok(Piece::Plain(bytes))) => bytes.len() as u64,
        Some(Ok(Piece::Packed { bytes, .. })) => *bytes,
        _ => 0,
    };
    room.settle_for(bytes);
    let wanted = piece.is_some() && promised.send(Promise { unpacked, bytes }).is_ok();
    let piece = match piece {
        Some(Ok(piece)) if wanted => piece,
        last => {
            *source = None;
            if let Some(Err(error)) = last {
                let _ = result.send(Err(error));
            }
            return false;
        }
    };
    drop(source);
    let unpacked = match piece {
        Piece::Plain(bytes) => Ok(codec::Unpacked::Bytes(bytes)),
        Piece::Packed { unpack, .. } => unpack(cancel),
    };
    result.send(unpacked).is_ok()
}

/// The memory that pieces may take, from when they are cut off until they are read.
struct Room {
    limit_bytes: u64,
    /// What the largest piece takes.
    piece_bytes: u64,
    used: Mutex<Used>,
    changed: Condvar,
}

#[derive(Default)]
struct Used {
    bytes: u64,
    /// Nobody reads any more.
    closed: bool,
}

impl Room {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for any piece, or nothing else takes any, and takes it. False if nobody wants it any more.
    fn take_for_piece(&self) -> bool {
        let bytes = self.piece_bytes;
        let full = |used: &mut Used| {
            !used.closed && used.bytes > 0 && used.bytes + bytes > self.limit_bytes
        };
        let waited = self.changed.wait_while(self.used(), full);
        let mut used = waited.unwrap_or_else(PoisonError::into_inner);
        used.bytes += bytes;
        !used.closed
    }

    /// Keeps so much of what was taken for a piece, or as much more as it needs.
    fn settle_for(&self, bytes: u64) {
        let mut used = self.used();
        used.bytes = used.bytes - self.piece_bytes + bytes;
        drop(used);
        self.changed.notify_all();
    }

    fn give(&self, bytes: u64) {
        self.used().bytes -= bytes;
        self.changed.notify_all();
    }
}

/// All pieces as one reader.
pub(super) struct Unpacking<'a> {
    promises: Receiver<Promise>,
    room: &'a Room,
    assembler: Assembler,
    /// What is being read takes so much.
    held_bytes: u64,
}

impl<'a> Unpacking<'a> {
    fn new(promises: Receiver<Promise>, room: &'a Room, assembler: Assembler) -> Self {
        Self {
            promises,
            room,
            assembler,
            held_bytes: 0,
        }
    }

    /// What the next piece was unpacked to, and what it took; none at the end.
    fn next(&mut self) -> io::Result<Option<(codec::Unpacked, u64)>> {
        let Ok(promise) = self.promises.recv() else {
            return Ok(None);
        };
        // What is not kept is of a thread that has panicked, which is told of at the end.
        let broken = |_| Err(io::Error::other("a thread has failed"));
        let unpacked = promise.unpacked.recv().unwrap_or_else(broken)?;
        Ok(Some((unpacked, promise.bytes)))
    }
}

impl BufRead for Unpacking<'_> {
    /// Never few bytes but at the end.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.assembler.bytes().is_empty() {
            self.room.give(std::mem::take(&mut self.held_bytes));
            while self.assembler.bytes().len() < SMALL_BYTES
                && let Some((unpacked, bytes)) = self.next()?
            {
                let kept = unpacked.kept_bytes().min(bytes);
                self.assembler.put(unpacked)?;
                // By now nothing is there of what was packed: so whoever reads few bytes together never waits for room of
                // its own.
                self.room.give(bytes - kept);
                self.held_bytes += kept;
            }
        }
        Ok(self.assembler.bytes())
    }

    fn consume(&mut self, count: usize) {
        self.assembler.consume(count);
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl Drop for Unpacking<'_> {
    fn drop(&mut self) {
        self.room.used().closed = true;
        self.room.changed.notify_all();
    }
}
