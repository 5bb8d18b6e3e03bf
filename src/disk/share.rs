//! Sharing what is on the disk with another file, and what a file system asks for that.
//!
//! btrfs shares only between files that are alike in what is done about writes to them (`chattr(1)`, attribute C), which can
//! be chosen as long as a file is empty.

use std::fs::File;
use std::io;

use rustix::fs::{IFlags, ioctl_ficlone, ioctl_getflags, ioctl_setflags};
use rustix::io::Errno;

use crate::stream::{Cancel, Cancelled};
use crate::sys::share_range;

/// What every file system that shares can share.
pub(super) const BLOCK_BYTES: u64 = 4096;

/// How much is shared between two looks at the wish to stop: of a file in pieces of a block each that takes tens of
/// milliseconds.
pub(super) const STEP_BYTES: u64 = 8 << 20;

/// Makes `target`, which must be new and empty, share all that `source` holds at one moment, even if somebody writes to it.
/// False where it cannot: it is as it was.
///
/// The target becomes like the source. Nothing interrupts this, which takes seconds where the source is in a hundred
/// thousand pieces.
pub fn clone(source: &File, target: &File) -> bool {
    share_alike(source, target, || Ok(ioctl_ficlone(target, source)?)).is_ok()
}

/// Whether a file was shared.
pub(super) enum Shared {
    Yes,
    No,
    /// Nor will any other of that file system be with any of the target's.
    Never,
}

/// The same step by step, for a source of `size` bytes that nobody writes to.
pub(super) fn clone_in_steps(
    source: &File,
    target: &File,
    size: u64,
    cancel: &Cancel,
) -> Result<Shared, Cancelled> {
    // The last step goes to wherever the file ends by then: only there it need not be whole blocks.
    let share = |start| {
        let length = if size - start > STEP_BYTES {
            STEP_BYTES
        } else {
            0
        };
        share_range(source, start, length, (target, start))
    };
    if let Err(error) = share_alike(source, target, || share(0)) {
        return Ok(match Errno::from_io_error(&error) {
            Some(Errno::XDEV | Errno::OPNOTSUPP) => Shared::Never,
            _ => Shared::No,
        });
    }
    let mut start = STEP_BYTES;
    while start < size {
        cancel.check()?;
        if share(start).is_err() {
            // A copy of it all is as good, over what was shared too.
            let _ = target.set_len(0);
            return Ok(Shared::No);
        }
        start += STEP_BYTES;
    }
    Ok(Shared::Yes)
}

/// Makes `target`, which must be new and empty, such that parts of `source` can be shared with it, if that is all it takes.
pub(super) fn make_alike(source: &File, target: &File) -> io::Result<()> {
    let first = || share_range(source, 0, BLOCK_BYTES, (target, 0));
    match share_alike(source, target, first) {
        Ok(()) => target.set_len(0),
        Err(_) => Ok(()),
    }
}

/// Tries to share, and once more with the target made like the source. Otherwise it is as it was.
fn share_alike(source: &File, target: &File, share: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let unlike = match share() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => error,
        shared => return shared,
    };
    let (wanted, before) = (ioctl_getflags(source)?, ioctl_getflags(target)?);
    if !(wanted ^ before).contains(IFlags::NOCOW) {
        return Err(unlike);
    }
    ioctl_setflags(target, before ^ IFlags::NOCOW)?;
    share().inspect_err(|_| {
        // It could be changed, so it can be changed back.
        let _ = ioctl_setflags(target, before);
    })
}

/// Has a new, empty file written to in place, where a file system would otherwise put each write elsewhere: a disk that a
/// machine writes to would be in a thousand pieces soon. It has no checksums then.
pub fn write_in_place(file: &File) {
    let marked = |flags| ioctl_setflags(file, flags | IFlags::NOCOW);
    // Elsewhere than on btrfs there is no need.
    let _ = ioctl_getflags(file).and_then(marked);
}
