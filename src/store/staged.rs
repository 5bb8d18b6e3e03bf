//! Staged images: written under a temporary name and a lock, then placed by one rename, or gone.

use std::fs::{File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, RenameFlags, flock, linkat, openat, renameat,
    renameat_with, unlinkat,
};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::attributes::{created, write_created, write_trust};
use super::{Error, ImageRoot, Source, Verified, copy_user_attributes};
use crate::disk::sync;
use crate::stream::Cancel;
use crate::sys::Release;

/// The beginning of every temporary name. Others begin theirs with `.#` alone, and lock them in other ways or not at all:
/// those are not ours to sweep.
const TEMPORARY: &str = ".#importd.";
const RANDOM_DIGITS: usize = 16;

/// From this size on a file system may need more than a moment to free a file.
const LARGE_BYTES: u64 = 256 << 20;
/// For so long that is waited for: who has cancelled is back soon, and mostly finds the space freed.
const RELEASE_PATIENCE: Duration = Duration::from_millis(100);

/// An image that is being written. Dropped, it vanishes.
///
/// Invariant: the file is locked (BSD lock, exclusive) as long as this value lives, which is how a sweep tells it from
/// what a crash left behind.
pub struct Staged {
    root: ImageRoot,
    name: String,
    file: File,
    /// The name is somebody else's by now.
    placed: bool,
    /// Of a large file that has vanished. Behind the file, which is to be closed first.
    release: Option<Release>,
}

/// Under which name and how a staged image becomes visible.
pub struct Placing<'a> {
    pub file_name: &'a str,
    /// Replaces what has that name, atomically; otherwise that is an error.
    pub replace: bool,
    pub read_only: bool,
    /// Waits until everything is on disk.
    pub sync: bool,
    /// Looked at a last time before it becomes visible.
    pub cancel: &'a Cancel,
}

impl ImageRoot {
    /// A new, empty, locked file; `stem` says in its name what it will be.
    pub fn stage(&self, stem: &str) -> Result<Staged, Error> {
        // A stem that leaves no room for the random part is cut: the name says something to people only.
        let room = 255 - TEMPORARY.len() - RANDOM_DIGITS;
        let stem = if stem.len() > room { "raw" } else { stem };
        let failed = |cause: Errno| Error::Stage {
            path: self.path().to_owned(),
            cause: cause.into(),
        };
        loop {
            let name = format!(
                "{TEMPORARY}{stem}{:0width$x}",
                random_number().map_err(failed)?,
                width = RANDOM_DIGITS
            );
            let flags =
                OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = match openat(self, name.as_str(), flags, Mode::from_raw_mode(0o600)) {
                Ok(fd) => File::from(fd),
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(failed(error)),
            };
            flock(&file, FlockOperation::LockExclusive).map_err(failed)?;
            let staged = Staged {
                root: self.clone(),
                name,
                file,
                placed: false,
                release: None,
            };
            // A sweep may have come between creating and locking; then the file has no name any more.
            if staged
                .file
                .metadata()
                .is_ok_and(|metadata| metadata.nlink() > 0)
            {
                return Ok(staged);
            }
        }
    }

    /// Removes what crashed transfers left: temporary files that nobody holds a lock on. Returns how many.
    pub fn sweep(&self) -> Result<usize, Error> {
        let failed = |cause: Errno| Error::List {
            path: self.path().to_owned(),
            cause: cause.into(),
        };
        let mut swept = 0;
        for entry in Dir::read_from(self).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if !is_temporary(name) {
                continue;
            }
            let Ok(file) = self.open_entry(name, OFlags::RDWR | OFlags::NONBLOCK) else {
                continue;
            };
            let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
            let unlocked = || flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
            if regular && unlocked() && unlinkat(self, name, AtFlags::empty()).is_ok() {
                swept += 1;
            }
        }
        Ok(swept)
    }
}

/// Whether the name is one that [`ImageRoot::stage`] makes.
fn is_temporary(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(TEMPORARY).map(str::as_bytes) else {
        return false;
    };
    let Some((stem, digits)) = rest
        .len()
        .checked_sub(RANDOM_DIGITS)
        .and_then(|at| rest.split_at_checked(at))
    else {
        return false;
    };
    let raw = stem == b"raw" || stem.ends_with(b".raw");
    raw && digits
        .iter()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn random_number() -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u64::from_le_bytes(bytes))
}

