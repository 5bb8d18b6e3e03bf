//! The keyrings a signature is checked against.

use std::fs::File;
use std::io;
use std::path::Path;

use super::Untrusted;
use super::manager::Job;
use crate::openpgp::Keyring;
use crate::stream::read_to_limit;

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
pub(super) fn load(job: &Job) -> Result<Vec<Keyring>, Untrusted> {
    let mut tried = Vec::new();
    let mut rings = Vec::new();
    if let Some(path) = &job.settings.keyring {
        tried.push(path.clone());
        rings.extend(usable(job, path, File::open(path)));
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
                rings.extend(usable(job, &path, opened));
                if !missing {
                    break;
                }
            }
        }
    }
    if rings.is_empty() {
        Err(Untrusted::NoKeyring(tried))
    } else {
        Ok(rings)
    }
}

fn usable(job: &Job, path: &Path, opened: io::Result<File>) -> Option<Keyring> {
    let name = path.display().to_string();
    let bytes = match opened.and_then(|file| read_to_limit(file, LIMIT_BYTES)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            job.reporter.warning(format_args!(
                "Failed to read keyring {name}, ignoring: {error}"
            ));
            return None;
        }
    };
    let parsed = Keyring::parse(&name, &bytes);
    parsed
        .inspect_err(|error| {
            job.reporter.warning(format_args!(
                "Keyring {name} cannot be used, ignoring: {error}"
            ))
        })
        .ok()
}
