//! Errors as the bus has them: a name that programs know, and a sentence for people.

use std::fmt;

use rustix::io::Errno;

use crate::daemon::authority::Verdict;
use crate::transfer::NotStarted;

/// Why a call is answered with an error.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) message: String,
}

const ACCESS_DENIED: &str = "org.freedesktop.DBus.Error.AccessDenied";
const FAILED: &str = "org.freedesktop.DBus.Error.Failed";
const INTERACTION: &str = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";
const INVALID_ARGS: &str = "org.freedesktop.DBus.Error.InvalidArgs";
const LIMITS: &str = "org.freedesktop.DBus.Error.LimitsExceeded";
const NO_TRANSFER: &str = "org.freedesktop.import1.NoSuchTransfer";
const NOT_SUPPORTED: &str = "org.freedesktop.DBus.Error.NotSupported";
const IN_PROGRESS: &str = "org.freedesktop.import1.TransferInProgress";
const READ_ONLY: &str = "org.freedesktop.DBus.Error.PropertyReadOnly";
const UNKNOWN_INTERFACE: &str = "org.freedesktop.DBus.Error.UnknownInterface";
const UNKNOWN_METHOD: &str = "org.freedesktop.DBus.Error.UnknownMethod";
const UNKNOWN_OBJECT: &str = "org.freedesktop.DBus.Error.UnknownObject";
const UNKNOWN_PROPERTY: &str = "org.freedesktop.DBus.Error.UnknownProperty";

impl Fault {
    fn new(name: &'static str, message: impl fmt::Display) -> Self {
        Self {
            name,
            message: message.to_string(),
        }
    }

    pub(super) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(INVALID_ARGS, message)
    }

    pub(super) fn failed(message: impl fmt::Display) -> Self {
        Self::new(FAILED, message)
    }

    pub(super) fn not_supported(message: impl fmt::Display) -> Self {
        Self::new(NOT_SUPPORTED, message)
    }

    pub(super) fn no_transfer(id: u32) -> Self {
        Self::new(NO_TRANSFER, format_args!("There is no transfer {id}"))
    }

    pub(super) fn unknown_object(path: &str) -> Self {
        Self::new(UNKNOWN_OBJECT, format_args!("There is no object `{path}`"))
    }

    pub(super) fn unknown_interface(name: &str) -> Self {
        let message = format_args!("The object has no interface `{name}`");
        Self::new(UNKNOWN_INTERFACE, message)
    }

    pub(super) fn unknown_method(name: &str) -> Self {
        let message = format_args!("The object has no method `{name}`");
        Self::new(UNKNOWN_METHOD, message)
    }

    pub(super) fn unknown_property(name: &str) -> Self {
        let message = format_args!("The interface has no property `{name}`");
        Self::new(UNKNOWN_PROPERTY, message)
    }

    pub(super) fn read_only(name: &str) -> Self {
        Self::new(READ_ONLY, format_args!("`{name}` cannot be set"))
    }

    pub(super) fn too_busy() -> Self {
        Self::new(LIMITS, "Too many calls are waiting for their answers")
    }

    pub(super) fn denied() -> Self {
        Self::new(ACCESS_DENIED, "Access denied")
    }

    /// A descriptor is not of a kind, or in a mode, that will do.
    pub(super) fn descriptor(cause: Errno, message: &str) -> Self {
        let name = match cause {
            Errno::NOTDIR => "System.Error.ENOTDIR",
            Errno::REMOTEIO => "System.Error.EREMOTEIO",
            _ => INVALID_ARGS,
        };
        Self::new(name, message)
    }

    /// What a verdict that is no "yes" is told as.
    pub(super) fn of_verdict(verdict: Verdict) -> Result<(), Self> {
        match verdict {
            Verdict::Granted => Ok(()),
            Verdict::Denied => Err(Self::denied()),
            Verdict::NeedsInteraction => Err(Self::new(
                INTERACTION,
                "Somebody has to agree to this, and the calling program has not asked for that",
            )),
        }
    }
}

impl From<NotStarted> for Fault {
    fn from(error: NotStarted) -> Self {
        let name = match &error {
            NotStarted::InProgress(_) => IN_PROGRESS,
            NotStarted::TooMany => "System.Error.E2BIG",
            NotStarted::Stopping | NotStarted::Failed(_) => FAILED,
        };
        Self::new(name, error)
    }
}
