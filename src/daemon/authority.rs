//! Who may do what. polkit is asked, but not about root and not about ourselves; without it nobody else may do anything.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rustix::process::geteuid;
use zbus::Variant;
use zbus::{Connection, block_on};

use crate::wire::bus::DBUS;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Import,
    Export,
    Pull,
    Cancel,
}

/// Who wants it.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// By the unique name on the bus.
    BusName(String),
    /// At the other end of a socket. `started` is in clock ticks since boot (`proc_pid_stat(5)`), which tells a process from
    /// a later one of the same number.
    Process { pid: u32, uid: u32, started: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Granted,
    Denied,
    /// Somebody would have to be asked, which nobody has allowed or nobody can.
    NeedsInteraction,
}

/// The way to polkit: the bus, once there is one.
#[derive(Default)]
pub(super) struct Authority(Mutex<Option<Connection>>);

const POLKIT: &str = "org.freedesktop.PolicyKit1";
const POLKIT_PATH: &str = "/org/freedesktop/PolicyKit1/Authority";
const POLKIT_INTERFACE: &str = "org.freedesktop.PolicyKit1.Authority";
/// A flag of polkit's: it may ask the person there.
const ALLOW_INTERACTION: u32 = 1;

impl Action {
    fn id(self) -> &'static str {
        match self {
            Self::Import => "org.freedesktop.import1.import",
            Self::Export => "org.freedesktop.import1.export",
            Self::Pull => "org.freedesktop.import1.pull",
            Self::Cancel => "org.freedesktop.import1.cancel",
        }
    }
}

impl Authority {
    /// Whether that is root, or who we are.
    pub(super) fn is_privileged(&self, subject: &Subject) -> bool {
        let uid = match (subject, self.bus()) {
            (Subject::Process { uid, .. }, _) => Some(*uid),
            (Subject::BusName(name), Some(bus)) => uid_of(&bus, name).ok(),
            (Subject::BusName(_), None) => None,
        };
        uid.is_some_and(|uid| uid == 0 || uid == geteuid().as_raw())
    }

    fn bus(&self) -> Option<Connection> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// There is a bus from now on, or none any more.
    pub(super) fn set_bus(&self, bus: Option<Connection>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bus;
    }

    /// Asks, and waits for the answer: that may take as long as a person takes. What is shown to that person of `details`
    /// is polkit's to decide.
    pub(super) fn check(
        &self,
        subject: &Subject,
        action: Action,
        details: &[(&str, &str)],
        interactive: bool,
    ) -> Verdict {
        if self.is_privileged(subject) {
            return Verdict::Granted;
        }
        let bus = self.bus();
        let Some(bus) = bus else {
            return Verdict::Denied;
        };
        let details: HashMap<&str, &str> = details.iter().copied().collect();
        let flags = if interactive { ALLOW_INTERACTION } else { 0 };
        let asked = (of_polkit(subject), action.id(), details, flags, "");
        let reply = block_on(bus.call_method(
            Some(POLKIT),
            POLKIT_PATH,
            Some(POLKIT_INTERFACE),
            "CheckAuthorization",
            &asked,
        ));
        let verdict = reply.and_then(|reply| {
            let body = reply.body();
            let ((granted, challenge, _),): ((bool, bool, HashMap<String, String>),) =
                body.deserialize()?;
            Ok((granted, challenge))
        });
        match verdict {
            Ok((true, _)) => Verdict::Granted,
            Ok((false, true)) => Verdict::NeedsInteraction,
            // Without polkit nobody can say yes.
            Ok((false, false)) | Err(_) => Verdict::Denied,
        }
    }
}

fn uid_of(bus: &Connection, name: &str) -> zbus::Result<u32> {
    let (service, path, interface) = DBUS;
    let reply = block_on(bus.call_method(
        Some(service),
        path,
        Some(interface),
        "GetConnectionUnixUser",
        &name,
    ))?;
    reply.body().deserialize()
}

/// As polkit wants to have it: a kind, and what tells one of these.
fn of_polkit(subject: &Subject) -> (&'static str, HashMap<&'static str, Variant<'_>>) {
    match subject {
        Subject::BusName(name) => (
            "system-bus-name",
            HashMap::from([("name", Variant::from(name.as_str()))]),
        ),
        Subject::Process { pid, uid, started } => (
            "unix-process",
            HashMap::from([
                ("pid", Variant::from(*pid)),
                ("start-time", Variant::from(*started)),
                ("uid", Variant::from(uid.cast_signed())),
            ]),
        ),
    }
}
