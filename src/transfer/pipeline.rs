//! The pipeline: one thread receives, the transfer's own unpacks and writes. Between them a few buffers.

use std::io::{self, BufRead, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, scope};

use rustix::fs::fstatvfs;

use super::error::{Error, Local, Remote};
use super::manager::{Job, panicked};
use super::meter::Meter;
use crate::codec::{MAGIC_LEN, decoder, sniff};
use crate::disk::SparseWriter;
use crate::format::{is_qcow2, tar};
use crate::store::Staged;
use crate::stream::{CancelReader, CountingReader, LimitReader, PeekReader};
use crate::terms::{Bytes, Compression, ImageForm};
use crate::tree::{self, Extracting};

/// No image is larger than this, packed or unpacked: beyond it lie only mistakes and attacks.
const IMAGE_LIMIT_BYTES: u64 = 1 << 40;

/// The size of a buffer, and how many there are on the way.
const BUFFER_BYTES: usize = 256 << 10;
const BUFFERS: usize = 4;

/// A buffer with bytes; one that is not full, or an error, is the last.
type Message = io::Result<Vec<u8>>;

/// Something to receive.
pub(super) struct Incoming<R> {
    pub(super) body: R,
    /// What to call it in messages: its URL or path.
    pub(super) origin: String,
    pub(super) length_bytes: Option<u64>,
}

/// Receives an image into what is staged for it: a disk image with holes, an archive as a tree.
///
/// Gives the body back, which was read to its end: by then it knows what passed by, still packed.
pub(super) fn receive<R: Read + Send>(
    job: &Job,
    meter: &mut Meter,
    incoming: Incoming<R>,
    staged: &Staged,
) -> Result<R, Error> {
    meter.begin(incoming.length_bytes);
    let Incoming {
        mut body,
        origin,
        length_bytes,
    } = incoming;
    let counter = meter.received.clone();
    let (full_tx, full) = sync_channel(BUFFERS);
    let (empty, empty_rx) = sync_channel(BUFFERS);
    let ended = AtomicBool::new(false);
    scope(|threads| {
        let ended = &ended;
        let reader = Builder::new()
            .name(format!("{}-read", job.name))
            .spawn_scoped(threads, move || {
                // What counts is the bytes as they come; a wish to stop is noticed at each of them.
                let source = CancelReader::new(&mut body, job.cancel.clone());
                let source = CountingReader::new(source, counter);
                let mut source = LimitReader::new(source, IMAGE_LIMIT_BYTES);
                read_all(&mut source, &full_tx, &empty_rx, ended);
                body
            });
        let reader = reader.map_err(Local::Thread)?;
        let written = unpack(
            job,
            meter,
            Arriving::new(full, empty),
            &Packed {
                origin,
                length_bytes,
            },
            staged,
        );
        if written.is_err() && !ended.load(Ordering::SeqCst) {
            // It failed on this side, so whoever still waits for bytes on the other may stop.
            job.cancel.cancel();
        }
        let body = reader.join().map_err(|panic| panicked(&*panic))?;
        written.map(|()| body)
    })
}

/// What is known of the packed bytes.
struct Packed {
    origin: String,
    length_bytes: Option<u64>,
}

/// Unpacks what arrives into the staged file.
fn unpack(
    job: &Job,
    meter: &mut Meter,
    mut arriving: Arriving,
    packed: &Packed,
    staged: &Staged,
) -> Result<(), Error> {
    let read = |error| Error::read(&packed.origin, error);
    let head = arriving.fill_buf().map_err(read)?;
    let compression = sniff(&head[..head.len().min(MAGIC_LEN)]);
    check_space(compression, packed.length_bytes, staged)?;
    let image = LimitReader::new(decoder(compression, arriving), IMAGE_LIMIT_BYTES);
    let size = match staged.form() {
        ImageForm::Raw => write_raw(job, meter, image, (staged, &packed.origin))?,
        ImageForm::Tree => write_tree(job, meter, image, (staged, &packed.origin))?,
    };
    job.reporter.debug(format_args!(
        "{} is {compression}, unpacked {size} bytes",
        packed.origin
    ));
    Ok(())
}

/// Writes a disk image with holes. Returns its size in bytes.
fn write_raw(
    job: &Job,
    meter: &mut Meter,
    image: impl Read,
    (staged, origin): (&Staged, &str),
) -> Result<u64, Error> {
    let read = |error| Error::read(origin, error);
    let mut image = PeekReader::<_, 4>::new(image).map_err(read)?;
    if is_qcow2(image.head()) {
        let origin = origin.to_owned();
        return Err(Remote::Qcow2 { origin }.into());
    }
    let mut writer = SparseWriter::new(staged.file(), job.settings.sync);
    let path = staged.path();
    loop {
        job.cancel.check()?;
        meter.tick();
        match image.read(writer.space()).map_err(read)? {
            0 => break,
            count => writer
                .advance(count)
                .map_err(|cause| Error::write(&path, cause))?,
        }
    }
    writer.finish().map_err(|cause| Error::write(&path, cause))
}

/// Takes an archive apart. Returns how many bytes its files have.
fn write_tree(
    job: &Job,
    meter: &mut Meter,
    archive: impl Read,
    (staged, origin): (&Staged, &str),
) -> Result<u64, Error> {
    let mut archive = tar::Reader::new(archive);
    let mut how = Extracting {
        cancel: &job.cancel,
        selinux: job.settings.selinux,
        to_disk: job.settings.sync,
        tick: &mut || meter.tick(),
    };
    let top = staged.file().as_fd();
    let extracted = tree::extract(&mut archive, top, &mut how);
    let extracted = extracted.map_err(|error| Error::extract(origin, error))?;
    job.warn_of(&extracted.refused);
    job.raise(staged)?;
    Ok(extracted.bytes)
}

/// Refuses packed bytes that would not even fit packed. Plain ones may be mostly holes, so nothing is known of them.
fn check_space(
    compression: Compression,
    length_bytes: Option<u64>,
    staged: &Staged,
) -> Result<(), Error> {
    let Some(needed) = length_bytes.filter(|_| compression != Compression::Uncompressed) else {
        return Ok(());
    };
    let Ok(status) = fstatvfs(staged.file()) else {
        return Ok(());
    };
    if status.f_blocks == 0 {
        // No size at all: ramfs, as in an initrd.
        return Ok(());
    }
    let free = status.f_bavail.saturating_mul(status.f_frsize);
    if needed > free {
        return Err(Local::NoSpace {
            path: staged.path(),
            free: Bytes(free),
            needed: Bytes(needed),
        }
        .into());
    }
    Ok(())
}

/// Sends everything there is to read, in full buffers, until the end, an error, or until nobody wants it any more.
///
/// `ended` is set before the last message, so that whoever gets it knows that nothing is waited for any more.
fn read_all(
    body: &mut impl Read,
    full: &SyncSender<Message>,
    empty: &Receiver<Vec<u8>>,
    ended: &AtomicBool,
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
        ended.store(last, Ordering::SeqCst);
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
struct Arriving {
    full: Receiver<Message>,
    empty: SyncSender<Vec<u8>>,
    buffer: Vec<u8>,
    taken: usize,
}

impl Arriving {
    fn new(full: Receiver<Message>, empty: SyncSender<Vec<u8>>) -> Self {
        Self {
            full,
            empty,
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
