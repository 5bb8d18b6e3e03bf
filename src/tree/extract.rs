//! Taking a tree out of an archive, member by member.
//!
//! A typical file costs four calls: create, write, set the time, close; all but the first are made behind it by another
//! thread. The mode mask of the process is neither changed nor known: a probe tells at the start what it takes away and to
//! whom a new file belongs, and only members that want something else cost another call. Later members replace earlier
//! ones as with GNU tar: anything gives way but a directory that is not empty.

mod beneath;
mod contents;
#[cfg(test)]
mod tests;
mod waiting;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Dev, FileType, Mode, OFlags, fremovexattr, fstat, linkat, makedev, mkdirat, mknodat,
    openat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use self::beneath::{Beneath, Place};
use self::contents::{Contents, Empty};
use self::waiting::Waiting;
use super::attributes::{Attributes, Handle, Made, PRIVATE};
use super::behind::{Behind, work_behind};
use super::names::{self, PATH_BYTES, shown};
use super::working::Working;
use super::{Error, Refused};
use crate::format::tar::{Device, Entry, Extent, Kind, Reader};

/// How many members an archive may have.
const ENTRIES: u64 = 10_000_000;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Members, the root entry among them.
    pub entries: u64,
    /// Of files, without their holes.
    pub bytes: u64,
    pub refused: Refused,
}

/// Takes a tree out of an archive into `top`, a directory of ours whose contents nobody else changes meanwhile.
///
/// What was made before a failure stays there, directories still closed to others: the caller drops the staged tree.
pub fn extract<R: Read>(
    archive: &mut Reader<R>,
    top: BorrowedFd<'_>,
    how: &mut Working<'_>,
) -> Result<Extracted, Error> {
    Extraction::run(top, how, |extraction| {
        while let Some(entry) = archive.next_entry().map_err(Error::archive)? {
            extraction.add(&entry, archive)?;
        }
        Ok(())
    })
}

/// An archive being taken apart.
struct Extraction<'a, 'b, 'c, 'd> {
    top: BorrowedFd<'a>,
    beneath: Beneath<'a>,
    how: &'a mut Working<'b>,
    /// Fills files, and counts what attributes could not be set.
    behind: &'c mut Behind<'d, Refused>,
    /// What a new file has whose mode is asked to be 0777.
    fresh: Made,
    waiting: Waiting,
    contents: Contents,
    extracted: Extracted,
}

impl<'a, 'b, 'c, 'd> Extraction<'a, 'b, 'c, 'd> {
    /// Adds what `add` adds to `top`, and finishes.
    fn run(
        top: BorrowedFd<'a>,
        how: &'a mut Working<'b>,
        add: impl FnOnce(&mut Extraction<'a, 'b, '_, '_>) -> Result<(), Error>,
    ) -> Result<Extracted, Error> {
        let mut refused = Refused::default();
        let mut extracted = work_behind(how.filler, &mut refused, |behind| {
            let mut extraction = Extraction::new(top, how, behind)?;
            add(&mut extraction)?;
            extraction.finish()
        })?;
        extracted.refused.join(refused);
        Ok(extracted)
    }

