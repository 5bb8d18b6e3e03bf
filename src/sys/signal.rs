//! SIGINT, SIGTERM and SIGHUP as a descriptor, so that they are polled like everything else, and SIGINT as somebody else's.

#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd};

/// Readable while one of the signals that ask a program to stop is pending.
#[derive(Debug)]
pub struct SignalFd(File);

impl SignalFd {
    /// Blocks the signals in this thread, and so in every thread it starts afterwards, and opens the descriptor.
    ///
    /// Those that whoever started the program had it ignore, as nohup(1) and a shell's `trap ''` do, stay ignored.
    /// SIGXFSZ is blocked with them, but never taken: a write beyond a limit is an error like others, not the end.
    ///
    /// Call it before the first thread is started: a thread that does not block them would still be killed by them.
    pub fn stop_signals() -> io::Result<Self> {
        let mut signals = vec![libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
        signals.retain(|signal| !is_ignored(*signal));
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset initialises the set it is given; the others are given that initialised set and valid
        // signal numbers; a null pointer is how pthread_sigmask is told that the old mask is not wanted.
        let fd = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in signals {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            let fd = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGXFSZ);
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
            fd
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: signalfd has just returned this descriptor, so it is open and nobody else owns it.
        Ok(Self(unsafe { File::from_raw_fd(fd) }))
    }

    /// Takes one pending signal; false if there is none.
    pub fn take(&self) -> bool {
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        (&self.0)
            .read(&mut info)
            .is_ok_and(|count| count == info.len())
    }
}

/// Starts a program whose Control-C is from then on: it interrupts that one, and this one no more. If it does not start,
/// nothing has changed. One that comes in between waits until it is known whose it is.
pub fn hand_over_interrupts<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that the others are given, the signal's number is valid, and the old mask
    // is written to where there is room for it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
    }
    // What is started begins with nothing blocked; what is ignored it would inherit.
    let started = start();
    // SAFETY: to ignore a signal installs no handler, so nothing of ours runs when it comes; pthread_sigmask has
    // initialised the old mask above, which cannot fail with arguments like those.
    unsafe {
        if started.is_ok() {
            libc::signal(libc::SIGINT, libc::SIG_IGN);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
    }
    started
}

/// Lets the signal pass with which a service manager asks its daemons for small favours (SIGRTMIN+18): to who knows nothing
/// of it, it would be the end.
pub fn ignore_favours() {
    // SAFETY: the number is a signal's that can be ignored, and SIG_IGN is no function.
    unsafe {
        libc::signal(libc::SIGRTMIN() + 18, libc::SIG_IGN);
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null pointer is how sigaction is told to change nothing; where it returns 0 it has initialised the
    // action it was given.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
