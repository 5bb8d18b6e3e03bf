//! Writing into a part of a file or block device: what lies around it stays, and there are no holes, since what was
//! there would show through them.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, OFlags, fallocate};

use super::Rights;
use super::sync::{WRITEBACK_BYTES, sync_part};
use crate::stream::Cancel;
use crate::sys::{begin_writeback, make_device_read_only};

/// How much is zeroed between two looks at the wish to stop.
const ZEROS_BYTES: u64 = 8 << 20;

/// An open part of a file or block device.
pub struct PartWriter {
    file: File,
    start: u64,
    /// How many bytes were written.
    written: u64,
    /// How many there may be, where that is known.
    room: Option<u64>,
    /// Up to where writing to disk has begun.
    begun: u64,
    /// Of a file that was not there before and vanishes again unless it is [done](Self::done).
    created: Option<PathBuf>,
}

impl PartWriter {
    /// Opens the part that begins at `start`, `length` bytes long if that is given. A file is created where there is none;
    /// a device must hold the part.
    pub fn open(path: &Path, start: u64, length: Option<u64>) -> io::Result<Self> {
        let (mut file, created) = open_or_create(path)?;
        let created = created.then(|| path.to_owned());
        let kind = file.metadata()?.file_type();
        let room = if kind.is_block_device() {
            let left = file.seek(SeekFrom::End(0))?.checked_sub(start);
            let fits = |left: &u64| length.is_none_or(|length| length <= *left);
            let left = left
                .filter(fits)
                .ok_or_else(|| io::Error::other("the device ends before that part does"))?;
            Some(length.unwrap_or(left))
        } else if kind.is_file() {
            length
        } else {
            return Err(io::Error::other("it is neither a file nor a block device"));
        };
        Ok(Self {
            file,
            start,
            written: 0,
            room,
            begun: 0,
            created,
        })
    }

    /// How many bytes it holds, where that is known.
    pub fn room(&self) -> Option<u64> {
        self.room
    }

    /// Whether it is a part of that file or device, by whatever name that was opened.
    pub fn is_in(&self, other: &File) -> bool {
        let identity = |file: &File| {
            let metadata = file.metadata().ok()?;
            Some(match metadata.file_type().is_block_device() {
                true => (0, metadata.rdev()),
                false => (metadata.dev(), metadata.ino()),
            })
        };
        let own = identity(&self.file);
        own.is_some() && own == identity(other)
    }

    /// Back to its beginning.
    pub fn rewind(&mut self) {
        (self.written, self.begun) = (0, 0);
    }

    /// Makes zeros of what was not written.
    pub fn zero_rest(&self, cancel: &Cancel) -> io::Result<()> {
        let mut position = self.start + self.written;
        let end = self.room.map_or(position, |room| self.start + room);
        while position < end {
            cancel.check()?;
            let count = (end - position).min(ZEROS_BYTES);
            // Not every file system and device can, and none at odd places.
            let zeroed = fallocate(&self.file, FallocateFlags::ZERO_RANGE, position, count);
            if zeroed.is_err() {
                write_zeros(&self.file, position, count)?;
            }
            position += count;
        }
        Ok(())
    }

    /// Has nobody write to it any more, if that can be: as a device, or by the file's mode.
    pub fn mark_read_only(&self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        match metadata.file_type().is_block_device() {
            true => make_device_read_only(self.file.as_fd()),
            false => Rights::after(Some(&metadata)).read_only().give(&self.file),
        }
    }

    /// It has all that it is to have, and stays.
    pub fn done(mut self) {
        self.created = None;
    }

    /// Brings it to disk.
    pub fn sync(&self, cancel: &Cancel) -> io::Result<()> {
        let length = self.room.unwrap_or(self.written);
        sync_part(&self.file, self.start..self.start + length, cancel)
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.room.map_or(u64::MAX, |room| room - self.written);
        let count = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = self
            .file
            .write_at(&bytes[..count], self.start + self.written)?;
        self.written += count as u64;
        if self.written - self.begun >= WRITEBACK_BYTES {
            let new = self.written - self.begun;
            begin_writeback(&self.file, self.start + self.begun, new);
            self.begun = self.written;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        if let Some(path) = &self.created {
            let _ = fs::remove_file(path);
        }
    }
}

/// The file or device, and whether it is new.
fn open_or_create(path: &Path) -> io::Result<(File, bool)> {
    let mut options = File::options();
    let flags = OFlags::NOCTTY.bits().cast_signed();
    options.read(true).write(true).custom_flags(flags);
    loop {
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return Ok((opened?, false)),
        }
        // What may be there by now, or a link that leads nowhere yet, is not ours.
        match options.clone().create_new(true).mode(0o666).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if path.is_symlink() {
                    return Ok((options.clone().create(true).mode(0o666).open(path)?, false));
                }
            }
            created => return Ok((created?, true)),
        }
    }
}

fn write_zeros(file: &File, mut position: u64, mut count: u64) -> io::Result<()> {
    let zeros = vec![0; 256 << 10];
    while count > 0 {
        let step = usize::try_from(count).map_or(zeros.len(), |left| left.min(zeros.len()));
        file.write_all_at(&zeros[..step], position)?;
        position += step as u64;
        count -= step as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of `size` times `z`, and its path.
    fn filled(name: &str, size: usize) -> std::path::PathBuf {
        let name = format!("importd-part-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, vec![b'z'; size]).unwrap();
        path
    }

    #[test]
    fn what_lies_around_a_part_stays_and_what_is_left_of_it_becomes_zeros() {
        let path = filled("zeros", 30_000);
        let mut part = PartWriter::open(&path, 1000, Some(20_000)).unwrap();
        part.write_all(b"first try").unwrap();
        part.rewind();
        part.write_all(b"new").unwrap();
        part.zero_rest(&Cancel::new().unwrap()).unwrap();
        part.sync(&Cancel::new().unwrap()).unwrap();
        let content = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let mut expected = vec![b'z'; 30_000];
        expected[1000..21_000].fill(0);
        expected[1000..1003].copy_from_slice(b"new");
        assert!(content == expected);
    }

    #[test]
    fn nothing_is_written_beyond_a_part() {
        let path = filled("beyond", 100);
        let mut part = PartWriter::open(&path, 10, Some(5)).unwrap();
        let error = part.write_all(b"123456").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(&fs::read(&path).unwrap()[8..17], b"zz12345zz");
        // Without a length it goes on as far as it has to.
        let mut part = PartWriter::open(&path, 98, None).unwrap();
        part.write_all(b"1234").unwrap();
        assert_eq!(&fs::read(&path).unwrap()[97..], b"z1234");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn only_files_and_block_devices_have_parts() {
        let error = PartWriter::open(Path::new("/dev/null"), 0, None)
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .contains("neither a file nor a block device")
        );
    }
}
