//! Running one transfer in this very process, and stopping it when somebody wants that.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::error::Error;
use crate::report::Reporter;
use crate::sys::SignalFd;
use crate::transfer::{Manager, Request, Settings};

/// Runs a transfer to its end. SIGINT, SIGTERM and SIGHUP cancel it.
pub(super) fn transfer(
    settings: Settings,
    request: Request,
    reporter: &Reporter,
) -> Result<(), Error> {
    // Before the first thread, which inherits the mask.
    let signals = SignalFd::stop_signals().map_err(Error::Signals)?;
    let transfer = Manager::new(settings).start(request, reporter.clone())?;
    loop {
        let mut waited = [
            PollFd::new(&signals, PollFlags::IN),
            PollFd::new(&transfer, PollFlags::IN),
        ];
        match poll(&mut waited, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Error::Signals(error.into())),
        }
        let [signalled, ended] = waited.map(|fd| !fd.revents().is_empty());
        if ended {
            return Ok(transfer.join()?);
        }
        if signalled && signals.take() {
            reporter.debug("A signal asks for the end of the transfer");
            transfer.cancel();
        }
    }
}
