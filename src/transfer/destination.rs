//! Where a transfer puts its image: the way there is cleared first, and the image made visible last.

use rustix::fs::FileType;

use super::manager::Job;
use super::{Error, Target};
use crate::store::{self, ImageRoot, Placing, Staged, Verified};
use crate::terms::LocalName;

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
        let path = root.path_of(&format!("{name}.raw"));
        // What is found later than the new image would be does not hide it.
        let last = target.force.then_some(root);
        let found = job
            .settings
            .roots
            .find(target.class, name.as_image_name(), last)?;
        let found = found.map(|image| image.path);
        // No image, but in the way of one: a link that leads nowhere, a directory.
        let in_the_way = root.entry_type(&format!("{name}.raw"));
        match found.or_else(|| in_the_way.map(|_| path.clone())) {
            Some(path) if !target.force => Err(store::Error::Exists {
                name: name.to_string(),
                path,
            }),
            Some(other) if other != path || in_the_way == Some(FileType::Directory) => {
                Err(store::Error::Hides { path: other })
            }
            _ => Ok(()),
        }
        .map_err(Error::from)
    }

    /// Makes a staged raw image visible under its local name.
    pub(super) fn place(
        &self,
        staged: Staged,
        name: &LocalName,
        proof: &Verified,
    ) -> Result<(), Error> {
        let Self { job, target, root } = self;
        job.cancel.check()?;
        let file_name = format!("{name}.raw");
        let placing = Placing {
            file_name: &file_name,
            replace: target.force,
            read_only: target.read_only,
            sync: job.settings.sync,
            cancel: &job.cancel,
        };
        staged.place(proof, &placing)?;
        job.reporter.info(format_args!(
            "Created image `{}`",
            root.path_of(&file_name).display()
        ));
        Ok(())
    }
}
