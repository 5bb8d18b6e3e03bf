//! Owner, permissions, times, extended attributes and ACLs of a file that was just made.
//!
//! What may not be set where we run (a container, somebody who is not root, a file system without such things) is
//! counted and told, and fails nothing. A disk that is full or broken does.

use std::os::fd::BorrowedFd;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags, chmodat,
    chownat, fchmod, fchown, fsetxattr, fstat, fstatvfs, futimens, lsetxattr, openat, utimensat,
};
use rustix::io::Errno;

use super::names::shown;
use super::{Error, acl_from_text};
use crate::format::tar::{Entry, Kind, Timestamp, Xattr};
use crate::terms::is_record_attribute;

const SET_ID: u32 = 0o6000;

/// What a directory has until it is finished, so that nobody else enters it.
pub(super) const PRIVATE: u32 = 0o700;

/// More than a file system lists of one file.
const KEPT_XATTRS: usize = 4096;

/// How many attributes could not be set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub count: u64,
    /// The first of them, as "`path`: attribute: cause".
    pub first: Option<String>,
}

impl Refused {
    fn add(&mut self, path: &[u8], name: &str, cause: &dyn std::fmt::Display) {
        self.count += 1;
        self.first
            .get_or_insert_with(|| format!("`{}`: {name}: {cause}", shown(path)));
    }

    /// Adds what was counted elsewhere.
    pub(super) fn join(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
    }

    /// Whether it could be set; what fails for another reason than that it may not be is an error.
    fn judge(
        &mut self,
        path: &[u8],
        name: &[u8],
        result: Result<(), Errno>,
    ) -> Result<bool, Error> {
        match result {
            Ok(()) => Ok(true),
            Err(cause) if is_refusal(cause) => {
                self.add(path, &shown(name), &std::io::Error::from(cause));
                Ok(false)
            }
            Err(cause) => Err(Error::Attribute {
                path: shown(path),
                name: shown(name),
                cause: cause.into(),
            }),
        }
    }
}

fn is_refusal(cause: Errno) -> bool {
    matches!(
        cause,
        Errno::PERM
            | Errno::ACCESS
            | Errno::OPNOTSUPP
            | Errno::NOSYS
            | Errno::INVAL
            | Errno::RANGE
            | Errno::TOOBIG
            | Errno::OVERFLOW
            | Errno::NODATA
            | Errno::NOENT // of the way to a link's attributes
    )
}

/// What a file has before anything is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// None if it is unknown.
    pub(super) owner: Option<(u32, u32)>,
    pub(super) mode: u32,
}

impl Made {
    /// What a new file in a directory gets if its mode is asked to be 0777, learnt by one without a name. Where that cannot be,
    /// nothing is known and everything is set.
    pub(super) fn by_probe(top: BorrowedFd<'_>) -> Self {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let stat = openat(top, c".", flags, Mode::from_raw_mode(0o777)).and_then(fstat);
        match stat {
            Ok(stat) => Self::from(&stat),
            Err(_) => Self {
                owner: None,
                mode: 0,
            },
        }
    }

    /// What one gets whose mode is asked to be that.
    pub(super) fn of_mode(self, mode: u32) -> Self {
        Self {
            owner: self.owner,
            mode: mode & self.mode,
        }
    }
}

impl From<&Stat> for Made {
    fn from(stat: &Stat) -> Self {
        Self {
            owner: Some((stat.st_uid, stat.st_gid)),
            mode: stat.st_mode & 0o7777,
        }
    }
}

/// A file whose attributes are to be set.
#[derive(Clone, Copy)]
pub(super) enum Handle<'a> {
    /// Open, not only as a path.
    Open(BorrowedFd<'a>),
    /// What cannot be opened without being followed or woken: a link, a device or a fifo, by directory and name.
    Named(BorrowedFd<'a>, &'a [u8]),
}

impl Handle<'_> {
    fn set_owner(self, uid: u32, gid: u32) -> Result<(), Errno> {
        if uid == u32::MAX || gid == u32::MAX {
            return Err(Errno::INVAL); // to the kernel, that is "leave it"
        }
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        match self {
            Self::Open(file) => fchown(file, uid, gid),
            Self::Named(parent, name) => chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW),
        }
    }

    /// Not for links, which have no permissions.
    fn set_mode(self, mode: u32) -> Result<(), Errno> {
        let mode = Mode::from_raw_mode(mode);
        match self {
            Self::Open(file) => fchmod(file, mode),
            Self::Named(parent, name) => chmodat(parent, name, mode, AtFlags::empty()),
        }
    }

    fn set_modified(self, time: Timestamp) -> Result<(), Errno> {
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: time.seconds,
                tv_nsec: time.nanoseconds.min(999_999_999).into(),
            },
        };
        match self {
            Self::Open(file) => futimens(file, &times),
            Self::Named(parent, name) => utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW),
        }
    }

    fn set_xattr(self, xattr: &Xattr) -> Result<(), Errno> {
        let (name, value) = (&xattr.name[..], &xattr.value[..]);
        let (file, result) = match self {
            Self::Open(file) => (file, fsetxattr(file, name, value, XattrFlags::empty())),
            Self::Named(parent, file) => {
                let path = by_descriptor(parent, file);
                let result = lsetxattr(path, name, value, XattrFlags::empty());
                (parent, result)
            }
        };
        match result {
            // Some file systems say so of an attribute that is larger than they take.
            Err(Errno::NOSPC) if fstatvfs(file).is_ok_and(|room| room.f_bavail > 0) => {
                Err(Errno::TOOBIG)
            }
            result => result,
        }
    }
}

