//! Why a transfer failed, and whose fault that is.

use std::io::{
    self,
    ErrorKind::{QuotaExceeded, StorageFull},
};
use std::path::{Path, PathBuf};

use crate::disk::{CopyError, qcow2};
use crate::format::{ManifestError, tar};
use crate::stream::{Cancelled, LimitExceeded};
use crate::terms::{Bytes, ImageClass, ImageForm, ImageName, Sha256Digest, Url};
use crate::{codec, fetch, openpgp, store, tree};

/// A failed transfer. The variants say whom to ask about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server, the network, or the file that was brought.
    #[error(transparent)]
    Remote(#[from] Remote),
    /// This machine.
    #[error(transparent)]
    Local(#[from] Local),
    /// What came is not what was vouched for.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// Somebody wanted it so.
    #[error("the transfer was cancelled")]
    Cancelled,
}

#[derive(Debug, thiserror::Error)]
pub enum Remote {
    #[error(transparent)]
    Fetch(fetch::Error),
    #[error("there is nothing at {0}: check the address")]
    NotFound(Url),
    #[error("`{origin}` cannot be used: {cause}")]
    Codec { origin: String, cause: codec::Error },
    #[error("`{origin}` is a qcow2 image that cannot be used: {cause}")]
    Qcow2 { origin: String, cause: qcow2::Error },
    #[error("`{origin}` cannot be used: {cause}")]
    TooLarge {
        origin: String,
        cause: LimitExceeded,
    },
    #[error("`{origin}` cannot be used: {cause}")]
    Archive { origin: String, cause: tar::Error },
    #[error("`{origin}` cannot be unpacked: {cause}{}", remedy_of(.cause))]
    Unpack { origin: String, cause: tree::Error },
    #[error(
        "`{origin}` is a directory, and an image is imported from a file: use import-fs for directories"
    )]
    Directory { origin: String },
    #[error("failed to read `{origin}`: {cause}")]
    Read { origin: String, cause: io::Error },
}

#[derive(Debug, thiserror::Error)]
pub enum Local {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("failed to write `{}`: {cause}{}", .path.display(), store::remedy(.cause))]
    Write { path: PathBuf, cause: io::Error },
    #[error("`{}`: {cause}{}", .path.display(), remedy_of(.cause))]
    Tree { path: PathBuf, cause: tree::Error },
    #[error("there is no {class} image `{name}`: see `importctl list-images`")]
    NoImage { class: ImageClass, name: ImageName },
    #[error("`{}` is {}", .path.display(), wrong_form(*.form))]
    OtherForm { path: PathBuf, form: ImageForm },
    #[error("there is no place for the image: give it a name")]
    NoPlace,
    #[error("the image would be written into `{}`, which it is read from: name another place", .0.display())]
    Itself(PathBuf),
    #[error("a tree goes into a directory, not into a pipe, a device or a part of a file")]
    NoTree,
    #[error("`{}` is a mount stack, which is neither a disk image nor one directory: export what it is put together of", .0.display())]
    Stack(PathBuf),
    #[error("this build of importd exports nothing")]
    NoExports,
    #[error("an image is not written to a terminal: name a file, or use a pipe")]
    Terminal,
    #[error("`{}` has {free} left, and {what} {needed}: {remedy}", .path.display())]
    NoSpace {
        path: PathBuf,
        free: Bytes,
        what: &'static str,
        needed: Bytes,
        remedy: &'static str,
    },
    #[error("{failure}; {room}: {remedy}")]
    Full {
        failure: String,
        room: String,
        remedy: &'static str,
    },
    #[error(
        "$SYSTEMD_OPENPGP_KEYRING must be an absolute path without `.` and `..`, and it is `{}`", .0.display()
    )]
    Keyring(PathBuf),
    #[error("failed to set up the handling of signals: {0}")]
    Signals(io::Error),
    #[error("failed to start a thread for the transfer: {0}")]
    Thread(io::Error),
    #[error(
        "the transfer failed in a way that is a defect of this program: please report it ({0})"
    )]
    Panic(String),
}

#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    #[error(
        "the checksum of {url} is {actual}, and {manifest} says otherwise: the image was tampered with, damaged, or replaced while its manifest was not"
    )]
    Differs {
        url: Url,
        manifest: Url,
        actual: Sha256Digest,
    },
    #[error("the checksum of {url} is {actual}, and {expected} was asked for")]
    DiffersFromPin {
        url: Url,
        expected: Sha256Digest,
        actual: Sha256Digest,
    },
    #[error("{url} cannot be verified: there is no checksum manifest beside it, neither {} (try --verify=no only if you trust every machine on the way)", list(.tried))]
    NoManifest { url: Url, tried: Vec<Url> },
    #[error("{url} cannot be verified: {} has no signature beside it (try --verify=checksum only if you trust the server and the way to it)", list(.manifests))]
    NoSignature { url: Url, manifests: Vec<Url> },
    #[error("{url} cannot be verified: {manifest} vouches for nothing, {cause}")]
    Manifest {
        url: Url,
        manifest: Url,
        cause: ManifestError,
    },
    #[error("{manifest} cannot be trusted: {cause}")]
    Signature {
        manifest: Url,
        cause: openpgp::Error,
    },
    #[error("no OpenPGP keyring can be used, so no signature can be verified: looked at {}", paths(.0))]
    NoKeyring(Vec<PathBuf>),
    #[error(
        "{0} is itself what images are verified with, so it cannot be verified like an image (try --verify=no, or pin its checksum)"
    )]
    IsManifest(Url),
}

