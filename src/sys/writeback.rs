//! Writing to disk begun before somebody waits for it: `sync_file_range(2)`.

#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;

/// Begins to write that part of a file to disk, and waits for none of it. A hint: file systems that cannot do it, don't.
pub fn begin_writeback(file: &File, offset: u64, length: u64) {
    if let (Ok(offset), Ok(length)) = (offset.try_into(), length.try_into()) {
        // SAFETY: the descriptor is open as long as `file` lives; the call touches no memory of ours.
        unsafe {
            libc::sync_file_range(
                file.as_raw_fd(),
                offset,
                length,
                libc::SYNC_FILE_RANGE_WRITE,
            );
        }
    }
}
