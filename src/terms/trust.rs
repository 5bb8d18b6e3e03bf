//! What is known about bytes that were downloaded once: how far they were checked, and by whose word.

use std::fmt;
use std::str::FromStr;

use super::{Sha256Digest, VerifyMode};

/// The fingerprint of an OpenPGP key: 40 (version 4) or 64 (version 6) hexadecimal digits, in upper case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of these raw bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02X}")).collect())
    }

    /// The fingerprint, if the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        let valid =
            matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(text.to_ascii_uppercase()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The two names of whoever made an OpenPGP signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The primary key, which is in a keyring.
    pub primary: Fingerprint,
    /// The key that signed: a subkey, or the primary key itself.
    pub signing: Fingerprint,
}

/// How far a download was checked, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrustLevel {
    /// Nobody vouched for it.
    No,
    /// A manifest on the same server lists it.
    Checksum,
    /// The manifest that lists it was signed by a key of the keyrings.
    Signature,
    /// Its digest is the one the caller named.
    Pinned,
}

impl TrustLevel {
    const WORDS: [(Self, &'static str); 4] = [
        (Self::No, "no"),
        (Self::Checksum, "checksum"),
        (Self::Signature, "signature"),
        (Self::Pinned, "pinned"),
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Checksum => "checksum",
            Self::Signature => "signature",
            Self::Pinned => "pinned",
        }
    }
}

impl FromStr for TrustLevel {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::WORDS
            .into_iter()
            .find(|(_, known)| *known == word)
            .map(|(level, _)| level)
            .ok_or(())
    }
}

/// The trust record of one download, remembered beside its bytes so that a later, stricter demand cannot be fooled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    pub level: TrustLevel,
    /// Digest of the bytes as they came over the wire, still packed. None where nothing was ever recorded.
    pub digest: Option<Sha256Digest>,
    /// The key whose signature held. Invariant: present if and only if `level` is `Signature`.
    pub key: Option<SigningKey>,
}

impl Trust {
    /// What is known of bytes without a record.
    pub const NONE: Self = Self {
        level: TrustLevel::No,
        digest: None,
        key: None,
    };

    /// Whether bytes with this record may stand in for a download made under `demand`.
    ///
    /// A signature is only as good as its key is today: the caller still asks the keyrings about `key`.
    pub fn satisfies(&self, demand: VerifyMode) -> bool {
        match demand {
            VerifyMode::No => true,
            VerifyMode::Checksum => {
                matches!(self.level, TrustLevel::Checksum | TrustLevel::Signature)
            }
            VerifyMode::Signature => self.level == TrustLevel::Signature && self.key.is_some(),
            VerifyMode::Pinned(digest) => self.digest == Some(digest),
        }
    }
}

/// Whether an extended attribute is a record of ours about an image: where it came from, and how far it was verified.
///
/// Nobody else may write these, so they are never taken from an archive, a file or a tree that somebody brought.
pub fn is_record_attribute(name: &[u8]) -> bool {
    name.starts_with(b"user.source_") || name.starts_with(b"user.importd.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(level: TrustLevel) -> Trust {
        let key = (level == TrustLevel::Signature).then(|| SigningKey {
            primary: Fingerprint::from_bytes(&[1; 20]),
            signing: Fingerprint::from_bytes(&[2; 20]),
        });
        Trust {
            level,
            digest: Some(Sha256Digest::from_bytes([7; 32])),
            key,
        }
    }

    #[test]
    fn a_record_satisfies_equal_and_weaker_demands_only() {
        use TrustLevel::{Checksum, No, Pinned, Signature};
        for (level, no, checksum, signature) in [
            (No, true, false, false),
            (Checksum, true, true, false),
            (Signature, true, true, true),
            (Pinned, true, false, false),
        ] {
            assert_eq!(trust(level).satisfies(VerifyMode::No), no);
            assert_eq!(trust(level).satisfies(VerifyMode::Checksum), checksum);
            assert_eq!(trust(level).satisfies(VerifyMode::Signature), signature);
        }
    }

    #[test]
    fn a_pinned_digest_is_satisfied_by_those_very_bytes_whoever_vouched_for_them() {
        let same = VerifyMode::Pinned(Sha256Digest::from_bytes([7; 32]));
        let other = VerifyMode::Pinned(Sha256Digest::from_bytes([8; 32]));
        assert!(trust(TrustLevel::No).satisfies(same));
        assert!(!trust(TrustLevel::Signature).satisfies(other));
    }

    #[test]
    fn words_of_levels_and_fingerprints_parse_back() {
        for (level, word) in TrustLevel::WORDS {
            assert_eq!((word.parse(), level.as_str()), (Ok(level), word));
        }
        let key = Fingerprint::from_bytes(&[0xab; 20]);
        assert_eq!(Fingerprint::parse(&key.to_string()), Some(key));
        assert_eq!(Fingerprint::parse("abc"), None);
    }

    #[test]
    fn records_are_told_from_attributes_that_anybody_may_write() {
        assert!(is_record_attribute(b"user.source_url"));
        assert!(is_record_attribute(b"user.importd.trust"));
        assert!(!is_record_attribute(b"user.source"));
        assert!(!is_record_attribute(b"trusted.importd.trust"));
    }
}
