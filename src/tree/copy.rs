//! A tree becomes another that is equal to it: names, data, holes, owners, modes, times, attributes.
//!
//! Data are shared where the file system can. Of what is mounted in the tree the place alone is kept, and a target that
//! lies in its own source is passed by. Deliberately absent: inode flags (`chattr(1)`) and subvolumes, which become
//! directories.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Statx, linkat, makedev, mkdirat, mknodat, openat, readlinkat,
    symlinkat,
};
use rustix::io::Errno;

use super::attributes::{Attributes, Handle, Made, PRIVATE};
use super::behind::{Behind, work_behind};
use super::likeness::{UNKNOWN, clear, kind, xattrs};
use super::links::Links;
use super::names::{components, split};
use super::walk::{Step, Visit, Walk, id, look_at, open_directory, open_in};
use super::working::Working;
use super::{Error, Refused};
use crate::disk::{Copying, FileSize};

/// What a node has until it is finished.
const OWNER_ONLY: u32 = 0o600;

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Of all types, the top among them.
    pub entries: u64,
    /// Sizes of regular files.
    pub bytes: u64,
    /// Which were left out but for the place.
    pub mounts: u64,
    pub refused: Refused,
}

/// Fills `target`, an empty directory that nobody else writes to, with what is in `source`, and makes it equal to it.
pub fn copy(
    source: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    how: &mut Working<'_>,
) -> Result<Copied, Error> {
    let at_top = |cause| Error::Top { cause };
    let target = open_directory(target, c".").map_err(|cause| at_top(cause.into()))?;
    let target = target.as_fd();
    // An ACL for what is made in it would be handed down to everything.
    clear(target).map_err(at_top)?;
    let mut walk = Walk::new(source)?.without(target).map_err(at_top)?;
    let filler = how.filler;
    let mut filling = Filling {
        files: Copying::new(how.cancel, how.to_disk),
        refused: Refused::default(),
    };
    let mut copied = work_behind(filler, &mut filling, |behind| {
        let mut copier = Copier {
            behind,
            target: Directories {
                top: target,
                below: Vec::new(),
            },
            how,
            fresh: Made::by_probe(target),
            links: Links::default(),
            copied: Copied::default(),
        };
        while let Some(visit) = walk.next()? {
            copier.how.cancel.check()?;
            (copier.how.tick)();
            copier.visit(&visit)?;
        }
        Ok(copier.copied)
    })?;
    copied.refused.join(filling.refused);
    Ok(copied)
}

/// What files are filled with.
struct Filling<'a> {
    files: Copying<'a>,
    refused: Refused,
}

/// A file that is yet to be filled.
struct Empty {
    source: File,
    target: File,
    /// For messages.
    path: Vec<u8>,
    status: Statx,
    attributes: Attributes,
    made: Made,
}

impl Empty {
    fn fill(&self, filling: &mut Filling<'_>) -> Result<(), Error> {
        let Self {
            source,
            target,
            path,
            status,
            ..
        } = self;
        let size = FileSize {
            bytes: status.stx_size,
            blocks: status.stx_blocks,
        };
        if size.bytes > 0 {
            let copied = filling.files.file(source, size, target);
            copied.map_err(|error| Error::copy(path, error))?;
        }
        let after = look_at(source, c"").map_err(|cause| Error::read(path, cause))?;
        if fingerprint(&after) != fingerprint(status) {
            return Err(Error::changed(path));
        }
        let target = Handle::Open(target.as_fd());
        self.attributes
            .set(target, self.made, path, &mut filling.refused)
    }
}

struct Copier<'a, 'b, 'c> {
    behind: &'a mut Behind<'c, Filling<'b>>,
    target: Directories<'a>,
    how: &'a mut Working<'b>,
    /// What a new file has whose mode is asked to be 0777.
    fresh: Made,
    links: Links,
    copied: Copied,
}

/// The directories of the target on the way down.
struct Directories<'a> {
    top: BorrowedFd<'a>,
    below: Vec<OwnedFd>,
}

impl Directories<'_> {
    fn innermost(&self) -> BorrowedFd<'_> {
        self.below.last().map_or(self.top, |below| below.as_fd())
    }
}

