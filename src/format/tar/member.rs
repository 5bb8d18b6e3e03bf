//! A member from all that was said of it: extended records before long names, and these before the header.

use super::attributes::Attributes;
use super::error::Fault;
use super::header::Header;
use super::{Device, Entry, Kind};

/// The longest path or target in bytes: Linux takes one less at a time.
pub(super) const NAME_LIMIT: u64 = 4096;

/// GNU tar's long names of one member.
#[derive(Default)]
pub(super) struct Names {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
}

/// The member, a file as though it had no holes, and how many bytes of data follow its header.
///
/// As with GNU tar only files have data, and the directories of its dumps: the size of anything else, hard links among
/// them, is passed over. Unlike there, a type that nobody knows is not taken for a file.
pub(super) fn entry(
    header: &Header,
    names: Names,
    attributes: Attributes,
) -> Result<(Entry, u64), Fault> {
    let named = attributes.sparse.name.or(attributes.path).or(names.path);
    let named = named.unwrap_or_else(|| header.path());
    let is_directory = named.ends_with(b"/");
    let path = checked("path", without_slashes(named))?;
    let target = || {
        let said = attributes.link.or(names.link);
        checked("linkpath", said.unwrap_or_else(|| header.link()))
    };
    let device = || {
        let device = header.device()?;
        Ok(Device {
            major: attributes.major.unwrap_or(device.major),
            minor: attributes.minor.unwrap_or(device.minor),
        })
    };
    let in_header = header.size()?;
    let size = attributes.size.unwrap_or(in_header);
    let mut stored = 0;
    let kind = match header.flag() {
        // Old archives tell a directory only by its name.
        0 | b'0' | b'7' if is_directory => Kind::Directory,
        0 | b'0' | b'7' | b'S' => {
            stored = size;
            let extents = None;
            Kind::File { size, extents }
        }
        b'1' => Kind::HardLink { target: target()? },
        b'2' => Kind::Symlink { target: target()? },
        b'3' => Kind::Character(device()?),
        b'4' => Kind::Block(device()?),
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        b'D' => {
            stored = size;
            Kind::Directory
        }
        b'M' => return Err(Fault::MultiVolume),
        flag => return Err(Fault::Type(flag)),
    };
    let entry = Entry {
        path,
        kind,
        mode: header.mode()?,
        uid: owner("uid", attributes.uid, header.uid())?,
        gid: owner("gid", attributes.gid, header.gid())?,
        modified: attributes.modified.map_or_else(|| header.modified(), Ok)?,
        xattrs: attributes.xattrs,
        access_acl: attributes.access_acl,
        default_acl: attributes.default_acl,
    };
    Ok((entry, stored))
}

/// A name that a file may have as far as its bytes go.
pub(super) fn checked<N: AsRef<[u8]>>(what: &'static str, name: N) -> Result<N, Fault> {
    let bytes = name.as_ref();
    if bytes.is_empty() {
        Err(Fault::Empty(what))
    } else if bytes.len() as u64 > NAME_LIMIT {
        Err(Fault::TooLong(what, NAME_LIMIT))
    } else if bytes.contains(&0) {
        Err(Fault::Nul(what))
    } else {
        Ok(name)
    }
}

/// All but the first of the slashes that a path may consist of.
fn without_slashes(mut path: Vec<u8>) -> Vec<u8> {
    while path.len() > 1 && path.ends_with(b"/") {
        path.pop();
    }
    path
}

/// The largest number is nobody: to the kernel it means "as it is".
fn owner(
    what: &'static str,
    said: Option<u32>,
    in_header: Result<u32, Fault>,
) -> Result<u32, Fault> {
    let id = said.map_or(in_header, Ok)?;
    if id == u32::MAX {
        return Err(Fault::Range(what));
    }
    Ok(id)
}
