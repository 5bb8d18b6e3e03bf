//! Errors as Varlink has them: a name that programs know, and no sentence.

use std::io;

use crate::daemon::authority::Verdict;
use crate::transfer::{Error, Local, NotStarted};
use crate::wire::varlink::{Failure, InvalidParameter, Parameters};

/// Why a call is answered with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    InvalidParameter(String),
    ExpectedMore,
    MethodNotFound(String),
    InterfaceNotFound(String),
    PermissionDenied,
    /// Somebody would have to be asked, which the caller has not allowed or nobody can.
    NeedsInteraction,
    /// What is being downloaded already.
    InProgress(String),
    NoTransfers,
    Cancelled,
    Failed,
    /// Variables that are no text.
    InconsistentEnvironment,
    /// The operating system's number of an error.
    System(i32),
}

/// As Linux numbers them, and their names.
const NAMES: [(i32, &str); 6] = [
    (E2BIG, "E2BIG"),
    (EIO, "EIO"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (23, "ENFILE"),
    (24, "EMFILE"),
];
const E2BIG: i32 = 7;
const EIO: i32 = 5;

impl Fault {
    /// As it is sent.
    pub(super) fn failure(self) -> Failure {
        let none = Parameters::new();
        let (name, parameters) = match self {
            Self::InvalidParameter(name) => (
                "org.varlink.service.InvalidParameter",
                none.with("parameter", name),
            ),
            Self::ExpectedMore => ("org.varlink.service.ExpectedMore", none),
            Self::MethodNotFound(method) => (
                "org.varlink.service.MethodNotFound",
                none.with("method", method),
            ),
            Self::InterfaceNotFound(interface) => (
                "org.varlink.service.InterfaceNotFound",
                none.with("interface", interface),
            ),
            Self::PermissionDenied => ("org.varlink.service.PermissionDenied", none),
            Self::NeedsInteraction => ("io.systemd.InteractiveAuthenticationRequired", none),
            Self::InProgress(remote) => (
                "io.systemd.Import.AlreadyInProgress",
                none.with("remote", remote),
            ),
            Self::NoTransfers => ("io.systemd.Import.NoTransfers", none),
            Self::Cancelled => ("io.systemd.Import.TransferCancelled", none),
            Self::Failed => ("io.systemd.Import.TransferFailed", none),
            Self::InconsistentEnvironment => ("io.systemd.service.InconsistentEnvironment", none),
            Self::System(number) => ("io.systemd.System", of_system(number)),
        };
        Failure {
            name: name.to_owned(),
            parameters,
        }
    }

    pub(super) fn of_io(error: &io::Error) -> Self {
        Self::System(error.raw_os_error().unwrap_or(EIO))
    }

    /// What a verdict that is no "yes" is told as.
    pub(super) fn of_verdict(verdict: Verdict) -> Result<(), Self> {
        match verdict {
            Verdict::Granted => Ok(()),
            Verdict::Denied => Err(Self::PermissionDenied),
            Verdict::NeedsInteraction => Err(Self::NeedsInteraction),
        }
    }
}

fn of_system(number: i32) -> Parameters {
    let parameters = Parameters::new()
        .with("origin", "linux")
        .with("errno", number);
    let found = NAMES.iter().find(|(known, _)| *known == number);
    match found {
        Some((_, name)) => parameters.with("errnoName", *name),
        None => parameters,
    }
}

impl From<InvalidParameter> for Fault {
    fn from(InvalidParameter(name): InvalidParameter) -> Self {
        Self::InvalidParameter(name)
    }
}

impl From<NotStarted> for Fault {
    fn from(error: NotStarted) -> Self {
        match error {
            NotStarted::InProgress(remote) => Self::InProgress(remote),
            NotStarted::TooMany => Self::System(E2BIG),
            NotStarted::Failed(Error::Local(Local::Thread(cause))) => Self::of_io(&cause),
            NotStarted::Stopping | NotStarted::Failed(_) => Self::System(EIO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_transfers_are_told_as_the_reference_tells_them() {
        let failure = Fault::from(NotStarted::TooMany).failure();
        assert_eq!(failure.name, "io.systemd.System");
        let of_linux = Parameters::new()
            .with("origin", "linux")
            .with("errno", 7)
            .with("errnoName", "E2BIG");
        assert_eq!(failure.parameters, of_linux);
        let cause = io::Error::from_raw_os_error(12345);
        let error = Error::Local(Local::Thread(cause));
        let failure = Fault::from(NotStarted::Failed(error)).failure();
        assert_eq!(failure.parameters.value("errnoName"), None);
    }
}
