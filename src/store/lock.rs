//! Locks of images: what systemd-nspawn(1) and its kin hold as long as a container or a virtual machine runs from one.
//!
//! There are two, files that are locked as a whole by open file description: `.#FILE.lck` beside the image, and one below
//! `run/systemd/nspawn/locks` that is named for the inode or the device, by whatever path that is reached. They are taken
//! in this order and never waited for. Whoever unlocks a file removes it while nobody else can have it locked; so whoever
//! locks one looks whether it has still got its name. A file that a crash left is unlocked, and taken over.

use std::fs::{File, Metadata};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, StatxFlags, flock, makedev, openat,
    statx, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{Error, ImageRoot};
use crate::sys::try_lock_exclusive;

/// Where the locks by inode are. Each directory is made where it is missing, with that mode.
const DIRECTORIES: [(&str, u16); 4] = [
    ("run", 0o755),
    ("run/systemd", 0o755),
    ("run/systemd/nspawn", 0o755),
    ("run/systemd/nspawn/locks", 0o700),
];

/// An image that nobody starts and nobody else replaces as long as this lives.
#[derive(Debug)]
pub struct ImageLock {
    _by_path: Option<LockFile>,
    _by_inode: Option<LockFile>,
}

/// A locked file. Dropped, it is removed and unlocked.
#[derive(Debug)]
struct LockFile {
    directory: Arc<OwnedFd>,
    name: String,
    _file: File,
}

impl ImageRoot {
    /// Locks the image that has that file name, or would have it. One that is in use is [`Error::Busy`].
    ///
    /// A link is not what it leads to: that is not locked. Nor is, by inode, what cannot be locked: where nobody can make
    /// these locks, nobody runs images.
    pub fn lock_image(&self, file_name: &str) -> Result<ImageLock, Error> {
        let busy = || Error::Busy {
            path: self.path_of(file_name),
        };
        let name = format!(".#{file_name}.lck");
        let by_path = match LockFile::take(self.directory(), name.clone()) {
            // Then nobody has it.
            Err(Errno::NAMETOOLONG) => None,
            Err(Errno::BUSY) => return Err(busy()),
            taken => Some(taken.map_err(|cause| Error::Lock {
                path: self.path_of(&name),
                cause: cause.into(),
            })?),
        };
        let by_inode = match self.inode_lock(file_name) {
            Err(Errno::BUSY) => return Err(busy()),
            taken => taken.ok().flatten(),
        };
        Ok(ImageLock {
            _by_path: by_path,
            _by_inode: by_inode,
        })
    }

    /// Removes the lock files of images that nobody has locked: a crash leaves them, ours or another program's. There is
    /// nothing in them, and nobody else's are touched.
    pub fn sweep_locks(&self) -> Result<(), Error> {
        let failed = |cause: Errno| Error::List {
            path: self.path().to_owned(),
            cause: cause.into(),
        };
        for entry in Dir::read_from(self).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if name.starts_with(".#") && name.ends_with(".lck") && self.is_left(name) {
                let _ = unlinkat(self, name, AtFlags::empty());
            }
        }
        Ok(())
    }

    /// Whether the lock file is ours and nobody holds it, in neither of the ways in which people lock files.
    fn is_left(&self, name: &str) -> bool {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK;
        let Ok(file) = self.open_entry(name, flags) else {
            return false;
        };
        let us = geteuid().as_raw();
        let is_ours = |it: Metadata| it.is_file() && it.len() == 0 && it.uid() == us;
        file.metadata().is_ok_and(is_ours)
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
            && try_lock_exclusive(&file).is_ok_and(|locked| locked)
            // Whoever had it has not removed it since.
            && file.metadata().is_ok_and(|it| it.nlink() > 0)
    }

    /// None where there is nothing, or a link.
    fn inode_lock(&self, file_name: &str) -> Result<Option<LockFile>, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let image = match openat(self, file_name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened?,
        };
        let status = statx(&image, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
        let name = match FileType::from_raw_mode(status.stx_mode.into()) {
            FileType::Symlink => return Ok(None),
            FileType::BlockDevice => {
                format!("block-{}:{}", status.stx_rdev_major, status.stx_rdev_minor)
            }
            _ => {
                let device = makedev(status.stx_dev_major, status.stx_dev_minor);
                format!("inode-{device}:{}", status.stx_ino)
            }
        };
        LockFile::take(Arc::new(self.lock_directory()?), name).map(Some)
    }

    fn lock_directory(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        for (path, mode) in DIRECTORIES {
            match self.open_below_base(path, flags) {
                // In another system's tree nobody looks for them.
                Err(Errno::NOENT) if self.is_on_host() => {
                    self.make_below_base(path, Mode::from_raw_mode(mode.into()))?
                }
                opened => drop(opened?),
            }
        }
        self.open_below_base(DIRECTORIES[DIRECTORIES.len() - 1].0, flags)
    }
}

impl LockFile {
    /// `EBUSY` where somebody has it.
    fn take(directory: Arc<OwnedFd>, name: String) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let mode = Mode::from_raw_mode(0o600);
            let file = openat(&directory, &name, flags | OFlags::CREATE, mode)?;
            let file = File::from(file);
            let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
            if !try_lock_exclusive(&file).map_err(errno)? {
                return Err(Errno::BUSY);
            }
            // Who had it locked has removed it since we opened it: somebody else may have made another one.
            if file.metadata().map_err(errno)?.nlink() > 0 {
                return Ok(Self {
                    directory,
                    name,
                    _file: file,
                });
            }
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // While it is locked: afterwards it may be another's.
        let _ = unlinkat(&self.directory, &self.name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use crate::store::Roots;
    use crate::terms::ImageClass;

    #[test]
    fn one_at_a_time_has_an_image_however_many_want_it() {
        let directory = std::env::temp_dir().join(format!("importd-locks-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let roots = Roots::open(&directory, None).unwrap();
        let root = roots.target(ImageClass::Machine).unwrap();
        std::fs::write(root.path_of("a.raw"), "").unwrap();
        let (held, times) = (AtomicBool::new(false), AtomicU32::new(0));
        // One file of the two: either has to keep the others out.
        let contend = || {
            for _ in 0..2000 {
                match LockFile::take(root.directory(), "a.lck".to_owned()) {
                    Err(Errno::BUSY) => continue,
                    lock => {
                        let lock = lock.unwrap();
                        assert!(!held.swap(true, Ordering::SeqCst));
                        times.fetch_add(1, Ordering::Relaxed);
                        std::thread::yield_now();
                        assert!(held.swap(false, Ordering::SeqCst));
                        drop(lock);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(contend);
            }
        });
        assert!(times.into_inner() > 0);
        let lock = root.lock_image("a.raw").unwrap();
        let again = root.lock_image("a.raw").unwrap_err();
        assert!(matches!(again, Error::Busy { .. }));
        drop(lock);
        let names = |path: &std::path::Path| std::fs::read_dir(path).unwrap().count();
        assert_eq!(names(root.path()), 1);
        // Nobody has made a place for locks by inode there.
        assert_eq!(names(&directory), 1);
        std::fs::remove_dir_all(directory).unwrap();
    }
}
