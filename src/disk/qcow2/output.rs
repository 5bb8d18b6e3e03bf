//! The raw image: written piece by piece in any order, each to where zeros were before.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::io::Errno;

use crate::disk::share::{BLOCK_BYTES, STEP_BYTES};
use crate::disk::sparse::write_data;
use crate::disk::sync::WRITEBACK_BYTES;
use crate::format::qcow2::Extent;
use crate::sys::{begin_writeback, share_range};

pub(super) struct Output<'a> {
    pub(super) file: &'a File,
    to_disk: bool,
    /// What was written since writing to disk has last begun: how much, and within what.
    written: u64,
    within: Option<Range<u64>>,
    /// Whether these files may share anything at all, as far as is known.
    may_share: bool,
    pub(super) shared_bytes: u64,
}

impl<'a> Output<'a> {
    pub(super) fn new(file: &'a File, to_disk: bool) -> Self {
        Self {
            file,
            to_disk,
            written: 0,
            within: None,
            may_share: true,
            shared_bytes: 0,
        }
    }

    /// Writes bytes to their place; zeros are left out.
    pub(super) fn put(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.written += write_data(self.file, bytes, offset)?;
        let end = offset + bytes.len() as u64;
        let within = match self.within.take() {
            None => offset..end,
            Some(range) => range.start.min(offset)..range.end.max(end),
        };
        if self.written < WRITEBACK_BYTES {
            self.within = Some(within);
            return Ok(());
        }
        self.written = 0;
        if self.to_disk {
            begin_writeback(self.file, within.start, within.end - within.start);
        }
        Ok(())
    }

    /// Shares the beginning of a stretch of another file. Says how many bytes that are: none where it cannot be, and those
    /// are to be copied.
    pub(super) fn share(&mut self, source: &File, from: u64, length: u64, to: u64) -> u64 {
        let length = shareable_bytes(from, length, to);
        if !self.may_share || length == 0 {
            return 0;
        }
        match share_range(source, from, length, (self.file, to)) {
            Ok(()) => {
                self.shared_bytes += length;
                length
            }
            Err(error) => {
                // What is wrong with one stretch (its blocks are larger) may not be with the next.
                self.may_share = error.raw_os_error() == Some(Errno::INVAL.raw_os_error());
                0
            }
        }
    }
}

/// Whether a file system can share a stretch of the image, or its beginning.
pub(super) fn is_shareable(extent: &Extent) -> bool {
    extent.packed.is_none() && shareable_bytes(extent.host, extent.length, extent.guest) > 0
}

/// How much of the beginning of a stretch can be shared in one go: whole blocks to where blocks begin.
fn shareable_bytes(from: u64, length: u64, to: u64) -> u64 {
    match (from | to).is_multiple_of(BLOCK_BYTES) {
        true => length.min(STEP_BYTES) / BLOCK_BYTES * BLOCK_BYTES,
        false => 0,
    }
}
