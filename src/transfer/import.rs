//! Importing: from a file or a pipe to a placed image. Nothing is verified, and no record of trust is taken over.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{SeekFrom, seek};

use super::destination::Destination;
use super::job::Job;
use super::landing::Sink;
use super::meter::{Meter, Phase};
use super::pipeline::{Incoming, Unpacking, receive};
use super::space::Space;
use super::{Error, Import, Origin, Remote, convert, straight};
use crate::codec::{MAGIC_LEN, sniff};
use crate::disk::clone_or_copy;
use crate::format::qcow2::is_qcow2;
use crate::store::{Staged, Unverified};
use crate::terms::{Compression, ImageForm};

/// Imports an image: file → unpack → place.
pub(super) fn run(job: &Job, request: &Import) -> Result<(), Error> {
    let Import { origin, target } = request;
    if straight::is_straight(job, target)? {
        return straight::import(job, request);
    }
    let destination = Destination::open(job, target)?;
    job.tell_of_import(origin, &destination.path());
    let incoming = Incoming::from_origin(job, origin)?;
    let staged = destination.stage()?;
    let mut meter = Meter::new(job.reporter.clone());
    let raw_file = target.form == ImageForm::Raw && is_file(&origin.file);
    let how = Unpacking::of(target);
    // Whole plain files are copied as files: extents shared, holes kept. A size of none may be a lie, as in /proc.
    let sized = raw_file
        && incoming
            .length_bytes
            .is_some_and(|length| (1..=how.limit_bytes).contains(&length));
    if !(sized && copy_plain(job, &mut meter, origin, (&staged, &how))?) {
        receive(
            job,
            &mut meter,
            (incoming, None),
            (Sink::Staged(&staged), &how),
        )?;
    }
    meter.enter(Phase::Finalizing);
    if raw_file {
        staged.take_after(&origin.file)?;
    }
    destination.place(staged, &Unverified::brought())
}

fn is_file(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// Copies the file as it is, or converts it, if it is read from its beginning and holds an image that is not packed. Says
/// whether it did.
fn copy_plain(
    job: &Job,
    meter: &mut Meter,
    origin: &Origin,
    (staged, how): (&Staged, &Unpacking),
) -> Result<bool, Error> {
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
    if sniff(&head) != Compression::Uncompressed {
        return Ok(false);
    }
    // Most of it takes no time that could be foretold: it is shared, or holes.
    meter.begin(None);
    if how.convert_qcow2 && is_qcow2(&head) {
        let shown = origin.shown.as_str();
        convert::from_file(job, &origin.file, (staged, shown, how.limit_bytes))?;
        return Ok(true);
    }
    // What it holds beside holes, if it cannot be shared.
    let held = origin.file.metadata().map_err(read)?;
    let space = Space::before(staged, Some(held.len().min(held.blocks() * 512)));
    space.check_memory()?;
    let copied = clone_or_copy(&origin.file, staged.file(), &job.cancel, job.settings.sync);
    copied.map_err(|error| space.explain(Error::copy(&origin.shown, &staged.path(), error)))?;
    Ok(true)
}
