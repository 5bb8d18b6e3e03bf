//! Packing on several threads: each packs a block, and whoever writes joins them in their order. What comes of it is the same on
//! one thread.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::Settings;
use super::job::Job;
use super::memory::Share;
use crate::codec::{BlockFormat, BlockPacker, Encoder, Joiner, Packed, encoder};
use crate::stream::{Cancel, Spare};
use crate::terms::Compression;

/// A writer that packs, on as many threads as there is use for. Only once it is [finished](Self::finish) its target holds
/// something whole.
pub(super) enum Packing<W> {
    One(Encoder<W>),
    Several(Several<W>),
}

impl<W: Write> Packing<W> {
    pub(super) fn new(job: &Job, compression: Compression, target: W) -> io::Result<Self> {
        let Settings {
            memory, threads, ..
        } = &*job.settings;
        let several = BlockFormat::of(compression).and_then(|format| {
            let share = memory.to_pack(*threads, format.worker_bytes())?;
            Some((format, share))
        });
        Ok(match several {
            Some((format, share)) => Self::Several(Several::new(job, format, share, target)?),
            None => Self::One(encoder(compression, target, &job.cancel)),
        })
    }

    /// Writes what was held back and the end.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::One(encoder) => encoder.finish(),
            Self::Several(several) => several.finish(),
        }
    }
}

impl<W: Write> Write for Packing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::One(encoder) => encoder.write(bytes),
            Self::Several(several) => several.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::One(encoder) => encoder.flush(),
            Self::Several(several) => several.target.flush(),
        }
    }
}

/// A block that somebody is to pack.
struct Block {
    known: Vec<u8>,
    plain: Vec<u8>,
    packed: SyncSender<io::Result<Packed>>,
}

/// Blocks, and who packs them.
pub(super) struct Several<W> {
    target: W,
    format: BlockFormat,
    joiner: Option<Joiner>,
    /// What will be a block.
    plain: Vec<u8>,
    /// What was one.
    spare: Spare<Vec<u8>>,
    /// The end of the block before.
    known: Vec<u8>,
    promised: VecDeque<Receiver<io::Result<Packed>>>,
    workers: Workers,
}

/// The threads, which end once nobody has blocks for them any more.
struct Workers {
    blocks: Option<SyncSender<Block>>,
    /// Said where what they pack is not wanted any more.
    cancel: Cancel,
    finished: bool,
    threads: Vec<JoinHandle<()>>,
    /// What they take of the memory, until they have ended.
    _share: Share,
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.blocks = None;
        if !self.finished {
            self.cancel.cancel();
        }
        for thread in self.threads.drain(..) {
            // One that has panicked has packed nothing, which is told of by then.
            let _ = thread.join();
        }
    }
}

impl<W: Write> Several<W> {
    fn new(job: &Job, format: BlockFormat, share: Share, target: W) -> io::Result<Self> {
        let count = share.workers;
        // A block may be large, and none waits for a thread but the one that is being filled.
        let (to, blocks) = sync_channel(0);
        let blocks = Arc::new(Mutex::new(blocks));
        let mut workers = Workers {
            blocks: Some(to),
            cancel: job.cancel.clone(),
            finished: false,
            threads: Vec::with_capacity(count),
            _share: share,
        };
        let spare = Spare::default();
        for number in 0..count {
            let spare = spare.clone();
            let blocks = Arc::clone(&blocks);
            let cancel = job.cancel.clone();
            let thread = Builder::new().name(format!("{}-pack{number}", job.name));
            let mut packer = format.packer()?;
            let thread =
                thread.spawn(move || while pack_next(&blocks, &mut packer, &spare, &cancel) {})?;
            workers.threads.push(thread);
        }
        Ok(Self {
            target,
            format,
            joiner: Some(format.joiner()),
            plain: Vec::new(),
            spare,
            known: Vec::new(),
            promised: VecDeque::new(),
            workers,
        })
    }

    /// Has the block packed, and writes what is ready if there is enough under way.
    fn dispatch(&mut self) -> io::Result<()> {
        let plain = std::mem::take(&mut self.plain);
        let end = plain.len().saturating_sub(self.format.known_bytes());
        let known = std::mem::replace(&mut self.known, plain[end..].to_vec());
        let (packed, promise) = sync_channel(1);
        let block = Block {
            known,
            plain,
            packed,
        };
        let sent = self
            .workers
            .blocks
            .as_ref()
            .map(|blocks| blocks.send(block));
        if !matches!(sent, Some(Ok(()))) {
            return Err(broken());
        }
        // Whoever has taken this one has given its last one back.
        self.plain = self.spare.take();
        self.promised.push_back(promise);
        while self.promised.len() > self.workers.threads.len() + 1 {
            self.write_next()?;
        }
        Ok(())
    }

    fn write_next(&mut self) -> io::Result<()> {
        let Some(promise) = self.promised.pop_front() else {
            return Ok(());
        };
        let packed = promise.recv().map_err(|_| broken())??;
        match &mut self.joiner {
            Some(joiner) => self.target.write_all(&joiner.join(packed)?),
            None => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.format.block_bytes() - self.plain.len();
        let count = bytes.len().min(room);
        self.plain.reserve_exact(room);
        self.plain.extend_from_slice(&bytes[..count]);
        if count == room {
            self.dispatch()?;
        }
        Ok(count)
    }

    fn finish(mut self) -> io::Result<W> {
        if !self.plain.is_empty() {
            self.dispatch()?;
        }
        while !self.promised.is_empty() {
            self.write_next()?;
        }
        self.workers.finished = true;
        let end = self.joiner.take().map(Joiner::finish).transpose()?;
        self.target.write_all(&end.unwrap_or_default())?;
        Ok(self.target)
    }
}

fn broken() -> io::Error {
    io::Error::other("a thread that packs has failed")
}

/// Packs the next block, whose memory is spare then. False once there is none.
fn pack_next(
    blocks: &Mutex<Receiver<Block>>,
    packer: &mut BlockPacker,
    spare: &Spare<Vec<u8>>,
    cancel: &Cancel,
) -> bool {
    let block = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let Ok(Block {
        known,
        mut plain,
        packed,
    }) = block
    else {
        return false;
    };
    let done = packer.pack(&known, &plain, cancel);
    plain.clear();
    spare.give(plain);
    // Nobody may want it any more.
    let _ = packed.send(done);
    true
}
