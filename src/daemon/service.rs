//! What both buses serve.

use std::sync::Arc;

use super::activity::Activity;
use super::authority::Authority;
use super::log::ChangingLog;
use crate::report::Reporter;
use crate::transfer::Manager;

/// Everything that an answer may take.
pub(super) struct Service {
    pub(super) manager: Manager,
    pub(super) authority: Authority,
    pub(super) activity: Activity,
    pub(super) log: Arc<ChangingLog>,
    /// Speaks to that log.
    pub(super) reporter: Reporter,
    /// As the process was given it, `NAME=VALUE`; for who asks what may be different from what was meant.
    pub(super) environment: Vec<Vec<u8>>,
}
