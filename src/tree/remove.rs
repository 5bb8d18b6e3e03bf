//! Removing a tree, whatever it is made of and however it resists: read-only directories, immutable files, subvolumes.
//!
//! By descriptors, through no link and into no mount: a mount in the tree is an error, found when it is reached. What
//! somebody else removes meanwhile is gone all the same. Memory and descriptors are bounded, the depth of the tree is not.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, IFlags, Mode, OFlags, RenameFlags, chmod, fchmod, ioctl_getflags,
    ioctl_setflags, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::attributes::by_descriptor;
use super::likeness::{kind, mode};
use super::names::{append, shown};
use super::quota::Groups;
use super::raise::random_name;
use super::walk::{look_at, open_directory, open_in, read_names, rewind};
use crate::sys::btrfs;

/// How many directories are open at a time. What lies deeper is moved up before it is removed.
const LEVEL_LIMIT: usize = 64;

/// Removes what `name` is in an open directory, a file or a whole tree. What is not there is no error.
///
/// An error names what could not be removed, unless that is `name` itself; what came before it is gone.
pub fn remove(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    let mut removal = Removal {
        parent,
        levels: Vec::new(),
    };
    removal.remove(name)?;
    while let Some(level) = removal.levels.last_mut() {
        if let Some(name) = level.names.pop() {
            level.progress = true;
            removal.remove(&name)?;
            continue;
        }
        match read_names(&level.directory, &mut level.names) {
            Ok(true) => {}
            // Gone already is as good as empty.
            Ok(false) | Err(Errno::NOENT) => removal.leave()?,
            Err(error) => removal.judge(c"", Err(error))?,
        }
    }
    Ok(())
}

struct Removal<'a> {
    parent: BorrowedFd<'a>,
    /// The directories on the way down, from that of the name to be removed.
    levels: Vec<Level>,
}

struct Level {
    name: CString,
    directory: OwnedFd,
    is_subvolume: bool,
    /// Which are still to be removed.
    names: Vec<CString>,
    /// Whether there were any since the directory was read from its beginning.
    progress: bool,
}

impl Removal<'_> {
    /// The directory that is worked on.
    fn directory(&self) -> BorrowedFd<'_> {
        self.levels
            .last()
            .map_or(self.parent, |level| level.directory.as_fd())
    }

    /// Removes a name from it, or goes down into what that names.
    fn remove(&mut self, name: &CStr) -> io::Result<()> {
        let removed = match self.unlink(name, AtFlags::empty()) {
            Err(Errno::ISDIR) => self.enter(name),
            removed => removed,
        };
        self.judge(name, removed)
    }

    fn enter(&mut self, name: &CStr) -> Result<(), Errno> {
        let parent = self.directory();
        let directory = match open_directory(parent, name) {
            Err(Errno::ACCESS) => {
                let unreadable = open_in(parent, name, OFlags::PATH | OFlags::DIRECTORY)?;
                chmod(&by_descriptor(unreadable.as_fd(), b"")[..], Mode::RWXU)?;
                open_directory(parent, name)
            }
            directory => directory,
        }?;
        let is_subvolume = btrfs::is_subvolume(directory.as_fd()).unwrap_or(false);
        if is_subvolume {
            // What nobody may write to may not lose the subvolumes in it.
            let _ = btrfs::set_read_only(directory.as_fd(), false);
            if delete_subvolume(parent, name, directory.as_fd()) {
                return Ok(());
            }
        }
        if let Some(top) = self.levels.first()
            && self.levels.len() >= LEVEL_LIMIT
        {
            let flags = RenameFlags::NOREPLACE;
            return renameat_with(parent, name, &top.directory, &*random_name()?, flags);
        }
        self.levels.push(Level {
            name: name.to_owned(),
            directory,
            is_subvolume,
            names: Vec::new(),
            progress: false,
        });
        Ok(())
    }

    /// Removes the directory that was worked on, now that it is empty.
    fn leave(&mut self) -> io::Result<()> {
        let Some(mut level) = self.levels.pop() else {
            return Ok(());
        };
        if level.is_subvolume
            && delete_subvolume(self.directory(), &level.name, level.directory.as_fd())
        {
            return Ok(());
        }
        match self.unlink(&level.name, AtFlags::REMOVEDIR) {
            // Somebody put something there, or the listing left something out: once more.
            Err(Errno::NOTEMPTY | Errno::EXIST) if level.progress => {
                level.progress = false;
                let rewound = rewind(&level.directory);
                self.levels.push(level);
                rewound
            }
            removed => self.judge(&level.name, removed),
        }
    }

    /// Removes what is no directory, or an empty one. What keeps us from it is taken away, and it is tried once more.
    fn unlink(&self, name: &CStr, flags: AtFlags) -> Result<(), Errno> {
        let directory = self.directory();
        match unlinkat(directory, name, flags) {
            Err(error @ (Errno::PERM | Errno::ACCESS)) => {
                // The directory that the whole tree is in stays as it is.
                let around = self
                    .levels
                    .last()
                    .is_some_and(|level| loosen(&level.directory));
                match loosen_inside(directory, name) || around {
                    true => unlinkat(directory, name, flags),
                    false => Err(error),
                }
            }
            result => result,
        }
    }

    /// An error that says where, unless it says that there is nothing left to do.
    fn judge(&self, name: &CStr, removed: Result<(), Errno>) -> io::Result<()> {
        let (error, hint) = match removed {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(error @ (Errno::XDEV | Errno::BUSY)) => {
                (error, " (something is mounted there: unmount it first)")
            }
            Err(error) => (error, ""),
        };
        let names = self.levels.iter().map(|level| &*level.name).chain([name]);
        let mut path = Vec::new();
        for name in names.skip(1).filter(|name| !name.is_empty()) {
            append(&mut path, name.to_bytes());
        }
        let cause = io::Error::from(error);
        let place = match &path[..] {
            b"" => String::new(),
            path => format!("`{}`: ", shown(path)),
        };
        Err(io::Error::new(
            cause.kind(),
            format!("{place}{cause}{hint}"),
        ))
    }
}

/// Removes a subvolume, and the quota groups that counted it alone. Tells whether it could.
fn delete_subvolume(parent: BorrowedFd<'_>, name: &CStr, subvolume: BorrowedFd<'_>) -> bool {
    let groups = Groups::of(subvolume);
    let deleted = btrfs::delete_subvolume(parent, name).is_ok();
    if let Some(groups) = groups.filter(|_| deleted) {
        groups.remove(parent);
    }
    deleted
}

/// Loosens what has that name. Only files and directories are protected so, and opening a device does things.
fn loosen_inside(directory: BorrowedFd<'_>, name: &CStr) -> bool {
    let Ok(status) = look_at(directory, name) else {
        return false;
    };
    matches!(kind(&status), FileType::RegularFile | FileType::Directory)
        && open_in(directory, name, OFlags::RDONLY).is_ok_and(|file| loosen(&file))
}

/// Takes away what keeps us from changing a directory or removing a file. Tells whether there was anything.
fn loosen(file: &OwnedFd) -> bool {
    let protecting = IFlags::IMMUTABLE | IFlags::APPEND;
    let mut loosened = ioctl_getflags(file).is_ok_and(|flags| {
        flags.intersects(protecting) && ioctl_setflags(file, flags - protecting).is_ok()
    });
    if let Ok(status) = look_at(file, c"")
        && kind(&status) == FileType::Directory
        && mode(&status) & 0o700 != 0o700
    {
        loosened |= fchmod(file, Mode::RWXU).is_ok();
    }
    loosened
}

#[cfg(test)]
mod tests;
