//! Waiting that a cancellation ends. No other file of this room blocks.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::stream::{Cancel, Cancelled};

/// Waits until descriptors are ready and returns their indices: none when `timeout` passed before.
///
/// Fails with [`Cancelled`] as soon as that is wished for.
pub(super) fn wait(
    cancel: &Cancel,
    fds: &[BorrowedFd<'_>],
    flags: PollFlags,
    timeout: Duration,
) -> io::Result<Vec<usize>> {
    let start = Instant::now();
    let mut polled: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, flags))
        .collect();
    polled.push(PollFd::from_borrowed_fd(cancel.as_fd(), PollFlags::IN));
    loop {
        let left = timeout.saturating_sub(start.elapsed());
        match poll(&mut polled, Timespec::try_from(left).ok().as_ref()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => break,
        }
    }
    if cancel.is_cancelled() {
        return Err(Cancelled.into());
    }
    let ready = |index: &usize| {
        polled
            .get(*index)
            .is_some_and(|fd| !fd.revents().is_empty())
    };
    Ok((0..fds.len()).filter(ready).collect())
}

/// Does nothing for a while.
pub(super) fn pause(cancel: &Cancel, duration: Duration) -> io::Result<()> {
    wait(cancel, &[], PollFlags::empty(), duration).map(drop)
}

/// Two bytes nobody can guess.
pub(super) fn random() -> io::Result<u16> {
    let mut bytes = [0; 2];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(u16::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_cancelled() {
        let cancel = Cancel::new().unwrap();
        pause(&cancel, Duration::from_millis(10)).unwrap();
        cancel.cancel();
        let start = Instant::now();
        let error = pause(&cancel, Duration::from_secs(60)).unwrap_err();
        assert!(Cancelled::is_cause_of(&error));
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
