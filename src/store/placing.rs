//! Making a staged image visible: one rename, or an exchange of two trees.

use std::fs::{File, FileTimes};
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{
    AtFlags, FileType, IFlags, Mode, OFlags, RenameFlags, fsync, ioctl_getflags, ioctl_setflags,
    linkat, mkdirat, openat, renameat, renameat_with, statat, syncfs, unlinkat,
};
use rustix::io::Errno;

use super::staged::{Staged, TREE, release};
use super::{Error, Verified};
use crate::disk::{Rights, sync};
use crate::stream::Cancel;
use crate::sys::btrfs;

/// Under which name and how a staged image becomes visible.
pub struct Placing<'a> {
    pub file_name: &'a str,
    /// Replaces what has that name, atomically; otherwise that is an error.
    pub replace: bool,
    /// Also what a mark of the file system keeps from being changed: it is taken away.
    pub lift_marks: bool,
    /// Of a file. A tree has what its archive says.
    pub rights: Rights,
    pub read_only: bool,
    /// Waits until everything is on disk.
    pub sync: bool,
    /// Looked at a last time before it becomes visible.
    pub cancel: &'a Cancel,
}

impl<'a> Placing<'a> {
    /// As a pristine copy: nobody writes to it, and a newer one takes its place.
    pub fn kept(file_name: &'a str, sync: bool, cancel: &'a Cancel) -> Self {
        Self {
            file_name,
            replace: true,
            lift_marks: true,
            rights: Rights::IMAGE,
            read_only: true,
            sync,
            cancel,
        }
    }
}

/// An image that has become visible.
#[must_use]
pub struct Placed {
    /// False where a tree was to be read-only and could not be made that.
    pub marked: bool,
    on_disk: Result<(), Error>,
}

impl Placed {
    /// Whether its name is on disk too, if that was wanted. It is visible either way.
    pub fn on_disk(self) -> Result<(), Error> {
        self.on_disk
    }
}

/// The directory in a tree's shell that what it replaces goes to for a moment, under its own name.
pub(super) const REPLACED: &str = "replaced";

impl Staged {
    /// Makes the image visible. The proof is not looked at: that it exists is the point.
    /// An error says that it did not become that.
    pub fn place(mut self, _proof: &Verified, placing: &Placing<'_>) -> Result<Placed, Error> {
        self.make_ready(placing)?;
        let path = self.root.path_of(placing.file_name);
        let renamed = match (&self.shell, placing.replace) {
            (Some(shell), true) => self.exchange(shell, placing),
            (Some(shell), false) => {
                rename_new(shell, TREE, &self.root, placing.file_name).map(|()| None)
            }
            (None, true) => self.rename_replacing(placing),
            (None, false) => {
                rename_new(&self.root, &self.name, &self.root, placing.file_name).map(|()| None)
            }
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
        let marked = self.shell.is_none() || !placing.read_only || mark_read_only(&self.file);
        let on_disk = match placing.sync {
            true => fsync(&self.root).map_err(|cause| Error::Sync {
                path,
                cause: cause.into(),
            }),
            false => Ok(()),
        };
        if let Some(file) = replaced {
            let release = release(&file);
            drop(file);
            drop(release);
        }
        Ok(Placed { marked, on_disk })
    }

    /// Gives a file its mode, and brings it to disk. Placing does that too; whoever places several does it for all before
    /// the first is placed.
    pub fn make_ready(&mut self, placing: &Placing<'_>) -> Result<(), Error> {
        if self.ready {
            return Ok(placing.cancel.check()?);
        }
        if self.shell.is_none() {
            let rights = match placing.read_only {
                true => placing.rights.read_only(),
                false => placing.rights,
            };
            let given = rights.give(&self.file);
            given.map_err(|cause| self.attributes_failed(cause))?;
        }
        if placing.sync {
            let synced = match self.shell {
                None => sync(&self.file, placing.cancel),
                Some(_) => syncfs(&self.file).map_err(io::Error::from),
            };
            placing.cancel.check()?;
            synced.map_err(|cause| Error::Sync {
                path: self.root.path_of(placing.file_name),
                cause,
            })?;
        }
        self.ready = true;
        Ok(placing.cancel.check()?)
    }

    /// Returns what has lost its name.
    fn rename_replacing(&self, placing: &Placing<'_>) -> Result<Option<File>, Errno> {
        let file_name = placing.file_name;
        let replaced = self.root.open_entry(file_name, OFlags::PATH).ok();
        let rename = || renameat(&self.root, self.name.as_str(), &self.root, file_name);
        match rename() {
            // Immutable, maybe.
            Err(Errno::PERM) if placing.lift_marks => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK;
                let old = self.root.open_entry(file_name, flags)?;
                let marks = Marks::lift(&old);
                rename().inspect_err(|_| marks.restore(&old))?;
            }
            result => result?,
        }
        Ok(replaced)
    }

