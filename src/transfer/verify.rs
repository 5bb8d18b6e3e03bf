//! Verification: the manifest that vouches for an image, the signature that vouches for the manifest, always as a pair.

use std::time::SystemTime;

use super::job::Job;
use super::{Error, Remote, Untrusted};
use crate::fetch::{Answer, Fetcher};
use crate::format::Manifest;
use crate::openpgp::{self, Keyring, Signer};
use crate::store::{Unverified, Verified};
use crate::stream::read_to_limit;
use crate::terms::{Sha256Digest, SigningKey, Url, VerifyMode};

/// Manifests and signatures are small; what is larger is something else.
const SMALL_FILE_LIMIT_BYTES: u64 = 1 << 20;

/// The manifest of a whole directory.
const SUMS: &str = "SHA256SUMS";
/// What the name of a single file's manifest ends in.
const OWN_SUMS: &str = ".sha256";

/// What a download must turn out to be. It is known before the first byte of the image is asked for.
pub(super) enum Expected {
    Anything(Unverified),
    Digest(Sha256Digest),
    Listed {
        manifest: Manifest,
        url: Url,
        signer: Option<Signer>,
    },
    /// A manifest itself, which is here already, and who signed it.
    Signed {
        manifest: Manifest,
        signer: Signer,
    },
}

impl Expected {
    /// Finds out what the image at this URL must be.
    pub(super) fn find(
        job: &Job,
        fetcher: &Fetcher,
        image: &Url,
        (mode, rings): (VerifyMode, &[Keyring]),
    ) -> Result<Self, Error> {
        if let Some(unverified) = Unverified::accepted(mode) {
            return Ok(Self::Anything(unverified));
        }
        if let VerifyMode::Pinned(digest) = mode {
            return Ok(Self::Digest(digest));
        }
        let rings = (mode == VerifyMode::Signature).then_some(rings);
        let name = image.last_component().unwrap_or_default();
        match rings {
            Some(rings) if is_manifest(name) => signed_manifest(job, fetcher, image, rings),
            _ if is_manifest(name) || is_signature(name) => {
                Err(Untrusted::IsManifest(image.clone()).into())
            }
            rings => find_manifest(job, fetcher, image, rings),
        }
    }

    /// The bytes themselves, where they had to be fetched to be verified.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Signed { manifest, .. } => Some(manifest.as_bytes()),
            _ => None,
        }
    }

    /// Whether a signature vouches for what is checked.
    pub(super) fn is_signed(&self) -> bool {
        matches!(
            self,
            Self::Listed {
                signer: Some(_),
                ..
            }
        )
    }

    /// Whether anybody can vouch for that file beside the image.
    pub(super) fn speaks_of(&self, file: &Url) -> bool {
        match self {
            Self::Listed { manifest, .. } => manifest
                .digest_of(file.last_component().unwrap_or_default())
                .is_ok(),
            _ => false,
        }
    }

    /// Holds a file's digest against what was expected: the image's, or that of one beside it.
    pub(super) fn check(&self, file: &Url, actual: Sha256Digest) -> Result<Verified, Error> {
        match self {
            Self::Signed { manifest, signer } => {
                let signed = Verified::signed(manifest, signer, actual);
                let differs = || Untrusted::Differs {
                    url: file.clone(),
                    manifest: file.clone(),
                    actual,
                };
                signed.ok_or_else(|| differs().into())
            }
            Self::Anything(unverified) => Ok(unverified.take(actual)),
            Self::Digest(expected) => {
                let differs = || Untrusted::DiffersFromPin {
                    url: file.clone(),
                    expected: *expected,
                    actual,
                };
                Verified::pinned(*expected, actual).ok_or_else(|| differs().into())
            }
            Self::Listed {
                manifest,
                url,
                signer,
            } => {
                let name = file.last_component().unwrap_or_default();
                let listed = Verified::listed(manifest, signer.as_ref(), name, actual);
                let listed = listed.map_err(|cause| Untrusted::Manifest {
                    url: file.clone(),
                    manifest: url.clone(),
                    cause,
                })?;
                let differs = || Untrusted::Differs {
                    url: file.clone(),
                    manifest: url.clone(),
                    actual,
                };
                listed.ok_or_else(|| differs().into())
            }
        }
    }
}

/// Whether a recorded signature is still worth what it was: its key is known, and neither revoked nor expired since.
pub(super) fn still_trusted(rings: &[Keyring], key: &SigningKey) -> bool {
    openpgp::is_trusted(rings, key, SystemTime::now()).is_ok()
}

/// Names that are not of images but of what these are verified with.
fn is_manifest(file_name: &str) -> bool {
    file_name == SUMS || file_name.ends_with(OWN_SUMS)
}

fn is_signature(file_name: &str) -> bool {
    [".asc", ".gpg", ".sig"]
        .iter()
        .any(|suffix| file_name.ends_with(suffix))
}

/// What the signature of a manifest ends in, in the order in which that is asked for.
fn signature_suffixes(manifest: &str) -> [&'static str; 2] {
    match manifest {
        SUMS => [".gpg", ".asc"],
        _ => [".asc", ".gpg"],
    }
}

/// The names that an image's manifest may have, in the order in which they are asked for.
fn candidates(image: &Url) -> Vec<String> {
    let own = image.last_component();
    let own = own.map(|name| format!("{name}{OWN_SUMS}"));
    own.into_iter().chain([SUMS.to_owned()]).collect()
}

