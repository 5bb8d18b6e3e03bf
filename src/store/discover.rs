//! Discovery: which images there are, and what is to be known about each.
//!
//! Takes raw files, directories, btrfs subvolumes and block devices, through links too. Not yet: mount stacks and
//! versioned directories.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, Dir, FileType, IFlags, Mode, OFlags, StatVfsMountFlags, StatxFlags, accessat,
    fstatvfs, ioctl_ficlone, ioctl_getflags, openat, statx,
};
use rustix::io::Errno;

use super::attributes::read_created_us;
use super::{Error, ImageRoot, Roots};
use crate::sys::btrfs;
use crate::terms::{ImageClass, ImageName};

/// In what form an image lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    Directory,
    Subvolume,
    Raw,
    Block,
}

impl ImageKind {
    /// The word in the TYPE column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Subvolume => "subvolume",
            Self::Raw => "raw",
            Self::Block => "block",
        }
    }
}

/// An image that was found.
#[derive(Clone, Debug)]
pub struct Image {
    pub class: ImageClass,
    pub name: ImageName,
    pub kind: ImageKind,
    pub path: PathBuf,
    pub read_only: bool,
    /// Microseconds since 1970; 0 where unknown.
    pub created_us: u64,
    pub modified_us: u64,
    /// Bytes allocated, where that is known without counting.
    pub usage_bytes: Option<u64>,
    /// Bytes it may grow to.
    pub limit_bytes: Option<u64>,
}

/// An image that was opened.
pub struct Found {
    pub image: Image,
    /// Where it lies.
    pub root: ImageRoot,
    /// The file, the device, or the top of the tree.
    pub file: File,
}

impl Roots {
    /// All images of a class, by name; where a name occurs in several places the first is the image.
    pub fn images(&self, class: ImageClass) -> Result<Vec<Image>, Error> {
        let mut images: Vec<Image> = Vec::new();
        for root in self.search(class)? {
            for image in root.images(class)? {
                if images.iter().all(|earlier| earlier.name != image.name) {
                    images.push(image);
                }
            }
        }
        if class == ImageClass::Machine
            && !self.is_one_directory()
            && let Some(host) = self.host()?
        {
            images.push(host);
        }
        images.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(images)
    }

    /// The image of this name: the one that is found first, where there are several. Beyond `last` it is not looked for.
    pub fn find(
        &self,
        class: ImageClass,
        name: &ImageName,
        last: Option<&ImageRoot>,
    ) -> Result<Option<Image>, Error> {
        for root in self.search(class)? {
            let image = root.find(class, name)?;
            if image.is_some() || last.is_some_and(|last| last.path() == root.path()) {
                return Ok(image);
            }
        }
        Ok(None)
    }

    /// The image of this name, opened for reading.
    pub fn open_image(&self, class: ImageClass, name: &ImageName) -> Result<Option<Found>, Error> {
        for root in self.search(class)? {
            let Some(image) = root.find(class, name)? else {
                continue;
            };
            let failed = |cause: Errno| Error::Inspect {
                path: image.path.clone(),
                cause: cause.into(),
            };
            let entry = image.path.file_name().unwrap_or_default().as_bytes();
            let entry = CString::new(entry).map_err(|_| failed(Errno::INVAL))?;
            let file = root.open_following(&entry, OFlags::RDONLY | OFlags::NONBLOCK);
            let file = File::from(file.map_err(failed)?);
            return Ok(Some(Found { image, root, file }));
        }
        Ok(None)
    }

    /// Something of the host's that is no image by any rule, opened for reading as if it were one.
    pub fn open_path(&self, path: &Path) -> Result<Found, Error> {
        let (root, name) = self.home_of(path)?;
        let failed = |cause: Errno| Error::Inspect {
            path: path.to_owned(),
            cause: cause.into(),
        };
        let entry = CString::new(name).map_err(|_| failed(Errno::INVAL))?;
        let name: ImageName = ".path".parse().map_err(|_| failed(Errno::INVAL))?;
        let image = root.inspect(ImageClass::Machine, name, &entry, path.to_owned())?;
        let image = image.ok_or_else(|| failed(Errno::NOENT))?;
        let file = root.open_following(&entry, OFlags::RDONLY | OFlags::NONBLOCK);
        let file = File::from(file.map_err(failed)?);
        Ok(Found { image, root, file })
    }

    /// The running system itself, which is always listed.
    fn host(&self) -> Result<Option<Image>, Error> {
        let Ok(name) = ".host".parse() else {
            return Ok(None);
        };
        let root = ImageRoot::whole(self)?;
        root.inspect(ImageClass::Machine, name, c".", self.base_path().to_owned())
    }
}

