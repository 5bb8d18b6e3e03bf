//! A tree becomes an archive: the same tree, the same bytes, each time.
//!
//! The order is that of the walk, ids are numbers, of times only that of the last change of data is told. Sockets are
//! left out, since nothing but their program can make them, and so is what is mounted in the tree, of which the place
//! alone is kept: an empty directory or an empty file.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{FileType, OFlags, SeekFrom, readlinkat, seek};
use rustix::io::Errno;

use super::attributes::Handle;
use super::likeness::{ACCESS_ACL, DEFAULT_ACL, kind, mode, modified, xattrs};
use super::links::Links;
use super::names::shown;
use super::walk::{Step, Visit, Walk, look_at, open_in};
use super::working::Working;
use super::{Error, acl_to_text};
use crate::format::tar::{Device, Entry, Extent, Kind, Writer};

/// How much is read at a time.
const BUFFER: usize = 256 << 10;

/// What an archive's data come in.
const BLOCK: u64 = 512;

/// From this stretch of data on a file's holes are packed as zeros.
const EXTENT_LIMIT: usize = 1 << 17;

/// What was packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    pub entries: u64,
    /// Of files' data, without holes.
    pub bytes: u64,
    /// Which were left out.
    pub sockets: u64,
    /// Which were left out but for the place.
    pub mounts: u64,
}

/// Writes everything from `top` on as `./`, `./NAME` and so on, but for the file that this is written to, should that lie
/// in the tree. The caller finishes the archive.
pub fn pack<W: Write>(
    top: BorrowedFd<'_>,
    archive: &mut Writer<W>,
    own_file: Option<BorrowedFd<'_>>,
    how: &mut Working<'_>,
) -> Result<Packed, Error> {
    let mut packer = Packer {
        archive,
        how,
        links: Links::default(),
        packed: Packed::default(),
        buffer: vec![0; BUFFER],
    };
    let mut walk = Walk::new(top)?;
    if let Some(file) = own_file {
        walk = walk
            .without(file)
            .map_err(|cause| Error::read(b"", cause))?;
    }
    while let Some(visit) = walk.next()? {
        packer.tick()?;
        packer.visit(&visit)?;
    }
    Ok(packer.packed)
}

struct Packer<'a, 'b, W> {
    archive: &'a mut Writer<W>,
    how: &'a mut Working<'b>,
    links: Links,
    packed: Packed,
    buffer: Vec<u8>,
}

impl<W: Write> Packer<'_, '_, W> {
    fn tick(&mut self) -> Result<(), Error> {
        self.how.cancel.check()?;
        (self.how.tick)();
        Ok(())
    }

    fn visit(&mut self, visit: &Visit<'_>) -> Result<(), Error> {
        match visit.step {
            Step::Leave(_) => Ok(()),
            Step::Enter(directory) => {
                let entry = self.described(visit, Kind::Directory, Handle::Open(directory))?;
                self.append(visit, &entry)
            }
            Step::Mount => {
                self.packed.mounts += 1;
                let place = match kind(visit.status) {
                    FileType::Directory => Kind::Directory,
                    _ => Kind::File {
                        size: 0,
                        extents: None,
                    },
                };
                self.append(visit, &plain(visit, place))
            }
            Step::File(FileType::Socket) => {
                self.packed.sockets += 1;
                Ok(())
            }
            Step::File(kind) => match self.links.first_name(visit.status, visit.path)? {
                Some(first) => {
                    let target = beneath_top(&first);
                    self.append(visit, &plain(visit, Kind::HardLink { target }))
                }
                None => self.file(visit, kind),
            },
        }
    }

    fn file(&mut self, visit: &Visit<'_>, kind: FileType) -> Result<(), Error> {
        let device = Device {
            major: visit.status.stx_rdev_major,
            minor: visit.status.stx_rdev_minor,
        };
        let kind = match kind {
            FileType::RegularFile => return self.regular(visit),
            FileType::Symlink => Kind::Symlink {
                target: readlinkat(visit.parent, visit.name, Vec::new())
                    .map_err(|error| Error::read(visit.path, error))?
                    .into_bytes(),
            },
            FileType::CharacterDevice => Kind::Character(device),
            FileType::BlockDevice => Kind::Block(device),
            FileType::Fifo => Kind::Fifo,
            _ => return Err(Error::read(visit.path, Errno::OPNOTSUPP)),
        };
        let entry = self.described(
            visit,
            kind,
            Handle::Named(visit.parent, visit.name.to_bytes()),
        )?;
        self.append(visit, &entry)
    }

