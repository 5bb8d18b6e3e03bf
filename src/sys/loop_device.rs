//! Loop devices: `loop(4)`, numbers and structures of `linux/loop.h`.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Setter, ioctl};

/// What a loop device is to be like.
pub struct Loop<'a> {
    pub file: BorrowedFd<'a>,
    /// By this name udev links it; the kernel takes 63 bytes of it.
    pub reference: &'a str,
    pub read_only: bool,
    /// The size of a sector, in bytes.
    pub sector_bytes: u32,
}

/// The number of a loop device that nobody has; `control` is `/dev/loop-control`.
pub fn free_loop_device(control: BorrowedFd<'_>) -> io::Result<u32> {
    struct GetFree;
    // SAFETY: the call takes no argument, and returns a number that is not negative.
    unsafe impl Ioctl for GetFree {
        type Output = u32;
        const IS_MUTATING: bool = false;

        fn opcode(&self) -> Opcode {
            0x4c82
        }

        fn as_ptr(&mut self) -> *mut c_void {
            std::ptr::null_mut()
        }

        unsafe fn output_from_ptr(
            out: IoctlOutput,
            _: *mut c_void,
        ) -> rustix::io::Result<Self::Output> {
            Ok(out.cast_unsigned())
        }
    }
    // SAFETY: as above.
    Ok(unsafe { ioctl(control, GetFree) }?)
}

/// Makes a loop device one of that file, with partitions if it holds any. It stays until somebody takes it apart.
pub fn configure_loop(device: BorrowedFd<'_>, how: &Loop) -> io::Result<()> {
    const CONFIGURE: Opcode = 0x4c0a;
    const READ_ONLY: u32 = 1;
    const PARTITIONS: u32 = 8;
    const NAME_BYTES: usize = 64;

    /// `struct loop_config`, with its `struct loop_info64` of which most is not ours to say.
    #[repr(C)]
    struct Config {
        file: u32,
        sector_bytes: u32,
        numbers: [u64; 5],
        more_numbers: [u32; 3],
        flags: u32,
        name: [u8; NAME_BYTES],
        rest: [u64; 22],
    }

    let mut name = [0; NAME_BYTES];
    let reference = how.reference.as_bytes();
    let length = reference.len().min(NAME_BYTES - 1);
    name[..length].copy_from_slice(&reference[..length]);
    let config = Config {
        file: how.file.as_raw_fd().cast_unsigned(),
        sector_bytes: how.sector_bytes,
        numbers: [0; 5],
        more_numbers: [0; 3],
        flags: PARTITIONS | if how.read_only { READ_ONLY } else { 0 },
        name,
        rest: [0; 22],
    };
    // SAFETY: the call reads a structure of that layout, 304 bytes without padding.
    Ok(unsafe { ioctl(device, Setter::<CONFIGURE, _>::new(config)) }?)
}
