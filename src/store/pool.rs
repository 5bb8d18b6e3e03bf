//! Counting what images take, where somebody asked for that: quota on btrfs.
//!
//! The directory of machines, the pool, is made a subvolume where it is missing, and is counted with all the images in it;
//! each image that is a subvolume is counted in it. Elsewhere than on btrfs none of that is done.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::Dir;

use super::root::{Leaf, system_directory};
use super::{Error, ImageRoot, Roots, Staged};
use crate::sys::btrfs;
use crate::terms::ImageClass;
use crate::tree;

impl Roots {
    /// The same as [`Self::target`], except that a pool that is missing is made a subvolume where it can be one.
    pub fn target_counted(&self, class: ImageClass) -> Result<ImageRoot, Error> {
        match self.has_pool(class) {
            true => self.create(&system_directory(class), Leaf::Subvolume),
            false => self.target(class),
        }
    }

    /// Whether images of this class lie in a pool. In a directory of somebody's own they do not.
    pub fn has_pool(&self, class: ImageClass) -> bool {
        class == ImageClass::Machine && !self.is_one_directory()
    }
}

impl ImageRoot {
    /// Has the file system count at all, and what is in this directory together, if it is a subvolume.
    pub fn count(&self) -> io::Result<()> {
        let pool = self.as_fd();
        if !btrfs::is_btrfs(pool)? {
            return Ok(());
        }
        if !btrfs::quota_enabled(pool)? {
            btrfs::enable_quota(pool)?;
        }
        count(pool)
    }
}

impl Staged {
    /// Has a tree counted that is a subvolume, in the pool that it is in if there is one. Where nothing is counted, this
    /// is not either.
    pub fn count(&self) -> io::Result<()> {
        let image = self.file().as_fd();
        if btrfs::is_btrfs(image)? && btrfs::quota_enabled(image)? {
            return count(image);
        }
        Ok(())
    }
}

fn count(directory: BorrowedFd<'_>) -> io::Result<()> {
    let counted = btrfs::is_subvolume(directory)? && tree::count(directory)?;
    // What is in it already is counted in the background.
    match counted && !is_empty(directory)? {
        true => btrfs::rescan(directory),
        false => Ok(()),
    }
}

fn is_empty(directory: BorrowedFd<'_>) -> io::Result<bool> {
    for entry in Dir::read_from(directory)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}