    /// `top` is a directory of ours. ACLs that it inherited are taken away: they would go on to all files.
    fn new(
        top: BorrowedFd<'a>,
        how: &'a mut Working<'b>,
        behind: &'c mut Behind<'d, Refused>,
    ) -> Result<Self, Error> {
        let failed = |cause: Errno| Error::Top {
            cause: cause.into(),
        };
        let directory = openat(
            top,
            c".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let directory = directory.map_err(failed)?;
        for acl in [c"system.posix_acl_access", c"system.posix_acl_default"] {
            // Where there is none, or can be none, that fails.
            let _ = fremovexattr(&directory, acl);
        }
        Ok(Self {
            top,
            beneath: Beneath::new(top),
            how,
            behind,
            fresh: Made::by_probe(top),
            waiting: Waiting::default(),
            contents: Contents::default(),
            extracted: Extracted::default(),
        })
    }

    /// Makes one member; `data` are what is stored of a file, no further than its size.
    fn add(&mut self, entry: &Entry, data: &mut dyn Read) -> Result<(), Error> {
        self.how.cancel.check()?;
        (self.how.tick)();
        if self.extracted.entries >= ENTRIES {
            let of = "members";
            return Err(Error::TooMany { limit: ENTRIES, of });
        }
        self.extracted.entries += 1;
        let path = names::clean(&entry.path)?;
        if path.is_empty() {
            return self.add_root(entry);
        }
        let place = self.beneath.find_or_make(path, self.cut())?;
        match &entry.kind {
            Kind::File { size, extents } => {
                let contents = (*size, extents.as_deref());
                self.add_file(&place, entry, contents, data)
            }
            Kind::HardLink { target } => self.add_hard_link(&place, target),
            Kind::Directory => self.add_directory(&place, entry),
            Kind::Symlink { target } => self.add_symlink(&place, entry, target),
            Kind::Fifo => self.add_node(&place, entry, (FileType::Fifo, 0)),
            Kind::Character(device) => {
                let device = (FileType::CharacterDevice, number(&place, *device)?);
                self.add_node(&place, entry, device)
            }
            Kind::Block(device) => {
                let device = (FileType::BlockDevice, number(&place, *device)?);
                self.add_node(&place, entry, device)
            }
        }
    }

    /// Sets what waited for the end.
    fn finish(self) -> Result<Extracted, Error> {
        let Self {
            beneath,
            how,
            waiting,
            mut extracted,
            ..
        } = self;
        for (path, (attributes, made)) in waiting.deepest_first() {
            how.cancel.check()?;
            // No link is followed, and whatever was removed is no longer waited for: this is that directory.
            let directory = beneath
                .open_real(&path, OFlags::RDONLY)
                .map_err(|cause| Error::parent(&path, cause))?;
            let handle = Handle::Open(directory.as_fd());
            attributes.set(handle, made, &path, &mut extracted.refused)?;
        }
        Ok(extracted)
    }

    /// The permissions that a new file does not get.
    fn cut(&self) -> u32 {
        !self.fresh.mode & 0o777
    }

    fn add_root(&mut self, entry: &Entry) -> Result<(), Error> {
        if entry.kind != Kind::Directory {
            return Err(Error::Root);
        }
        let stat = fstat(self.top).map_err(|cause| Error::Top {
            cause: cause.into(),
        })?;
        let attributes = self.attributes(entry, b"");
        self.waiting.add(Vec::new(), attributes, Made::from(&stat))
    }

    fn attributes(&mut self, entry: &Entry, path: &[u8]) -> Attributes {
        Attributes::of(entry, self.how.selinux, path, &mut self.extracted.refused)
    }

    fn set(
        &mut self,
        attributes: &Attributes,
        handle: Handle<'_>,
        place: &Place,
    ) -> Result<(), Error> {
        let made = self.fresh.of_mode(attributes.first_mode());
        attributes.set(handle, made, &place.path, &mut self.extracted.refused)
    }

    fn add_file(
        &mut self,
        place: &Place,
        entry: &Entry,
        (size, extents): (u64, Option<&[Extent]>),
        data: &mut dyn Read,
    ) -> Result<(), Error> {
        let attributes = self.attributes(entry, &place.path);
        let mode = Mode::from_raw_mode(attributes.first_mode());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let made = self.make(place, || {
            openat(&place.parent.fd, place.name(), flags, mode)
        })?;
        let file = File::from(made.map_err(|cause| Error::create(&place.path, cause))?);
        let empty = Arc::new(Empty {
            file,
            path: place.path.clone(),
            size,
        });
        let (contents, fresh) = (&self.contents, self.fresh);
        self.extracted.bytes += contents.fill((&empty, extents), data, self.how, self.behind)?;
        self.behind.put(0, move |refused| {
            let made = fresh.of_mode(attributes.first_mode());
            attributes.set(Handle::Open(empty.file.as_fd()), made, &empty.path, refused)
        })
    }

    fn add_directory(&mut self, place: &Place, entry: &Entry) -> Result<(), Error> {
        let (parent, name) = (&place.parent.fd, place.name());
        let make = || mkdirat(parent, name, Mode::from_raw_mode(PRIVATE));
        let fresh = self.fresh.of_mode(PRIVATE);
        let made = match make() {
            Err(Errno::EXIST) => match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => Ok(Made::from(&stat)),
                _ => self.make(place, make)?.map(|()| fresh),
            },
            made => made.map(|()| fresh),
        };
        let made = made.map_err(|cause| Error::create(&place.path, cause))?;
        let attributes = self.attributes(entry, &place.path);
        self.waiting.add(place.real(), attributes, made)
    }

