//! Writing to disk piece by piece, before or instead of one long wait for all of it: `sync_file_range(2)`.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Begins to write that part of a file to disk, and waits for none of it. A hint: what fails, fails again in a sync.
pub fn begin_writeback(file: &File, offset: u64, length: u64) {
    let _ = sync_range(file, offset, length, libc::SYNC_FILE_RANGE_WRITE);
}

/// Writes the data of that part of a file to disk and waits for that. A sync is still needed, but has little left to do.
///
/// An error told here is one that the sync does not tell again.
pub fn finish_writeback(file: &File, offset: u64, length: u64) -> io::Result<()> {
    let flags = libc::SYNC_FILE_RANGE_WAIT_BEFORE
        | libc::SYNC_FILE_RANGE_WRITE
        | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    match sync_range(file, offset, length, flags) {
        // A sandbox may not know the call; the sync does it all then.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Ok(()),
        result => result,
    }
}

fn sync_range(file: &File, offset: u64, length: u64, flags: libc::c_uint) -> io::Result<()> {
    let number = |bytes: u64| libc::off64_t::try_from(bytes).map_err(io::Error::other);
    let (offset, length) = (number(offset)?, number(length)?);
    // SAFETY: the descriptor is open as long as `file` lives; the call touches no memory of ours.
    match unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
