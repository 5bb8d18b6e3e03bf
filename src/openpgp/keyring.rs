//! One keyring: the certificates of a file, and the file's name for messages.

use super::certificate::{Certificate, Origin, certificates};
use super::{Error, armor};
use crate::terms::Fingerprint;

/// A keyring of public keys.
pub struct Keyring {
    pub(super) name: String,
    /// Invariant: not empty.
    pub(super) certificates: Vec<Certificate>,
}

impl Keyring {
    /// The largest keyring read.
    pub const LIMIT_BYTES: usize = 8 << 20;

    /// Reads a keyring, binary or armored (several blocks too), of what `gpg --export` writes or an old `pubring.gpg`.
    ///
    /// `name` is how messages call it, usually its path. Keys not understood are stepped over, but at least one must be
    /// left; a file cut short is an error, since what is missing may be a revocation.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let keyring = || name.to_owned();
        if bytes.len() > Self::LIMIT_BYTES {
            return Err(Error::LargeKeyring { keyring: keyring() });
        }
        if bytes.get(8..12) == Some(b"KBXf") {
            return Err(Error::Keybox { keyring: keyring() });
        }
        let certificates = armor::decode(bytes)
            .and_then(|packets| certificates(&packets, Origin::Keyring))
            .map_err(|cause| Error::MalformedKeyring {
                keyring: keyring(),
                cause,
            })?;
        if certificates.is_empty() {
            return Err(Error::EmptyKeyring { keyring: keyring() });
        }
        Ok(Self {
            name: keyring(),
            certificates,
        })
    }
}

/// What all keyrings together say about a primary key, and the name of the first that holds it.
pub(super) fn find<'a>(
    keyrings: &'a [Keyring],
    fingerprint: &Fingerprint,
) -> Option<(&'a str, Certificate)> {
    let mut found = keyrings.iter().flat_map(|ring| {
        let all = ring.certificates.iter();
        all.map(|certificate| (&*ring.name, certificate))
            .filter(|(_, certificate)| certificate.fingerprint == *fingerprint)
    });
    let (name, first) = found.next()?;
    let mut merged = first.clone();
    found.for_each(|(_, other)| merged.merge(other.clone()));
    Some((name, merged))
}
