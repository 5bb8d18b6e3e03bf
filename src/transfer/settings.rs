//! What holds for all transfers of a Manager, and what the environment says of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use super::memory::Memory;
use crate::fetch;
use crate::report::Reporter;
use crate::store::Roots;
use crate::terms::{InvalidValue, parse_boolean, parse_time_span};

/// What holds for all transfers of a Manager.
#[derive(Clone)]
pub struct Settings {
    pub roots: Roots,
    pub fetch: fetch::Config,
    /// The one keyring to trust instead of the system's, as it was named.
    pub keyring: Option<PathBuf>,
    /// Waits until an image is on disk before it becomes visible.
    pub sync: bool,
    /// Makes a tree a subvolume where the file system can.
    pub subvolumes: bool,
    /// Has what a subvolume takes counted, where the file system can.
    pub quota: bool,
    /// An image that somebody uses is not replaced.
    pub lock_images: bool,
    /// Labels of SELinux are read and written.
    pub selinux: bool,
    /// How many threads may work on one transfer at the same time.
    pub threads: usize,
    pub memory: Arc<Memory>,
}

impl Settings {
    /// The defaults, with what the environment says. A variable that makes no sense is warned of and passed over; a
    /// keyring is looked at where one is needed.
    pub fn new(
        roots: Roots,
        program: &str,
        variable: impl Fn(&str) -> Option<OsString>,
        reporter: &Reporter,
    ) -> Self {
        let user_agent = format!("{program}/{}", env!("CARGO_PKG_VERSION"));
        let mut fetch = fetch::Config::new(user_agent, &variable);
        let environment = Environment {
            variable: &variable,
            reporter,
        };
        let span = |name| environment.parsed(name, parse_time_span);
        fetch.stall = span("IMPORTD_STALL_TIMEOUT").unwrap_or(fetch.stall);
        fetch.retry = span("IMPORTD_RETRY_TIMEOUT").unwrap_or(fetch.retry);
        let keyring = variable("SYSTEMD_OPENPGP_KEYRING");
        let switch = |name| environment.parsed(name, parse_boolean);
        Self {
            roots,
            fetch,
            keyring: keyring.filter(|it| !it.is_empty()).map(PathBuf::from),
            sync: switch("SYSTEMD_IMPORT_SYNC").unwrap_or(true),
            subvolumes: switch("SYSTEMD_IMPORT_BTRFS_SUBVOL").unwrap_or(true),
            quota: switch("SYSTEMD_IMPORT_BTRFS_QUOTA").unwrap_or(false),
            lock_images: switch("SYSTEMD_NSPAWN_LOCK").unwrap_or(true),
            selinux: false,
            threads: environment
                .parsed("IMPORTD_THREADS", parse_count)
                .unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
            memory: Arc::default(),
        }
    }

    /// For how long failures that may pass are tried again.
    pub fn retrying_for(mut self, time: Option<Duration>) -> Self {
        self.fetch.retry = time.unwrap_or(self.fetch.retry);
        self
    }
}

fn parse_count(word: &str) -> Result<usize, InvalidValue> {
    word.parse().map_err(|_| InvalidValue {
        value: word.to_owned(),
        expected: "a number",
    })
}

/// Variables, and whom to tell of those that make no sense.
struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    reporter: &'a Reporter,
}

impl Environment<'_> {
    fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        let value = (self.variable)(name)?;
        let parsed = parse(&value.to_string_lossy());
        let complain = |error: &InvalidValue| {
            let what = format_args!("${name} makes no sense, ignoring: {error}");
            self.reporter.warning(what);
        };
        parsed.inspect_err(complain).ok()
    }
}
