//! The certificates a server's is traced back to: those named by the caller, else the distribution's bundle, else those
//! compiled in (feature `webpki-roots`), so that an initrd without any works too.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Error;
use super::file::open_path;
use crate::stream::{Cancel, PolledReader, read_to_limit};

/// Larger bundles are an error.
const MAX_BUNDLE_BYTES: u64 = 16 * 1024 * 1024;
/// Further files of a directory are not looked at.
const MAX_FILES: usize = 4096;

/// Where distributions keep their bundle.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
];

/// Where roots are looked for. Each file is PEM; what does not parse in it is skipped.
#[derive(Clone, Debug)]
pub struct Roots {
    /// `$SSL_CERT_FILE`: a bundle, which may come through a pipe.
    pub file: Option<PathBuf>,
    /// `$SSL_CERT_DIR`: directories of certificates.
    pub directories: Vec<PathBuf>,
    /// Looked for in this order when neither of the two is set.
    pub bundles: Vec<PathBuf>,
}

impl Roots {
    /// From whatever knows the environment; an empty variable counts as none.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        let directories = value("SSL_CERT_DIR").unwrap_or_default().into_vec();
        let named = directories.split(|byte| *byte == b':');
        Self {
            file: value("SSL_CERT_FILE").map(PathBuf::from),
            directories: named
                .filter(|path| !path.is_empty())
                .map(|path| OsStr::from_bytes(path).into())
                .collect(),
            bundles: BUNDLES.map(PathBuf::from).to_vec(),
        }
    }

    /// All roots there are. A file that was named must hold some, and so must one of the directories; a distribution's
    /// bundle need not even exist.
    pub(super) fn load(&self, cancel: &Cancel) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        if let Some(file) = &self.file {
            let added = add_file(&mut store, file, cancel);
            require(added, file)?;
        }
        let mut empty = None;
        for directory in &self.directories {
            let added = add_directory(&mut store, directory, cancel);
            empty = Some((added, directory));
        }
        if let Some((added, directory)) = empty.filter(|_| store.is_empty()) {
            require(added, directory)?;
        }
        if store.is_empty() {
            self.bundles
                .iter()
                .any(|bundle| matches!(add_file(&mut store, bundle, cancel), Ok(1..)));
        }
        #[cfg(feature = "webpki-roots")]
        if store.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if store.is_empty() {
            return Err(Error::NoRoots);
        }
        Ok(store)
    }
}

fn require(added: io::Result<usize>, path: &Path) -> Result<(), Error> {
    match added {
        Ok(1..) => Ok(()),
        Ok(0) => Err(Error::EmptyRoots(path.to_owned())),
        Err(error) => Err(Error::from_io(error, |cause| Error::ReadRoots {
            path: path.to_owned(),
            cause,
        })),
    }
}

fn add_file(store: &mut RootCertStore, path: &Path, cancel: &Cancel) -> io::Result<usize> {
    let file = PolledReader::new(open_path(path)?, cancel.clone());
    let text = read_to_limit(file, MAX_BUNDLE_BYTES)?;
    let certificates = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok);
    Ok(store.add_parsable_certificates(certificates).0)
}

fn add_directory(store: &mut RootCertStore, path: &Path, cancel: &Cancel) -> io::Result<usize> {
    let mut added = 0;
    for entry in fs::read_dir(path)?.take(MAX_FILES) {
        let file = entry?.path();
        if file.is_file() {
            added += add_file(store, &file, cancel).unwrap_or(0);
        }
    }
    Ok(added)
}
