//! Bringing a file to disk in steps, between which it can be cancelled: nothing interrupts a sync of gigabytes.

use std::fs::File;
use std::io;
use std::ops::Range;

use crate::stream::Cancel;
use crate::sys::finish_writeback;

/// How much is gathered by the kernel before it goes to disk, and how much is waited for at once.
pub const WRITEBACK_BYTES: u64 = 8 << 20;

/// Waits until the file is on disk, data and all; fails with [`Cancelled`](crate::stream::Cancelled) as soon as that is
/// wished for.
pub fn sync(file: &File, cancel: &Cancel) -> io::Result<()> {
    sync_part(file, 0..file.metadata()?.len(), cancel)
}

/// The same, where only a part of it was written. So it is with devices too, which have no length.
pub(super) fn sync_part(file: &File, part: Range<u64>, cancel: &Cancel) -> io::Result<()> {
    let mut offset = part.start;
    while offset < part.end {
        cancel.check()?;
        finish_writeback(file, offset, WRITEBACK_BYTES)?;
        offset += WRITEBACK_BYTES;
    }
    cancel.check()?;
    file.sync_all()
}
