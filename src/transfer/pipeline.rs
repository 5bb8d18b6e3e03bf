//! The pipeline: one thread receives, one unpacks an archive, the transfer's own writes. Between them a few buffers.

use std::io::{self, BufRead, Read};
use std::os::fd::AsFd;

use rustix::fs::{SeekFrom, seek};

use super::ahead::{Arriving, read_ahead};
use super::error::{Error, Remote};
use super::job::Job;
use super::landing::{PlainSink, Sink};
use super::meter::Meter;
use super::space::Space;
use super::{Origin, Place, Target, convert};
use crate::codec::{MAGIC_LEN, declared_size, decoder, sniff};
use crate::disk::SparseWriter;
use crate::format::qcow2::{HEADER_BYTES, is_qcow2};
use crate::format::tar;
use crate::store::Staged;
use crate::stream::{
    CancelReader, CountingReader, LimitExceeded, LimitReader, PeekReader, PolledReader,
};
use crate::terms::{Compression, ImageForm};
use crate::tree::{self, Working};

/// No image is larger than this, packed or unpacked: beyond it lie only mistakes and attacks.
const IMAGE_LIMIT_BYTES: u64 = 1 << 40;

/// How much is written at once where nothing is left out.
const BUFFER_BYTES: usize = 256 << 10;

/// Something to receive.
pub(super) struct Incoming<R> {
    pub(super) body: R,
    /// What to call it in messages: its URL or path.
    pub(super) origin: String,
    pub(super) length_bytes: Option<u64>,
}

impl<'a> Incoming<Box<dyn Read + Send + 'a>> {
    /// What a file or a pipe holds, from where it stands.
    pub(super) fn from_origin(job: &Job, origin: &'a Origin) -> Result<Self, Error> {
        let shown = || origin.shown.clone();
        let read = |cause| Remote::Read {
            origin: shown(),
            cause,
        };
        let metadata = origin.file.metadata().map_err(read)?;
        if metadata.is_dir() {
            return Err(Remote::Directory { origin: shown() }.into());
        }
        let position = match metadata.is_file() {
            true => {
                Some(seek(&origin.file, SeekFrom::Current(0)).map_err(|error| read(error.into()))?)
            }
            false => None,
        };
        // A file never has anybody wait for it.
        let body: Box<dyn Read + Send> = match metadata.is_file() {
            true => Box::new(&origin.file),
            false => Box::new(PolledReader::new(&origin.file, job.cancel.clone())),
        };
        Ok(Self {
            body,
            origin: shown(),
            length_bytes: position.map(|position| metadata.len().saturating_sub(position)),
        })
    }
}

/// How an image is unpacked.
#[derive(Clone, Copy)]
pub(super) struct Unpacking {
    /// No image may be larger, unpacked.
    pub(super) limit_bytes: u64,
    /// qcow2 becomes raw.
    pub(super) convert_qcow2: bool,
}

impl Unpacking {
    pub(super) fn of(target: &Target) -> Self {
        let limit_bytes = target.limit_bytes.unwrap_or(IMAGE_LIMIT_BYTES);
        // What goes straight somewhere goes as it is.
        let stored = matches!(target.place, Place::Named(_) | Place::Kept);
        Self {
            limit_bytes: limit_bytes.min(IMAGE_LIMIT_BYTES),
            convert_qcow2: target.convert_qcow2 && stored,
        }
    }

    /// Of what is no image but lies beside one.
    pub(super) fn of_beside(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            convert_qcow2: false,
        }
    }
}

