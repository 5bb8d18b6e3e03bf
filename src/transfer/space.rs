//! What a file system has left for an image: looked at before anything is written, and told of when it was not enough.
//!
//! Holes take nothing, so nobody knows beforehand that an image will not fit: only that it would not if it had none. On a
//! disk that is said, and tried. In memory it is refused: there an image is for booting from, and what is a hole now takes
//! memory as soon as somebody writes to it.

use std::path::PathBuf;

use rustix::fs::{fstatfs, fstatvfs};

use super::error::{Error, Local, Remote};
use super::job::Job;
use crate::store::Staged;
use crate::terms::Bytes;

/// What statfs(2) has for tmpfs.
const TMPFS: u32 = 0x0102_1994;

/// The room for an image that is about to be written.
pub(super) struct Space<'a> {
    staged: &'a Staged,
    /// None where there is no telling: ramfs has no size.
    free: Option<u64>,
    in_memory: bool,
    /// How many bytes the image has, unpacked, or is said to have; none if that will be known when they are all there.
    size: Option<u64>,
}

impl<'a> Space<'a> {
    /// Looks, before anything is written.
    pub(super) fn before(staged: &'a Staged, size: Option<u64>) -> Self {
        let status = fstatvfs(staged.file()).ok();
        let kind = fstatfs(staged.file()).map(|status| status.f_type as u32);
        Self {
            staged,
            free: status
                .filter(|status| status.f_blocks != 0)
                .map(|status| status.f_bavail.saturating_mul(status.f_frsize)),
            in_memory: kind == Ok(TMPFS),
            size,
        }
    }

    /// Refuses what would not even fit packed.
    pub(super) fn check_packed(&self, length_bytes: Option<u64>) -> Result<(), Error> {
        match (self.free, length_bytes) {
            (Some(free), Some(length)) if length > free => {
                Err(self.refusal("the packed image alone is", free, length))
            }
            _ => Ok(()),
        }
    }

    /// Refuses what would not fit in memory, and tells of what may not fit on a disk.
    pub(super) fn check(&self, job: &Job) -> Result<(), Error> {
        self.check_memory()?;
        if let Some((free, size)) = self.lack() {
            job.reporter.notice(format_args!(
                "`{}` has {} left, and the image is {}: it fits only if much of it is holes",
                self.directory().display(),
                Bytes(free),
                Bytes(size)
            ));
        }
        Ok(())
    }

    /// Refuses what would not fit in memory. A disk may share what is copied.
    pub(super) fn check_memory(&self) -> Result<(), Error> {
        match self.lack() {
            Some((free, size)) if self.in_memory => Err(self.refusal("the image is", free, size)),
            _ => Ok(()),
        }
    }

    /// What is free and what would be needed, if that is more.
    fn lack(&self) -> Option<(u64, u64)> {
        self.free.zip(self.size).filter(|(free, size)| size > free)
    }

    /// The error with the numbers, if it is for want of room.
    pub(super) fn explain(&self, error: Error) -> Error {
        if !error.is_full() {
            return error;
        }
        let failure = match &error {
            Error::Local(Local::Write { path, cause }) => {
                format!("failed to write `{}`: {cause}", path.display())
            }
            Error::Remote(Remote::Unpack { origin, cause }) => {
                format!("`{origin}` cannot be unpacked: {cause}")
            }
            Error::Local(Local::Tree { path, cause }) => format!("`{}`: {cause}", path.display()),
            _ => return error,
        };
        let room = match (fstatvfs(self.staged.file()), self.free, self.size) {
            (Ok(status), ..) if status.f_files != 0 && status.f_favail == 0 => {
                "no more files can be made there, of whatever size".to_owned()
            }
            (_, Some(free), Some(size)) if size > free => {
                format!(
                    "{} were free, and the image is {}",
                    Bytes(free),
                    Bytes(size)
                )
            }
            (_, Some(free), _) => format!("{} were free, and the image takes more", Bytes(free)),
            (_, None, _) => return error,
        };
        let full = Local::Full {
            failure,
            room,
            remedy: self.remedy(),
        };
        full.into()
    }

    fn refusal(&self, what: &'static str, free: u64, needed: u64) -> Error {
        let no_space = Local::NoSpace {
            path: self.directory(),
            free: Bytes(free),
            what,
            needed: Bytes(needed),
            remedy: self.remedy(),
        };
        no_space.into()
    }

    /// What is spoken of is where images go, not the name that this one has for the time being.
    fn directory(&self) -> PathBuf {
        let path = self.staged.path();
        path.parent().map(PathBuf::from).unwrap_or(path)
    }

    fn remedy(&self) -> &'static str {
        match self.in_memory {
            true => {
                "free some space, give it more with `mount -o remount,size=`, or choose another directory with --image-root="
            }
            false => "free some space, or choose another directory with --image-root=",
        }
    }
}
