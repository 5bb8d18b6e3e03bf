//! Staged images: written under a temporary name and a lock, then placed by one rename, or gone.

use std::ffi::{CStr, CString};
use std::fs::{File, FileTimes};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, fchmod, flock, mkdirat, openat, unlinkat};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::attributes::{created, remove_records, write_created, write_trust};
use super::{Error, ImageRoot, Source, Verified, copy_user_attributes};
use crate::disk::write_in_place;
use crate::sys::{Release, btrfs};
use crate::terms::ImageForm;
use crate::tree;

/// The beginning of every temporary name. Others begin theirs with `.#` alone, and lock them in other ways or not at all:
/// those are not ours to sweep.
pub(super) const TEMPORARY: &str = ".#importd.";
pub(super) const RANDOM_DIGITS: usize = 16;

/// From this size on a file system may need more than a moment to free a file, the more pieces it is in.
const LARGE_BYTES: u64 = 32 << 20;
/// For so long that is waited for: who has cancelled is back soon, and mostly finds the space freed.
const RELEASE_PATIENCE: Duration = Duration::from_millis(100);

/// What a tree is called in its shell.
pub(super) const TREE: &str = "tree";
const TREE_ENTRY: &CStr = c"tree";

/// An image that is being written. Dropped, it vanishes.
///
/// A tree is written inside of a directory of its own, the shell, which nobody else may enter: whatever an archive says of
/// the tree's top, nothing in it is reached by others before it is placed.
///
/// Invariant: the file or the shell is locked (BSD lock, exclusive) as long as this value lives, which is how a sweep tells
/// it from what a crash left behind.
pub struct Staged {
    pub(super) root: ImageRoot,
    pub(super) name: String,
    /// The image: a file, or the top of a tree.
    pub(super) file: File,
    /// What a tree stands in.
    pub(super) shell: Option<File>,
    /// It has its mode, and is on disk if it is to be.
    pub(super) ready: bool,
    /// The name is somebody else's by now.
    pub(super) placed: bool,
    /// Of a large file that has vanished. Behind the file, which is to be closed first.
    release: Option<Release>,
}

/// A file beside a staged image that never gets a name.
pub struct Aside(Staged);

impl Aside {
    pub fn file(&self) -> &File {
        self.0.file()
    }
}

impl ImageRoot {
    /// A new, empty, locked file; `stem` says in its name what it will be.
    pub fn stage(&self, stem: &str) -> Result<Staged, Error> {
        self.stage_with(stem, |name| {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
            openat(
                self,
                name,
                flags | OFlags::CLOEXEC,
                Mode::from_raw_mode(0o600),
            )
            .map(File::from)
        })
    }

    /// The same for a disk image: what is written to it stays in its place. Where it comes to share what another file
    /// holds, it becomes like that.
    pub fn stage_disk(&self, stem: &str) -> Result<Staged, Error> {
        let staged = self.stage(stem)?;
        write_in_place(&staged.file);
        Ok(staged)
    }

    /// A new, empty, locked tree; a subvolume where that is wanted and possible.
    pub fn stage_tree(&self, stem: &str, subvolume: bool) -> Result<Staged, Error> {
        let mut staged = self.stage_shell(stem)?;
        let made = subvolume && btrfs::create_subvolume(staged.file.as_fd(), TREE_ENTRY).is_ok();
        let mode = Mode::from_raw_mode(0o755);
        let entered = match made {
            true => Ok(()),
            false => mkdirat(&staged.file, TREE, mode),
        };
        let entered = entered
            .and_then(|()| staged.enter())
            .and_then(|()| fchmod(&staged.file, mode));
        entered.map_err(|cause| self.stage_failed(cause))?;
        Ok(staged)
    }

    /// A tree like that one, sharing everything with it; none where the file system cannot do that, or only in part: what
    /// is a subvolume in another one is not shared with that.
    pub fn stage_snapshot(
        &self,
        stem: &str,
        original: BorrowedFd<'_>,
    ) -> Result<Option<Staged>, Error> {
        if !btrfs::is_subvolume(original).unwrap_or(false)
            || btrfs::has_subvolumes(original).unwrap_or(true)
        {
            return Ok(None);
        }
        let mut staged = self.stage_shell(stem)?;
        if btrfs::snapshot(original, staged.file.as_fd(), TREE_ENTRY, false).is_err() {
            return Ok(None);
        }
        let entered = staged.enter().and_then(|()| remove_records(&staged.file));
        entered.map_err(|cause| self.stage_failed(cause))?;
        Ok(Some(staged))
    }

    /// The shell of a tree, for the time being as if it were the tree.
    fn stage_shell(&self, stem: &str) -> Result<Staged, Error> {
        self.stage_with(stem, |name| {
            mkdirat(self, name, Mode::from_raw_mode(0o700))?;
            match self.open_entry(name, OFlags::RDONLY | OFlags::DIRECTORY) {
                // A sweep was faster: another name.
                Err(Errno::NOENT) => Err(Errno::EXIST),
                opened => opened,
            }
        })
    }