/// Receives an image into a sink: a disk image with holes, an archive as a tree, anything else byte for byte.
///
/// Gives the body back, which was read to its end: by then it knows what passed by, still packed.
pub(super) fn receive<R: Read + Send>(
    job: &Job,
    meter: &mut Meter,
    incoming: Incoming<R>,
    (sink, unpacking): (Sink<'_>, &Unpacking),
) -> Result<R, Error> {
    meter.begin(incoming.length_bytes);
    let Incoming {
        mut body,
        origin,
        length_bytes,
    } = incoming;
    // What counts is the bytes as they come; a wish to stop is noticed at each of them.
    let source = CancelReader::new(&mut body, job.cancel.clone());
    let source = CountingReader::new(source, meter.received.clone());
    let source = LimitReader::new(source, IMAGE_LIMIT_BYTES);
    let packed = Packed {
        origin,
        length_bytes,
        unpacking: *unpacking,
    };
    read_ahead(job, "read", source, |arriving| {
        unpack(job, meter, arriving, (&packed, sink))
    })?;
    Ok(body)
}

/// What is known of the packed bytes, and how to unpack them.
struct Packed {
    origin: String,
    length_bytes: Option<u64>,
    unpacking: Unpacking,
}

/// Unpacks what arrives into the sink.
fn unpack(
    job: &Job,
    meter: &mut Meter,
    mut arriving: Arriving,
    (packed, sink): (&Packed, Sink<'_>),
) -> Result<(), Error> {
    let Packed {
        origin, unpacking, ..
    } = packed;
    let head = arriving
        .fill_buf()
        .map_err(|error| Error::read(origin, error))?;
    let compression = sniff(&head[..head.len().min(MAGIC_LEN)]);
    let known = match compression {
        Compression::Uncompressed => packed.length_bytes,
        _ => declared_size(head),
    };
    let room = match &sink {
        Sink::Plain(plain) => plain.room.unwrap_or(u64::MAX),
        Sink::Staged(_) => u64::MAX,
    };
    let limit_bytes = unpacking.limit_bytes.min(room);
    if known.is_some_and(|size| size > limit_bytes) {
        let cause = LimitExceeded(limit_bytes);
        let origin = origin.clone();
        return Err(Remote::TooLarge { origin, cause }.into());
    }
    let image = LimitReader::new(decoder(compression, arriving), limit_bytes);
    let size = match sink {
        Sink::Plain(plain) => write_plain(job, meter, image, (plain, origin))?,
        Sink::Staged(staged) => {
            if compression != Compression::Uncompressed {
                Space::before(staged, known).check_packed(packed.length_bytes)?;
            }
            let to = (staged, packed, known);
            match staged.form() {
                ImageForm::Raw => write_raw(job, meter, image, to)?,
                ImageForm::Tree if compression == Compression::Uncompressed => {
                    write_tree(job, meter, image, to)?
                }
                // To take an archive apart is as much work as to unpack it.
                ImageForm::Tree => read_ahead(job, "unpack", image, |image| {
                    write_tree(job, meter, image, to)
                })?,
            }
        }
    };
    job.reporter.debug(format_args!(
        "{origin} is {compression}, unpacked {size} bytes"
    ));
    Ok(())
}

/// Writes bytes as they are. Returns how many.
fn write_plain(
    job: &Job,
    meter: &mut Meter,
    mut image: impl Read,
    (plain, origin): (PlainSink<'_>, &str),
) -> Result<u64, Error> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut size = 0;
    loop {
        job.cancel.check()?;
        meter.tick();
        match image.read(&mut buffer) {
            Ok(0) => return Ok(size),
            Ok(count) => {
                let written = plain.writer.write_all(&buffer[..count]);
                written.map_err(|cause| Error::write(plain.path, cause))?;
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::read(origin, error)),
        }
    }
}

/// Writes a disk image with holes. `known` is its size, if that is told beforehand. Returns its size in bytes.
fn write_raw(
    job: &Job,
    meter: &mut Meter,
    image: impl Read,
    (staged, packed, known): (&Staged, &Packed, Option<u64>),
) -> Result<u64, Error> {
    let read = |error| Error::read(&packed.origin, error);
    let mut image = PeekReader::<_, HEADER_BYTES>::new(image).map_err(read)?;
    if packed.unpacking.convert_qcow2 && is_qcow2(image.head()) {
        let head = image.head().to_owned();
        let how = (staged, packed.origin.as_str(), packed.unpacking.limit_bytes);
        return convert::from_stream(job, meter, (&head, image), how);
    }
    let space = Space::before(staged, known);
    space.check(job)?;
    let mut writer = SparseWriter::new(staged.file(), job.settings.sync);
    let path = staged.path();
    let write = |cause| space.explain(Error::write(&path, cause));
    loop {
        job.cancel.check()?;
        meter.tick();
        match image.read(writer.space()).map_err(read)? {
            0 => break,
            count => writer.advance(count).map_err(write)?,
        }
    }
    writer.finish().map_err(write)
}

/// Takes an archive apart, whose size is `known` if it is told beforehand. Returns how many bytes its files have.
fn write_tree(
    job: &Job,
    meter: &mut Meter,
    archive: impl Read,
    (staged, packed, known): (&Staged, &Packed, Option<u64>),
) -> Result<u64, Error> {
    let space = Space::before(staged, known);
    space.check(job)?;
    let mut archive = tar::Reader::new(archive);
    let mut how = Working {
        cancel: &job.cancel,
        selinux: job.settings.selinux,
        to_disk: job.settings.sync,
        tick: &mut || meter.tick(),
    };
    let top = staged.file().as_fd();
    let extracted = tree::extract(&mut archive, top, &mut how);
    let extracted =
        extracted.map_err(|error| space.explain(Error::extract(&packed.origin, error)))?;
    job.warn_of(&extracted.refused);
    job.raise(staged)?;
    Ok(extracted.bytes)
}
