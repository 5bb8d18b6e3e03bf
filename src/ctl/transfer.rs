//! The verbs that move images: what their arguments ask for.

use std::io;
use std::path::PathBuf;

use super::args::Options;
use super::error::Error;
use crate::terms::{
    Compression, ImageClass, ImageForm, Url, VerifyMode, name_from_directory, name_from_file,
    name_from_url,
};
use crate::transfer::{
    Export, Import, ImportDirectory, Origin, Outlet, Place, Pull, Request, Stream, Subject, Target,
    Wishes,
};

/// `pull-raw URL [NAME]`, `pull-tar URL [NAME]`
pub(super) fn pull(
    options: &Options,
    arguments: &[String],
    form: ImageForm,
) -> Result<Request, Error> {
    let class = class(options)?;
    let url: Url = arguments[0].parse()?;
    let given = arguments.get(1).map(String::as_str);
    let place = match given {
        Some("" | "-") => Place::Kept,
        given => Place::Named(name_from_url(&url, given, class, form)?),
    };
    Ok(Request::Pull(Pull {
        url,
        target: target(options, form, place)?,
        verify: options.verify.unwrap_or(VerifyMode::Signature),
        keep_download: options
            .keep_download
            .unwrap_or(class == ImageClass::Machine),
        wishes: Wishes::usual(class, form),
    }))
}

/// `import-raw FILE|- [NAME]`, `import-tar FILE|- [NAME]`
pub(super) fn import(
    options: &Options,
    arguments: &[String],
    form: ImageForm,
) -> Result<Request, Error> {
    let class = class(options)?;
    let path = arguments[0].as_str();
    let given = given_name(arguments);
    let (name, origin) = if matches!(path, "" | "-") {
        let given = given.ok_or(Error::NamelessInput)?;
        let name = name_from_file(given, Some(given), class, form)?;
        (name, standard_input()?)
    } else if path.ends_with('/') {
        return Err(Error::DirectoryNamed(path.to_owned()));
    } else {
        let name = name_from_file(path, given, class, form)?;
        (name, open(path, false)?)
    };
    Ok(Request::Import(Import {
        origin,
        target: target(options, form, Place::Named(name))?,
    }))
}

/// `import-fs DIRECTORY|- [NAME]`
pub(super) fn import_fs(options: &Options, arguments: &[String]) -> Result<Request, Error> {
    let class = class(options)?;
    let path = arguments[0].as_str();
    let given = given_name(arguments);
    let (name, origin) = if matches!(path, "" | "-") {
        let given = given.ok_or(Error::NamelessInput)?;
        let name = name_from_directory(given, Some(given), class)?;
        (name, standard_input()?)
    } else {
        let name = name_from_directory(path, given, class)?;
        (name, open(path, true)?)
    };
    Ok(Request::ImportDirectory(ImportDirectory {
        origin,
        target: target(options, ImageForm::Tree, Place::Named(name))?,
    }))
}

/// `export-raw NAME [FILE|-]`, `export-tar NAME [FILE|-]`
pub(super) fn export(
    options: &Options,
    arguments: &[String],
    form: ImageForm,
) -> Result<Request, Error> {
    let image = Subject::Named(class(options)?, arguments[0].parse()?);
    let (outlet, by_name) = match arguments.get(1).map(String::as_str) {
        None | Some("" | "-") => {
            let output = Stream::standard_output();
            let output = output.map_err(|cause| open_failed("standard output", cause))?;
            (Outlet::Stream(output), Compression::Uncompressed)
        }
        Some(path) => {
            let path = PathBuf::from(path);
            let compression = Compression::for_export(&path);
            (Outlet::Path(path), compression)
        }
    };
    Ok(Request::Export(Export {
        image,
        form,
        outlet,
        compression: options.format.unwrap_or(by_name),
    }))
}

fn given_name(arguments: &[String]) -> Option<&str> {
    let given = arguments.get(1).map(String::as_str);
    given.filter(|given| !matches!(*given, "" | "-"))
}

fn standard_input() -> Result<Origin, Error> {
    Origin::standard_input().map_err(|cause| open_failed("standard input", cause))
}

fn open(path: &str, directory: bool) -> Result<Origin, Error> {
    Origin::open(path, directory).map_err(|cause| open_failed(path, cause))
}

fn open_failed(path: &str, cause: io::Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        cause,
    }
}

fn class(options: &Options) -> Result<ImageClass, Error> {
    options.class.ok_or(Error::NoClass)
}

fn target(options: &Options, form: ImageForm, place: Place) -> Result<Target, Error> {
    Ok(Target {
        class: class(options)?,
        form,
        place,
        force: options.force,
        read_only: options.read_only,
        convert_qcow2: true,
        limit_bytes: None,
    })
}
