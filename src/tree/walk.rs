//! A tree's files one after the other: depth first, each directory's in the order of their bytes.
//!
//! By descriptors, one for each directory on the way down, so that no link is followed and nothing outside is met,
//! whoever moves what meanwhile. What is mounted in the tree is no part of it: the walk sees that there is a mount, and
//! does not enter.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, OFlags, RawDir, ResolveFlags, SeekFrom, Statx, StatxFlags, seek, statx,
};
use rustix::io::Errno;
use rustix::path::Arg;

use super::Error;
use super::likeness::kind;
use super::names::shown;
use crate::sys::open_resolved;

/// How many directories may lie in each other below the top. Each costs a descriptor, or two.
pub(super) const DEPTH_LIMIT: usize = 128;

/// How many names are sorted at a time: as many as there are members in the largest archive.
const NAME_LIMIT: usize = 10_000_000;

const LISTING_BYTES: usize = 32 << 10;

/// A walk under way.
pub(super) struct Walk {
    levels: Vec<Level>,
    /// The directory left last, as long as it is looked at.
    left: Option<Level>,
    /// Of the file met last, or of a directory on the way to it.
    path: Vec<u8>,
    name: CString,
    status: Statx,
    mount: u64,
    /// A directory or file that is passed by.
    except: Option<FileId>,
    started: bool,
}

struct Level {
    directory: OwnedFd,
    status: Statx,
    /// Last one first.
    names: Vec<CString>,
    path_length: usize,
}

/// One file on the way.
pub(super) struct Visit<'a> {
    /// The directory it is in; of the top, the top.
    pub parent: BorrowedFd<'a>,
    /// Of a directory that is left, nothing in particular.
    pub name: &'a CStr,
    /// Beneath the top, which itself is empty.
    pub path: &'a [u8],
    pub status: &'a Statx,
    pub step: Step<'a>,
}

pub(super) enum Step<'a> {
    /// A directory, before what is in it.
    Enter(BorrowedFd<'a>),
    /// A directory, after what is in it.
    Leave(BorrowedFd<'a>),
    /// Something else is mounted here, whose status this is.
    Mount,
    /// No directory.
    File(FileType),
}

/// What tells a file from all others as long as it exists.
pub(super) type FileId = (u32, u32, u64);

pub(super) fn id(status: &Statx) -> FileId {
    (status.stx_dev_major, status.stx_dev_minor, status.stx_ino)
}

impl Walk {
    pub(super) fn new(top: BorrowedFd<'_>) -> Result<Self, Error> {
        let failed = |cause| Error::read(b"", cause);
        let directory = open_directory(top, c".").map_err(|cause| failed(cause.into()))?;
        let status = look_at(&directory, c"").map_err(failed)?;
        let names = sorted_names(&directory).map_err(failed)?;
        Ok(Self {
            levels: vec![Level {
                directory,
                status,
                names,
                path_length: 0,
            }],
            left: None,
            path: Vec::new(),
            name: c".".to_owned(),
            status,
            mount: mount(&status),
            except: None,
            started: false,
        })
    }

    /// Passes by this directory or file if it lies in the tree.
    pub(super) fn without(mut self, entry: BorrowedFd<'_>) -> io::Result<Self> {
        self.except = Some(id(&look_at(entry, c"")?));
        Ok(self)
    }

    /// The next step; none after the top was left.
    pub(super) fn next(&mut self) -> Result<Option<Visit<'_>>, Error> {
        if !self.started {
            self.started = true;
            return Ok(self.entered());
        }
        while let Some(level) = self.levels.last_mut() {
            self.path.truncate(level.path_length);
            let Some(name) = level.names.pop() else {
                return Ok(self.leave());
            };
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name.as_bytes());
            self.status =
                look_at(&level.directory, &name).map_err(|cause| Error::read(&self.path, cause))?;
            self.name = name;
            if self.except == Some(id(&self.status)) {
                continue;
            }
            let kind = kind(&self.status);
            if mount(&self.status) != self.mount {
                return Ok(self.visit(Step::Mount));
            }
            if kind != FileType::Directory {
                return Ok(self.visit(Step::File(kind)));
            }
            return match self.enter()? {
                true => Ok(self.entered()),
                false => Ok(self.visit(Step::Mount)),
            };
        }
        Ok(None)
    }

    /// Goes down into the directory met last; false if that is a mount after all.
    fn enter(&mut self) -> Result<bool, Error> {
        if self.levels.len() > DEPTH_LIMIT {
            return Err(Error::TooDeep {
                path: shown(&self.path),
                limit: DEPTH_LIMIT,
            });
        }
        let Some(parent) = self.levels.last() else {
            return Ok(false);
        };
        let directory = match open_directory(&parent.directory, &self.name) {
            Ok(directory) => directory,
            Err(Errno::XDEV) => return Ok(false),
            Err(cause) => return Err(Error::read(&self.path, cause)),
        };
        let names = sorted_names(&directory).map_err(|cause| Error::read(&self.path, cause))?;
        self.levels.push(Level {
            directory,
            status: self.status,
            names,
            path_length: self.path.len(),
        });
        Ok(true)
    }

    fn visit<'a>(&'a self, step: Step<'a>) -> Option<Visit<'a>> {
        Some(Visit {
            parent: self.levels.last()?.directory.as_fd(),
            name: &self.name,
            path: &self.path,
            status: &self.status,
            step,
        })
    }

    fn entered(&self) -> Option<Visit<'_>> {
        self.visit(Step::Enter(self.levels.last()?.directory.as_fd()))
    }

    fn leave(&mut self) -> Option<Visit<'_>> {
        let left = self.left.insert(self.levels.pop()?);
        let directory = left.directory.as_fd();
        Some(Visit {
            parent: self
                .levels
                .last()
                .map_or(directory, |level| level.directory.as_fd()),
            name: &self.name,
            path: &self.path,
            status: &left.status,
            step: Step::Leave(directory),
        })
    }
}

