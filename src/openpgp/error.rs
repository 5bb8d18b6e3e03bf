//! Why a keyring was not read or a signature not accepted: which key, of which keyring, for what reason.

use std::fmt;

use super::Keyring;
use super::signature::SIGNATURE_LIMIT_BYTES;
use crate::terms::{Bytes, Fingerprint};

/// No answer, or the answer no.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "failed to read keyring `{keyring}`: it is larger than the limit of {}",
        Bytes(Keyring::LIMIT_BYTES as u64)
    )]
    LargeKeyring { keyring: String },
    #[error(
        "failed to read keyring `{keyring}`: it is a keybox, which only GnuPG reads; write the keys with `gpg --export`"
    )]
    Keybox { keyring: String },
    #[error("failed to read keyring `{keyring}`: {cause}")]
    MalformedKeyring { keyring: String, cause: Malformed },
    #[error(
        "failed to read keyring `{keyring}`: it holds no public key that is understood; write some with `gpg --export`"
    )]
    EmptyKeyring { keyring: String },
    #[error(
        "failed to read the signature: it is larger than the limit of {}",
        Bytes(SIGNATURE_LIMIT_BYTES as u64)
    )]
    LargeSignature,
    #[error("failed to read the signature: {0}")]
    MalformedSignature(Malformed),
    #[error("failed to read the signature: the file holds none")]
    NoSignature,
    #[error(
        "failed to read the signature: it is damaged, or of a version or kind that is not understood"
    )]
    UnreadableSignature,
    #[error(
        "no key `{issuer}` in the keyrings ({keyrings}): if you trust its owner, add it to one of them"
    )]
    UnknownKey { issuer: String, keyrings: String },
    #[error("failed to verify with key {key} of keyring `{keyring}`: {reason}")]
    Refused {
        /// The primary key.
        key: Fingerprint,
        /// The first keyring that holds it.
        keyring: String,
        reason: Refusal,
    },
}

impl Error {
    /// Of two errors about signatures of one file, the one that tells more: a known key's reason before all else.
    pub(super) fn or_closer(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Refused { .. } => 3,
            Self::UnknownKey { .. } => 2,
            Self::UnreadableSignature => 1,
            _ => 0,
        }
    }
}

/// Bytes that are no OpenPGP data.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Malformed {
    #[error("its armor is damaged or cut short")]
    Armor,
    #[error("its packets are damaged or cut short")]
    Packets,
}

/// Why a signature by a key that is in the keyrings, or that key itself, was refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("the signature does not match the file: one of the two was altered")]
    Mismatch,
    #[error("the signature is of version {0}: only 4 and 6 are accepted")]
    Version(u8),
    #[error(
        "the signature is of type 0x{0:02x}: only 0x00 is accepted, over a file as it is (`gpg --detach-sign`)"
    )]
    Type(u8),
    #[error(
        "the signature uses {0}, which is too weak: ask the publisher for one with SHA-256 or better"
    )]
    Digest(String),
    #[error("the signature demands to be understood in full, and holds something unknown")]
    Critical,
    #[error("the signature says not when it was made")]
    Undated,
    #[error("the signature was made on {0}, which is yet to come: check this machine's clock")]
    FromFuture(Date),
    #[error("the signature was made on {0}, before its key")]
    PredatesKey(Date),
    #[error("the signature expired on {0}")]
    Expired(Date),
    #[error("the key is an RSA key of {0} bits: at least 2048 are needed")]
    ShortRsa(u16),
    #[error(
        "keys of algorithm {0} are not accepted: only RSA, Ed25519 and ECDSA over the NIST curves are"
    )]
    Algorithm(String),
    #[error("the key was revoked ({0})")]
    KeyRevoked(&'static str),
    #[error("the key expired on {0}: look for a newer copy of it")]
    KeyExpired(Date),
    #[error("the key has no valid self-signature")]
    NoSelfSignature,
    #[error("the key is not meant for signing files")]
    NotForSigning,
    #[error("its subkey {0} is not bound to it by a valid signature")]
    SubkeyUnbound(Fingerprint),
    #[error("its subkey {0} never signed that it belongs to this key")]
    NoBackSignature(Fingerprint),
    #[error("its subkey {0} was revoked ({1})")]
    SubkeyRevoked(Fingerprint, &'static str),
    #[error("its subkey {0} expired on {1}: look for a newer copy of the key")]
    SubkeyExpired(Fingerprint, Date),
    #[error("its subkey {0} is not meant for signing files")]
    SubkeyNotForSigning(Fingerprint),
}

/// A day in UTC, from seconds since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub u64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Years begin in March, so that the leap day is their last: 719468 days lie between 0000-03-01 and 1970.
        let days = self.0 / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, wraps) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        write!(f, "{:04}-{month:02}-{day:02}", era * 400 + year + wraps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_dates() {
        for (seconds, date) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_767_225_599, "2025-12-31"),
            (1_767_225_600, "2026-01-01"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Date(seconds).to_string(), date);
        }
    }
}
