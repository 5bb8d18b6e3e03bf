//! What extended headers say of a member, keyword by keyword.
//!
//! Passed over, as GNU tar does: names of users and groups, the other times, `comment`, `hdrcharset` (names are bytes
//! here whatever their characters) and every keyword that nobody here knows.

use super::error::Fault;
use super::header::Header;
use super::sparse::{Keywords, Map};
use super::{Timestamp, Xattr, pax, xattr};

/// More names than this do not fit into the 64 KiB in which Linux lists them, and are no file's.
const XATTRS: usize = 4096;

/// What was said so far; what is said later counts.
#[derive(Clone, Default)]
pub(super) struct Attributes {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) modified: Option<Timestamp>,
    pub(super) major: Option<u32>,
    pub(super) minor: Option<u32>,
    pub(super) xattrs: Vec<Xattr>,
    pub(super) access_acl: Option<Vec<u8>>,
    pub(super) default_acl: Option<Vec<u8>>,
    pub(super) sparse: Keywords,
    /// The size with holes by star's keyword; it counts only where the type says that there are some.
    pub(super) real_size: Option<u64>,
}

impl Attributes {
    /// Where the map of the member's holes is, and its size with them.
    pub(super) fn holes(&mut self, header: &Header) -> Result<Option<(Map, u64)>, Fault> {
        let map = self.sparse.map()?;
        match (map, header.flag()) {
            (None, b'S') => {
                let size = self.real_size.map_or_else(|| header.real_size(), Ok)?;
                Ok(Some((Map::InHeader, size)))
            }
            (None, _) => Ok(None),
            (Some(_), b'S') => Err(Fault::Map),
            (Some(map), _) => {
                let size = self
                    .sparse
                    .size
                    .ok_or(Fault::Empty("GNU.sparse.realsize"))?;
                Ok(Some((map, size)))
            }
        }
    }

    /// Takes the records of one extended header.
    pub(super) fn take(&mut self, mut records: &[u8]) -> Result<(), Fault> {
        while !records.is_empty() {
            let (keyword, value) = pax::take(&mut records)?;
            self.take_one(keyword, value)?;
        }
        Ok(())
    }

    fn take_one(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), Fault> {
        match keyword {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = Some(size("size", value)?),
            b"uid" => self.uid = Some(number("uid", value)?),
            b"gid" => self.gid = Some(number("gid", value)?),
            b"mtime" => self.modified = Some(pax::time(value).ok_or(Fault::Number("mtime"))?),
            b"SCHILY.devmajor" => self.major = Some(number("SCHILY.devmajor", value)?),
            b"SCHILY.devminor" => self.minor = Some(number("SCHILY.devminor", value)?),
            b"SCHILY.realsize" => self.real_size = Some(size("SCHILY.realsize", value)?),
            b"SCHILY.acl.access" => self.access_acl = text(value),
            b"SCHILY.acl.default" => self.default_acl = text(value),
            b"RHT.security.selinux" => {
                // The kernel keeps labels with the NUL that ends them.
                self.take_xattr(b"security.selinux".to_vec(), [value, b"\0"].concat())?;
            }
            _ => return self.take_with_prefix(keyword, value),
        }
        Ok(())
    }

    fn take_with_prefix(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), Fault> {
        if let Some(name) = keyword.strip_prefix(xattr::SCHILY) {
            self.take_xattr(xattr::unescape(name), value.to_vec())
        } else if let Some(name) = keyword.strip_prefix(xattr::LIBARCHIVE) {
            let value = xattr::base64(value).ok_or(Fault::Base64("LIBARCHIVE.xattr"))?;
            self.take_xattr(xattr::unescape_url(name), value)
        } else if let Some(keyword) = keyword.strip_prefix(b"GNU.sparse.") {
            self.sparse.take(keyword, value)
        } else if keyword.starts_with(b"GNU.volume.") {
            Err(Fault::MultiVolume)
        } else {
            Ok(())
        }
    }

    /// ACLs in the kernel's form are passed over, as GNU tar and bsdtar do: there are keywords for them.
    fn take_xattr(&mut self, name: Vec<u8>, value: Vec<u8>) -> Result<(), Fault> {
        if name.is_empty() {
            return Err(Fault::Empty("SCHILY.xattr"));
        }
        if name.contains(&0) {
            return Err(Fault::Nul("SCHILY.xattr"));
        }
        if name.starts_with(b"system.posix_acl_") {
            return Ok(());
        }
        if let Some(earlier) = self.xattrs.iter_mut().find(|xattr| xattr.name == name) {
            earlier.value = value;
            return Ok(());
        }
        if self.xattrs.len() == XATTRS {
            return Err(Fault::TooManyXattrs(XATTRS));
        }
        self.xattrs.push(Xattr { name, value });
        Ok(())
    }
}

/// A number of bytes, at most what an `off_t` holds.
pub(super) fn size(keyword: &'static str, value: &[u8]) -> Result<u64, Fault> {
    let size: i64 = number(keyword, value)?;
    u64::try_from(size).map_err(|_| Fault::Range(keyword))
}

pub(super) fn number<N: TryFrom<u64>>(keyword: &'static str, value: &[u8]) -> Result<N, Fault> {
    let value = pax::decimal(value).ok_or(Fault::Number(keyword))?;
    N::try_from(value).map_err(|_| Fault::Range(keyword))
}

/// An ACL's text, which some write empty where there is none.
fn text(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}
