//! Paths as the kernel knows them: of what is open, and of where links lead.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The path of something that is open (`proc_pid_fd(5)`).
pub fn path_of(opened: BorrowedFd<'_>) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))
}

/// Where a path leads through links, as whoever writes to a file goes; the path itself where there is nothing.
///
/// It is the kernel that goes: in a directory where everybody may lay links it follows none of a stranger's
/// (`proc_sys_fs(5)`, `protected_symlinks`).
pub fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let flags = OFlags::PATH.bits().cast_signed();
    let opened = File::options().read(true).custom_flags(flags).open(path);
    match opened {
        // Without /proc nobody can tell but by asking name after name.
        Ok(file) => path_of(file.as_fd()).or_else(|_| fs::canonicalize(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_what_is_there() {
        let name = format!("importd-links-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let directory = directory.canonicalize().unwrap();
        let path = |name: &str| directory.join(name);
        fs::write(path("file"), "").unwrap();
        symlink("file", path("link")).unwrap();
        symlink("link", path("again")).unwrap();
        symlink("missing", path("dangling")).unwrap();
        symlink("loop", path("loop")).unwrap();
        for (from, to) in [
            ("file", "file"),
            ("link", "file"),
            ("again", "file"),
            ("dangling", "dangling"),
            ("new", "new"),
        ] {
            assert_eq!(behind_links(&path(from)).unwrap(), path(to), "{from}");
        }
        assert!(behind_links(&path("loop")).is_err());
        fs::remove_dir_all(directory).unwrap();
    }
}
