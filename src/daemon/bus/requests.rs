//! From arguments to requests. What is looked at first is told first: class and flags, then descriptors and names.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::io::Errno;
use zbus::OwnedFd;

use super::call::{Answer, Call};
use super::fault::Fault;
use crate::sys::path_of;
use crate::terms::{Compression, ImageClass, ImageForm, ImageName, LocalName, Url, VerifyMode};
use crate::transfer::{
    Export, Import, ImportDirectory, Origin, Outlet, Place, Pull, Request, Stream, Subject, Target,
    Wishes,
};
use crate::wire::bus::{FORCE, KEEP_DOWNLOAD, READ_ONLY};

/// Without a form it is an import of a directory.
pub(super) fn import(
    call: &Call,
    form: Option<ImageForm>,
    extended: bool,
) -> Result<Request, Fault> {
    let (fd, name, class, flags) = match extended {
        true => {
            let (fd, name, class, bits): (OwnedFd, String, String, u64) = call.arguments()?;
            let class = self::class(&class)?;
            (fd, name, class, flags(bits, FORCE | READ_ONLY)?)
        }
        false => {
            let (fd, name, force, read_only): (OwnedFd, String, bool, bool) = call.arguments()?;
            (fd, name, ImageClass::Machine, Flags::of(force, read_only))
        }
    };
    let origin = Origin {
        shown: shown(fd.as_fd()),
        file: match form {
            Some(_) => stream(fd)?,
            None => directory(fd)?,
        },
    };
    let place = Place::Named(local_name(&name)?);
    let target = target(class, form.unwrap_or(ImageForm::Tree), place, flags);
    Ok(match form {
        Some(_) => Request::Import(Import { origin, target }),
        None => Request::ImportDirectory(ImportDirectory { origin, target }),
    })
}

pub(super) fn export(call: &Call, form: ImageForm, extended: bool) -> Result<Request, Fault> {
    let (name, class, fd, format) = match extended {
        true => {
            let arguments: (String, String, OwnedFd, String, u64) = call.arguments()?;
            let (name, class, fd, format, bits) = arguments;
            let class = self::class(&class)?;
            flags(bits, 0)?;
            (name, class, fd, format)
        }
        false => {
            let (name, fd, format): (String, OwnedFd, String) = call.arguments()?;
            (name, ImageClass::Machine, fd, format)
        }
    };
    let name: ImageName = name
        .parse()
        .map_err(|error| Fault::invalid(format_args!("Local image name is invalid: {error}")))?;
    let shown = shown(fd.as_fd());
    let file = stream(fd)?;
    let compression = match format.as_str() {
        "" => Compression::Uncompressed,
        format => format.parse().map_err(Fault::invalid)?,
    };
    Ok(Request::Export(Export {
        image: Subject::Named(class, name),
        form,
        outlet: Outlet::Stream(Stream { file, shown }),
        compression,
    }))
}

pub(super) fn pull(call: &Call, form: ImageForm, extended: bool) -> Result<Request, Fault> {
    let (url, name, class, verify, flags) = match extended {
        true => {
            let arguments: (String, String, String, String, u64) = call.arguments()?;
            let (url, name, class, verify, bits) = arguments;
            let class = self::class(&class)?;
            let flags = flags(bits, FORCE | READ_ONLY | KEEP_DOWNLOAD)?;
            (url, name, class, verify, flags)
        }
        false => {
            let (url, name, verify, force): (String, String, String, bool) = call.arguments()?;
            (
                url,
                name,
                ImageClass::Machine,
                verify,
                Flags::of(force, false),
            )
        }
    };
    let url: Url = url.parse().map_err(Fault::invalid)?;
    let place = match name.as_str() {
        "" => Place::Kept,
        name => Place::Named(local_name(name)?),
    };
    let verify = match verify.as_str() {
        "" => VerifyMode::Signature,
        mode => mode.parse().map_err(Fault::invalid)?,
    };
    Ok(Request::Pull(Pull {
        url,
        keep_download: flags.keep_download || matches!(place, Place::Kept),
        target: target(class, form, place, flags),
        verify,
        wishes: Wishes::usual(class, form),
    }))
}

