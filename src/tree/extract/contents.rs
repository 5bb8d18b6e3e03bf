//! What a file holds, from the archive to the disk.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use crate::disk::WRITEBACK_BYTES;
use crate::format::tar::Extent;
use crate::sys::begin_writeback;
use crate::tree::Error;
use crate::tree::Working;
use crate::tree::names::shown;

/// How much is written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes files one after the other.
pub(super) struct Contents {
    buffer: Vec<u8>,
}

/// A new, empty file that is to be filled.
pub(super) struct Empty<'a> {
    pub(super) file: &'a File,
    /// For messages.
    pub(super) path: &'a [u8],
    pub(super) size: u64,
    /// As in [`Kind::File`](crate::format::tar::Kind).
    pub(super) extents: Option<&'a [Extent]>,
}

impl Contents {
    pub(super) fn new() -> Self {
        let buffer = vec![0; BUFFER_BYTES];
        Self { buffer }
    }

    /// Puts what is stored where it belongs and gives the file its size. Returns how much that was. Zeros that are
    /// stored are written.
    pub(super) fn fill(
        &mut self,
        empty: &Empty<'_>,
        data: &mut dyn Read,
        how: &mut Working<'_>,
    ) -> Result<u64, Error> {
        let whole = [Extent {
            offset: 0,
            length: empty.size,
        }];
        let (mut stored, mut end) = (0, 0);
        for extent in empty.extents.unwrap_or(&whole) {
            let next = (extent.offset.checked_add(extent.length))
                .filter(|next| *next <= empty.size && extent.offset >= end)
                .ok_or_else(|| misplaced(empty))?;
            if extent.length > 0 {
                self.fill_extent(empty, *extent, data, how)?;
                end = next;
                stored += extent.length; // never more than `end`
            }
        }
        if end < empty.size {
            let sized = empty.file.set_len(empty.size);
            sized.map_err(|cause| failed(empty, cause))?;
        }
        Ok(stored)
    }

    fn fill_extent(
        &mut self,
        empty: &Empty<'_>,
        extent: Extent,
        data: &mut dyn Read,
        how: &mut Working<'_>,
    ) -> Result<(), Error> {
        let mut offset = extent.offset;
        let mut left = extent.length;
        let mut begun = offset;
        while left > 0 {
            how.cancel.check()?;
            (how.tick)();
            let want = usize::try_from(left).unwrap_or(BUFFER_BYTES);
            let want = want.min(self.buffer.len());
            let chunk = self.buffer.get_mut(..want).unwrap_or_default();
            data.read_exact(chunk).map_err(Error::archive)?;
            let written = empty.file.write_all_at(chunk, offset);
            written.map_err(|cause| failed(empty, cause))?;
            left -= want as u64;
            offset += want as u64;
            if how.to_disk && offset - begun >= WRITEBACK_BYTES {
                begin_writeback(empty.file, begun, offset - begun);
                begun = offset;
            }
        }
        Ok(())
    }
}

fn failed(empty: &Empty<'_>, cause: io::Error) -> Error {
    Error::Write {
        path: shown(empty.path),
        cause,
    }
}

fn misplaced(empty: &Empty<'_>) -> Error {
    let path = shown(empty.path);
    Error::archive(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("data of `{path}` are out of order, or beyond its end"),
    ))
}
