//! `file:` URLs: regular files of this machine.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags};

use super::Error;
use crate::terms::Url;

/// An open file and what its inode tells.
pub(super) struct Source {
    pub(super) reader: io::Take<File>,
    pub(super) length_bytes: u64,
    pub(super) last_modified: Option<SystemTime>,
}

/// Opens the file; none if there is none. What is appended while it is read is left out.
pub(super) fn open(url: &Url) -> Result<Option<Source>, Error> {
    let path = url
        .file_path()
        .ok_or_else(|| Error::NotLocal(url.clone()))?;
    let path = PathBuf::from(OsString::from_vec(path));
    let opened = open_path(&path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    let (file, metadata) = match opened {
        Ok(opened) => opened,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(cause) => return Err(Error::File { path, cause }),
    };
    if !metadata.is_file() {
        return Err(Error::NotRegular(path));
    }
    Ok(Some(Source {
        length_bytes: metadata.len(),
        last_modified: metadata.modified().ok(),
        reader: file.take(metadata.len()),
    }))
}

/// Opens a file of any kind, and does not wait for the writer of a FIFO.
pub(super) fn open_path(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}
