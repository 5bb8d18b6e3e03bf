//! What a file holds, from the archive to the disk.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::disk::WRITEBACK_BYTES;
use crate::format::tar::Extent;
use crate::stream::Spare;
use crate::sys::begin_writeback;
use crate::tree::Error;
use crate::tree::Working;
use crate::tree::behind::Behind;
use crate::tree::names::shown;

/// How much is written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes files one after the other.
#[derive(Default)]
pub(super) struct Contents {
    buffers: Spare<Vec<u8>>,
}

/// A new, empty file that is to be filled.
pub(super) struct Empty {
    pub(super) file: File,
    /// For messages.
    pub(super) path: Vec<u8>,
    pub(super) size: u64,
}

impl Contents {
    /// Has what is stored put where it belongs and the file given its size. Returns how much that was. Zeros that are
    /// stored are written. `extents` is as in [`Kind::File`](crate::format::tar::Kind).
    pub(super) fn fill<S>(
        &self,
        (empty, extents): (&Arc<Empty>, Option<&[Extent]>),
        data: &mut dyn Read,
        how: &mut Working<'_>,
        behind: &mut Behind<'_, S>,
    ) -> Result<u64, Error> {
        let size = empty.size;
        let whole = [Extent {
            offset: 0,
            length: size,
        }];
        let (mut stored, mut end) = (0, 0);
        for extent in extents.unwrap_or(&whole) {
            let next = (extent.offset.checked_add(extent.length))
                .filter(|next| *next <= size && extent.offset >= end)
                .ok_or_else(|| misplaced(empty))?;
            if extent.length > 0 {
                self.fill_extent((empty, *extent), data, how, behind)?;
                end = next;
                stored += extent.length; // never more than `end`
            }
        }
        if end < size {
            let sized = empty.file.set_len(size);
            sized.map_err(|cause| failed(empty, cause))?;
        }
        Ok(stored)
    }

    fn fill_extent<S>(
        &self,
        (empty, extent): (&Arc<Empty>, Extent),
        data: &mut dyn Read,
        how: &mut Working<'_>,
        behind: &mut Behind<'_, S>,
    ) -> Result<(), Error> {
        let mut offset = extent.offset;
        let mut left = extent.length;
        let mut begun = offset;
        while left > 0 {
            how.cancel.check()?;
            (how.tick)();
            let want = usize::try_from(left).map_or(BUFFER_BYTES, |left| left.min(BUFFER_BYTES));
            let mut buffer = self.buffers.take();
            buffer.resize(want, 0);
            data.read_exact(&mut buffer).map_err(Error::archive)?;
            let at = offset;
            left -= want as u64;
            offset += want as u64;
            let to_disk = (how.to_disk && offset - begun >= WRITEBACK_BYTES).then_some(begun);
            if to_disk.is_some() {
                begun = offset;
            }
            let (empty, buffers) = (Arc::clone(empty), self.buffers.clone());
            behind.put(want, move |_| {
                let written = empty.file.write_all_at(&buffer, at);
                written.map_err(|cause| failed(&empty, cause))?;
                buffers.give(buffer);
                if let Some(begun) = to_disk {
                    begin_writeback(&empty.file, begun, offset - begun);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

fn failed(empty: &Empty, cause: io::Error) -> Error {
    Error::Write {
        path: shown(&empty.path),
        cause,
    }
}

fn misplaced(empty: &Empty) -> Error {
    let path = shown(&empty.path);
    Error::archive(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("data of `{path}` are out of order, or beyond its end"),
    ))
}
