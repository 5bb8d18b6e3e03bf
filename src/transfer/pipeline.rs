//! The pipeline: one thread receives, one unpacks an archive, the transfer's own writes. Between them a few buffers.

use std::io::{BufRead, Read};
use std::os::fd::AsFd;

use rustix::fs::{SeekFrom, seek};

use super::ahead::{Arriving, look_ahead, read_ahead};
use super::error::{Error, Remote};
use super::job::Job;
use super::landing::{PlainSink, Sink};
use super::meter::Meter;
use super::space::Space;
use super::workers::unpack_ahead;
use super::{Origin, Place, Target, convert};
use crate::codec::{MAGIC_LEN, declared_size, decoder, pieces, sniff};
use crate::disk::SparseWriter;
use crate::format::qcow2::{HEADER_BYTES, is_qcow2};
use crate::format::tar;
use crate::store::Staged;
use crate::stream::{
    CancelReader, CountingReader, Hasher, LimitExceeded, LimitReader, PeekReader, PolledReader,
};
use crate::terms::{Compression, ImageForm};
use crate::tree::{self, Working};

/// No image is larger than this, packed or unpacked: beyond it lie only mistakes and attacks.
const IMAGE_LIMIT_BYTES: u64 = 1 << 40;

/// How much is written at most between two looks at the wish to stop.
const WRITTEN_BYTES: usize = 1 << 20;

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
/// What passes by, still packed, is hashed if somebody wants to know, to its last byte.
pub(super) fn receive<R: Read + Send>(
    job: &Job,
    meter: &mut Meter,
    (incoming, hasher): (Incoming<R>, Option<&mut Hasher>),
    (sink, unpacking): (Sink<'_>, &Unpacking),
) -> Result<(), Error> {
    meter.begin(incoming.length_bytes);
    let Incoming {
        body,
        origin,
        length_bytes,
    } = incoming;
    // What counts is the bytes as they come; a wish to stop is noticed at each of them.
    let source = CancelReader::new(body, job.cancel.clone());
    let source = CountingReader::new(source, meter.received.clone());
    let source = LimitReader::new(source, IMAGE_LIMIT_BYTES);
    let packed = Packed {
        origin,
        length_bytes,
        unpacking: *unpacking,
    };
    read_ahead(job, "read", source, |arriving| match hasher {
        None => unpack(job, meter, arriving, (&packed, sink)),
        // Plain bytes take longer to be hashed than to come.
        Some(hasher) => look_ahead(
            job,
            "hash",
            arriving,
            |bytes| hasher.update(bytes),
            |arriving| unpack(job, meter, arriving, (&packed, sink)),
        ),
    })
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
    if let (Sink::Staged(staged), true) = (&sink, compression != Compression::Uncompressed) {
        Space::before(staged, known).check_packed(packed.length_bytes)?;
    }
    let size = unpacked(job, compression, arriving, |image| {
        let image = LimitReader::new(image, limit_bytes);
        match sink {
            Sink::Plain(plain) => write_plain(job, meter, image, (plain, origin)),
            Sink::Staged(staged) => {
                let to = (staged, packed, known);
                match staged.form() {
                    ImageForm::Raw => write_raw(job, meter, image, to),
                    ImageForm::Tree => write_tree(job, meter, image, to),
                }
            }
        }
    })?;
    job.reporter.debug(format_args!(
        "{origin} is {compression}, unpacked {size} bytes"
    ));
    Ok(())
}

/// Has what arrives unpacked on other threads, as many as there is use for, and `take` what comes of it.
fn unpacked<T>(
    job: &Job,
    compression: Compression,
    mut arriving: Arriving,
    take: impl FnOnce(&mut dyn BufRead) -> Result<T, Error>,
) -> Result<T, Error> {
    if compression == Compression::Uncompressed {
        return take(&mut arriving);
    }
    if let Some(share) = job.settings.memory.to_unpack(job.settings.threads) {
        let ended = arriving.ended();
        match pieces(compression, arriving, share.piece_bytes()) {
            Ok(pieces) => {
                let pieces = (pieces, &ended);
                return unpack_ahead(job, pieces, &share, |mut image| take(&mut image));
            }
            Err(source) => arriving = source,
        }
    }
    let decoder = decoder(compression, arriving);
    read_ahead(job, "unpack", decoder, |mut image| take(&mut image))
}

/// Writes bytes as they are. Returns how many.
fn write_plain(
    job: &Job,
    meter: &mut Meter,
    mut image: impl BufRead,
    (plain, origin): (PlainSink<'_>, &str),
) -> Result<u64, Error> {
    let mut size = 0;
    while let Some(bytes) = next(job, meter, &mut image, origin)? {
        let written = plain.writer.write_all(bytes);
        written.map_err(|cause| Error::write(plain.path, cause))?;
        let count = bytes.len();
        size += count as u64;
        image.consume(count);
    }
    Ok(size)
}

/// The next bytes to write, of which there are not too many for a bar that moves; none at the end.
fn next<'a>(
    job: &Job,
    meter: &mut Meter,
    image: &'a mut impl BufRead,
    origin: &str,
) -> Result<Option<&'a [u8]>, Error> {
    job.cancel.check()?;
    meter.tick();
    let bytes = image
        .fill_buf()
        .map_err(|error| Error::read(origin, error))?;
    let bytes = &bytes[..bytes.len().min(WRITTEN_BYTES)];
    Ok((!bytes.is_empty()).then_some(bytes))
}

/// Writes a disk image with holes. `known` is its size, if that is told beforehand. Returns its size in bytes.
fn write_raw(
    job: &Job,
    meter: &mut Meter,
    mut image: impl BufRead,
    (staged, packed, known): (&Staged, &Packed, Option<u64>),
) -> Result<u64, Error> {
    let Packed {
        origin, unpacking, ..
    } = packed;
    let read = |error| Error::read(origin, error);
    let head = image.fill_buf().map_err(read)?;
    if unpacking.convert_qcow2 && is_qcow2(head) {
        let image = PeekReader::<_, HEADER_BYTES>::new(image).map_err(read)?;
        let head = image.head().to_owned();
        let how = (staged, origin.as_str(), unpacking.limit_bytes);
        return convert::from_stream(job, meter, (&head, image), how);
    }
    let space = Space::before(staged, known);
    space.check(job)?;
    let mut buffer = SparseWriter::buffer();
    let mut writer = SparseWriter::new(staged.file(), job.settings.sync, &mut buffer);
    let path = staged.path();
    let write = |cause| space.explain(Error::write(&path, cause));
    while let Some(bytes) = next(job, meter, &mut image, origin)? {
        writer.write(bytes).map_err(write)?;
        let count = bytes.len();
        image.consume(count);
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
    let filler = job.filler();
    let mut how = Working {
        cancel: &job.cancel,
        selinux: job.settings.selinux,
        to_disk: job.settings.sync,
        filler: filler.as_deref(),
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
