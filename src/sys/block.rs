//! Block devices: `ioctl(2)` numbers of `linux/fs.h`.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::ioctl::{Getter, Opcode, Setter, ioctl, opcode};

/// How many bytes a block device holds.
pub fn device_bytes(device: BorrowedFd<'_>) -> io::Result<u64> {
    // The number is of a `size_t`, what is written has 64 bits on every machine.
    const GET_SIZE: Opcode = opcode::read::<usize>(0x12, 114);
    // SAFETY: the call writes one number of 64 bits.
    Ok(unsafe { ioctl(device, Getter::<GET_SIZE, u64>::new()) }?)
}

/// Whether a block device takes no writes.
pub fn device_is_read_only(device: BorrowedFd<'_>) -> io::Result<bool> {
    const GET_READ_ONLY: Opcode = opcode::none(0x12, 94);
    // SAFETY: the call writes one `int`.
    let read_only = unsafe { ioctl(device, Getter::<GET_READ_ONLY, c_int>::new()) }?;
    Ok(read_only != 0)
}

/// Has a block device take no more writes.
pub fn make_device_read_only(device: BorrowedFd<'_>) -> io::Result<()> {
    const SET_READ_ONLY: Opcode = opcode::none(0x12, 93);
    // SAFETY: the call reads one `int`.
    Ok(unsafe { ioctl(device, Setter::<SET_READ_ONLY, c_int>::new(1)) }?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_no_device_has_no_size() {
        let proc = std::fs::File::open("/proc").unwrap();
        assert!(device_bytes(proc.as_fd()).is_err());
        assert!(device_is_read_only(proc.as_fd()).is_err());
        assert!(make_device_read_only(proc.as_fd()).is_err());
    }
}
