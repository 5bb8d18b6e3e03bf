//! A copy of a raw image: shared extents where the file system has them, else its data without holes and zeros.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::SparseWriter;
use super::share::{Shared, clone_in_steps};
use crate::stream::{Cancel, Cancelled};

/// Why a file was not copied: which of the two is to blame.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("failed to read it: {0}")]
    Read(io::Error),
    #[error("failed to write it: {0}")]
    Write(io::Error),
}

/// Copies of files, one after the other.
pub struct Copying<'a> {
    cancel: &'a Cancel,
    to_disk: bool,
    /// Not tried again where the file systems never can.
    shares: bool,
    /// Made when it is needed, for all that are not shared.
    buffer: Vec<u8>,
}

/// How large a file is, in bytes, and what of it takes room, in blocks of 512.
#[derive(Clone, Copy, Debug)]
pub struct FileSize {
    pub bytes: u64,
    pub blocks: u64,
}

impl<'a> Copying<'a> {
    /// `to_disk` begins to write to disk early, for whoever will wait for that at the end.
    pub fn new(cancel: &'a Cancel, to_disk: bool) -> Self {
        Self {
            cancel,
            to_disk,
            shares: true,
            buffer: Vec::new(),
        }
    }

    /// Makes `target`, which must be new and empty, equal to the whole of `source`, a file of that size; zeros become holes.
    /// All targets are on one file system, and so are all sources.
    pub fn file(&mut self, source: &File, size: FileSize, target: &File) -> Result<(), CopyError> {
        if self.shares {
            match clone_in_steps(source, target, size.bytes, self.cancel)? {
                Shared::Yes => return Ok(()),
                Shared::No => {}
                Shared::Never => self.shares = false,
            }
        }
        if self.buffer.is_empty() {
            self.buffer = SparseWriter::buffer();
        }
        let writer = SparseWriter::new(target, self.to_disk, &mut self.buffer);
        copy(source, size, (target, writer), self.cancel)
    }
}

/// One file, shared or copied.
pub fn clone_or_copy(
    source: &File,
    target: &File,
    cancel: &Cancel,
    to_disk: bool,
) -> Result<(), CopyError> {
    let metadata = source.metadata().map_err(CopyError::Read)?;
    let size = FileSize {
        bytes: metadata.len(),
        blocks: metadata.blocks(),
    };
    Copying::new(cancel, to_disk).file(source, size, target)
}

fn copy(
    source: &File,
    size: FileSize,
    (target, mut writer): (&File, SparseWriter<'_>),
    cancel: &Cancel,
) -> Result<(), CopyError> {
    // Whether there may be holes, which to look for takes as long as to copy a small file.
    let is_solid = size.blocks.saturating_mul(512) >= size.bytes;
    let size = size.bytes;
    let next = |position| match is_solid {
        true => Ok((position < size).then_some((position, size))),
        false => next_data(source, position, size),
    };
    let mut position = 0;
    while let Some((start, end)) = next(position).map_err(CopyError::Read)? {
        position = writer.skip_to(start).map_err(CopyError::Write)?;
        while position < end {
            cancel.check()?;
            let space = writer.space();
            let want =
                usize::try_from(end - position).map_or(space.len(), |left| left.min(space.len()));
            let count = match source.read_at(&mut space[..want], position) {
                Ok(0) => return Err(CopyError::Read(shrunk())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CopyError::Read(error)),
            };
            writer.advance(count).map_err(CopyError::Write)?;
            position += count as u64;
        }
    }
    let written = writer.finish().map_err(CopyError::Write)?;
    if written < size {
        target.set_len(size).map_err(CopyError::Write)?;
    }
    Ok(())
}

/// The next stretch that is no hole; none where there are no more data.
pub(super) fn next_data(file: &File, position: u64, size: u64) -> io::Result<Option<(u64, u64)>> {
    if position >= size {
        return Ok(None);
    }
    let start = match seek(file, SeekFrom::Data(position)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // A file system that knows no holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((position, size))),
        Err(error) => return Err(error.into()),
    };
    match seek(file, SeekFrom::Hole(start)) {
        Ok(end) => Ok((start < size).then_some((start, end.min(size)))),
        // It has become shorter meanwhile, which reading tells.
        Err(Errno::NXIO) => Ok(Some((start, size))),
        Err(error) => Err(error.into()),
    }
}

fn shrunk() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "it became shorter while it was copied",
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

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
    fn zeros_that_take_room_become_holes() {
        let (source, target) = (unnamed(), unnamed());
        source.write_all_at(&vec![0; 3 << 20], 0).unwrap();
        source.write_all_at(b"end", (3 << 20) + 5000).unwrap();
        clone_or_copy(&source, &target, &Cancel::new().unwrap(), true).unwrap();
        assert_eq!(target.metadata().unwrap().len(), (3 << 20) + 5003);
        assert!(target.metadata().unwrap().blocks() * 512 <= 8192);
        let mut end = [0; 4];
        target.read_exact_at(&mut end, (3 << 20) + 4999).unwrap();
        assert_eq!(&end, b"\0end");
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
