//! Where a transfer puts its image: the way there is cleared first, and the image made visible last.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::beside::Beside;
use super::job::Job;
use super::pipeline::Unpacking;
use super::space::Space;
use super::{Error, Local, Place, Target, convert};
use crate::disk::{Rights, clone_or_copy};
use crate::store::{self, ImageLock, ImageRoot, PlacedBeside, Placing, Staged, Verified};
use crate::sys::behind_links;
use crate::terms::{AuxiliaryKind, ImageClass, ImageForm};
use crate::tree::{self, Working};

/// A path as it was given, or beneath the directory of the class.
pub(super) fn absolute(job: &Job, target: &Target, path: &Path) -> Result<PathBuf, Error> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let root = job.settings.roots.target(target.class)?;
    Ok(root.path().join(path))
}

/// The directory a transfer's image goes to, and its name there.
pub(super) struct Destination<'a> {
    job: &'a Job,
    target: &'a Target,
    pub(super) root: ImageRoot,
    /// None where only a pristine copy is kept.
    file_name: Option<String>,
}

impl<'a> Destination<'a> {
    /// Opens the directory, which is created where it is missing, clears away what a crash left in it, and refuses a name
    /// that is taken before anything is asked of the network.
    pub(super) fn open(job: &'a Job, target: &'a Target) -> Result<Self, Error> {
        let roots = &job.settings.roots;
        let (root, file_name) = match &target.place {
            Place::Named(name) => (
                image_root(job, target.class)?,
                Some(target.form.file_name(name)),
            ),
            Place::Path(path) => {
                let path = absolute(job, target, path)?;
                let path = behind_links(&path).map_err(|cause| Error::write(&path, cause))?;
                let (root, name) = roots.place_of(&path)?;
                (root, Some(name))
            }
            Place::Kept | Place::Part(_) | Place::Stream(_) => {
                (image_root(job, target.class)?, None)
            }
        };
        let destination = Self {
            job,
            target,
            root,
            file_name,
        };
        let swept = destination.root.sweep()?;
        // Elsewhere a name that looks like an image's lock says nothing.
        if job.settings.lock_images && !matches!(target.place, Place::Path(_)) {
            destination.root.sweep_locks()?;
        }
        if swept > 0 {
            job.reporter.notice(format_args!(
                "Unfinished images of earlier runs, removed: {swept}"
            ));
        }
        destination.check_name()?;
        Ok(destination)
    }

    /// Where the image will lie; the directory where only a pristine copy is kept.
    pub(super) fn path(&self) -> PathBuf {
        match &self.file_name {
            Some(name) => self.root.path_of(name),
            None => self.root.path().to_owned(),
        }
    }

    /// Refuses a name that is taken.
    fn check_name(&self) -> Result<(), Error> {
        let Self {
            job, target, root, ..
        } = self;
        let Some(file_name) = &self.file_name else {
            return Ok(());
        };
        let path = root.path_of(file_name);
        // No image, but in the way of one: a link that leads nowhere, a directory.
        let in_the_way = root.entry_type(file_name);
        let by_path = matches!(target.place, Place::Path(_));
        let found = match &target.place {
            Place::Named(name) => {
                // What is found later than the new image would be does not hide it.
                let last = target.force.then_some(root);
                let roots = &job.settings.roots;
                let found = roots.find(target.class, name.as_image_name(), last);
                found
                    .map(|image| image.entry_path)
                    .or_else(|| in_the_way.map(|_| path.clone()))
            }
            // A file is replaced by whoever names it, an empty directory filled.
            _ => match (target.form, in_the_way) {
                (ImageForm::Raw, Some(FileType::RegularFile)) => None,
                (ImageForm::Tree, Some(FileType::Directory)) if root.is_empty(file_name) => None,
                (_, other) => other.map(|_| path.clone()),
            },
        };
        let replaceable = match target.form {
            // Whoever names a device or a pipe by its path wants it to stay.
            ImageForm::Raw if by_path => matches!(
                in_the_way,
                None | Some(FileType::RegularFile | FileType::Symlink)
            ),
            ImageForm::Raw => in_the_way != Some(FileType::Directory),
            ImageForm::Tree => matches!(in_the_way, None | Some(FileType::Directory)),
        };
        match found {
            Some(path) if !replaceable && by_path => Err(store::Error::InTheWay { path }),
            Some(path) if !target.force => Err(store::Error::Exists {
                name: self.shown(),
                path,
            }),
            Some(other) if other != path || !replaceable => {
                Err(store::Error::Hides { path: other })
            }
            _ if in_the_way.is_some() && root.is_mount_point(file_name) => {
                Err(store::Error::MountPoint { path })
            }
            // Whether it is in use is asked again once the new one is there: meanwhile it may be used.
            _ if in_the_way.is_some() => self.lock(file_name).map(drop),
            _ => Ok(()),
        }
        .map_err(Error::from)
    }