impl ImageRoot {
    /// A file without a name that shares everything with an image of this directory as it is now, where that can be had.
    pub fn snapshot_file(&self, image: &File) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = openat(self, c".", flags, Mode::from_raw_mode(0o600)).ok()?;
        ioctl_ficlone(&file, image).is_ok().then(|| file.into())
    }

    fn images(&self, class: ImageClass) -> Result<Vec<Image>, Error> {
        let failed = |cause: Errno| Error::List {
            path: self.path().to_owned(),
            cause: cause.into(),
        };
        let mut images = Vec::new();
        for entry in Dir::read_from(self).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(file_name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(file_name, "." | "..") || file_name.starts_with(".sysupdate.") {
                continue;
            }
            let path = self.path_of(file_name);
            let stem = file_name.strip_suffix(".raw").unwrap_or(file_name);
            let stem = class
                .suffix()
                .and_then(|suffix| stem.strip_suffix(suffix))
                .unwrap_or(stem);
            let Ok(name) = stem.parse() else { continue };
            if let Some(image) = self.inspect(class, name, entry.file_name(), path)? {
                let suffixed = file_name.ends_with(".raw");
                if suffixed == (image.kind == ImageKind::Raw) {
                    images.push(image);
                }
            }
        }
        // As they would be found: with the suffix of the class before without, a directory NAME before a file NAME.raw.
        let is_suffixed = |image: &Image| {
            let suffix = class.suffix().zip(image.path.file_name()?.to_str());
            suffix.map(|(suffix, name)| name.trim_end_matches(".raw").ends_with(suffix))
        };
        images.sort_by_key(|image| {
            (
                is_suffixed(image) != Some(true),
                image.kind == ImageKind::Raw,
            )
        });
        Ok(images)
    }

    fn find(&self, class: ImageClass, name: &ImageName) -> Result<Option<Image>, Error> {
        let suffixes = [class.suffix(), Some("")];
        for (suffix, format) in suffixes
            .into_iter()
            .flatten()
            .flat_map(|suffix| [(suffix, ""), (suffix, ".raw")])
        {
            let file_name = format!("{name}{suffix}{format}");
            let Ok(entry) = std::ffi::CString::new(file_name.as_str()) else {
                continue;
            };
            let image = self.inspect(class, name.clone(), &entry, self.path_of(&file_name))?;
            if let Some(image) =
                image.filter(|image| (image.kind == ImageKind::Raw) == (format == ".raw"))
            {
                return Ok(Some(image));
            }
        }
        Ok(None)
    }

    /// What the entry is, if it can be an image at all. What has vanished or leads nowhere is none.
    fn inspect(
        &self,
        class: ImageClass,
        name: ImageName,
        entry: &CStr,
        path: PathBuf,
    ) -> Result<Option<Image>, Error> {
        let failed = |cause: Errno| Error::Inspect {
            path: path.clone(),
            cause: cause.into(),
        };
        let handle = match self.open_following(entry, OFlags::PATH) {
            Ok(handle) => handle,
            Err(
                Errno::NOENT
                | Errno::LOOP
                | Errno::NOTDIR
                | Errno::NAMETOOLONG
                | Errno::ACCESS
                | Errno::XDEV,
            ) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let flags = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let status = statx(&handle, c"", AtFlags::EMPTY_PATH, flags).map_err(failed)?;
        let kind = match FileType::from_raw_mode(u32::from(status.stx_mode)) {
            FileType::RegularFile => ImageKind::Raw,
            FileType::Directory if btrfs::is_subvolume(handle.as_fd()).unwrap_or(false) => {
                ImageKind::Subvolume
            }
            FileType::Directory => ImageKind::Directory,
            FileType::BlockDevice => ImageKind::Block,
            _ => return Ok(None),
        };
        // For what only an open file tells; an image that may not be read is listed without.
        let file = match kind {
            ImageKind::Block => None,
            _ => self
                .open_following(entry, OFlags::RDONLY | OFlags::NONBLOCK)
                .ok()
                .map(File::from),
        };
        let birth = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::BTIME);
        let birth = birth.then(|| microseconds(status.stx_btime.tv_sec, status.stx_btime.tv_nsec));
        let recorded = file.as_ref().and_then(read_created_us);
        let raw = kind == ImageKind::Raw;
        let read_only = name.as_str().starts_with('.')
            || self.is_vendor()
            || is_on_read_only(kind, &handle)
            || is_marked_read_only(kind, status.stx_mode, file.as_ref());
        Ok(Some(Image {
            class,
            name,
            kind,
            path,
            read_only,
            created_us: [birth, recorded].into_iter().flatten().min().unwrap_or(0),
            modified_us: if raw {
                microseconds(status.stx_mtime.tv_sec, status.stx_mtime.tv_nsec)
            } else {
                0
            },
            usage_bytes: raw.then_some(status.stx_blocks * 512),
            limit_bytes: raw.then_some(status.stx_size),
        }))
    }
}

/// Whether nothing can be written there: the file system, this mount of it, or a subvolume is read-only.
fn is_on_read_only(kind: ImageKind, handle: &OwnedFd) -> bool {
    match kind {
        ImageKind::Directory | ImageKind::Subvolume => {
            accessat(handle, c".", Access::WRITE_OK, AtFlags::empty()) == Err(Errno::ROFS)
        }
        ImageKind::Raw => {
            fstatvfs(handle).is_ok_and(|status| status.f_flag.contains(StatVfsMountFlags::RDONLY))
        }
        // A device's node does not tell of the device.
        ImageKind::Block => false,
    }
}

/// Whether somebody marked the image itself: a file by its mode, a directory by the immutable flag.
fn is_marked_read_only(kind: ImageKind, mode: u16, file: Option<&File>) -> bool {
    match kind {
        ImageKind::Raw | ImageKind::Block => mode & 0o222 == 0,
        ImageKind::Directory | ImageKind::Subvolume => {
            let flags = file.and_then(|file| ioctl_getflags(file).ok());
            flags.is_some_and(|flags| flags.contains(IFlags::IMMUTABLE))
        }
    }
}

fn microseconds(seconds: i64, nanoseconds: u32) -> u64 {
    let whole = u64::try_from(seconds)
        .unwrap_or(0)
        .saturating_mul(1_000_000);
    whole.saturating_add(u64::from(nanoseconds) / 1000)
}