    fn regular(&mut self, visit: &Visit<'_>) -> Result<(), Error> {
        let failed = |cause| Error::read(visit.path, cause);
        let file = open_in(visit.parent, visit.name, OFlags::RDONLY)
            .map_err(|error| failed(error.into()))?;
        let file = File::from(file);
        let size = visit.status.stx_size;
        let extents = extents(&file, size).map_err(failed)?;
        let kind = Kind::File { size, extents };
        let entry = self.described(visit, kind, Handle::Open(file.as_fd()))?;
        self.append(visit, &entry)?;
        let everywhere = [Extent {
            offset: 0,
            length: size,
        }];
        let stored = match &entry.kind {
            Kind::File {
                extents: Some(extents),
                ..
            } => extents,
            _ => &everywhere[..],
        };
        for extent in stored {
            self.data(visit, &file, extent)?;
        }
        let after = look_at(&file, c"").map_err(failed)?;
        match (after.stx_size, after.stx_ino) == (size, visit.status.stx_ino) {
            true => Ok(()),
            false => Err(Error::changed(visit.path)),
        }
    }

    fn data(&mut self, visit: &Visit<'_>, file: &File, extent: &Extent) -> Result<(), Error> {
        let mut done = 0;
        while done < extent.length {
            self.tick()?;
            let want = usize::try_from(extent.length - done).unwrap_or(BUFFER);
            let want = want.min(BUFFER);
            let count = match file.read_at(&mut self.buffer[..want], extent.offset + done) {
                Ok(0) => return Err(Error::changed(visit.path)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count.map_err(|cause| Error::read(visit.path, cause))?,
            };
            self.archive
                .write_all(&self.buffer[..count])
                .map_err(|cause| Error::pack(visit.path, cause))?;
            done += count as u64;
        }
        self.packed.bytes += done;
        Ok(())
    }

    /// An entry with all that its owner has.
    fn described(&self, visit: &Visit<'_>, kind: Kind, file: Handle<'_>) -> Result<Entry, Error> {
        let mut entry = plain(visit, kind);
        let xattrs = xattrs(file, self.how.selinux);
        for xattr in xattrs.map_err(|cause| Error::read(visit.path, cause))? {
            let acl = match &xattr.name[..] {
                ACCESS_ACL => &mut entry.access_acl,
                DEFAULT_ACL => &mut entry.default_acl,
                _ => {
                    entry.xattrs.push(xattr);
                    continue;
                }
            };
            let text = acl_to_text(&xattr.value).ok_or_else(|| Error::Acl {
                path: shown(visit.path),
            })?;
            *acl = Some(text);
        }
        Ok(entry)
    }

    fn append(&mut self, visit: &Visit<'_>, entry: &Entry) -> Result<(), Error> {
        self.packed.entries += 1;
        let appended = self.archive.append(entry);
        appended.map_err(|cause| Error::pack(visit.path, cause))
    }
}

/// An entry without extended attributes.
fn plain(visit: &Visit<'_>, kind: Kind) -> Entry {
    Entry {
        path: beneath_top(visit.path),
        kind,
        mode: mode(visit.status),
        uid: visit.status.stx_uid,
        gid: visit.status.stx_gid,
        modified: modified(visit.status),
        xattrs: Vec::new(),
        access_acl: None,
        default_acl: None,
    }
}

/// A path as archives have it: `.` for the top, `./NAME` for what is in it.
fn beneath_top(path: &[u8]) -> Vec<u8> {
    match path {
        b"" => b".".to_vec(),
        path => [b"./", path].concat(),
    }
}

/// Where the file's data are, in whole blocks of archives; none if it has no holes.
fn extents(file: &File, size: u64) -> io::Result<Option<Vec<Extent>>> {
    if size == 0 || next(file, SeekFrom::Hole(0))?.is_none_or(|hole| hole >= size) {
        return Ok(None);
    }
    let mut extents = Vec::new();
    let mut position = 0;
    while let Some(data) = next(file, SeekFrom::Data(position))?.filter(|data| *data < size) {
        let hole = match extents.len() + 1 < EXTENT_LIMIT {
            true => next(file, SeekFrom::Hole(data))?.unwrap_or(size),
            false => size,
        };
        let start = (data / BLOCK * BLOCK).max(position);
        let end = hole.max(data + 1).next_multiple_of(BLOCK).min(size);
        extents.push(Extent {
            offset: start,
            length: end - start,
        });
        position = end;
    }
    Ok(Some(extents))
}

/// Where the next data or hole begins; none behind the end of the file.
fn next(file: &File, what: SeekFrom) -> io::Result<Option<u64>> {
    match seek(file, what) {
        Ok(offset) => Ok(Some(offset)),
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