    /// Refuses a file that would have to replace what no file replaces, before it is asked for.
    pub(super) fn check_beside(&self, kind: AuxiliaryKind) -> Result<(), Error> {
        match &self.target.place {
            Place::Named(name) if self.target.force => {
                let file_name = format!("{name}{}", kind.suffix());
                Ok(self.root.check_beside(&file_name)?)
            }
            _ => Ok(()),
        }
    }

    /// Locks an image that is to be replaced, if images are locked here.
    fn lock(&self, file_name: &str) -> Result<Option<ImageLock>, store::Error> {
        let lock = self.target.force && self.job.settings.lock_images;
        lock.then(|| self.root.lock_image(file_name)).transpose()
    }

    /// The image's name as it was given.
    fn shown(&self) -> String {
        match &self.target.place {
            Place::Named(name) => name.to_string(),
            _ => self.file_name.clone().unwrap_or_default(),
        }
    }

    /// A new, empty image of the target's form.
    pub(super) fn stage(&self) -> Result<Staged, Error> {
        match self.target.form {
            ImageForm::Raw => Ok(self.root.stage_disk(ImageForm::Raw.word())?),
            ImageForm::Tree => self.stage_tree(),
        }
    }

    fn stage_tree(&self) -> Result<Staged, Error> {
        let subvolume = self.job.settings.subvolumes;
        let staged = self.root.stage_tree(ImageForm::Tree.word(), subvolume)?;
        Ok(self.counted(staged))
    }

    /// The same, counted where that is wanted and possible.
    fn counted(&self, staged: Staged) -> Staged {
        if self.job.settings.quota {
            warn_of_quota(self.job, &self.path(), staged.count());
        }
        staged
    }

    /// A staged copy of a disk image that may have been kept as it came.
    pub(super) fn copy_disk(&self, original: &File, path: &Path) -> Result<Staged, Error> {
        let how = Unpacking::of(self.target);
        if !(how.convert_qcow2 && convert::holds_qcow2(original)) {
            return self.copy_file(original, path);
        }
        let copy = self.root.stage_disk(ImageForm::Raw.word())?;
        let origin = path.display().to_string();
        convert::from_file(self.job, original, (&copy, &origin, how.limit_bytes))?;
        Ok(copy)
    }

    /// A staged copy of a file, sharing it where the file system can.
    pub(super) fn copy_file(&self, original: &File, path: &Path) -> Result<Staged, Error> {
        let Self { job, .. } = self;
        let copy = self.root.stage_disk(ImageForm::Raw.word())?;
        let origin = path.display().to_string();
        let space = Space::before(&copy, None);
        let copied = clone_or_copy(original, copy.file(), &job.cancel, job.settings.sync);
        copied.map_err(|error| space.explain(Error::copy(&origin, &copy.path(), error)))?;
        Ok(copy)
    }

    /// A staged copy of a tree, as a snapshot where it is a subvolume.
    pub(super) fn copy_tree(&self, original: &File, path: &Path) -> Result<Staged, Error> {
        let Self { job, .. } = self;
        let stem = ImageForm::Tree.word();
        if job.settings.subvolumes
            && let Some(snapshot) = self.root.stage_snapshot(stem, original.as_fd())?
        {
            return Ok(self.counted(snapshot));
        }
        let copy = self.stage_tree()?;
        let filler = job.filler();
        let mut how = Working {
            cancel: &job.cancel,
            selinux: job.settings.selinux,
            to_disk: job.settings.sync,
            filler: filler.as_deref(),
            tick: &mut || {},
        };
        let space = Space::before(&copy, None);
        let copied = tree::copy(original.as_fd(), copy.file().as_fd(), &mut how);
        let copied = copied.map_err(|error| space.explain(Error::tree(path, error)))?;
        job.warn_of(&copied.refused);
        job.tell_of_mounts(path, copied.mounts);
        Ok(copy)
    }

