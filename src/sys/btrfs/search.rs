//! Searching the file system's trees: `BTRFS_IOC_TREE_SEARCH`. It takes `CAP_SYS_ADMIN`.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::BorrowedFd;

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

use super::GROUP;

/// The structure of a call has 4096 bytes, of which the key takes these.
const KEY_BYTES: usize = 104;
const ROOM: usize = 4096 - KEY_BYTES;
const HEADER_BYTES: usize = 32;

/// `struct btrfs_ioctl_search_args`: its key, and room for what is found.
#[repr(C)]
struct Arguments {
    tree: u64,
    objects: [u64; 2],
    offsets: [u64; 2],
    transactions: [u64; 2],
    kinds: [u32; 2],
    count: u32,
    unused: [u32; 9],
    found: [u8; ROOM],
}

/// What is looked for: items of one kind and one object, in a tree.
pub(super) struct Query {
    pub(super) tree: u64,
    pub(super) object: u64,
    pub(super) kind: u32,
    pub(super) offsets: RangeInclusive<u64>,
}

/// An item that was found.
pub(super) struct Item {
    /// The third part of its key.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

impl Item {
    /// The 64 bits at that byte; numbers lie on disk with the lowest byte first.
    pub(super) fn number(&self, at: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }
}

/// The first items that match, as many as one call has room for: dozens of those of quota groups. No tree is none.
pub(super) fn search(file: BorrowedFd<'_>, query: &Query) -> io::Result<Vec<Item>> {
    const TREE_SEARCH: Opcode = opcode::read_write::<Arguments>(GROUP, 17);
    let mut arguments = Arguments {
        tree: query.tree,
        objects: [query.object; 2],
        offsets: [*query.offsets.start(), *query.offsets.end()],
        transactions: [0, u64::MAX],
        kinds: [query.kind; 2],
        count: 256,
        unused: [0; 9],
        found: [0; ROOM],
    };
    // SAFETY: the call reads and writes a `struct btrfs_ioctl_search_args`, which this is, and no more than it holds.
    let searched = unsafe { ioctl(file, Updater::<TREE_SEARCH, _>::new(&mut arguments)) };
    match searched {
        Err(rustix::io::Errno::NOENT) => return Ok(Vec::new()),
        searched => searched?,
    }
    let mut rest = arguments.found.as_slice();
    let mut items = Vec::new();
    for _ in 0..arguments.count {
        let Some((item, after)) = first(rest) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        items.push(item);
        rest = after;
    }
    Ok(items)
}

/// The first item of a result. Its header, the kernel's own, is in this machine's order: transaction, object, offset,
/// kind, length.
fn first(found: &[u8]) -> Option<(Item, &[u8])> {
    let (header, rest) = found.split_at_checked(HEADER_BYTES)?;
    let offset = u64::from_ne_bytes(*header.get(16..)?.first_chunk()?);
    let length = u32::from_ne_bytes(*header.get(28..)?.first_chunk()?);
    let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let bytes = bytes.to_vec();
    Some((Item { offset, bytes }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_has_the_size_that_the_kernel_gives_it() {
        assert_eq!(size_of::<Arguments>(), 4096);
        assert_eq!(std::mem::offset_of!(Arguments, found), KEY_BYTES);
    }

    #[test]
    fn items_are_taken_apart_and_what_is_cut_short_is_none() {
        let mut found = Vec::new();
        for number in [1, 2, 7_u64] {
            found.extend(number.to_ne_bytes());
        }
        for number in [246, 8_u32] {
            found.extend(number.to_ne_bytes());
        }
        found.extend(9_u64.to_le_bytes());
        let (item, after) = first(&found).unwrap();
        assert_eq!((item.offset, item.number(0)), (7, Some(9)));
        assert_eq!((item.number(1), after.len()), (None, 0));
        assert!(first(&found[..39]).is_none() && first(&found[..31]).is_none());
    }
}
