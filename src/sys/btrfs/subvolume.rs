//! Subvolumes: made, shared, looked at, removed.
//!
//! What a call needs of the caller (its rights, a name that is free, a subvolume without others in it) is the kernel's to
//! say. Deliberately absent: snapshots of what is nested in a subvolume.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, Updater, ioctl, opcode};

use super::{GROUP, is_btrfs};

/// `BTRFS_FIRST_FREE_OBJECTID`: the inode number of every subvolume's top directory, and of nothing else.
const TOP_INODE: u64 = 256;
/// `BTRFS_SUBVOL_RDONLY`.
const READ_ONLY: u64 = 1 << 1;
const NAME_LIMIT: usize = 255;

/// `struct btrfs_ioctl_vol_args`.
#[repr(C)]
struct Named {
    fd: i64,
    name: [u8; 4088],
}

/// `struct btrfs_ioctl_vol_args_v2`, without quota groups.
#[repr(C)]
struct NamedWithFlags {
    fd: i64,
    transaction: u64,
    flags: u64,
    unused: [u64; 4],
    name: [u8; 4040],
}

/// `struct btrfs_ioctl_get_subvol_rootref_args`.
#[repr(C)]
struct References {
    first: u64,
    /// Each a subvolume and the directory it is in.
    found: [[u64; 2]; 255],
    count: u8,
    unused: [u8; 7],
}

/// `struct btrfs_ioctl_timespec`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Time {
    seconds: u64,
    nanoseconds: u32,
}

/// `struct btrfs_ioctl_get_subvol_info_args`.
#[repr(C)]
struct Info {
    id: u64,
    name: [u8; 256],
    parent: u64,
    directory: u64,
    generation: u64,
    flags: u64,
    identities: [u8; 48],
    transactions: [u64; 4],
    changed: Time,
    created: Time,
    sent: Time,
    received: Time,
    unused: [u64; 8],
}

/// What btrfs knows of a subvolume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subvolume {
    pub id: u64,
    /// The one that it is in; none for the top of the file system.
    pub parent: Option<u64>,
    /// Microseconds since 1970: when it was made, and when anything in it was last changed.
    pub created_us: u64,
    pub changed_us: u64,
}

/// Whether this is the top directory of a subvolume.
pub fn is_subvolume(directory: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(fstat(directory)?.st_ino == TOP_INODE && is_btrfs(directory)?)
}

/// Tells of the subvolume that a file or a directory belongs to.
pub fn subvolume_of(file: BorrowedFd<'_>) -> io::Result<Subvolume> {
    const GET_INFO: Opcode = opcode::read::<Info>(GROUP, 60);
    // SAFETY: the call writes a `struct btrfs_ioctl_get_subvol_info_args`, which this is.
    let info = unsafe { ioctl(file, Getter::<GET_INFO, Info>::new()) }?;
    let microseconds = |time: Time| {
        let whole = time.seconds.saturating_mul(1_000_000);
        whole.saturating_add(u64::from(time.nanoseconds) / 1000)
    };
    Ok(Subvolume {
        id: info.id,
        parent: (info.parent != 0).then_some(info.parent),
        created_us: microseconds(info.created),
        changed_us: microseconds(info.changed),
    })
}

/// Makes an empty subvolume. Its mode is 0777 without the bits of the umask.
pub fn create_subvolume(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    const CREATE: Opcode = opcode::write::<Named>(GROUP, 14);
    // SAFETY: the call reads a `struct btrfs_ioctl_vol_args`, which this is, and its name ends in NUL.
    Ok(unsafe { ioctl(parent, Setter::<CREATE, _>::new(named(name)?)) }?)
}

/// Makes `name` a subvolume that shares all it holds with `source`. Subvolumes inside are empty directories in it.
pub fn snapshot(
    source: BorrowedFd<'_>,
    parent: BorrowedFd<'_>,
    name: &CStr,
    read_only: bool,
) -> io::Result<()> {
    const SNAPSHOT: Opcode = opcode::write::<NamedWithFlags>(GROUP, 23);
    let arguments = NamedWithFlags {
        fd: i64::from(source.as_raw_fd()),
        transaction: 0,
        flags: if read_only { READ_ONLY } else { 0 },
        unused: [0; 4],
        name: padded(name)?,
    };
    // SAFETY: the call reads a `struct btrfs_ioctl_vol_args_v2`, which this is; its name ends in NUL and its descriptor
    // is open as long as `source` lives.
    Ok(unsafe { ioctl(parent, Setter::<SNAPSHOT, _>::new(arguments)) }?)
}