/// The first manifest that is there, and with `rings` the first that has a signature beside it.
fn find_manifest(
    job: &Job,
    fetcher: &Fetcher,
    image: &Url,
    rings: Option<&[Keyring]>,
) -> Result<Expected, Error> {
    let mut missing = Vec::new();
    let mut unsigned = Vec::new();
    for name in candidates(image) {
        let url = image.sibling(&name);
        let Some(bytes) = fetch_small(fetcher, &url)? else {
            missing.push(url);
            continue;
        };
        let manifest = Manifest::new(bytes);
        let manifest = manifest.map_err(|cause| Untrusted::Manifest {
            url: image.clone(),
            manifest: url.clone(),
            cause,
        })?;
        let signer = match rings {
            None => None,
            Some(rings) => {
                let Some(signature) = fetch_signature(fetcher, &url)? else {
                    unsigned.push(url);
                    continue;
                };
                Some(signer_of(job, rings, (&url, &manifest), &signature)?)
            }
        };
        return listed(
            image,
            Expected::Listed {
                manifest,
                url,
                signer,
            },
        );
    }
    Err(match unsigned.is_empty() {
        true => Untrusted::NoManifest {
            url: image.clone(),
            tried: missing,
        },
        false => Untrusted::NoSignature {
            url: image.clone(),
            manifests: unsigned,
        },
    }
    .into())
}

/// A manifest that is wanted for itself: its signature is all that can vouch for it.
fn signed_manifest(
    job: &Job,
    fetcher: &Fetcher,
    url: &Url,
    rings: &[Keyring],
) -> Result<Expected, Error> {
    let bytes = fetch_small(fetcher, url)?;
    let bytes = bytes.ok_or_else(|| Remote::NotFound(url.clone()))?;
    let manifest = Manifest::new(bytes).map_err(|cause| Untrusted::Manifest {
        url: url.clone(),
        manifest: url.clone(),
        cause,
    })?;
    let signature = fetch_signature(fetcher, url)?;
    let signature = signature.ok_or_else(|| Untrusted::NoSignature {
        url: url.clone(),
        manifests: vec![url.clone()],
    })?;
    let signer = signer_of(job, rings, (url, &manifest), &signature)?;
    Ok(Expected::Signed { manifest, signer })
}

/// Who signed the manifest, if that is somebody to trust.
fn signer_of(
    job: &Job,
    rings: &[Keyring],
    (url, manifest): (&Url, &Manifest),
    signature: &[u8],
) -> Result<Signer, Error> {
    let signer = openpgp::verify(rings, manifest.as_bytes(), signature, SystemTime::now());
    let signer = signer.map_err(|cause| Untrusted::Signature {
        manifest: url.clone(),
        cause,
    })?;
    let who = signer.user_id.as_deref().unwrap_or("a key without a name");
    let what = format_args!(
        "signed by {who}, key {} of keyring {}",
        signer.key.primary, signer.keyring
    );
    job.reporter
        .info(format_args!("The manifest {url} is {what}"));
    Ok(signer)
}

/// Fails early, before the image is fetched, where the manifest does not speak of it.
fn listed(image: &Url, expected: Expected) -> Result<Expected, Error> {
    if let Expected::Listed { manifest, url, .. } = &expected {
        let checked = manifest.digest_of(image.last_component().unwrap_or_default());
        checked.map_err(|cause| Untrusted::Manifest {
            url: image.clone(),
            manifest: url.clone(),
            cause,
        })?;
    }
    Ok(expected)
}

/// The signature of a manifest, if there is one beside it.
fn fetch_signature(fetcher: &Fetcher, manifest: &Url) -> Result<Option<Vec<u8>>, Error> {
    let name = manifest.last_component().unwrap_or_default();
    for suffix in signature_suffixes(name) {
        let url = manifest.sibling(&format!("{name}{suffix}"));
        if let Some(bytes) = fetch_small(fetcher, &url)? {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// A small file, whole, if there is one. Begun again where its server stalls.
fn fetch_small(fetcher: &Fetcher, url: &Url) -> Result<Option<Vec<u8>>, Error> {
    loop {
        let found = match fetcher.get(url, &[])? {
            Answer::Found(found) => found,
            Answer::NotModified { .. } | Answer::NotFound => return Ok(None),
        };
        match read_to_limit(found.body, SMALL_FILE_LIMIT_BYTES) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(error) => match Error::read(&url.to_string(), error) {
                Error::Remote(Remote::Fetch(error)) => fetcher.pause_or_give_up(url, error)?,
                error => return Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_images_own_manifest_comes_before_its_directorys() {
        let names = |url: &str| candidates(&url.parse().unwrap());
        assert_eq!(
            names("http://h/a/b.raw.xz?x"),
            ["b.raw.xz.sha256", "SHA256SUMS"]
        );
        assert_eq!(names("http://h/"), ["SHA256SUMS"]);
    }

    #[test]
    fn manifests_and_signatures_are_known_by_their_names() {
        for name in ["SHA256SUMS", "a.raw.sha256"] {
            assert!(is_manifest(name) && !is_signature(name), "{name}");
        }
        for name in ["SHA256SUMS.gpg", "a.sha256.asc", "a.sig"] {
            assert!(is_signature(name) && !is_manifest(name), "{name}");
        }
        assert!(!is_manifest("sha256.raw") && !is_signature("sha256.raw"));
    }
}
