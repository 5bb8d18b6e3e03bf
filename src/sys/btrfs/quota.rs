//! Quota groups: each counts what belongs to a subvolume, or to other groups, and may limit that.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, Updater, ioctl, opcode};

use super::GROUP;
use super::search::{Item, Query, search};

/// `BTRFS_QUOTA_TREE_OBJECTID`, and the kinds of its items, of `linux/btrfs_tree.h`.
const QUOTA_TREE: u64 = 8;
const STATUS: u32 = 240;
const COUNT: u32 = 242;
const LIMIT: u32 = 244;
const RELATION: u32 = 246;

/// `BTRFS_QGROUP_LIMIT_MAX_RFER` and `BTRFS_QGROUP_LIMIT_MAX_EXCL`.
const LIMITS_REFERENCED: u64 = 1;
const LIMITS_EXCLUSIVE: u64 = 1 << 1;

const LEVEL_SHIFT: u32 = 48;

/// A quota group: those of level 0 have the number of the subvolume that they count, those above count other groups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaGroup(u64);

impl QuotaGroup {
    /// The group that counts one subvolume.
    pub fn of_subvolume(id: u64) -> Self {
        Self::new(0, id)
    }

    pub fn new(level: u16, id: u64) -> Self {
        Self(u64::from(level) << LEVEL_SHIFT | id & ((1 << LEVEL_SHIFT) - 1))
    }

    pub fn level(self) -> u16 {
        (self.0 >> LEVEL_SHIFT) as u16
    }

    pub fn id(self) -> u64 {
        self.0 & ((1 << LEVEL_SHIFT) - 1)
    }
}

impl fmt::Debug for QuotaGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level(), self.id())
    }
}

/// What a group has counted, in bytes, and what it may count at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub referenced: Option<u64>,
    /// What nobody else shares.
    pub exclusive: Option<u64>,
    pub referenced_limit: Option<u64>,
    pub exclusive_limit: Option<u64>,
}

/// `struct btrfs_ioctl_quota_ctl_args`.
#[repr(C)]
struct Control {
    command: u64,
    status: u64,
}

/// `struct btrfs_ioctl_qgroup_assign_args`.
#[repr(C)]
struct Assignment {
    assign: u64,
    member: u64,
    parent: u64,
}

/// `struct btrfs_ioctl_qgroup_create_args`.
#[repr(C)]
struct Creation {
    create: u64,
    group: u64,
}

/// `struct btrfs_ioctl_quota_rescan_args`.
#[repr(C)]
struct Rescan {
    flags: u64,
    progress: u64,
    unused: [u64; 6],
}

/// Whether the file system counts at all.
pub fn quota_enabled(file: BorrowedFd<'_>) -> io::Result<bool> {
    let status = Query {
        tree: QUOTA_TREE,
        object: 0,
        kind: STATUS,
        offsets: 0..=u64::MAX,
    };
    Ok(!search(file, &status)?.is_empty())
}

/// Has the file system count, beginning with what there is already.
pub fn enable_quota(file: BorrowedFd<'_>) -> io::Result<()> {
    const CONTROL: Opcode = opcode::read_write::<Control>(GROUP, 40);
    let mut enable = Control {
        command: 1,
        status: 0,
    };
    // SAFETY: the call reads and writes a `struct btrfs_ioctl_quota_ctl_args`, which this is.
    Ok(unsafe { ioctl(file, Updater::<CONTROL, _>::new(&mut enable)) }?)
}

/// Has everything counted again, in the background: for a group whose members were not empty when they joined it.
pub fn rescan(file: BorrowedFd<'_>) -> io::Result<()> {
    const RESCAN: Opcode = opcode::write::<Rescan>(GROUP, 44);
    let rescan = Rescan {
        flags: 0,
        progress: 0,
        unused: [0; 6],
    };
    // SAFETY: the call reads a `struct btrfs_ioctl_quota_rescan_args`, which this is.
    match unsafe { ioctl(file, Setter::<RESCAN, _>::new(rescan)) } {
        // One is under way; or the simple kind of quota is on, which counts from its beginning.
        Err(Errno::INPROGRESS | Errno::INVAL) => Ok(()),
        started => Ok(started?),
    }
}

/// Makes a group that counts nothing yet. That there is one already is fine.
pub fn create_group(file: BorrowedFd<'_>, group: QuotaGroup) -> io::Result<()> {
    match create_or_destroy(file, group, 1) {
        Err(Errno::EXIST) => Ok(()),
        created => Ok(created?),
    }
}

/// Removes a group. Members of it make that `EBUSY`.
pub fn destroy_group(file: BorrowedFd<'_>, group: QuotaGroup) -> io::Result<()> {
    Ok(create_or_destroy(file, group, 0)?)
}

