//! From qcow2 to raw: while it arrives, or out of a file that is whole.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use super::Error;
use super::job::Job;
use super::meter::Meter;
use super::space::Space;
use crate::disk::qcow2;
use crate::format::qcow2::{HEADER_BYTES, Header, is_qcow2};
use crate::store::Staged;
use crate::terms::Bytes;

/// Whether a file holds a qcow2 image.
pub(super) fn holds_qcow2(file: &File) -> bool {
    let mut head = [0; 4];
    file.read_exact_at(&mut head, 0).is_ok() && is_qcow2(&head)
}

/// Converts an image while it arrives, of which `head` is what it begins with. Returns the raw one's size in bytes.
pub(super) fn from_stream(
    job: &Job,
    meter: &mut Meter,
    (head, image): (&[u8], impl Read),
    (staged, origin, limit_bytes): (&Staged, &str, u64),
) -> Result<u64, Error> {
    let space = room(head, (staged, limit_bytes));
    space.check(job)?;
    let aside = staged.aside()?;
    let tick = &mut || meter.tick();
    let mut how = conversion(job, staged, (limit_bytes, tick));
    let converted = qcow2::from_stream(image, aside.file(), &mut how);
    tell(job, (staged, origin), converted).map_err(|error| space.explain(error))
}

/// Converts an image that is whole. Returns the raw one's size in bytes.
pub(super) fn from_file(
    job: &Job,
    image: &File,
    (staged, origin, limit_bytes): (&Staged, &str, u64),
) -> Result<u64, Error> {
    let mut head = [0; HEADER_BYTES];
    let read = image.read_at(&mut head, 0);
    let count = read.map_err(|error| Error::read(origin, error))?;
    let space = room(&head[..count], (staged, limit_bytes));
    space.check_memory()?;
    let tick = &mut || {};
    let mut how = conversion(job, staged, (limit_bytes, tick));
    let converted = qcow2::from_file(image, &mut how);
    tell(job, (staged, origin), converted).map_err(|error| space.explain(error))
}

/// The room there is for the disk.
fn room<'a>(head: &[u8], (staged, limit_bytes): (&'a Staged, u64)) -> Space<'a> {
    // What is wrong with a header the conversion will say.
    let header = Header::parse(head, limit_bytes).ok();
    Space::before(staged, header.map(|header| header.size_bytes()))
}

fn conversion<'a>(
    job: &'a Job,
    staged: &'a Staged,
    (limit_bytes, tick): (u64, &'a mut dyn FnMut()),
) -> qcow2::Conversion<'a> {
    qcow2::Conversion {
        target: staged.file(),
        limit_bytes,
        to_disk: job.settings.sync,
        cancel: &job.cancel,
        tick,
    }
}

fn tell(
    job: &Job,
    (staged, origin): (&Staged, &str),
    converted: Result<qcow2::Converted, qcow2::Error>,
) -> Result<u64, Error> {
    let converted = converted.map_err(|error| Error::convert(origin, &staged.path(), error))?;
    job.reporter.info(format_args!(
        "Converted `{origin}` from qcow2 to a raw image of {}",
        Bytes(converted.size_bytes)
    ));
    job.reporter.debug(format_args!(
        "Bytes set aside meanwhile: {}, shared: {}",
        converted.aside_bytes, converted.shared_bytes
    ));
    Ok(converted.size_bytes)
}
