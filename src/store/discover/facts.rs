//! What is to be known about an image without looking inside: its times, its size, whether it may be written.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::{
    Access, AtFlags, IFlags, OFlags, StatVfsMountFlags, StatxFlags, accessat, fstatvfs,
    ioctl_getflags,
};
use rustix::io::Errno;

use super::ImageKind;
use super::inspect::Place;
use super::stack;
use crate::store::ImageRoot;
use crate::store::attributes::read_created_us;
use crate::sys::btrfs::{self, Usage};
use crate::sys::{device_bytes, device_is_read_only};
use crate::tree;

pub(super) struct Facts {
    pub(super) read_only: bool,
    /// Microseconds since 1970; 0 where unknown.
    pub(super) created_us: u64,
    pub(super) modified_us: u64,
    pub(super) usage: Usage,
}

impl Facts {
    /// An image that may not be read has few.
    pub(super) fn of(root: &ImageRoot, place: &Place, kind: ImageKind) -> Self {
        // For what only an open file tells.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let opened = root.open_following(&place.inside, flags);
        let file = opened.ok().map(File::from);
        let (created_us, modified_us) = times(place, kind, file.as_ref());
        Self {
            read_only: root.is_vendor(&place.handle)
                || is_on_read_only(place, kind)
                || is_marked_read_only(place, kind, file.as_ref())
                || kind == ImageKind::Stack && !has_writable_layer(root, place, file.as_ref()),
            created_us,
            modified_us,
            usage: usage(place, kind, file.as_ref()),
        }
    }
}

/// When the image was made, and when it was last changed.
fn times(place: &Place, kind: ImageKind, file: Option<&File>) -> (u64, u64) {
    let status = &place.status;
    if kind == ImageKind::Subvolume
        && let Some(about) = file.and_then(|file| btrfs::subvolume_of(file.as_fd()).ok())
    {
        return (about.created_us, about.changed_us);
    }
    if kind == ImageKind::Block {
        return (0, 0);
    }
    let born = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::BTIME);
    let born = born.then(|| microseconds(status.stx_btime.tv_sec, status.stx_btime.tv_nsec));
    let recorded = file.and_then(read_created_us);
    let created_us = [born, recorded].into_iter().flatten().min().unwrap_or(0);
    let modified_us = match kind {
        ImageKind::Raw => microseconds(status.stx_mtime.tv_sec, status.stx_mtime.tv_nsec),
        // A directory's own time says nothing about what is in it.
        _ => 0,
    };
    (created_us, modified_us)
}

fn usage(place: &Place, kind: ImageKind, file: Option<&File>) -> Usage {
    let same = |usage, limit| Usage {
        referenced: usage,
        exclusive: usage,
        referenced_limit: limit,
        exclusive_limit: limit,
    };
    match kind {
        ImageKind::Raw => {
            let status = &place.status;
            same(Some(status.stx_blocks * 512), Some(status.stx_size))
        }
        ImageKind::Block => {
            let size = file.and_then(|device| device_bytes(device.as_fd()).ok());
            same(size, size)
        }
        ImageKind::Subvolume => file.map_or_else(Usage::default, |file| tree::usage(file.as_fd())),
        ImageKind::Directory | ImageKind::Stack => Usage::default(),
    }
}

/// Whether nothing can be written there: the file system, this mount of it, or a subvolume is read-only.
fn is_on_read_only(place: &Place, kind: ImageKind) -> bool {
    let handle = &place.handle;
    match kind {
        ImageKind::Directory | ImageKind::Subvolume | ImageKind::Stack => {
            accessat(handle, c".", Access::WRITE_OK, AtFlags::empty()) == Err(Errno::ROFS)
        }
        ImageKind::Raw => {
            fstatvfs(handle).is_ok_and(|status| status.f_flag.contains(StatVfsMountFlags::RDONLY))
        }
        // Where a device's node lies says nothing about the device.
        ImageKind::Block => false,
    }
}

/// Whether somebody marked the image itself: a file by its mode, a directory by the immutable flag, a device by its own.
fn is_marked_read_only(place: &Place, kind: ImageKind, file: Option<&File>) -> bool {
    let nobody_writes = place.status.stx_mode & 0o222 == 0;
    match kind {
        ImageKind::Raw => nobody_writes,
        ImageKind::Block => {
            let marked = file.and_then(|device| device_is_read_only(device.as_fd()).ok());
            nobody_writes || marked == Some(true)
        }
        ImageKind::Directory | ImageKind::Subvolume | ImageKind::Stack => {
            let flags = file.and_then(|file| ioctl_getflags(file).ok());
            flags.is_some_and(|flags| flags.contains(IFlags::IMMUTABLE))
        }
    }
}

fn has_writable_layer(root: &ImageRoot, place: &Place, stack: Option<&File>) -> bool {
    let Some(stack) = stack else { return false };
    stack::is_writable(stack, |entry| {
        let inside = [place.inside.to_bytes(), b"/", entry.to_bytes()].concat();
        root.type_behind(&CString::new(inside).ok()?)
    })
}

fn microseconds(seconds: i64, nanoseconds: u32) -> u64 {
    let whole = u64::try_from(seconds)
        .unwrap_or(0)
        .saturating_mul(1_000_000);
    whole.saturating_add(u64::from(nanoseconds) / 1000)
}