fn remedy_of(error: &tree::Error) -> &'static str {
    error.io_cause().map_or("", store::remedy)
}

fn wrong_form(wanted: ImageForm) -> &'static str {
    match wanted {
        ImageForm::Raw => "a directory, not a disk image: use export-tar",
        ImageForm::Tree => "a disk image, not a directory: use export-raw",
    }
}

fn list(urls: &[Url]) -> String {
    urls.iter()
        .map(Url::to_string)
        .collect::<Vec<_>>()
        .join(" nor ")
}

fn paths(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect::<Vec<_>>()
        .join(", ")
}

impl Error {
    /// The error of writing to `path`.
    pub(super) fn write(path: &Path, cause: io::Error) -> Self {
        if Cancelled::is_cause_of(&cause) {
            return Self::Cancelled;
        }
        Local::Write {
            path: path.to_owned(),
            cause,
        }
        .into()
    }

    /// Whether it is for want of room, or of a right to it.
    pub(super) fn is_no_space(&self) -> bool {
        matches!(self, Self::Local(Local::Full { .. }))
            || matches!(self.write_kind(), Some(StorageFull | QuotaExceeded))
    }

    /// Whether a file system is full.
    pub(super) fn is_full(&self) -> bool {
        self.write_kind() == Some(StorageFull)
    }

    /// What the kernel said to a write.
    fn write_kind(&self) -> Option<io::ErrorKind> {
        let cause = match self {
            Self::Local(Local::Write { cause, .. }) => Some(cause),
            Self::Local(Local::Tree { cause, .. }) => cause.io_cause(),
            Self::Remote(Remote::Unpack { cause, .. }) => cause.io_cause(),
            _ => None,
        };
        cause.map(io::Error::kind)
    }

    /// The error of copying `origin` to `path`.
    pub(super) fn copy(origin: &str, path: &Path, error: CopyError) -> Self {
        match error {
            CopyError::Cancelled(cancelled) => cancelled.into(),
            CopyError::Read(cause) => Self::read(origin, cause),
            CopyError::Write(cause) => Self::write(path, cause),
        }
    }

    /// The error of converting `origin` to what is at `path`.
    pub(super) fn convert(origin: &str, path: &Path, error: qcow2::Error) -> Self {
        match error {
            qcow2::Error::Cancelled(cancelled) => cancelled.into(),
            qcow2::Error::Read(cause) => Self::read(origin, cause),
            qcow2::Error::Write(cause) => Self::write(path, cause),
            cause => Remote::Qcow2 {
                origin: origin.to_owned(),
                cause,
            }
            .into(),
        }
    }

    /// The error of working on the tree at `path`.
    pub(super) fn tree(path: &Path, error: tree::Error) -> Self {
        match error {
            tree::Error::Cancelled(cancelled) => cancelled.into(),
            cause => Local::Tree {
                path: path.to_owned(),
                cause,
            }
            .into(),
        }
    }

    /// The error of unpacking `origin`.
    pub(super) fn extract(origin: &str, error: tree::Error) -> Self {
        match error {
            tree::Error::Cancelled(cancelled) => cancelled.into(),
            tree::Error::Archive { cause } => Self::read(origin, cause),
            cause => Remote::Unpack {
                origin: origin.to_owned(),
                cause,
            }
            .into(),
        }
    }

    /// The error of reading what came from `origin`, whichever of the readers in between raised it.
    pub(super) fn read(origin: &str, error: io::Error) -> Self {
        if Cancelled::is_cause_of(&error) {
            return Self::Cancelled;
        }
        let origin = origin.to_owned();
        let Some(inner) = error.get_ref() else {
            return Remote::Read {
                origin,
                cause: error,
            }
            .into();
        };
        if inner.is::<fetch::Error>() || inner.is::<codec::Error>() || inner.is::<tar::Error>() {
            return error
                .into_inner()
                .map_or(Self::Cancelled, |inner| Self::unbox(origin, inner));
        }
        match inner.downcast_ref::<LimitExceeded>() {
            Some(cause) => Remote::TooLarge {
                origin,
                cause: *cause,
            }
            .into(),
            None => Remote::Read {
                origin,
                cause: error,
            }
            .into(),
        }
    }

    fn unbox(origin: String, error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let error = match error.downcast::<fetch::Error>() {
            Ok(error) => return (*error).into(),
            Err(error) => error,
        };
        let error = match error.downcast::<tar::Error>() {
            Ok(cause) => {
                return Remote::Archive {
                    origin,
                    cause: *cause,
                }
                .into();
            }
            Err(error) => error,
        };
        match error.downcast::<codec::Error>() {
            Ok(cause) => Remote::Codec {
                origin,
                cause: *cause,
            }
            .into(),
            Err(other) => Remote::Read {
                origin,
                cause: io::Error::other(other),
            }
            .into(),
        }
    }
}

impl From<fetch::Error> for Error {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Cancelled(_) => Self::Cancelled,
            error => Remote::Fetch(error).into(),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Cancelled(_) => Self::Cancelled,
            error => Local::from(error).into(),
        }
    }
}

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
