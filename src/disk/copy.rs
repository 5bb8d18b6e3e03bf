//! A copy of a raw image: shared extents where the file system has them, else its data without its holes.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{SeekFrom, copy_file_range, ioctl_ficlone, seek};
use rustix::io::Errno;

use super::sync::WRITEBACK_BYTES;
use crate::stream::Cancel;
use crate::sys::begin_writeback;

/// How a copy came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// Both files share their extents.
    Reflinked,
    /// The data were copied, holes left out.
    Copied,
}

/// How much is copied between two looks at the cancel flag.
const CHUNK: usize = WRITEBACK_BYTES as usize;

/// Makes `target`, which must be new and empty, equal to the whole of `source`, holes included.
///
/// `to_disk` begins to write to disk early, for whoever will wait for that at the end.
pub fn clone_or_copy(
    source: &File,
    target: &File,
    cancel: &Cancel,
    to_disk: bool,
) -> io::Result<Copied> {
    if ioctl_ficlone(target, source).is_ok() {
        return Ok(Copied::Reflinked);
    }
    let size = source.metadata()?.len();
    let mut position = 0;
    while let Some(start) = next(source, SeekFrom::Data(position))?.filter(|start| *start < size) {
        let end = next(source, SeekFrom::Hole(start))?
            .unwrap_or(size)
            .min(size);
        position = start;
        while position < end {
            cancel.check()?;
            let want = usize::try_from(end - position).unwrap_or(CHUNK).min(CHUNK);
            let count = copy_range(source, target, position, want)?;
            if count == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it became shorter while it was copied",
                ));
            }
            if to_disk {
                begin_writeback(target, position, count as u64);
            }
            position += count as u64;
        }
    }
    target.set_len(size)?;
    Ok(Copied::Copied)
}

/// Where the next data or hole begins; none where there are no more data.
fn next(file: &File, what: SeekFrom) -> io::Result<Option<u64>> {
    match seek(file, what) {
        Ok(offset) => Ok(Some(offset)),
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Copies up to `count` bytes at the same offset in both, in the kernel where it can.
fn copy_range(source: &File, target: &File, offset: u64, count: usize) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    let (mut from, mut to) = (offset, offset);
    match copy_file_range(
        source.as_fd(),
        Some(&mut from),
        target.as_fd(),
        Some(&mut to),
        count,
    ) {
        Ok(copied) => Ok(copied),
        Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) => {
            let mut buffer = vec![0; count.min(1 << 20)];
            let copied = source.read_at(&mut buffer, offset)?;
            target.write_all_at(&buffer[..copied], offset)?;
            Ok(copied)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    fn unnamed() -> File {
        let directory = File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
        let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        File::from(rustix::fs::openat(&directory, c".", flags, mode).unwrap())
    }

    #[test]
    fn a_copy_has_the_same_bytes_the_same_size_and_its_holes() {
        let (source, target) = (unnamed(), unnamed());
        source.write_all_at(b"begin", 0).unwrap();
        source.write_all_at(b"middle", 5 << 20).unwrap();
        source.set_len(9 << 20).unwrap();
        clone_or_copy(&source, &target, &Cancel::new().unwrap(), true).unwrap();
        let read = |file: &File| {
            let mut bytes = vec![1; 9 << 20];
            file.read_exact_at(&mut bytes, 0).unwrap();
            bytes
        };
        assert!(read(&source) == read(&target));
        assert_eq!(target.metadata().unwrap().len(), 9 << 20);
        assert!(target.metadata().unwrap().blocks() <= source.metadata().unwrap().blocks());
    }

    #[test]
    fn an_empty_file_and_a_file_of_holes_are_copied_too() {
        for size in [0, 1 << 20] {
            let (source, target) = (unnamed(), unnamed());
            source.set_len(size).unwrap();
            clone_or_copy(&source, &target, &Cancel::new().unwrap(), true).unwrap();
            assert_eq!(target.metadata().unwrap().len(), size);
        }
    }
}