    /// Makes a staged image visible under its name, and nothing beside it.
    pub(super) fn place(&self, staged: Staged, proof: &Verified) -> Result<(), Error> {
        self.place_with(staged, proof, Vec::new())
    }

    /// Makes a staged image visible under its name, with what belongs beside it. That is there first, and goes again if
    /// the image does not come.
    pub(super) fn place_with(
        &self,
        mut staged: Staged,
        proof: &Verified,
        files: Vec<Beside>,
    ) -> Result<(), Error> {
        let Self { job, target, .. } = self;
        let Some(file_name) = &self.file_name else {
            return Err(Local::NoPlace.into());
        };
        job.cancel.check()?;
        let came: Vec<_> = files.iter().map(|file| file.kind).collect();
        let replaces = target.force && self.root.entry_type(file_name).is_some();
        let _lock = self.lock(file_name)?;
        let placing = match target.place {
            Place::Path(_) => Placing {
                replace: true,
                rights: self.root.rights_of(file_name),
                ..self.placing(file_name)
            },
            _ => self.placing(file_name),
        };
        let path = self.path();
        staged.make_ready(&placing)?;
        let beside = self.place_beside(files)?;
        let placed = staged.place(proof, &placing)?;
        beside.into_iter().for_each(PlacedBeside::stay);
        if !placed.marked {
            job.reporter.warning(format_args!(
                "The file system cannot make `{}` read-only, ignoring",
                path.display()
            ));
        }
        placed.on_disk()?;
        job.reporter
            .info(format_args!("Created image `{}`", path.display()));
        if let (true, Place::Named(name)) = (replaces, &target.place) {
            let stale = self.root.remove_beside(name, &came);
            for path in stale.left {
                job.reporter.warning(format_args!(
                    "`{}` stays, which no pull has brought: remove it if it is not the new image's",
                    path.display()
                ));
            }
            for path in stale.removed {
                job.reporter.info(format_args!(
                    "Removed `{}`, which belonged to the image that was replaced",
                    path.display()
                ));
            }
        }
        Ok(())
    }

    /// Puts files beside the place where the image will be.
    fn place_beside(&self, mut files: Vec<Beside>) -> Result<Vec<PlacedBeside>, Error> {
        let Place::Named(name) = &self.target.place else {
            return Ok(Vec::new());
        };
        let names: Vec<_> = files
            .iter()
            .map(|file| format!("{name}{}", file.kind.suffix()))
            .collect();
        let writable = |file_name| Placing {
            read_only: false,
            ..self.placing(file_name)
        };
        // All of them are on disk before the first is visible: from then on there are renames only.
        for (file, file_name) in files.iter_mut().zip(&names) {
            file.staged.make_ready(&writable(file_name))?;
        }
        let mut placed = Vec::new();
        for (file, file_name) in files.into_iter().zip(&names) {
            let path = self.root.path_of(file_name);
            let placing = writable(file_name);
            match file.staged.place_beside(&file.verified, &placing)? {
                Some(file) => placed.push(file),
                None => self.job.reporter.warning(format_args!(
                    "`{}` is there already and stays as it is, ignoring the one from the server",
                    path.display()
                )),
            }
        }
        Ok(placed)
    }

    fn placing<'p>(&'p self, file_name: &'p str) -> Placing<'p> {
        Placing {
            file_name,
            replace: self.target.force,
            lift_marks: self.target.force,
            rights: Rights::IMAGE,
            read_only: self.target.read_only,
            sync: self.job.settings.sync,
            cancel: &self.job.cancel,
        }
    }
}

/// The directory of a class, counted if it is to be.
fn image_root(job: &Job, class: ImageClass) -> Result<ImageRoot, Error> {
    let roots = &job.settings.roots;
    if !job.settings.quota {
        return Ok(roots.target(class)?);
    }
    let root = roots.target_counted(class)?;
    if roots.has_pool(class) {
        warn_of_quota(job, root.path(), root.count());
    }
    Ok(root)
}

/// Tells that what lies there is not counted.
fn warn_of_quota(job: &Job, path: &Path, counted: io::Result<()>) {
    if let Err(error) = counted {
        job.reporter.warning(format_args!(
            "Quota of `{}` cannot be set up, ignoring: {error}",
            path.display()
        ));
    }
}
