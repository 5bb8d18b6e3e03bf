//! Sweeping: what transfers left that could not clean up, told by their names and by locks that nobody holds.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::Builder;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Dir, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::placing::{REPLACED, rename_new};
use super::staged::{RANDOM_DIGITS, TEMPORARY, TREE};
use super::{Error, ImageRoot};
use crate::tree;

/// How the program is called that sweeps the directory on its standard input.
pub const SWEEPER_OPTION: &str = "--sweep";

/// For so long a sweeper is waited for: who has cancelled is back soon, and mostly finds nothing left.
const PATIENCE: Duration = Duration::from_millis(200);

impl ImageRoot {
    /// Removes what crashed transfers left: temporary files and trees that nobody holds a lock on. Returns how many.
    pub fn sweep(&self) -> Result<usize, Error> {
        sweep(self.as_fd()).map_err(|cause| Error::List {
            path: self.path().to_owned(),
            cause,
        })
    }

    /// Has another process sweep, which goes on when this one has ended: a tree of many files takes a file system seconds.
    /// Tells whether there is such a process.
    pub(super) fn sweep_aside(&self) -> bool {
        let begin = || {
            let program = self.sweeper()?;
            let directory = self.as_fd().try_clone_to_owned().ok()?;
            let (ended, end) = io::pipe().ok()?;
            // Away from the signals of our terminal.
            let child = Command::new(program)
                .arg0("importd")
                .arg(SWEEPER_OPTION)
                .stdin(directory)
                .stdout(end)
                .stderr(Stdio::null())
                .process_group(0)
                .spawn();
            Some((child.ok()?, ended))
        };
        let Some((mut child, ended)) = begin() else {
            return false;
        };
        let patience = Timespec::try_from(PATIENCE).ok();
        let _ = poll(&mut [PollFd::new(&ended, PollFlags::IN)], patience.as_ref());
        match child.try_wait() {
            Ok(Some(status)) => status.success(),
            Ok(None) => {
                // If there can be no thread, it is the end of this process that takes care of it.
                let _ = Builder::new()
                    .name("sweep".to_owned())
                    .spawn(move || child.wait());
                true
            }
            Err(_) => false,
        }
    }
}

/// Removes what crashed transfers of this user left in a directory. Returns how many there were.
pub fn sweep(directory: BorrowedFd<'_>) -> io::Result<usize> {
    let us = geteuid().as_raw();
    let mut swept = 0;
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.to_str().is_ok_and(is_temporary) {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(file) = openat(directory, name, flags, Mode::empty()).map(File::from) else {
            continue;
        };
        // An export's directory may be open to everybody, and names there are nobody's word.
        // A tree's shell nobody else may enter.
        let closed = |it: &Metadata| it.is_dir() && it.mode() & 0o077 == 0;
        let ours = |it: Metadata| it.uid() == us && (it.is_file() || closed(&it));
        let ours = file.metadata().is_ok_and(ours);
        let unlocked = || flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if ours
            && unlocked()
            && give_back(&file, directory).is_ok()
            && tree::remove(directory, name).is_ok()
        {
            swept += 1;
        }
    }
    Ok(swept)
}

/// Gives an image its name again that stands in a shell because the one that was to replace it did not come to that.
fn give_back(left: &File, directory: BorrowedFd<'_>) -> Result<(), Errno> {
    let open = |name: &str| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(left, name, flags, Mode::empty())
    };
    let (Ok(_came), Ok(replaced)) = (open(TREE), open(REPLACED)) else {
        return Ok(());
    };
    for entry in Dir::read_from(&replaced)? {
        let entry = entry?;
        if matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        let name = entry.file_name().to_str().map_err(|_| Errno::ILSEQ)?;
        match rename_new(&replaced, name, &directory, name) {
            // There is another one by now.
            Err(Errno::EXIST) => {}
            renamed => renamed?,
        }
    }
    Ok(())
}

/// Whether the name is one that [`ImageRoot::stage`] makes, or a [`Replacement`](crate::disk::Replacement).
fn is_temporary(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(TEMPORARY).map(str::as_bytes) else {
        return false;
    };
    let digits = rest
        .len()
        .checked_sub(RANDOM_DIGITS)
        .and_then(|at| rest.get(at..));
    digits.is_some_and(|digits| {
        digits
            .iter()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::Instant;

    use super::*;
    use crate::store::Roots;
    use crate::terms::ImageClass;

    #[test]
    fn who_sweeps_for_long_is_not_waited_for_and_leaves_nothing_behind() {
        let home = std::env::temp_dir().join(format!("importd-sweep-{}", std::process::id()));
        fs::create_dir(&home).unwrap();
        let program = home.join("program");
        fs::write(
            &program,
            "#!/bin/sh\necho $$ >\"$0.id\"\nsleep 0.6\nexec >&-\n",
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let roots = Roots::open(&home, None).unwrap();
        let target = roots.with_sweeper(Some(program.clone()));
        let target = target.target(ImageClass::Machine).unwrap();
        let begun = Instant::now();
        assert!(target.sweep_aside());
        assert!(begun.elapsed() < Duration::from_millis(550));
        let id = fs::read_to_string(home.join("program.id")).unwrap();
        let process = Path::new("/proc").join(id.trim());
        assert!(process.exists());
        while process.exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it stays behind");
            std::thread::sleep(Duration::from_millis(10));
        }
        fs::remove_dir_all(home).unwrap();
    }
}
