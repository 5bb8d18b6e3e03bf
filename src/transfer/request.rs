//! What a face asks for.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::{OFlags, fcntl_getfl, makedev};
use rustix::io::Errno;

use crate::terms::{
    AuxiliaryKind, Compression, ImageClass, ImageForm, ImageName, LocalName, TransferType, Url,
    VerifyMode,
};

/// One transfer, as it was asked for.
pub enum Request {
    Pull(Pull),
    Import(Import),
    ImportDirectory(ImportDirectory),
    Export(Export),
}

/// What lists and log lines say of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub kind: TransferType,
    /// The URL, or what is read from or written to.
    pub remote: String,
    /// The image's name; none where only a pristine copy is kept.
    pub local: Option<String>,
    pub class: ImageClass,
    /// Of a pull.
    pub verify: Option<VerifyMode>,
}

/// The image a transfer makes.
pub struct Target {
    pub class: ImageClass,
    pub form: ImageForm,
    pub place: Place,
    /// Replaces an image that has the name.
    pub force: bool,
    pub read_only: bool,
    /// A disk image in qcow2 becomes a raw one; otherwise it is kept as it came, byte for byte.
    pub convert_qcow2: bool,
    /// A larger image, unpacked, is refused.
    pub limit_bytes: Option<u64>,
}

/// Where an image goes.
pub enum Place {
    /// Into the directory of its class, under this name.
    Named(LocalName),
    /// Nowhere: only its pristine copy is kept. For pulls.
    Kept,
    /// Straight to this path, which is nothing to the image directories; a relative one lies beneath that of the class.
    Path(PathBuf),
    /// Into a part of a file or of a block device, whose other bytes stay.
    Part(Part),
    /// Into a pipe or an open file, from where it stands.
    Stream(Stream),
}

/// A part of a file or of a block device; the target's limit is how long it is.
#[derive(Clone, Debug)]
pub struct Part {
    pub path: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// What the image leaves of it becomes zeros.
    pub zero_fill: bool,
}

/// A pipe or an open file, and what to call it.
pub struct Stream {
    pub file: File,
    pub shown: String,
}

/// An image from a server: a disk image, or an archive of a tree.
pub struct Pull {
    pub url: Url,
    pub target: Target,
    pub verify: VerifyMode,
    pub keep_download: bool,
    pub wishes: Wishes,
}

/// How much a file beside an image is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    No,
    /// If a signature vouches for it.
    IfSigned,
    /// Also if nobody does: somebody asked for it by name.
    Asked,
}

/// Which files beside the image are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wishes([Wish; AuxiliaryKind::ALL.len()]);

/// An image from a file or a pipe: a disk image, or an archive of a tree.
pub struct Import {
    pub origin: Origin,
    pub target: Target,
}

/// A tree from a directory.
pub struct ImportDirectory {
    pub origin: Origin,
    pub target: Target,
}

/// An open file or directory to import, and what to call it.
pub struct Origin {
    pub file: File,
    pub shown: String,
}

/// An image to a file or a pipe: a disk image as it is, a tree as an archive.
pub struct Export {
    pub image: Subject,
    pub form: ImageForm,
    pub outlet: Outlet,
    pub compression: Compression,
}

/// What is exported.
pub enum Subject {
    Named(ImageClass, ImageName),
    /// Something that lies anywhere.
    Path(PathBuf),
}

/// Where an export goes.
pub enum Outlet {
    /// A file that is replaced once the export is whole; what is no regular file is written to as it is.
    Path(PathBuf),
    Stream(Stream),
}

impl Request {
    /// What there is to be said of it.
    pub fn about(&self) -> About {
        let (kind, remote, target, verify) = match self {
            Self::Pull(Pull {
                url,
                target,
                verify,
                ..
            }) => {
                let kind = TransferType::Pull(target.form);
                (kind, url.to_string(), target, Some(*verify))
            }
            Self::Import(Import { origin, target }) => {
                let kind = TransferType::Import(target.form);
                (kind, origin.shown.clone(), target, None)
            }
            Self::ImportDirectory(ImportDirectory { origin, target }) => {
                let shown = origin.shown.clone();
                (TransferType::ImportDirectory, shown, target, None)
            }
            Self::Export(export) => return export.about(),
        };
        About {
            kind,
            remote,
            local: target.place.name(),
            class: target.class,
            verify,
        }
    }
}

impl Export {
    fn about(&self) -> About {
        let (class, local) = match &self.image {
            Subject::Named(class, name) => (*class, name.to_string()),
            Subject::Path(path) => (ImageClass::Machine, path.display().to_string()),
        };
        About {
            kind: TransferType::Export(self.form),
            remote: match &self.outlet {
                Outlet::Path(path) => path.display().to_string(),
                Outlet::Stream(stream) => stream.shown.clone(),
            },
            local: Some(local),
            class,
            verify: None,
        }
    }
}

impl Place {
    fn name(&self) -> Option<String> {
        match self {
            Self::Named(name) => Some(name.to_string()),
            Self::Kept => None,
            Self::Path(path) | Self::Part(Part { path, .. }) => Some(path.display().to_string()),
            Self::Stream(stream) => Some(stream.shown.clone()),
        }
    }
}

impl Wishes {
    pub const NONE: Self = Self([Wish::No; AuxiliaryKind::ALL.len()]);

    /// What images of this class and form are usually wanted with: settings are for what runs as a machine.
    pub fn usual(class: ImageClass, form: ImageForm) -> Self {
        let mut wishes = Self::NONE;
        for kind in AuxiliaryKind::ALL {
            let wanted = kind != AuxiliaryKind::Settings || class == ImageClass::Machine;
            if wanted && kind.belongs_to(form) {
                wishes.set(kind, Wish::IfSigned);
            }
        }
        wishes
    }

    pub fn set(&mut self, kind: AuxiliaryKind, wish: Wish) {
        self.0[kind as usize] = wish;
    }

    pub fn of(&self, kind: AuxiliaryKind) -> Wish {
        self.0[kind as usize]
    }
}

impl Origin {
    /// Opens a file or, with that flag, a directory. Opening a terminal must not make it ours.
    pub fn open(path: &str, directory: bool) -> io::Result<Self> {
        let mut flags = OFlags::NOCTTY;
        flags.set(OFlags::DIRECTORY, directory);
        let file = File::options()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        Ok(Self {
            file,
            shown: path.to_owned(),
        })
    }

    pub fn standard_input() -> io::Result<Self> {
        Ok(Self {
            file: standard(io::stdin().as_fd())?,
            shown: "standard input".to_owned(),
        })
    }
}

impl Stream {
    pub fn standard_output() -> io::Result<Self> {
        Ok(Self {
            file: standard(io::stdout().as_fd())?,
            shown: "standard output".to_owned(),
        })
    }
}

/// A standard stream, unless it was closed when the program began: what Rust opens in its place is `/dev/null`, both ways.
fn standard(stream: BorrowedFd<'_>) -> io::Result<File> {
    let both_ways = fcntl_getfl(stream)?.contains(OFlags::RDWR);
    let file = File::from(stream.try_clone_to_owned()?);
    let metadata = file.metadata()?;
    let is_null = metadata.file_type().is_char_device() && metadata.rdev() == makedev(1, 3);
    if both_ways && is_null {
        return Err(Errno::BADF.into());
    }
    Ok(file)
}