impl Copier<'_, '_, '_> {
    fn visit(&mut self, visit: &Visit<'_>) -> Result<(), Error> {
        match visit.step {
            Step::Enter(_) => {
                self.copied.entries += 1;
                self.enter(visit)
            }
            Step::Leave(source) => {
                // The top was there before.
                let made = match visit.path {
                    [] => UNKNOWN,
                    _ => self.fresh.of_mode(PRIVATE),
                };
                let target = Handle::Open(self.target.innermost());
                let refused = &mut self.copied.refused;
                let attributes = attributes(visit, Handle::Open(source), self.how)?;
                attributes.set(target, made, visit.path, refused)?;
                self.target.below.pop();
                Ok(())
            }
            Step::Mount => {
                self.copied.entries += 1;
                self.copied.mounts += 1;
                self.mount(visit)
            }
            Step::File(kind) => {
                self.copied.entries += 1;
                match self.links.first_name(visit.status, visit.path)? {
                    Some(first) => self
                        .link(&first, visit)
                        .map_err(|cause| Error::link(visit.path, &first, cause)),
                    None if kind == FileType::RegularFile => self.regular(visit),
                    None => self.special(visit, kind),
                }
            }
        }
    }

    fn enter(&mut self, visit: &Visit<'_>) -> Result<(), Error> {
        if visit.path.is_empty() {
            return Ok(());
        }
        let parent = self.target.innermost();
        let made = mkdirat(parent, visit.name, Mode::from_raw_mode(PRIVATE))
            .and_then(|()| open_directory(parent, visit.name));
        self.target
            .below
            .push(made.map_err(|cause| Error::create(visit.path, cause))?);
        Ok(())
    }

    fn regular(&mut self, visit: &Visit<'_>) -> Result<(), Error> {
        let source = open_in(visit.parent, visit.name, OFlags::RDONLY)
            .map_err(|cause| Error::read(visit.path, cause))?;
        let source = File::from(source);
        let attributes = attributes(visit, Handle::Open(source.as_fd()), self.how)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(attributes.first_mode());
        let target = openat(self.target.innermost(), visit.name, flags, mode)
            .map_err(|cause| Error::create(visit.path, cause))?;
        let empty = Empty {
            source,
            target: File::from(target),
            path: visit.path.to_vec(),
            status: *visit.status,
            made: self.fresh.of_mode(attributes.first_mode()),
            attributes,
        };
        self.copied.bytes += visit.status.stx_size;
        self.behind.put(0, move |filling| empty.fill(filling))
    }

    /// Links, devices, fifos and sockets.
    fn special(&mut self, visit: &Visit<'_>, kind: FileType) -> Result<(), Error> {
        let Visit { name, status, .. } = *visit;
        let parent = self.target.innermost();
        let made = if kind == FileType::Symlink {
            let target = readlinkat(visit.parent, name, Vec::new())
                .map_err(|cause| Error::read(visit.path, cause))?;
            symlinkat(target, parent, name)
        } else {
            let device = makedev(status.stx_rdev_major, status.stx_rdev_minor);
            mknodat(parent, name, kind, Mode::from_raw_mode(OWNER_ONLY), device)
        };
        made.map_err(|cause| Error::create(visit.path, cause))?;
        let attributes = attributes(
            visit,
            Handle::Named(visit.parent, name.to_bytes()),
            self.how,
        )?;
        let made = self.fresh.of_mode(OWNER_ONLY);
        let refused = &mut self.copied.refused;
        let target = Handle::Named(parent, name.to_bytes());
        attributes.set(target, made, visit.path, refused)
    }

    /// The place of a mount, with what there is to be seen of its owner and mode.
    fn mount(&mut self, visit: &Visit<'_>) -> Result<(), Error> {
        let parent = self.target.innermost();
        let made = match kind(visit.status) {
            FileType::Directory => mkdirat(parent, visit.name, Mode::from_raw_mode(PRIVATE)),
            _ => {
                let mode = Mode::from_raw_mode(OWNER_ONLY);
                mknodat(parent, visit.name, FileType::RegularFile, mode, 0)
            }
        };
        made.map_err(|cause| Error::create(visit.path, cause))?;
        let target = Handle::Named(parent, visit.name.to_bytes());
        let refused = &mut self.copied.refused;
        Attributes::like(visit.status, Vec::new()).set(target, UNKNOWN, visit.path, refused)
    }

    /// Another name of a file that was copied.
    fn link(&self, first: &[u8], visit: &Visit<'_>) -> Result<(), Errno> {
        let (parents, name) = split(first);
        let mut parent = open_directory(self.target.top, c".")?;
        for component in components(parents) {
            parent = open_in(&parent, component, OFlags::PATH | OFlags::DIRECTORY)?;
        }
        linkat(
            &parent,
            name,
            self.target.innermost(),
            visit.name,
            AtFlags::empty(),
        )
    }
}

/// What its source has, and the target is to be given.
fn attributes(
    visit: &Visit<'_>,
    source: Handle<'_>,
    how: &Working<'_>,
) -> Result<Attributes, Error> {
    let xattrs = xattrs(source, how.selinux).map_err(|cause| Error::read(visit.path, cause))?;
    Ok(Attributes::like(visit.status, xattrs))
}

/// What stays the same as long as nobody writes to a file.
fn fingerprint(status: &Statx) -> impl PartialEq + use<> {
    let (modified, changed) = (status.stx_mtime, status.stx_ctime);
    (
        id(status),
        status.stx_size,
        (modified.tv_sec, modified.tv_nsec),
        (changed.tv_sec, changed.tv_nsec),
    )
}

#[cfg(test)]
mod tests;
