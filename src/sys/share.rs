//! Sharing a part of a file with another one: `ioctl_ficlonerange(2)`.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

/// `struct file_clone_range` of `linux/fs.h`.
#[repr(C)]
struct CloneRange {
    source: i64,
    source_offset: u64,
    length: u64,
    target_offset: u64,
}

/// Makes that part of `target` the same as that part of `source`, sharing what is on the disk. What it asks of the offsets
/// and the length, and of which file systems, is the kernel's to say.
pub fn share_range(
    source: &File,
    source_offset: u64,
    length: u64,
    (target, target_offset): (&File, u64),
) -> io::Result<()> {
    const CLONE_RANGE: Opcode = opcode::write::<CloneRange>(0x94, 13);
    let range = CloneRange {
        source: i64::from(source.as_raw_fd()),
        source_offset,
        length,
        target_offset,
    };
    // SAFETY: the call reads a `struct file_clone_range`, which this is; its descriptor is open as long as `source` lives.
    Ok(unsafe { ioctl(target, Setter::<CLONE_RANGE, _>::new(range)) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_two_file_systems_share_nothing() {
        let source = File::open("/proc/self/status").unwrap();
        let target = File::options().write(true).open("/dev/null").unwrap();
        assert!(share_range(&source, 0, 4096, (&target, 0)).is_err());
        assert_eq!(size_of::<CloneRange>(), 32);
    }
}
