//! Bringing a file to disk in steps, between which it can be cancelled: nothing interrupts a sync of gigabytes.

use std::fs::File;
use std::io;

use crate::stream::Cancel;
use crate::sys::finish_writeback;

/// How much is gathered by the kernel before it goes to disk, and how much is waited for at once.
pub const WRITEBACK_BYTES: u64 = 8 << 20;

/// Waits until the file is on disk, data and all; fails with [`Cancelled`](crate::stream::Cancelled) as soon as that is
/// wished for.
pub fn sync(file: &File, cancel: &Cancel) -> io::Result<()> {
    let mut offset = 0;
    while offset < file.metadata()?.len() {
        cancel.check()?;
        finish_writeback(file, offset, WRITEBACK_BYTES)?;
        offset += WRITEBACK_BYTES;
    }
    cancel.check()?;
    file.sync_all()
}
