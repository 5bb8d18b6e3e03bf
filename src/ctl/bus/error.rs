//! What goes wrong between us and a daemon.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(in crate::ctl) enum Error {
    #[error("failed to get at the bus: {0}")]
    Connect(zbus::Error),
    #[error(
        "failed to get at the bus of {host}: {cause} (if nothing above says why, is there a systemd-stdio-bridge, which `ssh` has to start there?)"
    )]
    Remote { host: String, cause: zbus::Error },
    #[error("failed to start `{program}`: {cause}")]
    Program {
        program: &'static str,
        cause: io::Error,
    },
    #[error(
        "`{0}` is no host: give USER@HOST:PORT/CONTAINER, of which only HOST is needed, an IPv6 address in brackets"
    )]
    Host(String),
    #[error(
        "failed to get at the bus of container `{name}`: {cause} (only root may, and it has to run a bus)"
    )]
    Machine { name: String, cause: io::Error },
    /// What the daemon itself says of a call, and the name of that error.
    #[error("{message}")]
    Refused { name: String, message: String },
    #[error("the call could not be made: {0}")]
    Call(zbus::Error),
    #[error("the daemon's answer makes no sense: {0}")]
    Answer(zbus::Error),
    #[error(
        "the bus has gone away: what was under way may still go on, see `importctl list-transfers`"
    )]
    BusGone,
    #[error(
        "the daemon has ended before the transfer did: see its log, `journalctl -u systemd-importd`"
    )]
    DaemonGone,
    #[error("failed to set up the handling of signals: {0}")]
    Signals(io::Error),
    #[error("failed to prepare `{path}`: {cause}")]
    Target { path: String, cause: io::Error },
    #[error("the daemon cannot do what {0} asks for: add --no-daemon to do it here")]
    NotThere(&'static str),
    #[error("the transfer failed")]
    Failed,
    #[error("the transfer was cancelled")]
    Canceled,
    /// It goes on without us.
    #[error(
        "the transfer goes on without this program: stop it with `importctl cancel-transfer {0}`"
    )]
    Left(u32),
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        Self::Call(error)
    }
}
