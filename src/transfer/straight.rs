//! Straight into a part of a file or device, or into a pipe: nothing is staged, and what was written stays written, but
//! for a file that was not there before.
//!
//! So what came is worth something only once the transfer has succeeded, which whoever asks for this has to wait for.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::destination::absolute;
use super::download::Download;
use super::job::Job;
use super::landing::{Landing, Plain, To};
use super::meter::Meter;
use super::outlet::Stream;
use super::pipeline::{Incoming, Unpacking, receive};
use super::{Error, Import, Local, Place, Pull, Target};
use crate::disk::PartWriter;
use crate::terms::ImageForm;

/// Whether the target's place is one that is written straight to. So is a device: nothing can be put in its place.
pub(super) fn is_straight(job: &Job, target: &Target) -> Result<bool, Error> {
    Ok(match &target.place {
        Place::Part(_) | Place::Stream(_) => true,
        Place::Path(path) => {
            let found = fs::metadata(absolute(job, target, path)?);
            found.is_ok_and(|it| it.file_type().is_block_device())
        }
        Place::Named(_) | Place::Kept => false,
    })
}

/// Pulls an image: remote → fetch → write, and verify in the end.
pub(super) fn pull(job: &Job, request: &Pull) -> Result<(), Error> {
    let Pull { url, target, .. } = request;
    let plain = open(job, target)?;
    job.reporter.info(format_args!(
        "Pulling {url} into `{}`{}",
        plain.path().display(),
        offset(target)
    ));
    let mut download = Download::new(job, url, request.verify)?;
    let expected = download.expected()?;
    let (plain, ..) = download.image(&expected, plain, &Unpacking::of(target))?;
    finish(job, target, plain)
}

/// Imports an image: file → unpack → write.
pub(super) fn import(job: &Job, request: &Import) -> Result<(), Error> {
    let Import { origin, target } = request;
    let mut plain = open(job, target)?;
    if let To::Part(part) = &plain.to
        && part.is_in(&origin.file)
    {
        return Err(Local::Itself(plain.path().to_owned()).into());
    }
    job.reporter.info(format_args!(
        "Importing `{}` into `{}`{}",
        origin.shown,
        plain.path().display(),
        offset(target)
    ));
    let incoming = Incoming::from_origin(job, origin)?;
    let mut meter = Meter::new(job.reporter.clone());
    let how = Unpacking::of(target);
    receive(job, &mut meter, (incoming, None), (plain.sink(), &how))?;
    finish(job, target, plain)
}

/// Opens what the image is to be written to, unless that is a tree.
fn open<'j>(job: &'j Job, target: &Target) -> Result<Plain<'j>, Error> {
    if target.form == ImageForm::Tree {
        return Err(Local::NoTree.into());
    }
    let part = |path: &Path, offset| {
        let path = absolute(job, target, path)?;
        let opened = PartWriter::open(&path, offset, target.limit_bytes);
        let opened = opened.map_err(|cause| Error::write(&path, cause))?;
        Ok::<_, Error>((To::Part(opened), path))
    };
    let (to, path) = match &target.place {
        Place::Part(asked) => part(&asked.path, asked.offset)?,
        Place::Path(path) => part(path, 0)?,
        Place::Stream(stream) => {
            let path = PathBuf::from(&stream.shown);
            let file = stream.file.try_clone();
            let file = file.map_err(|cause| Error::write(&path, cause))?;
            let stream = Stream::new(file, path.clone(), &job.cancel)?;
            (To::Stream(stream), path)
        }
        Place::Named(_) | Place::Kept => return Err(Local::NoPlace.into()),
    };
    Ok(Plain::new(to, path))
}

/// What is left to do once all is written.
fn finish(job: &Job, target: &Target, plain: Plain<'_>) -> Result<(), Error> {
    let path = plain.path().to_owned();
    let To::Part(part) = plain.to else {
        return Ok(());
    };
    let failed = |cause| Error::write(&path, cause);
    if matches!(&target.place, Place::Part(part) if part.zero_fill) {
        part.zero_rest(&job.cancel).map_err(failed)?;
    }
    if job.settings.sync {
        part.sync(&job.cancel).map_err(failed)?;
    }
    if target.read_only {
        part.mark_read_only().map_err(failed)?;
    }
    part.done();
    Ok(())
}

/// From where on, for messages.
fn offset(target: &Target) -> String {
    match &target.place {
        Place::Part(part) if part.offset > 0 => format!(" from byte {} on", part.offset),
        _ => String::new(),
    }
}
