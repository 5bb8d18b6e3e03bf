//! A signature file: the signatures in it, the keys sent along, and whose each signature claims to be.

use std::fmt;

use pgp::packet::Signature;
use pgp::types::{KeyDetails, KeyId};

use super::certificate::{Certificate, Origin, certificates};
use super::claims::key_blocks;
use super::packets::{self, Content, Packets};
use super::{Error, Malformed, armor};
use crate::terms::Fingerprint;

/// The largest signature file looked at.
pub(super) const SIGNATURE_LIMIT_BYTES: usize = 1 << 20;

/// How many signatures of one file are looked at, and how many packets of keys sent along: what a stranger may make
/// this machine compute.
const MAX_SIGNATURES: usize = 16;
const MAX_BLOCK_PACKETS: usize = 256;

/// Signatures, and whatever keys came with them.
pub(super) struct SignatureFile {
    /// Nothing stands for a packet that is not understood.
    pub(super) signatures: Vec<Option<Signature>>,
    pub(super) certificates: Vec<Certificate>,
}

impl SignatureFile {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
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
                Some(Content::Signature(signature)) => Some(signature),
                _ => None,
            })
            .collect();
        let blocks = signatures.iter().flatten().flat_map(key_blocks);
        let mut packets_left = MAX_BLOCK_PACKETS;
        let certificates = blocks
            .chain([&*bytes])
            .filter(|block| {
                let left = packets_left.checked_sub(Packets(block).count());
                packets_left = left.unwrap_or(packets_left);
                left.is_some()
            })
            .filter_map(|block| certificates(block, Origin::Download).ok())
            .flatten()
            .collect();
        Ok(Self {
            signatures,
            certificates,
        })
    }
}

/// Whose signature it claims to be: a hint where to look, proven by the arithmetic alone.
pub(super) struct Issuer {
    fingerprints: Vec<Fingerprint>,
    ids: Vec<KeyId>,
}

impl Issuer {
    pub(super) fn of(signature: &Signature) -> Self {
        let fingerprints = signature.issuer_fingerprint().into_iter();
        Self {
            fingerprints: fingerprints
                .map(|fingerprint| Fingerprint::from_bytes(fingerprint.as_bytes()))
                .collect(),
            ids: signature.issuer_key_id().into_iter().copied().collect(),
        }
    }

    pub(super) fn is(&self, key: &impl KeyDetails, fingerprint: &Fingerprint) -> bool {
        if self.fingerprints.is_empty() {
            self.ids.contains(&key.legacy_key_id())
        } else {
            self.fingerprints.contains(fingerprint)
        }
    }

    pub(super) fn is_in(&self, certificate: &Certificate) -> bool {
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
