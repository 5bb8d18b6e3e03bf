//! From a transfer that was asked for to the call that starts it: the old one, where that can say it, since every daemon
//! knows that.

use std::fs::File;
use std::os::fd::AsFd;

use zbus::{Fd, Message};

use super::{Client, Error};
use crate::terms::{ImageClass, ImageForm};
use crate::transfer::{Export, Import, ImportDirectory, Place, Pull, Request, Subject, Target};
use crate::wire::bus::{FORCE, KEEP_DOWNLOAD, READ_ONLY};

/// Asks for the transfer. An export goes to `output`.
pub(super) fn start(
    client: &mut Client,
    request: &Request,
    output: Option<&File>,
) -> Result<Message, Error> {
    match request {
        Request::Pull(pull) => start_pull(client, pull),
        Request::Import(Import { origin, target }) => {
            let method = match target.form {
                ImageForm::Tree => "ImportTar",
                ImageForm::Raw => "ImportRaw",
            };
            import(client, method, &origin.file, target)
        }
        Request::ImportDirectory(ImportDirectory { origin, target }) => {
            import(client, "ImportFileSystem", &origin.file, target)
        }
        Request::Export(export) => {
            let output = output.ok_or(Error::NotThere("exporting to nowhere"))?;
            start_export(client, export, output)
        }
    }
}

fn start_pull(client: &mut Client, pull: &Pull) -> Result<Message, Error> {
    let Pull {
        url,
        target,
        verify,
        keep_download,
        ..
    } = pull;
    let (url, name, verify) = (url.to_string(), name_of(target), verify.to_string());
    let keep = if *keep_download { KEEP_DOWNLOAD } else { 0 };
    let flags = flags_of(target) | keep;
    let method = match target.form {
        ImageForm::Tree => "PullTar",
        ImageForm::Raw => "PullRaw",
    };
    match (target.class, flags & !FORCE) {
        (ImageClass::Machine, 0) => client.call(method, &(url, name, verify, target.force)),
        (class, _) => {
            let values = (url, name, class.as_str(), verify, flags);
            client.call(&format!("{method}Ex"), &values)
        }
    }
}

fn import(
    client: &mut Client,
    method: &str,
    file: &File,
    target: &Target,
) -> Result<Message, Error> {
    let (fd, name) = (Fd::from(file.as_fd()), name_of(target));
    match target.class {
        ImageClass::Machine => {
            let values = (fd, name, target.force, target.read_only);
            client.call(method, &values)
        }
        class => {
            let values = (fd, name, class.as_str(), flags_of(target));
            client.call(&format!("{method}Ex"), &values)
        }
    }
}

fn start_export(client: &mut Client, export: &Export, output: &File) -> Result<Message, Error> {
    let Subject::Named(class, name) = &export.image else {
        return Err(Error::NotThere("a path"));
    };
    let method = match export.form {
        ImageForm::Tree => "ExportTar",
        ImageForm::Raw => "ExportRaw",
    };
    let (name, fd) = (name.as_str(), Fd::from(output.as_fd()));
    let format = export.compression.as_str();
    match class {
        ImageClass::Machine => client.call(method, &(name, fd, format)),
        class => {
            let values = (name, class.as_str(), fd, format, 0_u64);
            client.call(&format!("{method}Ex"), &values)
        }
    }
}

/// Nothing: only a pristine copy is kept.
fn name_of(target: &Target) -> String {
    match &target.place {
        Place::Named(name) => name.to_string(),
        _ => String::new(),
    }
}

fn flags_of(target: &Target) -> u64 {
    let force = if target.force { FORCE } else { 0 };
    force | if target.read_only { READ_ONLY } else { 0 }
}