    fn add_symlink(&mut self, place: &Place, entry: &Entry, target: &[u8]) -> Result<(), Error> {
        if target.is_empty() || target.len() > PATH_BYTES || target.contains(&0) {
            return Err(Error::create(&place.path, Errno::INVAL));
        }
        let make = || symlinkat(target, &place.parent.fd, place.name());
        let made = self.make(place, make)?;
        made.map_err(|cause| Error::create(&place.path, cause))?;
        let attributes = self.attributes(entry, &place.path);
        let handle = Handle::Named(place.parent.fd.as_fd(), place.name());
        self.set(&attributes, handle, place)
    }

    fn add_node(
        &mut self,
        place: &Place,
        entry: &Entry,
        (kind, device): (FileType, Dev),
    ) -> Result<(), Error> {
        let attributes = self.attributes(entry, &place.path);
        let mode = Mode::from_raw_mode(attributes.first_mode());
        let make = || mknodat(&place.parent.fd, place.name(), kind, mode, device);
        self.make(place, make)?.map_err(|cause| match kind {
            FileType::Fifo => Error::create(&place.path, cause),
            _ => Error::Device {
                path: shown(&place.path),
                cause: cause.into(),
            },
        })?;
        let handle = Handle::Named(place.parent.fd.as_fd(), place.name());
        self.set(&attributes, handle, place)
    }

    /// The target may itself be a link, and is not followed; what leads to it may be, as anywhere.
    fn add_hard_link(&mut self, place: &Place, target: &[u8]) -> Result<(), Error> {
        let clean = names::clean(target)?;
        let failed = |cause| Error::link(&place.path, target, cause);
        let to_directory = || Error::LinkToDirectory {
            path: shown(&place.path),
            target: shown(target),
        };
        if clean.is_empty() {
            return Err(to_directory());
        }
        let from = self.beneath.find(clean).map_err(|error| match error {
            Error::Parent { cause, .. } => Error::Link {
                path: shown(&place.path),
                target: shown(target),
                cause,
            },
            error => error,
        })?;
        let (old, new) = (
            (&from.parent.fd, from.name()),
            (&place.parent.fd, place.name()),
        );
        let make = || linkat(old.0, old.1, new.0, new.1, AtFlags::empty());
        match make() {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST | Errno::PERM) => {}
            Err(cause) => return Err(failed(cause)),
        }
        let look = |(parent, name)| statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
        let source = look(old).map_err(failed)?;
        match look(new) {
            Ok(there) if (there.st_dev, there.st_ino) == (source.st_dev, source.st_ino) => Ok(()),
            _ if FileType::from_raw_mode(source.st_mode).is_dir() => Err(to_directory()),
            _ => self.make(place, make)?.map_err(failed),
        }
    }

    /// Makes what fails with `EXIST` where something is, which then gives way. An outer error is of that.
    fn make<T>(
        &mut self,
        place: &Place,
        make: impl Fn() -> Result<T, Errno>,
    ) -> Result<Result<T, Errno>, Error> {
        match make() {
            Err(Errno::EXIST) => {
                self.remove(place)?;
                Ok(make())
            }
            made => Ok(made),
        }
    }

    fn remove(&mut self, place: &Place) -> Result<(), Error> {
        let (parent, name) = (&place.parent.fd, place.name());
        // A link may have gone that names led through, or a directory that was waited for.
        self.beneath.forget();
        let removed = match unlinkat(parent, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => {
                self.waiting.forget(&place.real());
                unlinkat(parent, name, AtFlags::REMOVEDIR)
            }
            removed => removed,
        };
        removed.map_err(|cause| match cause {
            Errno::NOTEMPTY => Error::Occupied {
                path: shown(&place.path),
            },
            cause => Error::replace(&place.path, cause),
        })
    }
}

/// The number as Linux has it: 12 bits and 20.
fn number(place: &Place, device: Device) -> Result<Dev, Error> {
    let Device { major, minor } = device;
    if major >= 1 << 12 || minor >= 1 << 20 {
        let path = shown(&place.path);
        return Err(Error::DeviceNumber { path, major, minor });
    }
    Ok(makedev(major, minor))
}