/// Images of OCI are not done yet; what is wrong about the arguments is told first.
pub(super) fn pull_oci(call: &Call) -> Result<Answer, Fault> {
    let (reference, name, class, bits): (String, String, String, u64) = call.arguments()?;
    self::class(&class)?;
    flags(bits, FORCE | READ_ONLY)?;
    if reference.is_empty() || !reference.bytes().all(|byte| byte.is_ascii_graphic()) {
        let shown = reference.escape_debug();
        return Err(Fault::invalid(format_args!(
            "Reference `{shown}` is invalid"
        )));
    }
    if !name.is_empty() {
        local_name(&name)?;
    }
    Err(Fault::not_supported(format_args!(
        "`{reference}` names an image of OCI, which this version cannot download"
    )))
}

/// What the bits say.
#[derive(Clone, Copy)]
pub(super) struct Flags {
    force: bool,
    read_only: bool,
    keep_download: bool,
}

impl Flags {
    fn of(force: bool, read_only: bool) -> Self {
        Self {
            force,
            read_only,
            keep_download: false,
        }
    }
}

/// Refuses bits that are not allowed.
pub(super) fn flags(bits: u64, allowed: u64) -> Result<Flags, Fault> {
    match bits & !allowed {
        0 => Ok(Flags {
            force: bits & FORCE != 0,
            read_only: bits & READ_ONLY != 0,
            keep_download: bits & KEEP_DOWNLOAD != 0,
        }),
        _ => Err(Fault::invalid(format_args!(
            "Flags {bits:#x} are invalid: {allowed:#x} are those that are known here"
        ))),
    }
}

pub(super) fn class(word: &str) -> Result<ImageClass, Fault> {
    word.parse().map_err(Fault::invalid)
}

fn local_name(name: &str) -> Result<LocalName, Fault> {
    let invalid = |error| Fault::invalid(format_args!("Local image name is invalid: {error}"));
    name.parse().map_err(invalid)
}

fn target(class: ImageClass, form: ImageForm, place: Place, flags: Flags) -> Target {
    Target {
        class,
        form,
        place,
        force: flags.force,
        read_only: flags.read_only,
        convert_qcow2: true,
        limit_bytes: None,
    }
}

/// Something whose bytes follow one another: a file, a pipe or a socket.
fn stream(fd: OwnedFd) -> Result<File, Fault> {
    check_mode(fd.as_fd(), OFlags::empty())?;
    match kind(fd.as_fd())? {
        FileType::RegularFile | FileType::Fifo | FileType::Socket => Ok(file(fd)),
        _ => Err(Fault::descriptor(
            Errno::INVAL,
            "Invalid argument: the descriptor is none of a file, a pipe and a socket",
        )),
    }
}

fn directory(fd: OwnedFd) -> Result<File, Fault> {
    check_mode(fd.as_fd(), OFlags::DIRECTORY)?;
    match kind(fd.as_fd())? {
        FileType::Directory => Ok(file(fd)),
        _ => Err(Fault::descriptor(
            Errno::NOTDIR,
            "The descriptor is not that of a directory",
        )),
    }
}

fn file(fd: OwnedFd) -> File {
    File::from(std::os::fd::OwnedFd::from(fd))
}

fn kind(fd: BorrowedFd<'_>) -> Result<FileType, Fault> {
    let status = fstat(fd).map_err(|cause| Fault::failed(cause.to_string()))?;
    Ok(FileType::from_raw_mode(status.st_mode))
}

/// A descriptor may be open for reading or writing and nothing beyond: what is opened as a path cannot be read, and modes
/// such as appending or not waiting would be shared with whoever has passed it.
fn check_mode(fd: BorrowedFd<'_>, also: OFlags) -> Result<(), Fault> {
    let mode = fcntl_getfl(fd).map_err(|cause| Fault::failed(cause.to_string()))?;
    let harmless = OFlags::RDWR | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::LARGEFILE | also;
    match (mode - harmless).is_empty() {
        true => Ok(()),
        false => Err(Fault::descriptor(
            Errno::REMOTEIO,
            "The descriptor is open in a mode that is not allowed here",
        )),
    }
}

/// What the descriptor is of, for people.
fn shown(fd: BorrowedFd<'_>) -> String {
    match kind(fd) {
        Ok(FileType::Fifo) => "pipe".to_owned(),
        Ok(FileType::Socket) => "socket".to_owned(),
        _ => path_of(fd).map_or_else(|_| "file".to_owned(), |path| path.display().to_string()),
    }
}
