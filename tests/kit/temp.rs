//! A directory that is gone when its owner is.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh, empty directory of mode 0755 below `$TMPDIR`; removed with all it holds on drop.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("importd-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Left by a process of the same number that was killed.
        let _ = remove(&path);
        fs::create_dir(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            eprintln!("failed to remove `{}`: {error}", self.0.display());
        }
    }
}

/// Removes what is in a directory.
#[track_caller]
pub fn clear(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        remove(&entry.unwrap().path()).unwrap();
    }
}

/// Also what is immutable, as kept trees are.
fn remove(path: &Path) -> std::io::Result<()> {
    let parent = File::open(path.parent().unwrap())?;
    let name = CString::new(path.file_name().unwrap().as_bytes()).unwrap();
    importd::tree::remove(parent.as_fd(), &name)
}
