//! What a file has that another can be given: owner, permissions, time, extended attributes and ACLs, read from a tree.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Statx, fgetxattr, flistxattr, fremovexattr, lgetxattr, llistxattr};
use rustix::io::Errno;

use super::attributes::{Attributes, Handle, Made, by_descriptor};
use crate::format::tar::{Timestamp, Xattr};
use crate::terms::is_record_attribute;

pub(super) const ACCESS_ACL: &[u8] = b"system.posix_acl_access";
pub(super) const DEFAULT_ACL: &[u8] = b"system.posix_acl_default";
const SELINUX: &[u8] = b"security.selinux";
/// As XFS lists the same ACLs once more, to root, in its own format.
const ACLS_AGAIN: [&[u8]; 2] = [b"trusted.SGI_ACL_FILE", b"trusted.SGI_ACL_DEFAULT"];

/// Lists and values are mostly shorter than the first and never longer than the last (`XATTR_SIZE_MAX`).
const BUFFER_BYTES: [usize; 2] = [1 << 10, 64 << 10];

/// So that everything is set, whatever a file was made with.
pub(super) const UNKNOWN: Made = Made {
    owner: None,
    mode: u32::MAX,
};

/// How many bytes the values of one file may have, which is more than most file systems store.
const VALUES_LIMIT: usize = 16 << 20;

impl Attributes {
    /// Those of a file of that status and these extended attributes.
    pub(super) fn like(status: &Statx, xattrs: Vec<Xattr>) -> Self {
        let is_acl = |xattr: &Xattr| [ACCESS_ACL, DEFAULT_ACL].contains(&&xattr.name[..]);
        let (acls, xattrs) = xattrs.into_iter().partition(is_acl);
        let has_mode = kind(status) != FileType::Symlink;
        Self {
            owner: (status.stx_uid, status.stx_gid),
            mode: has_mode.then_some(mode(status)),
            modified: modified(status),
            xattrs,
            acls,
        }
    }
}

pub(super) fn kind(status: &Statx) -> FileType {
    FileType::from_raw_mode(status.stx_mode.into())
}

/// Permissions with the set-id and sticky bits.
pub(super) fn mode(status: &Statx) -> u32 {
    u32::from(status.stx_mode) & 0o7777
}

pub(super) fn modified(status: &Statx) -> Timestamp {
    Timestamp {
        seconds: status.stx_mtime.tv_sec,
        nanoseconds: status.stx_mtime.tv_nsec,
    }
}

/// Extended attributes in the order of their names, ACLs among them: all but records of ours, and labels of SELinux only
/// if `selinux`.
pub(super) fn xattrs(file: Handle<'_>, selinux: bool) -> io::Result<Vec<Xattr>> {
    let mut xattrs = Vec::new();
    let mut bytes = 0;
    for name in names(file)? {
        if name.as_bytes() == SELINUX && !selinux {
            continue;
        }
        match value(file, &name) {
            Ok(value) => {
                bytes += value.len();
                xattrs.push(Xattr {
                    name: name.into_bytes(),
                    value,
                });
            }
            // Gone since it was listed.
            Err(Errno::NODATA) => {}
            Err(error) => return Err(error.into()),
        }
        if bytes > VALUES_LIMIT {
            let fault = format!("it has more than {VALUES_LIMIT} bytes of extended attributes");
            return Err(io::Error::other(fault));
        }
    }
    xattrs.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(xattrs)
}

/// Removes what a directory has got by itself, such as ACLs from the directory it was made in. A label stays.
pub(super) fn clear(directory: BorrowedFd<'_>) -> io::Result<()> {
    for name in names(Handle::Open(directory))? {
        if name.as_bytes() != SELINUX {
            match fremovexattr(directory, &*name) {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

fn names(file: Handle<'_>) -> io::Result<Vec<CString>> {
    let list = filled(|buffer| match file {
        Handle::Open(file) => flistxattr(file, buffer),
        Handle::Named(parent, name) => llistxattr(&by_descriptor(parent, name)[..], buffer),
    });
    let list = match list {
        Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        list => list?,
    };
    let names = list.split_inclusive(|byte| *byte == 0);
    Ok(names
        .filter_map(|name| CStr::from_bytes_with_nul(name).ok())
        .filter(|name| !is_record_attribute(name.to_bytes()))
        .filter(|name| !ACLS_AGAIN.contains(&name.to_bytes()))
        .map(CStr::to_owned)
        .collect())
}

fn value(file: Handle<'_>, name: &CStr) -> Result<Vec<u8>, Errno> {
    filled(|buffer| match file {
        Handle::Open(file) => fgetxattr(file, name, buffer),
        Handle::Named(parent, file) => lgetxattr(&by_descriptor(parent, file)[..], name, buffer),
    })
}

/// What a call that fills a buffer has to say, in a buffer of the size that takes.
fn filled(fill: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    for size in BUFFER_BYTES {
        let mut buffer = vec![0; size];
        match fill(&mut buffer) {
            Err(Errno::RANGE) => {}
            length => {
                buffer.truncate(length?);
                return Ok(buffer);
            }
        }
    }
    Err(Errno::RANGE)
}