/// The path of what has no descriptor that attributes could be set by.
pub(super) fn by_descriptor(parent: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    use std::os::fd::AsRawFd;
    let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    path
}

/// What an archive says of a file beside its kind and contents, made ready to be set.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    pub(super) owner: (u32, u32),
    /// None for a link.
    pub(super) mode: Option<u32>,
    pub(super) modified: Timestamp,
    pub(super) xattrs: Vec<Xattr>,
    /// As extended attributes; they come after the mode, which would change them.
    pub(super) acls: Vec<Xattr>,
}

impl Attributes {
    /// Leaves out records that only we may write, and labels unless `selinux`; ACLs that cannot be understood are
    /// refused, whole or in part.
    pub(super) fn of(entry: &Entry, selinux: bool, path: &[u8], refused: &mut Refused) -> Self {
        let wanted = |xattr: &&Xattr| {
            !is_record_attribute(&xattr.name) && (selinux || xattr.name != b"security.selinux")
        };
        let is_link = matches!(entry.kind, Kind::Symlink { .. });
        let is_directory = matches!(entry.kind, Kind::Directory);
        let texts = [
            ("system.posix_acl_access", &entry.access_acl, !is_link),
            ("system.posix_acl_default", &entry.default_acl, is_directory),
        ];
        let mut acls = Vec::new();
        for (name, text, fits) in texts {
            let Some(text) = text.as_ref().filter(|_| fits) else {
                continue;
            };
            let Some((value, unknown)) = acl_from_text(text) else {
                refused.add(path, name, &"it is malformed");
                continue;
            };
            if unknown > 0 {
                refused.add(path, name, &"it names somebody without a number");
            }
            let name = name.into();
            acls.push(Xattr { name, value });
        }
        Self {
            owner: (entry.uid, entry.gid),
            mode: (!is_link).then_some(entry.mode & 0o7777),
            modified: entry.modified,
            xattrs: entry.xattrs.iter().filter(wanted).cloned().collect(),
            acls,
        }
    }

    /// Takes over extended attributes that were said earlier, where nothing was said of them since.
    pub(super) fn keep(&mut self, mut earlier: Vec<Xattr>) {
        earlier.truncate(KEPT_XATTRS);
        earlier.retain(|xattr| self.xattrs.iter().all(|later| later.name != xattr.name));
        self.xattrs.append(&mut earlier);
    }

    /// How a file is to be made so that little remains to be set: without set-id bits, which a change of owner takes
    /// away, and such that its owner may set attributes.
    pub(super) fn first_mode(&self) -> u32 {
        let mode = self.mode.unwrap_or(0o777) & 0o777;
        match self.xattrs.is_empty() {
            true => mode,
            false => mode | 0o600,
        }
    }

    /// About how many bytes it takes to remember this, with what allocations take beside it.
    pub(super) fn weight(&self) -> usize {
        let xattrs = self.xattrs.iter().chain(&self.acls);
        let of = |xattr: &Xattr| 2 * size_of::<Xattr>() + xattr.name.len() + xattr.value.len();
        size_of::<Self>() + xattrs.map(of).sum::<usize>()
    }

    /// Sets everything that differs from what the file was made with: the owner first, which takes set-id bits and
    /// capabilities away; the time last.
    pub(super) fn set(
        &self,
        file: Handle<'_>,
        made: Made,
        path: &[u8],
        refused: &mut Refused,
    ) -> Result<(), Error> {
        let mut mode = self.mode;
        if made.owner != Some(self.owner) {
            let (uid, gid) = self.owner;
            if !refused.judge(path, b"owner", file.set_owner(uid, gid))? {
                // It would give away the rights of somebody else than the archive meant.
                mode = mode.map(|mode| mode & !SET_ID);
            }
        }
        for xattr in &self.xattrs {
            refused.judge(path, &xattr.name, file.set_xattr(xattr))?;
        }
        if let Some(mode) = mode.filter(|mode| *mode != made.mode) {
            refused.judge(path, b"mode", file.set_mode(mode))?;
        }
        for acl in &self.acls {
            refused.judge(path, &acl.name, file.set_xattr(acl))?;
        }
        refused.judge(path, b"modification time", file.set_modified(self.modified))?;
        Ok(())
    }
}
