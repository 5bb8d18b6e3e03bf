//! What goes wrong on the local side, by operation.

use std::io;
use std::path::PathBuf;

use crate::stream::Cancelled;

/// A failure of the image store. Each names the path it happened at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("failed to open directory `{}`: {cause}", .path.display())]
    OpenRoot { path: PathBuf, cause: io::Error },
    #[error("`{}` names no file: give the path of one, in UTF-8", .0.display())]
    NoName(PathBuf),
    #[error("failed to create directory `{}`: {cause}{}", .path.display(), remedy(.cause))]
    CreateRoot { path: PathBuf, cause: io::Error },
    #[error("failed to read directory `{}`: {cause}", .path.display())]
    List { path: PathBuf, cause: io::Error },
    #[error("failed to look at `{}`: {cause}", .path.display())]
    Inspect { path: PathBuf, cause: io::Error },
    #[error("failed to create a temporary file in `{}`: {cause}{}", .path.display(), remedy(.cause))]
    Stage { path: PathBuf, cause: io::Error },
    #[error("failed to set the attributes of `{}`: {cause}", .path.display())]
    Attributes { path: PathBuf, cause: io::Error },
    #[error("failed to write `{}` to disk: {cause}{}", .path.display(), remedy(.cause))]
    Sync { path: PathBuf, cause: io::Error },
    #[error("failed to move the image into place as `{}`: {cause}{}", .path.display(), remedy(.cause))]
    Place { path: PathBuf, cause: io::Error },
    #[error("image `{name}` exists already as `{}`: choose another name, or replace it with --force", .path.display())]
    Exists { name: String, path: PathBuf },
    #[error("`{}` is in use (a container or a virtual machine runs from it?): stop that first", .path.display())]
    Busy { path: PathBuf },
    #[error("failed to lock `{}`: {cause}{}", .path.display(), remedy(.cause))]
    Lock { path: PathBuf, cause: io::Error },
    #[error("`{}` is in the way, and nothing that an image or what belongs to it replaces: remove it first", .path.display())]
    InTheWay { path: PathBuf },
    #[error("something is mounted on `{}`, so nothing can take its place: unmount that, or name a directory in it", .path.display())]
    MountPoint { path: PathBuf },
    #[error("`{}` has the name too and cannot be replaced by this image, one of the two would stay hidden: remove it first", .path.display())]
    Hides { path: PathBuf },
}

/// What to try about the usual causes.
pub fn remedy(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            " (run it as root, or choose a place of your own; images go where --image-root= says)"
        }
        io::ErrorKind::StorageFull => {
            " (free some space, or choose another place; images go where --image-root= says)"
        }
        io::ErrorKind::QuotaExceeded => {
            " (raise the quota, or choose another place; images go where --image-root= says)"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            " (remount it writable, or choose another place; images go where --image-root= says)"
        }
        io::ErrorKind::CrossesDevices => {
            " (an overlay cannot replace a directory of its lower layer: remove that first)"
        }
        _ => "",
    }
}
