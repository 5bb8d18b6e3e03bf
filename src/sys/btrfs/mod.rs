//! btrfs: subvolumes, and the quota groups that count what is in them (`btrfs-ioctl(2)`, `btrfs-qgroup(8)`).
//!
//! Each function is one call, or one search, on an open file. Elsewhere than on btrfs the kernel says `ENOTTY` to them.

#![allow(unsafe_code)]

mod quota;
mod search;
mod subvolume;

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::fstatfs;

pub use quota::{
    QuotaGroup, Usage, assign, create_group, destroy_group, enable_quota, parents, quota_enabled,
    rescan, unassign, usage,
};
pub use subvolume::{
    Subvolume, create_subvolume, delete_subvolume, has_subvolumes, is_read_only, is_subvolume,
    set_read_only, snapshot, subvolume_of,
};

/// `BTRFS_IOCTL_MAGIC` of `linux/btrfs.h`, where the numbers and structures of all calls here are.
const GROUP: u8 = 0x94;
/// `BTRFS_SUPER_MAGIC` of `linux/magic.h`.
const FILE_SYSTEM: u32 = 0x9123_683e;

/// Whether a file lies on btrfs.
pub fn is_btrfs(file: BorrowedFd<'_>) -> io::Result<bool> {
    // The type of the field differs between machines; the number has 32 bits everywhere.
    Ok(fstatfs(file)?.f_type as u32 == FILE_SYSTEM)
}