/// What a name in a directory is, a link being a link; the directory itself under an empty name.
pub(super) fn look_at(directory: impl AsFd, name: &CStr) -> io::Result<Statx> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    let mask = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    Ok(statx(directory, name, flags, mask)?)
}

/// The number of the mount a file is on. Kernels that do not tell it say `EXDEV` when a mount is entered.
fn mount(status: &Statx) -> u64 {
    match status.stx_mask & StatxFlags::MNT_ID.bits() {
        0 => 0,
        _ => status.stx_mnt_id,
    }
}

/// Opens what has that name in a directory, if it is no link and nothing is mounted there.
pub(super) fn open_in(
    directory: impl AsFd,
    name: impl Arg + Copy,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let mut flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if !flags.contains(OFlags::PATH) {
        // Should it be another file by now, it is neither waited for nor made our terminal.
        flags |= OFlags::NONBLOCK | OFlags::NOCTTY;
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    open_resolved(directory, name, flags, resolve)
}

/// Opens a directory to read it.
pub(super) fn open_directory(parent: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    open_in(parent, name, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// All names in a directory but its own and its parent's, last one first.
fn sorted_names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    while read_names(directory, &mut names)? {
        if names.len() > NAME_LIMIT {
            let fault = format!("it holds more than {NAME_LIMIT} files");
            return Err(io::Error::other(fault));
        }
    }
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names)
}

/// Appends some more names from where the directory was read up to; false at its end.
pub(super) fn read_names(directory: &OwnedFd, names: &mut Vec<CString>) -> Result<bool, Errno> {
    let mut buffer = Vec::with_capacity(LISTING_BYTES);
    let mut listing = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = listing.next() {
        let name = entry?.file_name().to_owned();
        if !matches!(name.as_bytes(), b"." | b"..") {
            names.push(name);
        }
        if listing.is_buffer_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Has the directory read from its beginning again.
pub(super) fn rewind(directory: &OwnedFd) -> io::Result<()> {
    seek(directory, SeekFrom::Start(0))?;
    Ok(())
}
