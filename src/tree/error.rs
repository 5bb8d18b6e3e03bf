//! What goes wrong with a tree, by operation. Names are beneath the tree and harmless to print.

use std::io;

use rustix::io::Errno;

use super::names::shown;
use crate::disk::CopyError;
use crate::stream::Cancelled;

/// A failure with one directory tree.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The reader's own error, as it is: a malformed archive, or what its source came upon.
    #[error("failed to read the archive: {cause}")]
    Archive { cause: io::Error },
    #[error("`{path}` is no name for a member of an archive: {fault}")]
    Name { path: String, fault: &'static str },
    #[error("the archive has a root entry that is no directory")]
    Root,
    #[error("the archive has more than {limit} {of}: refusing to go on")]
    TooMany { limit: u64, of: &'static str },
    #[error("`{path}` lies below a link that leads out of the tree: refusing to follow it")]
    Outside { path: String },
    #[error("failed to get at the directory of `{path}`: {cause}")]
    Parent { path: String, cause: io::Error },
    #[error("failed to create `{path}`: {cause}")]
    Create { path: String, cause: io::Error },
    #[error(
        "failed to create device `{path}`: {cause} (only root may, and not in most containers)"
    )]
    Device { path: String, cause: io::Error },
    #[error("device `{path}` has the number {major}:{minor}, which Linux has no room for")]
    DeviceNumber {
        path: String,
        major: u32,
        minor: u32,
    },
    #[error("failed to remove an earlier `{path}`: {cause}")]
    Replace { path: String, cause: io::Error },
    #[error("failed to replace directory `{path}`, which is not empty, by something else")]
    Occupied { path: String },
    #[error("failed to link `{path}` to `{target}`: {cause}")]
    Link {
        path: String,
        target: String,
        cause: io::Error,
    },
    #[error("failed to link `{path}` to `{target}`: a directory has one name only")]
    LinkToDirectory { path: String, target: String },
    #[error("failed to write `{path}`: {cause}")]
    Write { path: String, cause: io::Error },
    #[error("failed to set {name} of `{path}`: {cause}")]
    Attribute {
        path: String,
        name: String,
        cause: io::Error,
    },
    #[error("failed to start a thread that fills files: {cause}")]
    Thread { cause: io::Error },
    #[error("failed to look at the top of the tree: {cause}")]
    Top { cause: io::Error },
    #[error("failed to write `{path}` to the archive: {cause}")]
    Pack { path: String, cause: io::Error },
    #[error("failed to read `{path}`: {cause}")]
    Read { path: String, cause: io::Error },
    #[error("`{path}` changed while it was read: try again when nobody writes to it")]
    Changed { path: String },
    #[error("the access control list of `{path}` is malformed: remove it with setfacl(1)")]
    Acl { path: String },
    #[error("`{path}` lies in more than {limit} directories: make the tree less deep")]
    TooDeep { path: String, limit: usize },
    #[error(
        "`{path}` has several names, as have {limit} files before it: no more can be kept in mind"
    )]
    TooManyLinks { path: String, limit: usize },
    #[error("failed to move the contents of `{path}` one directory up: {cause}")]
    Raise { path: String, cause: io::Error },
}

impl Error {
    /// What the kernel said to it.
    pub fn io_cause(&self) -> Option<&io::Error> {
        match self {
            Self::Cancelled(_)
            | Self::Name { .. }
            | Self::Root
            | Self::TooMany { .. }
            | Self::Outside { .. }
            | Self::DeviceNumber { .. }
            | Self::Occupied { .. }
            | Self::LinkToDirectory { .. }
            | Self::Changed { .. }
            | Self::Acl { .. }
            | Self::TooDeep { .. }
            | Self::TooManyLinks { .. } => None,
            Self::Archive { cause }
            | Self::Parent { cause, .. }
            | Self::Create { cause, .. }
            | Self::Device { cause, .. }
            | Self::Replace { cause, .. }
            | Self::Link { cause, .. }
            | Self::Write { cause, .. }
            | Self::Attribute { cause, .. }
            | Self::Thread { cause }
            | Self::Top { cause }
            | Self::Pack { cause, .. }
            | Self::Read { cause, .. }
            | Self::Raise { cause, .. } => Some(cause),
        }
    }

    pub(super) fn archive(cause: io::Error) -> Self {
        if Cancelled::is_cause_of(&cause) {
            return Cancelled.into();
        }
        Self::Archive { cause }
    }

    pub(super) fn pack(path: &[u8], cause: io::Error) -> Self {
        if Cancelled::is_cause_of(&cause) {
            return Cancelled.into();
        }
        Self::Pack {
            path: shown(path),
            cause,
        }
    }

    pub(super) fn raise(path: &[u8], cause: io::Error) -> Self {
        if Cancelled::is_cause_of(&cause) {
            return Cancelled.into();
        }
        Self::Raise {
            path: shown(path),
            cause,
        }
    }

    pub(super) fn read(path: &[u8], cause: impl Into<io::Error>) -> Self {
        Self::Read {
            path: shown(path),
            cause: cause.into(),
        }
    }

    pub(super) fn copy(path: &[u8], error: CopyError) -> Self {
        match error {
            CopyError::Cancelled(cancelled) => cancelled.into(),
            CopyError::Read(cause) => Self::read(path, cause),
            CopyError::Write(cause) => Self::Write {
                path: shown(path),
                cause,
            },
        }
    }

    pub(super) fn changed(path: &[u8]) -> Self {
        Self::Changed { path: shown(path) }
    }

    pub(super) fn name(path: &[u8], fault: &'static str) -> Self {
        let path = shown(path);
        Self::Name { path, fault }
    }

    pub(super) fn parent(path: &[u8], cause: Errno) -> Self {
        let path = shown(path);
        match cause {
            Errno::XDEV => Self::Outside { path },
            cause => Self::Parent {
                path,
                cause: cause.into(),
            },
        }
    }

    pub(super) fn create(path: &[u8], cause: Errno) -> Self {
        Self::Create {
            path: shown(path),
            cause: cause.into(),
        }
    }

    pub(super) fn replace(path: &[u8], cause: Errno) -> Self {
        Self::Replace {
            path: shown(path),
            cause: cause.into(),
        }
    }

    pub(super) fn link(path: &[u8], target: &[u8], cause: Errno) -> Self {
        Self::Link {
            path: shown(path),
            target: shown(target),
            cause: cause.into(),
        }
    }
}
