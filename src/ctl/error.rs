//! What importctl has to say when it fails.

use std::io;

use super::bus;
use crate::store;
use crate::terms::{InvalidName, InvalidUrl};
use crate::transfer;
use crate::usage;

/// Every way in which a run of importctl ends with exit status 1.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Usage(#[from] usage::Error),
    #[error(
        "no image class was given: choose one with --class= or its short form: machine (-m, /var/lib/machines/), portable \
         (-P, /var/lib/portables/), sysext (-S, /var/lib/extensions/) or confext (-C, /var/lib/confexts/)"
    )]
    NoClass,
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("standard input has no name: give one for the image")]
    NamelessInput,
    #[error(
        "`{0}` names a directory, and an image is imported from a file: use import-fs for directories"
    )]
    DirectoryNamed(String),
    #[error("failed to open `{path}`: {cause}")]
    Open { path: String, cause: io::Error },
    #[error("failed to show it in a pager: {0}: try --no-pager")]
    Pager(io::Error),
    #[error("failed to write to standard output: {0}")]
    Output(io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Transfer(#[from] transfer::Error),
    #[error("failed to find out where this program lies: {0}")]
    Program(io::Error),
    #[error(transparent)]
    Bus(#[from] bus::Error),
    #[error("images of single users are not served yet: leave out --user")]
    User,
    #[error(
        "there is no daemon here, so no transfer can be under way: only its own process can stop what runs without one"
    )]
    NoDaemon,
    #[error(
        "--host= and --machine= are about a daemon: they do not go with --no-daemon, --root=, --image-root= and --retry-timeout="
    )]
    Elsewhere,
    #[error("`{0}` is no number of a transfer: see `importctl list-transfers`")]
    Number(String),
}
