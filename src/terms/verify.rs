//! How strictly a download is checked before it is made available.

use std::fmt;
use std::str::FromStr;

use super::Sha256Digest;

/// The argument of `--verify=` and of its siblings on the buses and the kernel command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyMode {
    /// Take whatever the server sends.
    No,
    /// The digest must stand in a manifest beside the image; who wrote that is not asked.
    Checksum,
    /// The manifest must carry a signature by a key in the keyrings.
    Signature,
    /// The caller names the digest; no manifest is asked for.
    Pinned(Sha256Digest),
}

impl fmt::Display for VerifyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("no"),
            Self::Checksum => f.write_str("checksum"),
            Self::Signature => f.write_str("signature"),
            Self::Pinned(digest) => digest.fmt(f),
        }
    }
}

/// A word that is neither a mode nor a digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidVerifyMode {
    #[error(
        "unknown verification mode `{0}`: it is one of no, checksum, signature and a SHA-256 digest of 64 hexadecimal digits"
    )]
    Unknown(String),
    #[error("`{text}` has {digits} hexadecimal digits: a SHA-256 digest that pins an image has 64")]
    DigestLength { text: String, digits: usize },
}

impl FromStr for VerifyMode {
    type Err = InvalidVerifyMode;

    fn from_str(word: &str) -> Result<Self, InvalidVerifyMode> {
        match word {
            "no" => return Ok(Self::No),
            "checksum" => return Ok(Self::Checksum),
            "signature" => return Ok(Self::Signature),
            _ => {}
        }
        if let Ok(digest) = word.parse() {
            return Ok(Self::Pinned(digest));
        }
        // Something long and hexadecimal was meant to be a digest: say how it falls short.
        if word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidVerifyMode::DigestLength {
                text: word.to_owned(),
                digits: word.len(),
            });
        }
        Err(InvalidVerifyMode::Unknown(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_digests_parse_and_are_written_back() {
        for word in ["no", "checksum", "signature", &"0a".repeat(32)] {
            assert_eq!(word.parse::<VerifyMode>().unwrap().to_string(), word);
        }
    }

    #[test]
    fn a_digest_of_the_wrong_length_is_told_apart_from_an_unknown_word() {
        let short = "a".repeat(40);
        assert_eq!(
            short.parse::<VerifyMode>(),
            Err(InvalidVerifyMode::DigestLength {
                text: short.clone(),
                digits: 40
            })
        );
        assert!(matches!(
            "yes".parse::<VerifyMode>(),
            Err(InvalidVerifyMode::Unknown(_))
        ));
        assert!(matches!(
            "".parse::<VerifyMode>(),
            Err(InvalidVerifyMode::Unknown(_))
        ));
    }
}
