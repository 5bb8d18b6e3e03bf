//! Letting go of a large file whose name is gone: a file system frees its blocks when the last descriptor is closed, for
//! seconds if they are many, and nothing can interrupt that. So a child is the last to hold it.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{read, retry_on_intr};
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair};
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::stdio::{dup2_stdin, dup2_stdout, stdout};

/// A child that holds a file until nobody else does. Dropped, it lets go, and is waited for as long as patience lasts.
///
/// It belongs behind the file it was made from: whoever closes last is the one that waits.
#[derive(Debug)]
pub struct Release {
    child: OwnedFd,
    patience: Duration,
}

impl Release {
    /// Has a child hold that file too. It has no other descriptor of ours, and whoever kills it does no harm.
    pub fn of(file: &File, patience: Duration) -> io::Result<Self> {
        let (parent, child) = socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        // SAFETY: until it ends the child calls only functions that are allowed after a fork with threads about.
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error()),
            0 => hold(file, &child),
            id => reap(id),
        }
        Ok(Self {
            child: parent,
            patience,
        })
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        if shutdown(&self.child, Shutdown::Write).is_ok() {
            let patience = Timespec::try_from(self.patience).ok();
            let _ = poll(
                &mut [PollFd::new(&self.child, PollFlags::IN)],
                patience.as_ref(),
            );
        }
    }
}

/// The child: leaves a grandchild behind, which nobody has to reap, and ends.
fn hold(file: &File, parent: &OwnedFd) -> ! {
    // SAFETY: a plain fork; what both go on to call are system calls.
    if unsafe { libc::fork() } == 0 && only(file, parent) {
        let _ = read(stdout(), &mut [0]);
        // SAFETY: whoever owns that number in this copy of the process is never returned to.
        unsafe { libc::close(0) };
        // Ending closes the socket, which tells that it is done.
    }
    // SAFETY: it runs nothing of the program's.
    unsafe { libc::_exit(0) }
}

/// Keeps the file as descriptor 0, the socket as 1, and no other.
fn only(file: &File, parent: &OwnedFd) -> bool {
    let kept = dup2_stdin(file).is_ok() && dup2_stdout(parent).is_ok();
    // SAFETY: as with `close`. By number, since not every C library has the wrapper.
    kept && unsafe { libc::syscall(libc::SYS_close_range, 2, libc::c_uint::MAX, 0) } == 0
}

/// Takes leave of the child, which ends at once.
fn reap(id: libc::pid_t) {
    let _ = retry_on_intr(|| waitpid(Pid::from_raw(id), WaitOptions::empty()));
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rustix::fs::{FlockOperation, flock};

    use super::*;

    #[test]
    fn a_file_is_held_until_it_is_released() {
        let directory = std::env::temp_dir();
        let open = || File::open(&directory).unwrap();
        let file = open();
        // A lock lasts as long as anybody has the description that holds it.
        flock(&file, FlockOperation::LockExclusive).unwrap();
        let locked = || flock(open(), FlockOperation::NonBlockingLockShared).is_err();
        let release = Release::of(&file, Duration::from_secs(60)).unwrap();
        drop(file);
        assert!(locked());
        let start = Instant::now();
        drop(release);
        assert!(!locked() && start.elapsed() < Duration::from_secs(50));
    }
}
