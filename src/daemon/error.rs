//! Why the daemon does not serve.

use std::io;

use crate::{transfer, usage};

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Usage(#[from] usage::Error),
    #[error("there is no object at `{0}`: see `systemd-importd --bus-introspect=list`")]
    NoObject(String),
    #[error("failed to write to standard output: {0}")]
    Output(io::Error),
    #[error("images of single users are not served yet: leave out --user")]
    User,
    #[error("failed to set up the handling of signals: {0}")]
    Signals(io::Error),
    #[error("failed to begin to serve: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Transfer(#[from] transfer::Error),
}
