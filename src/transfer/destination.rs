//! Where a transfer puts its image: the way there is cleared first, and the image made visible last.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::FileType;

use super::manager::Job;
use super::{Error, Target};
use crate::disk::clone_or_copy;
use crate::store::{self, ImageRoot, Placing, Staged, Verified};
use crate::terms::{ImageForm, LocalName};
use crate::tree::{self, Copying};

/// The directory a transfer's image goes to.
pub(super) struct Destination<'a> {
    job: &'a Job,
    target: &'a Target,
    pub(super) root: ImageRoot,
}

impl<'a> Destination<'a> {
    /// Opens the directory, which is created where it is missing.
    pub(super) fn open(job: &'a Job, target: &'a Target) -> Result<Self, Error> {
        Ok(Self {
            job,
            target,
            root: job.settings.roots.target(target.class)?,
        })
    }

    /// The same, made ready for what is imported from `shown`.
    pub(super) fn of_import(
        job: &'a Job,
        target: &'a Target,
        shown: &str,
        local: &LocalName,
    ) -> Result<Self, Error> {
        let destination = Self::open(job, target)?;
        let place = destination.root.path().display();
        job.reporter.info(format_args!(
            "Importing `{shown}`, saving as `{local}` in `{place}`"
        ));
        destination.prepare(Some(local))?;
        Ok(destination)
    }

    /// Clears away what a crash left, and refuses a name that is taken before anything is asked of the network.
    pub(super) fn prepare(&self, local: Option<&LocalName>) -> Result<(), Error> {
        let Self { job, target, root } = self;
        let swept = root.sweep()?;
        if swept > 0 {
            job.reporter.notice(format_args!(
                "Unfinished images of earlier runs, removed: {swept}"
            ));
        }
        let Some(name) = local else { return Ok(()) };
        let file_name = target.form.file_name(name);
        let path = root.path_of(&file_name);
        // What is found later than the new image would be does not hide it.
        let last = target.force.then_some(root);
        let found = job
            .settings
            .roots
            .find(target.class, name.as_image_name(), last)?;
        let found = found.map(|image| image.path);
        // No image, but in the way of one: a link that leads nowhere, a directory.
        let in_the_way = root.entry_type(&file_name);
        let replaceable = match target.form {
            ImageForm::Raw => in_the_way != Some(FileType::Directory),
            ImageForm::Tree => matches!(in_the_way, None | Some(FileType::Directory)),
        };
        match found.or_else(|| in_the_way.map(|_| path.clone())) {
            Some(path) if !target.force => Err(store::Error::Exists {
                name: name.to_string(),
                path,
            }),
            Some(other) if other != path || !replaceable => {
                Err(store::Error::Hides { path: other })
            }
            _ => Ok(()),
        }
        .map_err(Error::from)
    }

    /// A new, empty image of the target's form.
    pub(super) fn stage(&self, stem: &str) -> Result<Staged, Error> {
        Ok(match self.target.form {
            ImageForm::Raw => self.root.stage(stem)?,
            ImageForm::Tree => self.root.stage_tree(stem, self.job.settings.subvolumes)?,
        })
    }

    /// A staged copy of a file, sharing it where the file system can.
    pub(super) fn copy_file(
        &self,
        stem: &str,
        original: &File,
        path: &Path,
    ) -> Result<Staged, Error> {
        let Self { job, .. } = self;
        let copy = self.root.stage(stem)?;
        let copied = clone_or_copy(original, copy.file(), &job.cancel, job.settings.sync);
        let origin = path.display().to_string();
        copied.map_err(|error| Error::copy(&origin, &copy.path(), error))?;
        Ok(copy)
    }

    /// A staged copy of a tree, as a snapshot where it is a subvolume.
    pub(super) fn copy_tree(
        &self,
        stem: &str,
        original: &File,
        path: &Path,
    ) -> Result<Staged, Error> {
        let Self { job, .. } = self;
        if job.settings.subvolumes
            && let Some(snapshot) = self.root.stage_snapshot(stem, original.as_fd())?
        {
            return Ok(snapshot);
        }
        let copy = self.root.stage_tree(stem, job.settings.subvolumes)?;
        let mut how = Copying {
            cancel: &job.cancel,
            selinux: job.settings.selinux,
            to_disk: job.settings.sync,
            tick: &mut || {},
        };
        let copied = tree::copy(original.as_fd(), copy.file().as_fd(), &mut how);
        let copied = copied.map_err(|error| Error::tree(path, error))?;
        job.warn_of(&copied.refused);
        job.tell_of_mounts(path, copied.mounts);
        Ok(copy)
    }

    /// Makes a staged image visible under its local name.
    pub(super) fn place(
        &self,
        staged: Staged,
        name: &LocalName,
        proof: &Verified,
    ) -> Result<(), Error> {
        let Self { job, target, root } = self;
        job.cancel.check()?;
        let file_name = target.form.file_name(name);
        let placing = Placing {
            file_name: &file_name,
            replace: target.force,
            read_only: target.read_only,
            sync: job.settings.sync,
            cancel: &job.cancel,
        };
        let path = root.path_of(&file_name);
        if !staged.place(proof, &placing)? {
            job.reporter.warning(format_args!(
                "The file system cannot make `{}` read-only, ignoring",
                path.display()
            ));
        }
        job.reporter
            .info(format_args!("Created image `{}`", path.display()));
        Ok(())
    }
}