    fn stage_with(
        &self,
        stem: &str,
        create: impl Fn(&str) -> Result<File, Errno>,
    ) -> Result<Staged, Error> {
        // A stem that leaves no room for the random part is cut: the name says something to people only.
        let room = 255 - TEMPORARY.len() - RANDOM_DIGITS;
        let stem = if stem.len() > room { "image" } else { stem };
        loop {
            let number = random_number().map_err(|cause| self.stage_failed(cause))?;
            let name = format!("{TEMPORARY}{stem}{number:0width$x}", width = RANDOM_DIGITS);
            let file = match create(&name) {
                Err(Errno::EXIST) => continue,
                created => created.map_err(|cause| self.stage_failed(cause))?,
            };
            flock(&file, FlockOperation::LockExclusive)
                .map_err(|cause| self.stage_failed(cause))?;
            // A sweep may have come between creating and locking; then the file has no name any more.
            if file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) {
                return Ok(Staged {
                    root: self.clone(),
                    name,
                    file,
                    shell: None,
                    ready: false,
                    placed: false,
                    release: None,
                });
            }
        }
    }

    fn stage_failed(&self, cause: Errno) -> Error {
        Error::Stage {
            path: self.path().to_owned(),
            cause: cause.into(),
        }
    }
}

fn random_number() -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u64::from_le_bytes(bytes))
}

impl Staged {
    /// The file, or the top of the tree.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// A new, empty file without a name on the same file system, for what a disk image is put together from, and such that
    /// it can be shared with that. It goes as a staged image does.
    pub fn aside(&self) -> Result<Aside, Error> {
        let aside = self.root.stage_disk("aside")?;
        unlinkat(&self.root, aside.name.as_str(), AtFlags::empty())
            .map_err(|cause| self.root.stage_failed(cause))?;
        Ok(Aside(aside))
    }

    pub fn form(&self) -> ImageForm {
        match self.shell {
            None => ImageForm::Raw,
            Some(_) => ImageForm::Tree,
        }
    }

    /// The path it has for the time being, for messages.
    pub fn path(&self) -> std::path::PathBuf {
        self.root.path_of(&self.name)
    }

    /// Records where a downloaded image came from and how far it was verified, and gives a file its server's time; a tree
    /// has its archive's.
    ///
    /// Returns whether the file system keeps such records.
    pub fn record(&self, source: &Source, verified: &Verified) -> Result<bool, Error> {
        let written = source
            .write(&self.file)
            .and_then(|kept| Ok(write_trust(&self.file, verified.trust())? && kept));
        let timed = match (self.form(), source.last_modified) {
            (ImageForm::Raw, Some(time)) => self.file.set_times(both(time)),
            _ => Ok(()),
        };
        timed
            .and(written)
            .map_err(|cause| self.attributes_failed(cause))
    }

    /// Gives an image imported from a file that file's times and attributes, without any record of origin or trust.
    pub fn take_after(&self, original: &File) -> Result<(), Error> {
        let take = || {
            copy_user_attributes(original, &self.file)?;
            if let Some(time) = created(original) {
                write_created(&self.file, time)?;
            }
            let metadata = original.metadata()?;
            self.file.set_times(
                FileTimes::new()
                    .set_accessed(metadata.accessed()?)
                    .set_modified(metadata.modified()?),
            )
        };
        take().map_err(|cause| self.attributes_failed(cause))
    }

    pub(super) fn attributes_failed(&self, cause: io::Error) -> Error {
        Error::Attributes {
            path: self.path(),
            cause,
        }
    }

    /// Leaves a shell that holds anything to a sweeper, if there is one.
    fn remove_shell(&self) {
        let Ok(name) = CString::new(self.name.as_str()) else {
            return;
        };
        if unlinkat(&self.root, &*name, AtFlags::REMOVEDIR).is_ok() {
            return;
        }
        let shell = self.shell.as_ref().unwrap_or(&self.file);
        let unlocked = flock(shell, FlockOperation::Unlock).is_ok();
        if !(unlocked && self.root.sweep_aside()) {
            let _ = tree::remove(self.root.as_fd(), &name);
        }
    }

    /// From the shell into the tree that stands in it.
    fn enter(&mut self) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let tree = openat(&self.file, TREE, flags, Mode::empty())?;
        self.shell = Some(std::mem::replace(&mut self.file, tree.into()));
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // The shell goes in any case, with what the tree has replaced.
        if self.shell.is_some() || self.file.metadata().is_ok_and(|it| it.is_dir()) {
            self.remove_shell();
        } else if !self.placed {
            // What cannot be removed now has no lock soon, and the next sweep takes it.
            let _ = unlinkat(&self.root, self.name.as_str(), AtFlags::empty());
            self.release = release(&self.file);
        }
    }
}

/// Who is to close a file last that has lost its name, if that may take long.
pub(super) fn release(file: &File) -> Option<Release> {
    let metadata = file.metadata().ok()?;
    let large = metadata.nlink() == 0 && metadata.blocks() * 512 >= LARGE_BYTES;
    // If there can be nobody, we wait for the file system ourselves.
    large.then(|| Release::of(file, RELEASE_PATIENCE).ok())?
}

fn both(time: std::time::SystemTime) -> FileTimes {
    FileTimes::new().set_accessed(time).set_modified(time)
}