impl Staged {
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The path it has for the time being, for messages.
    pub fn path(&self) -> std::path::PathBuf {
        self.root.path_of(&self.name)
    }

    /// Records where a downloaded image came from and how far it was verified, and gives it its server's time.
    ///
    /// Returns whether the file system keeps such records.
    pub fn record(&self, source: &Source, verified: &Verified) -> Result<bool, Error> {
        let written = source
            .write(&self.file)
            .and_then(|kept| Ok(write_trust(&self.file, verified.trust())? && kept));
        let timed = source
            .last_modified
            .map_or(Ok(()), |time| self.file.set_times(both(time)));
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

    fn attributes_failed(&self, cause: io::Error) -> Error {
        Error::Attributes {
            path: self.path(),
            cause,
        }
    }

    /// Makes the image visible. The proof is not looked at: that it exists is the point.
    pub fn place(mut self, _proof: &Verified, placing: &Placing<'_>) -> Result<(), Error> {
        let path = self.root.path_of(placing.file_name);
        let mode = if placing.read_only { 0o444 } else { 0o644 };
        let permitted = self.file.set_permissions(Permissions::from_mode(mode));
        permitted.map_err(|cause| self.attributes_failed(cause))?;
        if placing.sync {
            sync(&self.file, placing.cancel).map_err(|cause| match placing.cancel.check() {
                Err(cancelled) => cancelled.into(),
                Ok(()) => Error::Sync {
                    path: path.clone(),
                    cause,
                },
            })?;
        }
        placing.cancel.check()?;
        let renamed = match placing.replace {
            true => self.rename_replacing(placing.file_name),
            false => self.rename_without_replacing(placing.file_name),
        };
        let replaced = renamed.map_err(|cause| match cause {
            // Somebody was faster.
            Errno::EXIST if !placing.replace => Error::Exists {
                name: placing.file_name.trim_end_matches(".raw").to_owned(),
                path: path.clone(),
            },
            cause => Error::Place {
                path: path.clone(),
                cause: cause.into(),
            },
        })?;
        self.placed = true;
        if placing.sync {
            rustix::fs::fsync(&self.root).map_err(|cause| Error::Sync {
                path,
                cause: cause.into(),
            })?;
        }
        if let Some(file) = replaced {
            let release = release(&file);
            drop(file);
            drop(release);
        }
        Ok(())
    }

    /// Returns what has lost its name.
    fn rename_replacing(&self, file_name: &str) -> Result<Option<File>, Errno> {
        let replaced = self.root.open_entry(file_name, OFlags::PATH).ok();
        renameat(&self.root, self.name.as_str(), &self.root, file_name)?;
        Ok(replaced)
    }

    fn rename_without_replacing(&self, file_name: &str) -> Result<Option<File>, Errno> {
        let name = self.name.as_str();
        let renamed = match renameat_with(
            &self.root,
            name,
            &self.root,
            file_name,
            RenameFlags::NOREPLACE,
        ) {
            // Not every file system can; a second name is as atomic, and fails as well where there is one already.
            Err(Errno::INVAL | Errno::NOSYS) => {
                linkat(&self.root, name, &self.root, file_name, AtFlags::empty())?;
                unlinkat(&self.root, name, AtFlags::empty())
            }
            result => result,
        };
        renamed.map(|()| None)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed now has no lock soon, and the next sweep takes it.
            let _ = unlinkat(&self.root, self.name.as_str(), AtFlags::empty());
            self.release = release(&self.file);
        }
    }
}

/// Who is to close a file last that has lost its name, if that may take long.
fn release(file: &File) -> Option<Release> {
    let metadata = file.metadata().ok()?;
    let large = metadata.nlink() == 0 && metadata.blocks() * 512 >= LARGE_BYTES;
    // If there can be nobody, we wait for the file system ourselves.
    large.then(|| Release::of(file, RELEASE_PATIENCE).ok())?
}

fn both(time: std::time::SystemTime) -> FileTimes {
    FileTimes::new().set_accessed(time).set_modified(time)
}
