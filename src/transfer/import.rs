//! Importing: from a file or a pipe to a placed image. Nothing is verified, and no record of trust is taken over.

use std::io::Read;

use rustix::fs::{SeekFrom, seek};

use super::destination::Destination;
use super::manager::Job;
use super::meter::{Meter, Phase};
use super::pipeline::{Incoming, receive};
use super::{Error, Import, Remote};
use crate::codec::{MAGIC_LEN, sniff};
use crate::disk::clone_or_copy;
use crate::format::is_qcow2;
use crate::store::{Staged, Unverified};
use crate::stream::PolledReader;
use crate::terms::{Compression, ImageForm};

/// Imports an image: file → unpack → place.
pub(super) fn run(job: &Job, request: &Import) -> Result<(), Error> {
    let Import {
        origin,
        local,
        target,
    } = request;
    let destination = Destination::of_import(job, target, &origin.shown, local)?;
    let read = |cause| Remote::Read {
        origin: origin.shown.clone(),
        cause,
    };
    let metadata = origin.file.metadata().map_err(read)?;
    if metadata.is_dir() {
        return Err(Remote::Directory {
            origin: origin.shown.clone(),
        }
        .into());
    }
    let staged = destination.stage(&target.form.file_name(local))?;
    let mut meter = Meter::new(job.reporter.clone());
    // Whole plain files are copied as files: extents shared, holes kept. A size of none may be a lie, as in /proc.
    let raw = target.form == ImageForm::Raw;
    let sized = raw && metadata.is_file() && metadata.len() > 0;
    if !(sized && copy_plain(job, &mut meter, request, &staged)?) {
        // A file never has anybody wait for it.
        let body: Box<dyn Read + Send> = match metadata.is_file() {
            true => Box::new(&origin.file),
            false => Box::new(PolledReader::new(&origin.file, job.cancel.clone())),
        };
        let length_bytes = metadata.is_file().then_some(metadata.len());
        receive(
            job,
            &mut meter,
            Incoming {
                body,
                origin: origin.shown.clone(),
                length_bytes,
            },
            &staged,
        )?;
    }
    meter.enter(Phase::Finalizing);
    if raw && metadata.is_file() {
        staged.take_after(&origin.file)?;
    }
    destination.place(staged, local, &Unverified::brought())
}

/// Copies the file as it is, if it is read from its beginning and holds a raw image. Says whether it did.
fn copy_plain(
    job: &Job,
    meter: &mut Meter,
    request: &Import,
    staged: &Staged,
) -> Result<bool, Error> {
    let origin = &request.origin;
    let read = |cause| Remote::Read {
        origin: origin.shown.clone(),
        cause,
    };
    if seek(&origin.file, SeekFrom::Current(0)).map_err(|error| read(error.into()))? != 0 {
        return Ok(false);
    }
    let mut head = Vec::with_capacity(MAGIC_LEN);
    (&origin.file)
        .take(MAGIC_LEN as u64)
        .read_to_end(&mut head)
        .map_err(read)?;
    seek(&origin.file, SeekFrom::Start(0)).map_err(|error| read(error.into()))?;
    if sniff(&head) != Compression::Uncompressed || is_qcow2(&head) {
        return Ok(false);
    }
    meter.enter(Phase::Copying);
    let copied = clone_or_copy(&origin.file, staged.file(), &job.cancel, job.settings.sync);
    copied.map_err(|error| Error::copy(&origin.shown, &staged.path(), error))?;
    Ok(true)
}
