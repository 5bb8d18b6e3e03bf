//! The verbs that move images: what their arguments ask for.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::OFlags;

use super::args::Options;
use super::error::Error;
use crate::terms::{ImageClass, Url, VerifyMode, name_from_file, name_from_url};
use crate::transfer::{ImportRaw, Origin, PullRaw, Request, Target};

/// `pull-raw URL [NAME]`
pub(super) fn pull_raw(options: &Options, arguments: &[String]) -> Result<Request, Error> {
    let target = target(options)?;
    let url: Url = arguments[0].parse()?;
    let given = arguments.get(1).map(String::as_str);
    let local = match given {
        Some("" | "-") => None,
        given => Some(name_from_url(&url, given, target.class)?),
    };
    let keep_download = options
        .keep_download
        .unwrap_or(target.class == ImageClass::Machine);
    let verify = options.verify.unwrap_or(VerifyMode::Signature);
    Ok(Request::PullRaw(PullRaw {
        url,
        local,
        target,
        verify,
        keep_download,
    }))
}

/// `import-raw FILE|- [NAME]`
pub(super) fn import_raw(options: &Options, arguments: &[String]) -> Result<Request, Error> {
    let target = target(options)?;
    let path = arguments[0].as_str();
    let given = arguments.get(1).map(String::as_str);
    let given = given.filter(|given| !matches!(*given, "" | "-"));
    if matches!(path, "" | "-") {
        let given = given.ok_or(Error::NamelessInput)?;
        let local = name_from_file(given, Some(given), target.class)?;
        let input = io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|cause| open_failed("standard input", cause))?;
        let origin = Origin {
            file: File::from(input),
            shown: "standard input".to_owned(),
        };
        return Ok(Request::ImportRaw(ImportRaw {
            origin,
            local,
            target,
        }));
    }
    if path.ends_with('/') {
        return Err(Error::DirectoryNamed(path.to_owned()));
    }
    let local = name_from_file(path, given, target.class)?;
    let file = File::options()
        .read(true)
        .custom_flags(NO_CONTROLLING_TERMINAL)
        .open(path);
    let file = file.map_err(|cause| open_failed(path, cause))?;
    let origin = Origin {
        file,
        shown: path.to_owned(),
    };
    Ok(Request::ImportRaw(ImportRaw {
        origin,
        local,
        target,
    }))
}

/// Opening a terminal must not make it ours.
const NO_CONTROLLING_TERMINAL: i32 = OFlags::NOCTTY.bits().cast_signed();

fn open_failed(path: &str, cause: io::Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        cause,
    }
}

fn target(options: &Options) -> Result<Target, Error> {
    let class = options.class.ok_or(Error::NoClass)?;
    Ok(Target {
        class,
        force: options.force,
        read_only: options.read_only,
    })
}