fn create_or_destroy(file: BorrowedFd<'_>, group: QuotaGroup, create: u64) -> Result<(), Errno> {
    const CREATE: Opcode = opcode::write::<Creation>(GROUP, 42);
    let group = group.0;
    // SAFETY: the call reads a `struct btrfs_ioctl_qgroup_create_args`, which this is.
    unsafe { ioctl(file, Setter::<CREATE, _>::new(Creation { create, group })) }
}

/// Has a group counted in another one of a higher level. That it is already is fine.
pub fn assign(file: BorrowedFd<'_>, member: QuotaGroup, parent: QuotaGroup) -> io::Result<()> {
    match assign_or_not(file, member, parent, 1) {
        Err(Errno::EXIST) => Ok(()),
        assigned => Ok(assigned?),
    }
}

/// Has a group no longer counted in another one.
pub fn unassign(file: BorrowedFd<'_>, member: QuotaGroup, parent: QuotaGroup) -> io::Result<()> {
    Ok(assign_or_not(file, member, parent, 0)?)
}

fn assign_or_not(
    file: BorrowedFd<'_>,
    member: QuotaGroup,
    parent: QuotaGroup,
    assign: u64,
) -> Result<(), Errno> {
    const ASSIGN: Opcode = opcode::write::<Assignment>(GROUP, 41);
    let assignment = Assignment {
        assign,
        member: member.0,
        parent: parent.0,
    };
    // SAFETY: the call reads a `struct btrfs_ioctl_qgroup_assign_args`, which this is.
    unsafe { ioctl(file, Setter::<ASSIGN, _>::new(assignment)) }
}

/// The groups in which a group is counted. They are of higher levels, and stand behind those that it counts itself.
pub fn parents(file: BorrowedFd<'_>, group: QuotaGroup) -> io::Result<Vec<QuotaGroup>> {
    let Some(level) = group.level().checked_add(1) else {
        return Ok(Vec::new());
    };
    let relations = Query {
        tree: QUOTA_TREE,
        object: group.0,
        kind: RELATION,
        offsets: QuotaGroup::new(level, 0).0..=u64::MAX,
    };
    let found = search(file, &relations)?;
    Ok(found.iter().map(|item| QuotaGroup(item.offset)).collect())
}

/// What a group has counted; nothing of what is not known.
pub fn usage(file: BorrowedFd<'_>, group: QuotaGroup) -> io::Result<Usage> {
    let item = |kind| -> io::Result<Option<Item>> {
        let query = Query {
            tree: QUOTA_TREE,
            object: 0,
            kind,
            offsets: group.0..=group.0,
        };
        Ok(search(file, &query)?.into_iter().next())
    };
    let mut usage = Usage::default();
    // `struct btrfs_qgroup_info_item`: a generation, then counts, each followed by itself compressed.
    if let Some(count) = item(COUNT)? {
        usage.referenced = count.number(8);
        usage.exclusive = count.number(24);
    }
    // `struct btrfs_qgroup_limit_item`: which limits there are, then those.
    if let Some(limit) = item(LIMIT)? {
        let limits = limit.number(0).unwrap_or(0);
        let limited = |flag: u64, at| {
            let bytes = limit.number(at)?;
            (limits & flag != 0 && bytes != u64::MAX).then_some(bytes)
        };
        usage.referenced_limit = limited(LIMITS_REFERENCED, 8);
        usage.exclusive_limit = limited(LIMITS_EXCLUSIVE, 16);
    }
    Ok(usage)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn structures_have_the_sizes_that_the_kernel_gives_them() {
        assert_eq!(size_of::<Control>(), 16);
        assert_eq!(size_of::<Assignment>(), 24);
        assert_eq!(size_of::<Creation>(), 16);
        assert_eq!(size_of::<Rescan>(), 64);
    }

    #[test]
    fn a_group_is_a_level_and_a_number() {
        let group = QuotaGroup::new(255, 267);
        assert_eq!((group.level(), group.id()), (255, 267));
        assert_eq!(format!("{group:?}"), "255/267");
        assert_eq!(group.0, 71_776_119_061_217_547);
        assert_eq!(QuotaGroup::of_subvolume(5).level(), 0);
    }

    #[test]
    fn elsewhere_than_on_btrfs_nothing_is_counted() {
        let proc = std::fs::File::open("/proc").unwrap();
        let group = QuotaGroup::of_subvolume(5);
        assert!(quota_enabled(proc.as_fd()).is_err() && enable_quota(proc.as_fd()).is_err());
        assert!(usage(proc.as_fd(), group).is_err() && parents(proc.as_fd(), group).is_err());
    }
}
