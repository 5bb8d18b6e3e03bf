//! One transfer in a process of its own, which signals end.

use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::job::{self, Job};
use super::{Error, Local, Request, Settings};
use crate::report::Reporter;
use crate::stream::Cancel;
use crate::sys::SignalFd;

/// Runs a transfer to its end. SIGINT, SIGTERM and SIGHUP cancel it. No other thread may run before.
pub fn run_alone(settings: Settings, request: Request, reporter: &Reporter) -> Result<(), Error> {
    // Before the first thread, which inherits the mask.
    let signals = SignalFd::stop_signals().map_err(Local::Signals)?;
    let cancel = Cancel::new().map_err(Local::Thread)?;
    let job = Job {
        settings: Arc::new(settings),
        cancel: cancel.clone(),
        reporter: reporter.clone(),
        name: "transfer".to_owned(),
    };
    let transfer = job::start(job, request, |_| {})?;
    loop {
        let mut waited = [
            PollFd::new(&signals, PollFlags::IN),
            PollFd::new(&transfer, PollFlags::IN),
        ];
        match poll(&mut waited, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Local::Signals(error.into()).into()),
        }
        let [signalled, ended] = waited.map(|fd| !fd.revents().is_empty());
        if ended {
            return transfer.join();
        }
        if signalled && signals.take() {
            reporter.debug("A signal asks for the end of the transfer");
            cancel.cancel();
        }
    }
}
