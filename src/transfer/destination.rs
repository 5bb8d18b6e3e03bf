//! Where a transfer puts its image: the way there is cleared first, and the image made visible last.

use rustix::fs::FileType;

use super::manager::Job;
use super::{Error, Target};
use crate::store::{self, ImageKind, ImageRoot, Placing, Staged, Verified};
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
        let file_name = format!("{name}.raw");
        let exists = |path| store::Error::Exists {
            name: name.to_string(),
            path,
        };
        match (
            job.settings.roots.find(target.class, root, name)?,
            root.entry_type(&file_name),
        ) {
            (Some(image), _) if !target.force => Err(exists(image.path).into()),
            // No image, but in the way of one: a link that leads nowhere, say.
            (None, Some(_)) if !target.force => Err(exists(root.path_of(&file_name)).into()),
            (_, Some(FileType::Directory)) => Err(store::Error::OtherType {
                path: root.path_of(&file_name),
            }
            .into()),
            // A directory is found before a file of the same name, so a file could not replace it.
            (Some(image), _)
                if image.kind != ImageKind::Raw && image.path.parent() == Some(root.path()) =>
            {
                Err(store::Error::OtherType { path: image.path }.into())
            }
            _ => Ok(()),
        }
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
