//! The pipeline: one thread receives, one unpacks an archive, the transfer's own writes. Between them a few buffers.

use std::io::{BufRead, Read};
use std::os::fd::AsFd;

use rustix::fs::fstatvfs;

use super::ahead::{Arriving, read_ahead};
use super::error::{Error, Local, Remote};
use super::manager::Job;
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
    // What counts is the bytes as they come; a wish to stop is noticed at each of them.
    let source = CancelReader::new(&mut body, job.cancel.clone());
    let source = CountingReader::new(source, meter.received.clone());
    let source = LimitReader::new(source, IMAGE_LIMIT_BYTES);
    let packed = Packed {
        origin,
        length_bytes,
    };
    read_ahead(job, "read", source, |arriving| {
        unpack(job, meter, arriving, &packed, staged)
    })?;
    Ok(body)
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
        ImageForm::Tree if compression == Compression::Uncompressed => {
            write_tree(job, meter, image, (staged, &packed.origin))?
        }
        // To take an archive apart is as much work as to unpack it.
        ImageForm::Tree => read_ahead(job, "unpack", image, |image| {
            write_tree(job, meter, image, (staged, &packed.origin))
        })?,
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
