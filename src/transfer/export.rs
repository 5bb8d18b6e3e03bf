//! Exporting: from an image to a file or a pipe. What is there already stays until the export is whole.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd;

use super::job::Job;
use super::meter::Meter;
use super::outlet::Outlet;
use super::packing::Packing;
use super::{Error, Export, Local, Subject};
use crate::disk::clone_or_copy;
use crate::format::tar;
use crate::store::{Found, ImageKind, copy_user_attributes};
use crate::stream::CountingWriter;
use crate::terms::{Compression, ImageForm};
use crate::tree::{self, Working};

/// How much is read, or written, at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Exports an image: find → read or pack → compress → write.
pub(super) fn run(job: &Job, request: Export) -> Result<(), Error> {
    let Export {
        image,
        form,
        outlet,
        compression,
    } = request;
    let roots = &job.settings.roots;
    let found = match image {
        Subject::Path(path) => roots.open_path(&path)?,
        Subject::Named(class, name) => {
            let found = roots.open_image(class, &name)?;
            found.ok_or(Local::NoImage { class, name })?
        }
    };
    if found.image.kind == ImageKind::Stack {
        return Err(Local::Stack(found.image.path).into());
    }
    let is_tree = matches!(
        found.image.kind,
        ImageKind::Directory | ImageKind::Subvolume
    );
    if is_tree != (form == ImageForm::Tree) {
        return Err(Local::OtherForm {
            path: found.image.path,
            form,
        }
        .into());
    }
    let outlet = Outlet::open(outlet, job)?;
    job.reporter.info(format_args!(
        "Exporting `{}` to `{}`, {compression}",
        found.image.path.display(),
        outlet.path().display()
    ));
    let path = outlet.path().to_owned();
    let mut meter = Meter::new(job.reporter.clone());
    let outlet = match form {
        ImageForm::Raw => raw(job, &mut meter, &found, outlet, compression)?,
        ImageForm::Tree => archive(job, &mut meter, &found, outlet, compression)?,
    };
    outlet
        .commit(job.settings.sync, &job.cancel)
        .map_err(|cause| Error::write(&path, cause))
}

/// Writes a disk image as it is at this moment, if the file system can hold on to that.
fn raw<'a>(
    job: &Job,
    meter: &mut Meter,
    found: &Found,
    outlet: Outlet<'a>,
    compression: Compression,
) -> Result<Outlet<'a>, Error> {
    let snapshot = found.root.snapshot_file(&found.file);
    let source = snapshot.as_ref().unwrap_or(&found.file);
    let origin = found.image.path.display().to_string();
    let path = outlet.path().to_owned();
    let metadata = source
        .metadata()
        .map_err(|error| Error::read(&origin, error))?;
    meter.begin(metadata.is_file().then_some(metadata.len()));
    let outlet = match outlet.file() {
        Some(file) if compression == Compression::Uncompressed && metadata.is_file() => {
            let copied = clone_or_copy(source, file, &job.cancel, job.settings.sync);
            copied.map_err(|error| Error::copy(&origin, &path, error))?;
            outlet
        }
        _ => {
            let failed = |cause| Error::write(&path, cause);
            let mut packer = Packing::new(job, compression, outlet).map_err(failed)?;
            let mut buffer = vec![0; BUFFER_BYTES];
            loop {
                job.cancel.check()?;
                meter.tick();
                match (&mut &*source).read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        packer.write_all(&buffer[..count]).map_err(failed)?;
                        meter.received.add(count as u64);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Error::read(&origin, error)),
                }
            }
            packer.finish().map_err(failed)?
        }
    };
    if let Some(file) = outlet.file() {
        take_after(file, &found.file).map_err(|cause| Error::write(&path, cause))?;
    }
    Ok(outlet)
}

/// Gives an exported file the image's times and attributes, but no record of where that came from.
fn take_after(file: &File, image: &File) -> io::Result<()> {
    copy_user_attributes(image, file)?;
    let metadata = image.metadata()?;
    file.set_modified(metadata.modified()?)
}

/// Writes a tree as an archive; a subvolume as it is at this moment.
fn archive<'a>(
    job: &Job,
    meter: &mut Meter,
    found: &Found,
    outlet: Outlet<'a>,
    compression: Compression,
) -> Result<Outlet<'a>, Error> {
    let path = outlet.path().to_owned();
    let failed = |cause| Error::write(&path, cause);
    let snapshot = found
        .root
        .stage_snapshot("tar", found.file.as_fd())
        .ok()
        .flatten();
    if snapshot.is_some() {
        // Where we leave one for the time being, another may have left one for good.
        job.tell_of_swept(found.root.sweep().unwrap_or(0));
    }
    let top = snapshot
        .as_ref()
        .map_or(&found.file, |staged| staged.file());
    meter.begin(None);
    let own_file = outlet.file().map(File::try_clone).transpose();
    let own_file = own_file.map_err(failed)?;
    // Headers and small files are written by the hundred.
    let outlet = BufWriter::with_capacity(BUFFER_BYTES, outlet);
    let packer = Packing::new(job, compression, outlet).map_err(failed)?;
    let packer = CountingWriter::new(packer, meter.received.clone());
    let mut archive = tar::Writer::new(packer);
    let mut how = Working {
        cancel: &job.cancel,
        selinux: job.settings.selinux,
        to_disk: false,
        filler: None,
        tick: &mut || meter.tick(),
    };
    let packed = tree::pack(
        top.as_fd(),
        &mut archive,
        own_file.as_ref().map(File::as_fd),
        &mut how,
    );
    let packed = packed.map_err(|error| Error::tree(&found.image.path, error))?;
    if packed.sockets > 0 {
        job.reporter.info(format_args!(
            "Sockets, which no archive holds, left out: {}",
            packed.sockets
        ));
    }
    job.tell_of_mounts(&found.image.path, packed.mounts);
    archive
        .finish()
        .and_then(|packer| packer.into_inner().finish())
        .and_then(|outlet| Ok(outlet.into_inner()?))
        .map_err(failed)
}
