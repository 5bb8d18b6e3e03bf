//! The keyrings a signature is checked against.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};

use rustix::fs::OFlags;

use super::job::Job;
use super::{Error, Local, Untrusted};
use crate::openpgp::Keyring;
use crate::stream::{PolledReader, read_to_limit};

/// Where the administrator's ring lies, below the root; the first that is there counts.
const ADMINISTRATOR: [&str; 2] = [
    "etc/systemd/import-pubring.pgp",
    "etc/systemd/import-pubring.gpg",
];
/// Where the distribution's lies; the first that is there counts, in addition.
const VENDOR: [&str; 2] = [
    "usr/lib/systemd/import-pubring.pgp",
    "usr/lib/systemd/import-pubring.gpg",
];

/// A ring of every distribution together is a tenth of this.
const LIMIT_BYTES: u64 = 8 << 20;

/// Loads the keyrings that may vouch for images. One that cannot be used is named and skipped; none at all is an error.
pub(super) fn load(job: &Job) -> Result<Vec<Keyring>, Error> {
    let mut tried = Vec::new();
    let mut rings = Vec::new();
    if let Some(path) = &job.settings.keyring {
        // Passed over, what is trusted would be another.
        if !is_plain(path) {
            return Err(Local::Keyring(path.clone()).into());
        }
        tried.push(path.clone());
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let opened = File::options().read(true).custom_flags(flags).open(path);
        rings.extend(usable(job, path, opened)?);
    } else {
        let roots = &job.settings.roots;
        for places in [ADMINISTRATOR, VENDOR] {
            for place in places {
                let path = roots.base_path().join(place);
                tried.push(path.clone());
                let opened = roots.open_file(Path::new(place));
                let missing = opened
                    .as_ref()
                    .is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
                rings.extend(usable(job, &path, opened)?);
                if !missing {
                    break;
                }
            }
        }
    }
    if rings.is_empty() {
        Err(Untrusted::NoKeyring(tried).into())
    } else {
        Ok(rings)
    }
}

/// Whether the path is absolute and leads straight there.
fn is_plain(path: &Path) -> bool {
    let plain = |it| matches!(it, Component::RootDir | Component::Normal(_));
    path.is_absolute() && path.components().all(plain)
}

/// The ring that was opened, if it can be used. A pipe is waited for until the transfer is cancelled.
fn usable(job: &Job, path: &Path, opened: io::Result<File>) -> Result<Option<Keyring>, Error> {
    let name = path.display();
    let read = |file| read_to_limit(PolledReader::new(file, job.cancel.clone()), LIMIT_BYTES);
    let bytes = opened.and_then(read);
    job.cancel.check()?;
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                job.reporter.warning(format_args!(
                    "Failed to read keyring {name}, ignoring: {error}"
                ));
            }
            return Ok(None);
        }
    };
    let parsed = Keyring::parse(&name.to_string(), &bytes);
    Ok(parsed
        .inspect_err(|error| {
            job.reporter.warning(format_args!(
                "Keyring {name} cannot be used, ignoring: {error}"
            ))
        })
        .ok())
}
