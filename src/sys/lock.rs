//! Locks of open file descriptions: `F_OFD_SETLK` of `fcntl(2)`.
//!
//! Unlike `flock(2)`'s they meet POSIX locks and each other's ranges, and unlike POSIX locks they belong to whoever has
//! the descriptor, and not to the process.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Locks the whole of a file, which must be open for writing, against everybody else. False where somebody has it.
pub fn try_lock_exclusive(file: &File) -> io::Result<bool> {
    // SAFETY: for a `struct flock` zeros are valid, and mean from the beginning to the end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    // The constants' types differ between machines.
    lock.l_type = libc::F_WRLCK as _;
    lock.l_whence = libc::SEEK_SET as _;
    // SAFETY: the descriptor is open as long as `file` lives; the call reads a `struct flock`, which this is.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => Ok(false),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_description_at_a_time_has_the_lock() {
        let path = std::env::temp_dir().join(format!("importd-lock-{}", std::process::id()));
        let open = || {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            options.open(&path).unwrap()
        };
        let (first, second) = (open(), open());
        std::fs::remove_file(&path).unwrap();
        assert!(try_lock_exclusive(&first).unwrap());
        assert!(try_lock_exclusive(&first).unwrap(), "it is ours");
        assert!(!try_lock_exclusive(&second).unwrap());
        let duplicate = first.try_clone().unwrap();
        drop(first);
        assert!(!try_lock_exclusive(&second).unwrap());
        drop(duplicate);
        assert!(try_lock_exclusive(&second).unwrap());
    }
}
