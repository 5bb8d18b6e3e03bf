//! One entry of an image root: what it leads to, and whether that is an image.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxFlags, openat, statx};
use rustix::io::Errno;

use super::facts::Facts;
use super::pick::ranked;
use super::spelling::{Format, Spelling};
use super::{Image, ImageKind};
use crate::disk;
use crate::store::{Error, ImageRoot};
use crate::sys::btrfs;
use crate::terms::{ImageClass, ImageName};

/// An image, and by what path from its image root it is opened.
pub(super) struct Seen {
    pub(super) image: Image,
    pub(super) inside: CString,
}

/// Something that can be opened, by a path from an image root.
pub(super) struct Place {
    pub(super) inside: CString,
    /// For looking at it only.
    pub(super) handle: OwnedFd,
    pub(super) status: Statx,
}

impl Place {
    pub(super) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(u32::from(self.status.stx_mode))
    }
}

impl ImageRoot {
    /// What the entry is the image of, and how it says so, if it is one. What has vanished or leads nowhere is none.
    pub(super) fn inspect(
        &self,
        class: ImageClass,
        file_name: &str,
    ) -> Result<Option<(Spelling, Seen)>, Error> {
        let failed = |cause: Errno| Error::Inspect {
            path: self.path_of(file_name),
            cause: cause.into(),
        };
        let Some(entry) = self.place(file_name).map_err(failed)? else {
            return Ok(None);
        };
        let Some((spelling, name)) = Spelling::of_entry(file_name, entry.file_type(), class) else {
            return Ok(None);
        };
        let place = match spelling.versioned {
            true => self.newest(file_name, &spelling, &name).map_err(failed)?,
            false => Some(entry),
        };
        let Some(place) = place else { return Ok(None) };
        let Some(kind) = kind_of(&place, spelling.format) else {
            return Ok(None);
        };
        let image = self.describe(class, name, kind, (&place, file_name))?;
        let inside = place.inside;
        Ok(Some((spelling, Seen { image, inside })))
    }

    /// An entry by whatever name, as if that were a machine's; none where there is nothing that could be an image.
    pub(super) fn take_as_image(
        &self,
        name: ImageName,
        entry: &str,
    ) -> Result<Option<Seen>, Error> {
        let failed = |cause: Errno| Error::Inspect {
            path: self.path_of(entry),
            cause: cause.into(),
        };
        let Some(place) = self.place(entry).map_err(failed)? else {
            return Ok(None);
        };
        let kind = kind_of(&place, Format::Plain).or_else(|| kind_of(&place, Format::Raw));
        let Some(kind) = kind else { return Ok(None) };
        let image = self.describe(ImageClass::Machine, name, kind, (&place, entry))?;
        let inside = place.inside;
        Ok(Some(Seen { image, inside }))
    }

    /// A file without a name that shares everything with an image of this directory as it is now, where that can be had.
    pub fn snapshot_file(&self, image: &std::fs::File) -> Option<std::fs::File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = openat(self, c".", flags, Mode::from_raw_mode(0o600)).ok()?;
        let file = file.into();
        disk::clone(image, &file).then_some(file)
    }

    fn describe(
        &self,
        class: ImageClass,
        name: ImageName,
        kind: ImageKind,
        (place, file_name): (&Place, &str),
    ) -> Result<Image, Error> {
        let entry_path = self.path_of(file_name);
        let path = self.path_behind(&place.handle);
        let facts = Facts::of(self, place, kind);
        let hidden = name.as_str().starts_with('.');
        Ok(Image {
            class,
            name,
            kind,
            path: path.unwrap_or_else(|| entry_path.clone()),
            entry_path,
            read_only: hidden || facts.read_only,
            created_us: facts.created_us,
            modified_us: facts.modified_us,
            usage_bytes: facts.usage.referenced,
            usage_exclusive_bytes: facts.usage.exclusive,
            limit_bytes: facts.usage.referenced_limit,
            limit_exclusive_bytes: facts.usage.exclusive_limit,
        })
    }

    /// The best of what is in a directory of versions.
    fn newest(
        &self,
        directory: &str,
        spelling: &Spelling,
        name: &ImageName,
    ) -> Result<Option<Place>, Errno> {
        let Some(inside) = c_string(directory) else {
            return Ok(None);
        };
        let opened = self.open_following(&inside, OFlags::RDONLY | OFlags::DIRECTORY);
        let Some(opened) = leads_somewhere(opened)? else {
            return Ok(None);
        };
        let mut file_names = Vec::new();
        for entry in Dir::read_from(&opened)? {
            let entry = entry?;
            if let Ok(file_name) = entry.file_name().to_str()
                && !file_name.contains(char::is_control)
            {
                file_names.push(file_name.to_owned());
            }
        }
        for file_name in ranked(&file_names, name.as_str(), &spelling.suffix()) {
            if let Some(place) = self.place(&format!("{directory}/{file_name}"))?
                && kind_of(&place, spelling.format).is_some_and(|kind| {
                    // A device among plain versions is none, as a directory among disk images is not.
                    spelling.format != Format::Plain || kind != ImageKind::Block
                })
            {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn place(&self, inside: &str) -> Result<Option<Place>, Errno> {
        let Some(inside) = c_string(inside) else {
            return Ok(None);
        };
        let Some(handle) = leads_somewhere(self.open_following(&inside, OFlags::PATH))? else {
            return Ok(None);
        };
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let status = statx(&handle, c"", AtFlags::EMPTY_PATH, wanted)?;
        Ok(Some(Place {
            inside,
            handle,
            status,
        }))
    }

    /// The type of what is at the end of a path from here, after every link.
    pub(super) fn type_behind(&self, inside: &CStr) -> Option<FileType> {
        let handle = self.open_following(inside, OFlags::PATH).ok()?;
        let status = rustix::fs::fstat(&handle).ok()?;
        Some(FileType::from_raw_mode(status.st_mode))
    }
}

/// None where a way ends before its end, may not be gone, or where what should answer is dead: one such hides no other.
fn leads_somewhere(opened: Result<OwnedFd, Errno>) -> Result<Option<OwnedFd>, Errno> {
    match opened {
        Ok(handle) => Ok(Some(handle)),
        Err(
            Errno::NOENT
            | Errno::LOOP
            | Errno::NOTDIR
            | Errno::NAMETOOLONG
            | Errno::ACCESS
            | Errno::XDEV
            | Errno::NOTCONN
            | Errno::STALE
            | Errno::IO,
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// None where that is no image of the format.
fn kind_of(place: &Place, format: Format) -> Option<ImageKind> {
    match (place.file_type(), format) {
        (FileType::RegularFile, Format::Raw) => Some(ImageKind::Raw),
        (FileType::BlockDevice, Format::Raw | Format::Plain) => Some(ImageKind::Block),
        (FileType::Directory, Format::Stack) => Some(ImageKind::Stack),
        (FileType::Directory, Format::Plain) => {
            let subvolume = btrfs::is_subvolume(place.handle.as_fd()).unwrap_or(false);
            Some(match subvolume {
                true => ImageKind::Subvolume,
                false => ImageKind::Directory,
            })
        }
        _ => None,
    }
}

fn c_string(text: &str) -> Option<CString> {
    CString::new(text).ok()
}
