//! Children of this process, whoever has started them.

use rustix::process::{WaitId, WaitIdOptions, waitid};

/// Whether there are any that nobody has waited for yet.
pub fn has_children() -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::All, look).is_ok()
}