/// Whether there are subvolumes in this one.
pub fn has_subvolumes(subvolume: BorrowedFd<'_>) -> io::Result<bool> {
    const GET_REFERENCES: Opcode = opcode::read_write::<References>(GROUP, 61);
    let mut references = References {
        first: 0,
        found: [[0; 2]; 255],
        count: 0,
        unused: [0; 7],
    };
    // SAFETY: the call reads and writes a `struct btrfs_ioctl_get_subvol_rootref_args`, which this is.
    let asked = unsafe {
        ioctl(
            subvolume,
            Updater::<GET_REFERENCES, _>::new(&mut references),
        )
    };
    match asked {
        // More than there is room for.
        Err(Errno::OVERFLOW) => Ok(true),
        asked => Ok(asked.map(|()| references.count > 0)?),
    }
}

/// Removes a subvolume and all it holds. Another subvolume in it makes that `ENOTEMPTY`.
pub fn delete_subvolume(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    const DESTROY: Opcode = opcode::write::<Named>(GROUP, 15);
    // SAFETY: the call reads a `struct btrfs_ioctl_vol_args`, which this is, and its name ends in NUL.
    Ok(unsafe { ioctl(parent, Setter::<DESTROY, _>::new(named(name)?)) }?)
}

/// Whether nothing in the subvolume may be changed.
pub fn is_read_only(subvolume: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(flags(subvolume)? & READ_ONLY != 0)
}

/// Forbids or allows to change what is in the subvolume.
pub fn set_read_only(subvolume: BorrowedFd<'_>, read_only: bool) -> io::Result<()> {
    const SET_FLAGS: Opcode = opcode::write::<u64>(GROUP, 26);
    let others = flags(subvolume)? & !READ_ONLY;
    let flags = others | if read_only { READ_ONLY } else { 0 };
    // SAFETY: the call reads one number of 64 bits.
    Ok(unsafe { ioctl(subvolume, Setter::<SET_FLAGS, _>::new(flags)) }?)
}

fn flags(subvolume: BorrowedFd<'_>) -> io::Result<u64> {
    const GET_FLAGS: Opcode = opcode::read::<u64>(GROUP, 25);
    // SAFETY: the call writes one number of 64 bits.
    Ok(unsafe { ioctl(subvolume, Getter::<GET_FLAGS, u64>::new()) }?)
}

fn named(name: &CStr) -> io::Result<Named> {
    Ok(Named {
        fd: 0,
        name: padded(name)?,
    })
}

/// The name with at least one NUL behind it.
fn padded<const SIZE: usize>(name: &CStr) -> io::Result<[u8; SIZE]> {
    let name = name.to_bytes();
    let mut padded = [0; SIZE];
    match padded.get_mut(..name.len()) {
        Some(start) if name.len() <= NAME_LIMIT => start.copy_from_slice(name),
        _ => return Err(Errno::NAMETOOLONG.into()),
    }
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn structures_have_the_sizes_that_the_kernel_gives_them() {
        assert_eq!(size_of::<Named>(), 4096);
        assert_eq!(size_of::<NamedWithFlags>(), 4096);
        assert_eq!(size_of::<References>(), 4096);
        // A time's size is the machine's own.
        assert_eq!(size_of::<Info>(), 440 + 4 * size_of::<Time>());
    }

    #[test]
    fn elsewhere_than_on_btrfs_there_are_no_subvolumes() {
        let proc = std::fs::File::open("/proc").unwrap();
        assert!(!is_subvolume(proc.as_fd()).unwrap());
        assert!(subvolume_of(proc.as_fd()).is_err());
        assert!(create_subvolume(proc.as_fd(), c"x").is_err());
    }

    #[test]
    fn a_name_is_no_longer_than_a_file_name_may_be() {
        let long = std::ffi::CString::new(vec![b'x'; 256]).unwrap();
        let error = padded::<4088>(&long).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidFilename);
        assert!(padded::<4088>(c"x").is_ok());
    }
}