    /// Puts the tree where another one stands, which vanishes with the shell.
    fn exchange(&self, shell: &File, placing: &Placing<'_>) -> Result<Option<File>, Errno> {
        let file_name = placing.file_name;
        match rename_new(shell, TREE, &self.root, file_name) {
            Err(Errno::EXIST) => {}
            result => return result.map(|()| None),
        }
        let old = self
            .root
            .open_entry(file_name, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let marks = match placing.lift_marks {
            true => Marks::lift(&old),
            false => Marks::default(),
        };
        let times = modified(&self.file);
        let exchanged =
            match renameat_with(shell, TREE, &self.root, file_name, RenameFlags::EXCHANGE) {
                Err(Errno::INVAL | Errno::NOSYS) => self.change_places(shell, file_name),
                result => result,
            };
        exchanged.inspect_err(|_| marks.restore(&old))?;
        // XFS takes this for a change of what is in the tree.
        if let Ok(times) = times {
            let _ = self.file.set_times(times);
        }
        Ok(None)
    }

    /// The same in two steps, for file systems that cannot do it in one. In between there is no image, and if we end there
    /// a sweep gives it back.
    fn change_places(&self, shell: &File, file_name: &str) -> Result<(), Errno> {
        mkdirat(shell, REPLACED, Mode::RWXU)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let replaced = openat(shell, REPLACED, flags, Mode::empty())?;
        renameat(&self.root, file_name, &replaced, file_name)?;
        renameat(shell, TREE, &self.root, file_name).inspect_err(|_| {
            let _ = renameat(&replaced, file_name, &self.root, file_name);
        })
    }
}

/// Renames what must not replace anything.
pub(super) fn rename_new(
    from: &impl AsFd,
    name: &str,
    to: &impl AsFd,
    new_name: &str,
) -> Result<(), Errno> {
    match renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE) {
        // Not every file system can; a second name is as atomic, and fails as well where there is one already.
        Err(Errno::INVAL | Errno::NOSYS) => {
            match linkat(from, name, to, new_name, AtFlags::empty()) {
                Ok(()) => unlinkat(from, name, AtFlags::empty()),
                // A tree can have no second name, but an empty directory is all that it would replace.
                Err(Errno::PERM) if is_directory(from, name) => {
                    match renameat(from, name, to, new_name) {
                        Err(Errno::NOTEMPTY | Errno::NOTDIR) => Err(Errno::EXIST),
                        result => result,
                    }
                }
                Err(error) => Err(error),
            }
        }
        result => result,
    }
}

fn is_directory(parent: &impl AsFd, name: &str) -> bool {
    let status = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    status.is_ok_and(|status| FileType::from_raw_mode(status.st_mode).is_dir())
}

fn modified(file: &File) -> io::Result<FileTimes> {
    Ok(FileTimes::new().set_modified(file.metadata()?.modified()?))
}

/// Marks a tree: a subvolume as read-only, another directory as immutable. False where the file system cannot do that.
fn mark_read_only(tree: &File) -> bool {
    match btrfs::is_subvolume(tree.as_fd()).unwrap_or(false) {
        true => btrfs::set_read_only(tree.as_fd(), true).is_ok(),
        false => set_immutable(tree, true),
    }
}

/// What keeps an old image from being renamed or replaced. A subvolume may be marked in both ways.
#[derive(Default)]
struct Marks {
    read_only: bool,
    immutable: bool,
}

impl Marks {
    /// Takes them away. What could not be taken counts as not there.
    fn lift(image: &File) -> Self {
        let read_only = btrfs::is_subvolume(image.as_fd()).unwrap_or(false)
            && btrfs::is_read_only(image.as_fd()).unwrap_or(false)
            && btrfs::set_read_only(image.as_fd(), false).is_ok();
        let flags = ioctl_getflags(image).unwrap_or(IFlags::empty());
        let immutable = flags.contains(IFlags::IMMUTABLE) && set_immutable(image, false);
        Self {
            read_only,
            immutable,
        }
    }

    /// Puts them back, as well as that goes.
    fn restore(&self, image: &File) {
        if self.immutable {
            set_immutable(image, true);
        }
        if self.read_only {
            let _ = btrfs::set_read_only(image.as_fd(), true);
        }
    }
}

/// Whether the flag could be set or taken.
fn set_immutable(image: &File, immutable: bool) -> bool {
    let changed = |mut flags: IFlags| {
        flags.set(IFlags::IMMUTABLE, immutable);
        ioctl_setflags(image, flags)
    };
    ioctl_getflags(image).and_then(changed).is_ok()
}
