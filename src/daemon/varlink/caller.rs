//! Who calls, and what they may do.

use std::io;
use std::os::fd::AsFd;

use super::fault::Fault;
use crate::daemon::authority::{Action, Subject, Verdict};
use crate::daemon::service::Service;
use crate::sys::{peer_of, started};

/// The process at the other end of a connection, as it was when that was accepted.
pub(super) struct Caller {
    pub(super) uid: u32,
    pid: u32,
    /// None where that is not to be found out, so that nobody can say which process it is.
    started: Option<u64>,
}

impl Caller {
    pub(super) fn of(socket: impl AsFd) -> io::Result<Self> {
        let peer = peer_of(socket)?;
        Ok(Self {
            uid: peer.uid,
            pid: peer.pid,
            started: started(peer.pid).ok(),
        })
    }

    fn subject(&self) -> Subject {
        Subject::Process {
            pid: self.pid,
            uid: self.uid,
            started: self.started.unwrap_or_default(),
        }
    }

    /// Asks whether the caller may do that. It may take as long as a person takes.
    pub(super) fn authorize(
        &self,
        service: &Service,
        action: Action,
        details: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(), Fault> {
        let subject = self.subject();
        let authority = &service.authority;
        // polkit would look for a process of that number by itself, and take whichever it finds.
        let unknown = self.started.is_none() && !authority.is_privileged(&subject);
        Fault::of_verdict(match unknown {
            true => Verdict::Denied,
            false => authority.check(&subject, action, details, interactive),
        })
    }

    /// Whether nobody has to be asked about the caller.
    pub(super) fn is_privileged(&self, service: &Service) -> bool {
        service.authority.is_privileged(&self.subject())
    }

    /// Refuses everybody but root and ourselves.
    pub(super) fn need_privilege(&self, service: &Service) -> Result<(), Fault> {
        match self.is_privileged(service) {
            true => Ok(()),
            false => Err(Fault::PermissionDenied),
        }
    }
}
