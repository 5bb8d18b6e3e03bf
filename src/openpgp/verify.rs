//! The question this room answers: did a key of these keyrings sign this message?

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::VerifyingKey;

use super::certificate::Certificate;
use super::claims::{created, signature_end};
use super::error::Date;
use super::policy::{SKEW_SECONDS, check_algorithm, has_known_version, is_strong, is_understood};
use super::signature::{Issuer, SignatureFile};
use super::standing::Judge;
use super::{Error, Keyring, Refusal, keyring};
use crate::terms::{Fingerprint, SigningKey};

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    pub key: SigningKey,
    /// The key's main user ID, with what could harm a terminal escaped.
    pub user_id: Option<String>,
    /// The name of the first keyring that holds the primary key.
    pub keyring: String,
    /// When the signature was made, by its own word.
    pub created: SystemTime,
}

/// Who signed `message`, by a detached signature file, binary or armored, of which one good signature suffices.
///
/// If there is none, the error is about the signature that came closest.
pub fn verify(
    keyrings: &[Keyring],
    message: &[u8],
    signature: &[u8],
    now: SystemTime,
) -> Result<Signer, Error> {
    let file = SignatureFile::parse(signature)?;
    let judge = Judge::new(keyrings, now);
    let mut closest = Error::NoSignature;
    for signature in file.signatures {
        let answer = match signature {
            Some(signature) => Question {
                judge,
                message,
                issuer: Issuer::of(&signature),
                signature,
            }
            .answer(&file.certificates),
            None => Err(Error::UnreadableSignature),
        };
        match answer {
            Ok(signer) => return Ok(signer),
            Err(error) => closest = closest.or_closer(error),
        }
    }
    Err(closest)
}

/// Whether a key may still sign files, as if it had just done so. Both its fingerprints must be in a keyring.
///
/// This is what is asked about a kept download: its signature was checked when it came.
pub fn is_trusted(keyrings: &[Keyring], key: &SigningKey, now: SystemTime) -> Result<(), Error> {
    let SigningKey { primary, signing } = key;
    let Some((keyring, certificate)) = keyring::find(keyrings, primary) else {
        return Err(unknown(keyrings, primary.to_string()));
    };
    let mut subkeys = certificate.subkeys.iter();
    let subkey = subkeys.find(|subkey| subkey.fingerprint == *signing);
    if subkey.is_none() && signing != primary {
        return Err(unknown(keyrings, signing.to_string()));
    }
    match Judge::new(keyrings, now).signing_key(&certificate, subkey) {
        Ok(_) => Ok(()),
        Err(reason) => Err(refused(&certificate, keyring, reason)),
    }
}

/// One signature, put to the keyrings.
struct Question<'a> {
    judge: Judge<'a>,
    message: &'a [u8],
    signature: Signature,
    issuer: Issuer,
}

impl Question<'_> {
    fn answer(&self, sent_along: &[Certificate]) -> Result<Signer, Error> {
        let keyrings = self.judge.keyrings;
        let rings = keyrings.iter().flat_map(|ring| &ring.certificates);
        let named: HashSet<&Fingerprint> = rings
            .chain(sent_along)
            .filter(|certificate| self.issuer.is_in(certificate))
            .map(|certificate| &certificate.fingerprint)
            .collect();
        let mut closest = unknown(keyrings, self.issuer.to_string());
        for fingerprint in named {
            // A primary key that was sent along, and is in no keyring, is a stranger's.
            let Some((keyring, mut certificate)) = keyring::find(keyrings, fingerprint) else {
                continue;
            };
            let sent = sent_along
                .iter()
                .filter(|sent| sent.fingerprint == *fingerprint);
            sent.for_each(|sent| certificate.merge_download(sent.clone()));
            match self.signer(&certificate, keyring) {
                Ok(signer) => return Ok(signer),
                Err(reason) => {
                    closest = closest.or_closer(refused(&certificate, keyring, reason));
                }
            }
        }
        Err(closest)
    }

    /// The signer, if the key of this certificate that the signature names made it and may do so.
    fn signer(&self, certificate: &Certificate, keyring: &str) -> Result<Signer, Refusal> {
        let mut subkeys = certificate.subkeys.iter();
        let subkey = subkeys.find(|subkey| self.issuer.is(&subkey.key, &subkey.fingerprint));
        let created = match subkey {
            Some(subkey) => self.made_by(&subkey.key)?,
            None => self.made_by(&certificate.primary)?,
        };
        let standing = self.judge.signing_key(certificate, subkey)?;
        let primary = &certificate.fingerprint;
        let signing = subkey.map_or(primary, |subkey| &subkey.fingerprint);
        Ok(Signer {
            key: SigningKey {
                primary: primary.clone(),
                signing: signing.clone(),
            },
            user_id: standing
                .user_id
                .map(|id| String::from_utf8_lossy(id.id()).escape_debug().to_string()),
            keyring: keyring.to_owned(),
            created: UNIX_EPOCH + Duration::from_secs(created),
        })
    }

    /// When `key` made the signature over the message, in seconds since 1970-01-01; refused if it did not.
    fn made_by(&self, key: &impl VerifyingKey) -> Result<u64, Refusal> {
        let signature = &self.signature;
        if !has_known_version(signature) {
            return Err(Refusal::Version(signature.version().into()));
        }
        let kind = signature.typ().unwrap_or(SignatureType::Other(0xFF));
        if kind != SignatureType::Binary {
            return Err(Refusal::Type(kind.into()));
        }
        let digest = signature.hash_alg().unwrap_or(HashAlgorithm::None);
        if !is_strong(digest) {
            return Err(Refusal::Digest(digest.to_string()));
        }
        if !is_understood(signature) {
            return Err(Refusal::Critical);
        }
        check_algorithm(key)?;
        if signature.verify(key, self.message).is_err() {
            return Err(Refusal::Mismatch);
        }
        let created = created(signature).ok_or(Refusal::Undated)?;
        if created > self.judge.now.saturating_add(SKEW_SECONDS) {
            return Err(Refusal::FromFuture(Date(created)));
        }
        if created < key.created_at().as_secs().into() {
            return Err(Refusal::PredatesKey(Date(created)));
        }
        match signature_end(signature) {
            Some(end) if end <= self.judge.now => Err(Refusal::Expired(Date(end))),
            _ => Ok(created),
        }
    }
}

fn unknown(keyrings: &[Keyring], issuer: String) -> Error {
    let names: Vec<&str> = keyrings.iter().map(|ring| &*ring.name).collect();
    Error::UnknownKey {
        issuer,
        keyrings: names.join(", "),
    }
}

fn refused(certificate: &Certificate, keyring: &str, reason: Refusal) -> Error {
    Error::Refused {
        key: certificate.fingerprint.clone(),
        keyring: keyring.to_owned(),
        reason,
    }
}
