//! What a subvolume takes, counted together with what is in it: btrfs's quota groups, one above the other.
//!
//! The groups are laid out as systemd's tools do it: beside a subvolume's own group, `0/ID`, stands one that counts it and
//! all subvolumes in it, `255/ID` at the top and a level lower inside of each other. That is where limits are set.

use std::io;
use std::os::fd::BorrowedFd;

use crate::sys::btrfs::{self, QuotaGroup, Usage};

/// The level of a group that is counted in none.
const TOP_LEVEL: u16 = 255;

/// Has a subvolume counted with what will be in it, and in the group of the one that it is in. Where its own group is
/// counted somewhere already, that is left as it is, which is told by `false`.
///
/// What the subvolume holds already is counted with the next scan.
pub fn count(subvolume: BorrowedFd<'_>) -> io::Result<bool> {
    let about = btrfs::subvolume_of(subvolume)?;
    let own = QuotaGroup::of_subvolume(about.id);
    if !btrfs::parents(subvolume, own)?.is_empty() {
        return Ok(false);
    }
    let around = match about.parent {
        Some(parent) => btrfs::parents(subvolume, QuotaGroup::of_subvolume(parent))?
            .into_iter()
            .max_by_key(|group| (group.id() == parent, group.level())),
        None => None,
    };
    let level = around.map_or(TOP_LEVEL, |around| around.level() - 1);
    if let (0, Some(around)) = (level, around) {
        // There is no room between the two.
        btrfs::assign(subvolume, own, around)?;
        return Ok(true);
    }
    let whole = QuotaGroup::new(level, about.id);
    btrfs::create_group(subvolume, whole)?;
    let assign = || {
        if let Some(around) = around {
            btrfs::assign(subvolume, whole, around)?;
        }
        btrfs::assign(subvolume, own, whole)
    };
    assign().inspect_err(|_| remove(subvolume, own, whole))?;
    Ok(true)
}

/// Removes a group, as far as that goes: who is counted in it and what it is counted in have to let go first.
fn remove(file: BorrowedFd<'_>, own: QuotaGroup, whole: QuotaGroup) {
    let _ = btrfs::unassign(file, own, whole);
    for around in btrfs::parents(file, whole).unwrap_or_default() {
        let _ = btrfs::unassign(file, whole, around);
    }
    let _ = btrfs::destroy_group(file, whole);
}

/// What a subvolume takes, with what is in it where that is counted; nothing where nobody counts, or may not look.
pub fn usage(subvolume: BorrowedFd<'_>) -> Usage {
    let counted = || -> io::Result<Usage> {
        let id = btrfs::subvolume_of(subvolume)?.id;
        let whole = wholes(subvolume, id)?.into_iter().max();
        btrfs::usage(subvolume, whole.unwrap_or(QuotaGroup::of_subvolume(id)))
    };
    counted().unwrap_or_default()
}

/// The groups that count a subvolume and nothing around it.
fn wholes(file: BorrowedFd<'_>, id: u64) -> io::Result<Vec<QuotaGroup>> {
    let mut groups = btrfs::parents(file, QuotaGroup::of_subvolume(id))?;
    groups.retain(|group| group.id() == id);
    Ok(groups)
}

/// The groups of a subvolume that is about to be removed.
pub(super) struct Groups {
    own: QuotaGroup,
    wholes: Vec<QuotaGroup>,
}

impl Groups {
    /// None where nobody counts, or may not look.
    pub(super) fn of(subvolume: BorrowedFd<'_>) -> Option<Self> {
        let id = btrfs::subvolume_of(subvolume).ok()?.id;
        let own = QuotaGroup::of_subvolume(id);
        let wholes = wholes(subvolume, id).ok()?;
        (!wholes.is_empty()).then_some(Self { own, wholes })
    }

    /// Removes them, as far as that goes: the subvolume's own one is the kernel's to remove, once it has let all go.
    pub(super) fn remove(self, file: BorrowedFd<'_>) {
        for whole in self.wholes {
            remove(file, self.own, whole);
        }
        let _ = btrfs::destroy_group(file, self.own);
    }
}
