//! The program that asks whoever sits at the terminal for a password, when polkit wants one: `pkttyagent(1)`.

use std::io::{self, IsTerminal, Read};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};

/// The agent, for as long as we may be asked.
pub(super) struct Agent(Child);

const PROGRAM: &str = "pkttyagent";

impl Agent {
    /// Starts it and waits until it is ready; none where there is nobody to ask, or no such program.
    pub(super) fn start() -> Option<Self> {
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return None;
        }
        let (mut ready, notify) = io::pipe().ok()?;
        // The agent gets this end, and closes it once it is ready.
        fcntl_setfd(&notify, FdFlags::empty()).ok()?;
        let child = Command::new(PROGRAM)
            .args(["--fallback", "--process"])
            .arg(std::process::id().to_string())
            .arg("--notify-fd")
            .arg(notify.as_raw_fd().to_string())
            // In our group: from another it could not read from the terminal.
            .stdin(Stdio::inherit())
            .spawn();
        drop(notify);
        let agent = Self(child.ok()?);
        let _ = ready.read(&mut [0]);
        Some(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
