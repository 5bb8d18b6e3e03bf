//! A file that takes another's place only when it is whole. What a crash leaves of it has a name of ours and no lock.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::Rights;
use super::sync::sync;
use crate::stream::Cancel;

/// The new content of a file, beside it under a temporary name. Dropped, it vanishes.
///
/// Invariant: the file is locked (BSD lock, exclusive) as long as this value lives, where the file system knows locks.
pub struct Replacement {
    file: File,
    path: PathBuf,
    temporary: PathBuf,
    committed: bool,
}

impl Replacement {
    /// A new, empty file in the directory of `path`, with the rights of what is there.
    pub fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        loop {
            let mut random = [0; 8];
            getrandom(&mut random, GetRandomFlags::empty())?;
            let mut hidden = OsString::from(".#importd.");
            hidden.push(format!("export{:016x}", u64::from_le_bytes(random)));
            let temporary = path.with_file_name(hidden);
            let created = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary);
            let file = match created {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                created => created?,
            };
            if !lock(&file)? {
                // Whoever has it takes it for a leftover, and has removed it or is about to.
                let _ = fs::remove_file(&temporary);
                continue;
            }
            let replacement = Self {
                file,
                path: path.with_file_name(name),
                temporary,
                committed: false,
            };
            Rights::after(fs::metadata(path).ok().as_ref()).give(&replacement.file)?;
            return Ok(replacement);
        }
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// The path it will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the place, in one step; on disk first, if `to_disk` says so, and its name then.
    pub fn commit(mut self, to_disk: bool, cancel: &Cancel) -> io::Result<()> {
        if to_disk {
            sync(&self.file, cancel)?;
        }
        cancel.check()?;
        fs::rename(&self.temporary, &self.path)?;
        self.committed = true;
        if to_disk {
            File::open(directory_of(&self.path))?.sync_all()?;
        }
        Ok(())
    }
}

/// The directory that a path's last name is in.
pub fn directory_of(path: &Path) -> &Path {
    let parent = path.parent();
    parent
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Locks a new file. False if somebody else was faster. Others may look into this directory, so nobody is waited for.
fn lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file.metadata()?.nlink() > 0),
        Err(Errno::AGAIN) => Ok(false),
        // A network's file system without locks; nobody can sweep there either.
        Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_replacement_is_locked_until_it_is_gone() {
        let directory = std::env::temp_dir().join(format!("importd-lock-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let replacement = Replacement::of(&directory.join("file")).unwrap();
        let other = File::open(&replacement.temporary).unwrap();
        assert!(!lock(&other).unwrap());
        drop(replacement);
        // Free, but no file that anybody could go on with.
        assert!(!lock(&other).unwrap());
        flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
        fs::remove_dir(directory).unwrap();
    }

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let directory =
            std::env::temp_dir().join(format!("importd-replace-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let write = || {
            let replacement = Replacement::of(&path).unwrap();
            replacement.file().write_all(b"new").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"old");
            replacement
        };
        drop(write());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write().commit(true, &Cancel::new().unwrap()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(directory).unwrap();
    }
}
