//! The question this room answers: did a key of these keyrings sign this message?

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, KeyId, VerifyingKey};

use super::certificate::{Certificate, Origin, certificates};
use super::error::Date;
use super::packets::{self, Packets};
use super::policy::{SKEW_SECONDS, check_algorithm, has_known_version, is_strong, is_understood};
use super::standing::{Judge, created, signature_end};
use super::{Error, Keyring, Malformed, Refusal, armor, keyring};
use crate::terms::Fingerprint;

/// The largest signature file looked at.
pub(super) const SIGNATURE_LIMIT_BYTES: usize = 1 << 20;

/// How many signatures of one file are looked at, and how many packets of keys sent along.
const MAX_SIGNATURES: usize = 16;
const MAX_BLOCK_PACKETS: usize = 256;

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The primary key, which is in a keyring.
    pub key: Fingerprint,
    /// The key that signed: a subkey, or the primary key itself.
    pub signing_key: Fingerprint,
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

/// Whether a primary key is still in a keyring, and neither revoked nor expired.
///
/// This is what is asked about a kept download: its signature was checked when it came.
pub fn is_trusted(keyrings: &[Keyring], key: &Fingerprint, now: SystemTime) -> Result<(), Error> {
    let Some((keyring, certificate)) = keyring::find(keyrings, key) else {
        return Err(unknown(keyrings, key.to_string()));
    };
    match Judge::new(keyrings, now).primary(&certificate) {
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
        let named = rings
            .chain(sent_along)
            .filter(|certificate| self.issuer.is_in(certificate));
        let mut closest = unknown(keyrings, self.issuer.to_string());
        for Certificate { fingerprint, .. } in named {
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
        let standing = self.judge.primary(certificate)?;
        match subkey {
            Some(subkey) => self.judge.signing_subkey(certificate, subkey)?,
            None if standing.signs => {}
            None => return Err(Refusal::NotForSigning),
        }
        let signing_key = subkey.map_or(&certificate.fingerprint, |subkey| &subkey.fingerprint);
        Ok(Signer {
            key: certificate.fingerprint.clone(),
            signing_key: signing_key.clone(),
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

/// Whose signature it claims to be: a hint where to look, proven by the arithmetic alone.
struct Issuer {
    fingerprints: Vec<Fingerprint>,
    ids: Vec<KeyId>,
}

impl Issuer {
    fn of(signature: &Signature) -> Self {
        let fingerprints = signature.issuer_fingerprint().into_iter();
        Self {
            fingerprints: fingerprints
                .map(|fingerprint| Fingerprint::from_bytes(fingerprint.as_bytes()))
                .collect(),
            ids: signature.issuer_key_id().into_iter().copied().collect(),
        }
    }

    fn is(&self, key: &impl KeyDetails, fingerprint: &Fingerprint) -> bool {
        if self.fingerprints.is_empty() {
            self.ids.contains(&key.legacy_key_id())
        } else {
            self.fingerprints.contains(fingerprint)
        }
    }

    fn is_in(&self, certificate: &Certificate) -> bool {
        let mut subkeys = certificate.subkeys.iter();
        self.is(&certificate.primary, &certificate.fingerprint)
            || subkeys.any(|subkey| self.is(&subkey.key, &subkey.fingerprint))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.fingerprints.first(), self.ids.first()) {
            (Some(fingerprint), _) => fingerprint.fmt(f),
            (None, Some(id)) => f.write_str(&id.to_string().to_uppercase()),
            (None, None) => f.write_str("(not named)"),
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

/// A signature file: its signatures, and whatever keys came with them.
struct SignatureFile {
    /// Nothing stands for a packet that is not understood.
    signatures: Vec<Option<Signature>>,
    certificates: Vec<Certificate>,
}

impl SignatureFile {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > SIGNATURE_LIMIT_BYTES {
            return Err(Error::LargeSignature);
        }
        let bytes = armor::decode(bytes).map_err(Error::MalformedSignature)?;
        let raw: Vec<_> = Packets(&bytes)
            .collect::<Result<_, Malformed>>()
            .map_err(Error::MalformedSignature)?;
        // Signatures behind a key are about that key.
        let signatures: Vec<_> = raw
            .iter()
            .take_while(|packet| packet.id != packets::PUBLIC_KEY)
            .filter(|packet| packet.id == packets::SIGNATURE)
            .take(MAX_SIGNATURES)
            .map(|packet| match packet.parse() {
                Some(Packet::Signature(signature)) => Some(signature),
                _ => None,
            })
            .collect();
        let blocks = signatures.iter().flatten().flat_map(key_blocks);
        let certificates = blocks
            .chain([&*bytes])
            .filter(|block| Packets(block).take(MAX_BLOCK_PACKETS + 1).count() <= MAX_BLOCK_PACKETS)
            .filter_map(|block| certificates(block, Origin::Download).ok())
            .flatten()
            .collect();
        Ok(Self {
            signatures,
            certificates,
        })
    }
}

/// The keys inside a signature: GnuPG's Key Block subpackets, of type 38, behind an octet that is reserved.
fn key_blocks(signature: &Signature) -> impl Iterator<Item = &[u8]> {
    let config = signature.config().into_iter();
    config
        .flat_map(|config| {
            config
                .hashed_subpackets()
                .chain(config.unhashed_subpackets())
        })
        .filter_map(|subpacket| match &subpacket.data {
            SubpacketData::Other(38, block) => block.get(1..),
            _ => None,
        })
}
