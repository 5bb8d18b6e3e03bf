//! An archive of an operating system may hold its tree in one directory at the top: what is in that moves up.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Statx, fchmod, renameat_with,
    unlinkat,
};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::attributes::{Attributes, Handle};
use super::likeness::{UNKNOWN, clear, kind, mode, xattrs};
use super::walk::{id, look_at, open_directory, read_names, rewind};
use super::{Error, Refused};
use crate::stream::Cancel;
use crate::sys::open_resolved;

/// A tree with one of these is an operating system's: `os-release(5)`.
const MARKS: [&CStr; 2] = [c"usr/lib/os-release", c"etc/os-release"];

/// If `top` is no OS tree and holds nothing but a directory that is one, makes it that directory: its contents, owner,
/// mode, times and extended attributes. Tells whether it did.
///
/// Not in one step: the tree is not to be visible yet.
pub fn raise_os_tree(top: BorrowedFd<'_>, cancel: &Cancel) -> Result<bool, Error> {
    let unread = |cause| Error::read(b"", cause);
    if is_os_tree(top) {
        return Ok(false);
    }
    let top = open_directory(top, c".").map_err(|cause| unread(cause.into()))?;
    let Some(name) = only_name(&top).map_err(unread)? else {
        return Ok(false);
    };
    let top = top.as_fd();
    // A file, a link or a mount is no tree to raise.
    let Ok(child) = open_directory(top, &name) else {
        return Ok(false);
    };
    if !is_os_tree(child.as_fd()) {
        return Ok(false);
    }
    let failed = |cause| Error::raise(name.as_bytes(), cause);
    let status = look_at(&child, c"").map_err(failed)?;
    // Nothing can be moved out of a subvolume.
    if !same_device(&status, &look_at(top, c"").map_err(failed)?) {
        return Ok(false);
    }
    let xattrs = xattrs(Handle::Open(child.as_fd()), true).map_err(failed)?;
    raise(top, &name, &child, cancel).map_err(failed)?;
    clear(top).map_err(failed)?;
    // What the child had, the top may have.
    let refused = &mut Refused::default();
    Attributes::like(&status, xattrs).set(Handle::Open(top), UNKNOWN, b"", refused)?;
    Ok(true)
}

/// Moves everything up and removes the directory.
fn raise(top: BorrowedFd<'_>, name: &CStr, child: &OwnedFd, cancel: &Cancel) -> io::Result<()> {
    // Out of the way of a namesake in it.
    let aside = random_name()?;
    renameat_with(top, name, top, &*aside, RenameFlags::NOREPLACE)?;
    fchmod(child, Mode::RWXU)?;
    // A listing may leave something out where others are moved away meanwhile.
    while move_listed(child, top, cancel)? {
        rewind(child)?;
    }
    Ok(unlinkat(top, &*aside, AtFlags::REMOVEDIR)?)
}

/// Moves what is listed, a few names at a time however many there are. Tells whether there was anything.
fn move_listed(from: &OwnedFd, to: BorrowedFd<'_>, cancel: &Cancel) -> io::Result<bool> {
    let (mut moved, mut more) = (false, true);
    while more {
        cancel.check()?;
        let mut names = Vec::new();
        more = read_names(from, &mut names)?;
        moved |= !names.is_empty();
        for name in &names {
            match renameat_with(from, &**name, to, &**name, RenameFlags::NOREPLACE) {
                Err(Errno::ACCESS) => move_read_only(from, name, to)?,
                result => result?,
            }
        }
    }
    Ok(moved)
}

/// Who is not root cannot give a directory another parent unless it may write to it.
fn move_read_only(from: &OwnedFd, name: &CStr, to: BorrowedFd<'_>) -> io::Result<()> {
    let directory = open_directory(from, name)?;
    let before = Mode::from_raw_mode(mode(&look_at(&directory, c"")?));
    fchmod(&directory, before | Mode::RWXU)?;
    renameat_with(from, name, to, name, RenameFlags::NOREPLACE)?;
    Ok(fchmod(&directory, before)?)
}

fn same_device(one: &Statx, other: &Statx) -> bool {
    let ((major, minor, _), (other_major, other_minor, _)) = (id(one), id(other));
    (major, minor) == (other_major, other_minor)
}

/// Whether one of the marks is a file, with links taken as if the directory were the root of the file system.
fn is_os_tree(directory: BorrowedFd<'_>) -> bool {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    MARKS.into_iter().any(|mark| {
        let file = open_resolved(directory, mark, flags, resolve);
        let status = file
            .map_err(io::Error::from)
            .and_then(|file| look_at(file, c""));
        status.is_ok_and(|status| kind(&status) == FileType::RegularFile)
    })
}

/// The one name in a directory, if there is exactly one.
fn only_name(directory: &OwnedFd) -> io::Result<Option<CString>> {
    let mut names = Vec::new();
    while names.len() < 2 && read_names(directory, &mut names)? {}
    Ok(names.pop().filter(|_| names.is_empty()))
}

/// A name that nobody else has.
pub(super) fn random_name() -> Result<CString, Errno> {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    let digits = format!(".#{:016x}", u64::from_ne_bytes(bytes));
    CString::new(digits).map_err(|_| Errno::INVAL)
}

#[cfg(test)]
mod tests;
