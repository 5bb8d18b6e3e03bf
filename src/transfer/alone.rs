//! One transfer in a process of its own, which signals end.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::{Error, Local, Manager, Request, Settings};
use crate::report::Reporter;
use crate::sys::SignalFd;

/// Runs a transfer to its end. SIGINT, SIGTERM and SIGHUP cancel it. No other thread may run before.
pub fn run_alone(settings: Settings, request: Request, reporter: &Reporter) -> Result<(), Error> {
    // Before the first thread, which inherits the mask.
    let signals = SignalFd::stop_signals().map_err(Local::Signals)?;
    let transfer = Manager::new(settings).start(request, reporter.clone())?;
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
            transfer.cancel();
        }
    }
}
