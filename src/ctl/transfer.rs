//! The verbs that move images: what their arguments ask for.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::OFlags;

use super::args::Options;
use super::error::Error;
use crate::terms::{
    Compression, ImageClass, ImageForm, LocalName, Url, VerifyMode, name_from_directory,
    name_from_file, name_from_url,
};
use crate::transfer::{Export, Import, ImportDirectory, Origin, Outlet, Pull, Request, Target};

/// `pull-raw URL [NAME]`, `pull-tar URL [NAME]`
pub(super) fn pull(
    options: &Options,
    arguments: &[String],
    form: ImageForm,
) -> Result<Request, Error> {
    let target = target(options, form)?;
    let url: Url = arguments[0].parse()?;
    let given = arguments.get(1).map(String::as_str);
    let local = match given {
        Some("" | "-") => None,
        given => Some(name_from_url(&url, given, target.class, form)?),
    };
    let keep_download = options
        .keep_download
        .unwrap_or(target.class == ImageClass::Machine);
    let verify = options.verify.unwrap_or(VerifyMode::Signature);
    Ok(Request::Pull(Pull {
        url,
        local,
        target,
        verify,
        keep_download,
    }))
}

/// `import-raw FILE|- [NAME]`, `import-tar FILE|- [NAME]`
pub(super) fn import(
    options: &Options,
    arguments: &[String],
    form: ImageForm,
) -> Result<Request, Error> {
    let target = target(options, form)?;
    let path = arguments[0].as_str();
    let given = given_name(arguments);
    let (local, origin) = if matches!(path, "" | "-") {
        let given = given.ok_or(Error::NamelessInput)?;
        (
            name_from_file(given, Some(given), target.class, form)?,
            standard_input()?,
        )
    } else if path.ends_with('/') {
        return Err(Error::DirectoryNamed(path.to_owned()));
    } else {
        let local = name_from_file(path, given, target.class, form)?;
        (local, open(path, OFlags::empty())?)
    };
    Ok(Request::Import(Import {
        origin,
        local,
        target,
    }))
}

/// `import-fs DIRECTORY|- [NAME]`
pub(super) fn import_fs(options: &Options, arguments: &[String]) -> Result<Request, Error> {
    let target = target(options, ImageForm::Tree)?;
    let path = arguments[0].as_str();
    let given = given_name(arguments);
    let (local, origin): (LocalName, _) = if matches!(path, "" | "-") {
        let given = given.ok_or(Error::NamelessInput)?;
        (
            name_from_directory(given, Some(given), target.class)?,
            standard_input()?,
        )
    } else {
        let local = name_from_directory(path, given, target.class)?;
        (local, open(path, OFlags::DIRECTORY)?)
    };
    Ok(Request::ImportDirectory(ImportDirectory {
        origin,
        local,
        target,
    }))
}

/// `export-raw NAME [FILE|-]`, `export-tar NAME [FILE|-]`
pub(super) fn export(
    options: &Options,
    arguments: &[String],
    form: ImageForm,
) -> Result<Request, Error> {
    let class = options.class.ok_or(Error::NoClass)?;
    let name = arguments[0].parse()?;
    let (outlet, by_name) = match arguments.get(1).map(String::as_str) {
        None | Some("" | "-") => {
            let output = io::stdout().as_fd().try_clone_to_owned();
            let file = File::from(output.map_err(|cause| open_failed("standard output", cause))?);
            let shown = "standard output".to_owned();
            (Outlet::Open { file, shown }, Compression::Uncompressed)
        }
        Some(path) => {
            let path = PathBuf::from(path);
            let compression = Compression::for_export(&path);
            (Outlet::Path(path), compression)
        }
    };
    Ok(Request::Export(Export {
        class,
        form,
        name,
        outlet,
        compression: options.format.unwrap_or(by_name),
    }))
}

fn given_name(arguments: &[String]) -> Option<&str> {
    let given = arguments.get(1).map(String::as_str);
    given.filter(|given| !matches!(*given, "" | "-"))
}

fn standard_input() -> Result<Origin, Error> {
    let shown = "standard input";
    let input = io::stdin().as_fd().try_clone_to_owned();
    Ok(Origin {
        file: File::from(input.map_err(|cause| open_failed(shown, cause))?),
        shown: shown.to_owned(),
    })
}

/// Opens a file to read. Opening a terminal must not make it ours.
fn open(path: &str, flags: OFlags) -> Result<Origin, Error> {
    let file = File::options()
        .read(true)
        .custom_flags((flags | OFlags::NOCTTY).bits().cast_signed())
        .open(path);
    Ok(Origin {
        file: file.map_err(|cause| open_failed(path, cause))?,
        shown: path.to_owned(),
    })
}

fn open_failed(path: &str, cause: io::Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        cause,
    }
}

fn target(options: &Options, form: ImageForm) -> Result<Target, Error> {
    let class = options.class.ok_or(Error::NoClass)?;
    Ok(Target {
        class,
        form,
        force: options.force,
        read_only: options.read_only,
    })
}
