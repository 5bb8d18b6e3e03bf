//! What verbs, arguments and options ask of the engine.

use std::io;
use std::path::PathBuf;

use super::args::{Options, form};
use super::error::{Combination, Error};
use super::options::VerbId;
use crate::terms::{
    AuxiliaryKind, Compression, ImageClass, ImageForm, LocalName, Url, VerifyMode,
    name_from_directory, name_from_file, name_from_url,
};
use crate::transfer::{
    Export, Import, ImportDirectory, Origin, Outlet, Part, Place, Pull, Request, Stream, Subject,
    Target, Wish, Wishes,
};

/// What an image is called that comes from nowhere in particular.
const NAMELESS: &str = "imported";

/// The transfer that was asked for.
pub(super) fn request(
    verb: VerbId,
    arguments: &[String],
    options: &Options,
) -> Result<Request, Error> {
    let source = arguments[0].as_str();
    let given = arguments.get(1).map(String::as_str);
    match verb {
        VerbId::PullOci => Err(Error::Oci(source.to_owned())),
        VerbId::PullTar | VerbId::PullRaw => pull(source.parse()?, given, (form(verb), options)),
        VerbId::ImportTar | VerbId::ImportRaw => import(source, given, (form(verb), options)),
        VerbId::ImportFs => import_fs(source, given, options),
        VerbId::ExportTar | VerbId::ExportRaw => export(source, given, (form(verb), options)),
    }
}

fn class(options: &Options) -> ImageClass {
    options.class.unwrap_or(ImageClass::Machine)
}

fn pull(
    url: Url,
    given: Option<&str>,
    (form, options): (ImageForm, &Options),
) -> Result<Request, Error> {
    let class = class(options);
    let derived = || name_from_url(&url, None, class, form);
    let place = match given {
        Some("" | "-") if options.direct => straight_out(options)?,
        Some("" | "-") => Place::Kept,
        given => place(given, derived, options)?,
    };
    let verify = options.verify.unwrap_or(VerifyMode::Signature);
    let mut wishes = Wishes::usual(class, form);
    for kind in AuxiliaryKind::ALL {
        match options.beside[kind as usize] {
            Some(true) if kind.belongs_to(form) => wishes.set(kind, Wish::Asked),
            Some(false) => wishes.set(kind, Wish::No),
            _ => {}
        }
    }
    let keep = options.keep_download;
    Ok(Request::Pull(Pull {
        url,
        target: target(form, place, options),
        verify,
        keep_download: keep.unwrap_or(class == ImageClass::Machine),
        wishes,
    }))
}

fn import(
    path: &str,
    given: Option<&str>,
    (form, options): (ImageForm, &Options),
) -> Result<Request, Error> {
    let (origin, path) = match path {
        "" | "-" => (Origin::standard_input(), NAMELESS),
        path => (Origin::open(path, false), path),
    };
    let derived = || name_from_file(path, None, class(options), form);
    let place = match given {
        Some("" | "-") if options.direct => straight_out(options)?,
        given => place(given, derived, options)?,
    };
    Ok(Request::Import(Import {
        origin: origin.map_err(|cause| open_failed(path, cause))?,
        target: target(form, place, options),
    }))
}

fn import_fs(path: &str, given: Option<&str>, options: &Options) -> Result<Request, Error> {
    let (origin, path) = match path {
        "" | "-" => (Origin::standard_input(), NAMELESS),
        path => (Origin::open(path, true), path),
    };
    let derived = || name_from_directory(path, None, class(options));
    let place = place(given, derived, options)?;
    Ok(Request::ImportDirectory(ImportDirectory {
        origin: origin.map_err(|cause| open_failed(path, cause))?,
        target: target(ImageForm::Tree, place, options),
    }))
}

/// What is no name of an image is a path.
fn export(
    image: &str,
    given: Option<&str>,
    (form, options): (ImageForm, &Options),
) -> Result<Request, Error> {
    let subject = match image.parse() {
        Ok(name) => Subject::Named(class(options), name),
        Err(_) => Subject::Path(image.into()),
    };
    let (outlet, by_name) = match given {
        None | Some("" | "-") => (
            Outlet::Stream(standard_output()?),
            Compression::Uncompressed,
        ),
        Some(path) => {
            let path = PathBuf::from(path);
            let compression = Compression::for_export(&path);
            (Outlet::Path(path), compression)
        }
    };
    Ok(Request::Export(Export {
        image: subject,
        form,
        outlet,
        compression: options.format.unwrap_or(by_name),
    }))
}

/// Where the image goes: a name is taken as it stands, or derived where none is given; with --direct it is a path.
fn place(
    given: Option<&str>,
    derived: impl FnOnce() -> Result<LocalName, crate::terms::InvalidName>,
    options: &Options,
) -> Result<Place, Error> {
    let given = given.filter(|given| !matches!(*given, "" | "-"));
    if !options.direct {
        return Ok(Place::Named(match given {
            Some(name) => name.parse()?,
            None => derived()?,
        }));
    }
    let path = match given {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(derived()?.as_str()),
    };
    Ok(match options.offset {
        Some(offset) => Place::Part(Part {
            path,
            offset,
            zero_fill: options.zero_fill,
        }),
        None => Place::Path(path),
    })
}

fn target(form: ImageForm, place: Place, options: &Options) -> Target {
    Target {
        class: class(options),
        form,
        place,
        force: options.force,
        read_only: options.read_only,
        convert_qcow2: options.convert_qcow2.unwrap_or(true),
        limit_bytes: options.size_max,
    }
}

/// Straight to standard output.
fn straight_out(options: &Options) -> Result<Place, Error> {
    match options.offset {
        Some(_) => Err(Combination::OffsetStream.into()),
        None => Ok(Place::Stream(standard_output()?)),
    }
}

fn standard_output() -> Result<Stream, Error> {
    Stream::standard_output().map_err(|cause| open_failed("standard output", cause))
}

fn open_failed(path: &str, cause: io::Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        cause,
    }
}
