//! Where an export is written to: a file that appears whole or not at all, or whatever else there is, as a stream.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, ReadWriteFlags, pwritev2};
use rustix::pipe::fcntl_setpipe_size;
use rustix::termios::isatty;

use super::job::Job;
use super::{Error, Local, request};
use crate::disk::{Replacement, directory_of};
use crate::store::sweep;
use crate::stream::Cancel;
use crate::sys::behind_links;

/// An opened outlet.
pub(super) enum Outlet<'a> {
    /// A file beside the one it will replace.
    File(Replacement),
    Stream(Stream<'a>),
}

impl<'a> Outlet<'a> {
    /// Opens it. A file that is there already stays as it is for now; what crashed exports left beside it goes.
    pub(super) fn open(outlet: request::Outlet, job: &'a Job) -> Result<Self, Error> {
        let (file, path) = match outlet {
            request::Outlet::Stream(request::Stream { file, shown }) => (file, shown.into()),
            request::Outlet::Path(path) => {
                let failed = |cause| Error::write(&path, cause);
                let path = behind_links(&path).map_err(failed)?;
                match fs::metadata(&path) {
                    Ok(metadata) if !metadata.is_file() => {
                        (open_special(&path, &job.cancel).map_err(failed)?, path)
                    }
                    _ => {
                        sweep_beside(&path, job);
                        return Ok(Self::File(Replacement::of(&path).map_err(failed)?));
                    }
                }
            }
        };
        Ok(Self::Stream(Stream::new(file, path, &job.cancel)?))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(replacement) => replacement.path(),
            Self::Stream(stream) => stream.path(),
        }
    }

    /// The file, if that is what it is.
    pub(super) fn file(&self) -> Option<&File> {
        match self {
            Self::File(replacement) => Some(replacement.file()),
            Self::Stream(_) => None,
        }
    }

    /// Makes a file visible under its name.
    pub(super) fn commit(self, to_disk: bool, cancel: &Cancel) -> io::Result<()> {
        match self {
            Self::File(replacement) => replacement.commit(to_disk, cancel),
            Self::Stream(_) => Ok(()),
        }
    }
}

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(replacement) => replacement.file().write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Removes what crashed exports left in the directory of `path`. Whether that can be done is no concern of this one.
fn sweep_beside(path: &Path, job: &Job) {
    let directory = File::open(directory_of(path));
    let swept = directory.and_then(|directory| sweep(directory.as_fd()));
    job.tell_of_swept(swept.unwrap_or(0));
}

/// A FIFO cannot be opened before somebody reads from it, and who waits in `open` hears of no wish to stop.
fn open_special(path: &Path, cancel: &Cancel) -> io::Result<File> {
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
    let is_fifo = fs::metadata(path)?.file_type().is_fifo();
    loop {
        let opened = File::options()
            .write(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path);
        match opened {
            Err(error) if is_fifo && error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                let _ = poll(
                    &mut [PollFd::new(cancel, PollFlags::IN)],
                    Some(&READER_PAUSE),
                );
                cancel.check()?;
            }
            opened => {
                let file = opened?;
                let set = fcntl_getfl(&file)? - OFlags::NONBLOCK;
                fcntl_setfl(&file, set)?;
                return Ok(file);
            }
        }
    }
}

/// Between two looks for somebody who reads.
const READER_PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Whether writing there may have to wait for somebody to read.
fn can_block(file: &File) -> bool {
    let kind = rustix::fs::fstat(file).map(|status| FileType::from_raw_mode(status.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

/// A pipe, a socket or a device. Waiting for its reader ends with the wish to stop.
pub(super) struct Stream<'a> {
    file: File,
    path: PathBuf,
    waits: bool,
    /// Whether anything was written.
    begun: bool,
    cancel: &'a Cancel,
}

/// The most that anybody may ask for (`/proc/sys/fs/pipe-max-size`).
const PIPE_BYTES: usize = 1 << 20;

/// What a pipe that is ready takes without waiting, whatever the kernel.
const READY_BYTES: usize = 4096;

/// The descriptor's own position.
const HERE: u64 = u64::MAX;

impl<'a> Stream<'a> {
    /// Takes what is open to be written to, unless it is a terminal.
    pub(super) fn new(file: File, path: PathBuf, cancel: &'a Cancel) -> Result<Self, Error> {
        if isatty(&file) {
            return Err(Local::Terminal.into());
        }
        let waits = can_block(&file);
        if waits {
            // Only a pipe has a size; a larger one than usual spares both ends much waiting for each other.
            let _ = fcntl_setpipe_size(&file, PIPE_BYTES);
        }
        Ok(Self {
            file,
            path,
            waits,
            begun: false,
            cancel,
        })
    }

    pub(super) fn begun(&self) -> bool {
        self.begun
    }

    /// What it is called.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        self.cancel.check()?;
        if !self.waits || bytes.is_empty() {
            return (&self.file).write(bytes);
        }
        loop {
            // As much as goes without waiting.
            match pwritev2(
                &self.file,
                &[IoSlice::new(bytes)],
                HERE,
                ReadWriteFlags::NOWAIT,
            ) {
                Err(Errno::AGAIN | Errno::INTR) => self.wait()?,
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::SPIPE) => {
                    self.wait()?;
                    return (&self.file).write(&bytes[..bytes.len().min(READY_BYTES)]);
                }
                result => return Ok(result?),
            }
        }
    }

    /// Until something can be written, or there is the wish to stop.
    fn wait(&self) -> io::Result<()> {
        loop {
            let mut waited = [
                PollFd::new(&self.file, PollFlags::OUT),
                PollFd::new(self.cancel, PollFlags::IN),
            ];
            match poll(&mut waited, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.cancel.check()?;
            if !waited[0].revents().is_empty() {
                return Ok(());
            }
        }
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.write_some(bytes)?;
        self.begun |= count > 0;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
