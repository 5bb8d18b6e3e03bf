//! Directories by their names in the archive: found beneath the top, or made; never outside.

use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, chmodat, mkdirat, readlinkat};
use rustix::io::Errno;

use crate::sys::open_resolved;
use crate::tree::{Error, names};

/// How many directories are kept open: those that members still come for, if the archive was written in any order that
/// a walk has.
const KEPT_OPEN: usize = 8;

/// How many links a name may lead through, as with the kernel's own.
const LINKS: usize = 40;

/// How many names may have to be looked at where links are followed.
const STEPS: usize = 1024;

/// What implied parents have.
const IMPLIED: u32 = 0o755;

/// The top and the directories last used.
pub(super) struct Beneath<'a> {
    top: BorrowedFd<'a>,
    recent: VecDeque<Rc<Directory>>,
}

/// An open directory beneath the top.
pub(super) struct Directory {
    /// As members name it, perhaps through links.
    named: Vec<u8>,
    /// Without links.
    real: Vec<u8>,
    /// Only a path: for what is done with names in it.
    pub(super) fd: OwnedFd,
}

/// Where a member belongs.
pub(super) struct Place {
    pub(super) parent: Rc<Directory>,
    /// As the archive names it.
    pub(super) path: Vec<u8>,
}

impl Place {
    /// One component.
    pub(super) fn name(&self) -> &[u8] {
        names::split(&self.path).1
    }

    /// The path without links. As long as nothing is removed, it means the same file.
    pub(super) fn real(&self) -> Vec<u8> {
        let mut real = self.parent.real.clone();
        names::append(&mut real, self.name());
        real
    }
}

impl<'a> Beneath<'a> {
    pub(super) fn new(top: BorrowedFd<'a>) -> Self {
        Self {
            top,
            recent: VecDeque::with_capacity(KEPT_OPEN),
        }
    }

    /// Forgets what names meant, after something was removed.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
    }

    /// Where a member of that clean name belongs; its parents must be there.
    pub(super) fn find(&mut self, path: Vec<u8>) -> Result<Place, Error> {
        let parent = self.directory(names::split(&path).0);
        let parent = parent.map_err(|cause| Error::parent(&path, cause))?;
        let place = Place { parent, path };
        // Links can make a name longer and deeper than it looks.
        names::check(&place.real())?;
        Ok(place)
    }

    /// The same; missing parents are made. `cut` is what a new file does not get of its permissions.
    pub(super) fn find_or_make(&mut self, path: Vec<u8>, cut: u32) -> Result<Place, Error> {
        match self.directory(names::split(&path).0) {
            Err(Errno::NOENT) => self
                .make_parents(&path, cut)
                .map_err(|cause| Error::parent(&path, cause))?,
            Err(cause) => return Err(Error::parent(&path, cause)),
            Ok(_) => {}
        }
        self.find(path)
    }

    fn make_parents(&mut self, path: &[u8], cut: u32) -> Result<(), Errno> {
        let mut missing = Vec::new();
        let mut parent = names::split(path).0;
        let mut above = loop {
            match self.directory(parent) {
                Ok(directory) => break directory,
                Err(Errno::NOENT) if !parent.is_empty() => {
                    missing.push(parent);
                    parent = names::split(parent).0;
                }
                Err(cause) => return Err(cause),
            }
        };
        let mode = Mode::from_raw_mode(IMPLIED);
        for path in missing.into_iter().rev() {
            let name = names::split(path).1;
            match mkdirat(&above.fd, name, mode) {
                Err(Errno::EXIST) => return Err(Errno::NOENT), // a link to nothing
                made => made?,
            }
            if IMPLIED & cut != 0 {
                chmodat(&above.fd, name, mode, AtFlags::empty())?;
            }
            above = self.directory(path)?;
        }
        Ok(())
    }

    /// The directory of that name, through links that stay beneath the top. `XDEV` means that one does not.
    fn directory(&mut self, named: &[u8]) -> Result<Rc<Directory>, Errno> {
        if let Some(index) = self.recent.iter().position(|known| known.named == named) {
            self.recent.swap(0, index);
        } else {
            let directory = self.open(named)?;
            self.recent.truncate(KEPT_OPEN - 1);
            self.recent.push_front(Rc::new(directory));
        }
        self.recent.front().cloned().ok_or(Errno::NOENT)
    }

    fn open(&self, named: &[u8]) -> Result<Directory, Errno> {
        let (real, fd) = match self.open_real(named, OFlags::PATH) {
            Err(Errno::LOOP) => {
                let real = self.follow(named)?;
                let fd = self.open_real(&real, OFlags::PATH)?;
                (real, fd)
            }
            opened => (named.to_vec(), opened?),
        };
        Ok(Directory {
            named: named.to_vec(),
            real,
            fd,
        })
    }

    /// Opens a directory by a name without links.
    pub(super) fn open_real(&self, real: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let real = if real.is_empty() { b"." } else { real };
        let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        open_resolved(self.top, real, flags, resolve)
    }

    /// The name without links of what a name with links means. Only a hint: what is opened by it is opened as safely
    /// as any other name.
    fn follow(&self, named: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut left: Vec<Vec<u8>> = names::components(named).rev().map(<[u8]>::to_vec).collect();
        let mut real = Vec::new();
        let (mut links, mut steps) = (0..LINKS, 0..STEPS);
        while let Some(component) = left.pop() {
            steps.next().ok_or(Errno::LOOP)?;
            if component == b".." {
                if real.is_empty() {
                    return Err(Errno::XDEV);
                }
                real.truncate(names::split(&real).0.len());
                continue;
            }
            let above = real.len();
            names::append(&mut real, &component);
            let target = match readlinkat(self.top, &real[..], Vec::new()) {
                Err(Errno::INVAL) => continue, // no link
                target => target?.into_bytes(),
            };
            links.next().ok_or(Errno::LOOP)?;
            if target.starts_with(b"/") {
                return Err(Errno::XDEV);
            }
            real.truncate(above);
            left.extend(names::components(&target).rev().map(<[u8]>::to_vec));
        }
        Ok(real)
    }
}
