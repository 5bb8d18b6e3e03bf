//! Checksum manifests as `sha256sum(1)` writes them: `SHA256SUMS` for a directory, `NAME.sha256` for one file.
//!
//! Taken: 64 hexadecimal digits of either case, then ` *`, two blanks or one, then the name; LF or CRLF, and a last line
//! without either. Anything else on a line makes it say nothing about any file. Not taken: the BSD form, escaped names.

use crate::terms::Sha256Digest;

/// A manifest as it was downloaded.
pub struct Manifest(Vec<u8>);

/// Why a manifest vouches for nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ManifestError {
    #[error("it is empty")]
    Empty,
    #[error("it does not list `{0}`")]
    NotListed(String),
    #[error("it lists `{0}` twice, with different checksums")]
    Ambiguous(String),
}

impl Manifest {
    pub fn new(bytes: Vec<u8>) -> Result<Self, ManifestError> {
        if bytes.is_empty() {
            Err(ManifestError::Empty)
        } else {
            Ok(Self(bytes))
        }
    }

    /// The bytes a detached signature is made over.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digest the manifest gives for the file of this name.
    pub fn digest_of(&self, file_name: &str) -> Result<Sha256Digest, ManifestError> {
        let mut found = None;
        for line in self.0.split(|byte| *byte == b'\n') {
            let Some(digest) = digest_in(line, file_name.as_bytes()) else {
                continue;
            };
            if found.is_some_and(|earlier| earlier != digest) {
                return Err(ManifestError::Ambiguous(file_name.to_owned()));
            }
            found = Some(digest);
        }
        found.ok_or_else(|| ManifestError::NotListed(file_name.to_owned()))
    }
}

/// The digest on this line, if it speaks of that file.
fn digest_in(line: &[u8], file_name: &[u8]) -> Option<Sha256Digest> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(Sha256Digest::HEX_LEN)?;
    let about_it = [&b" *"[..], b"  ", b" "]
        .iter()
        .any(|separator| rest.strip_prefix(*separator) == Some(file_name));
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| about_it)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Manifest {
        Manifest::new(text.as_bytes().to_vec()).unwrap()
    }

    fn digest(byte: u8) -> Sha256Digest {
        Sha256Digest::from_bytes([byte; 32])
    }

    #[test]
    fn every_separator_either_case_and_a_last_line_without_newline_are_taken() {
        let text = format!(
            "{} *a\n{}  b\n{} c\r\n# a comment\n{}  d",
            digest(1),
            digest(2),
            digest(3),
            digest(0xab).to_string().to_uppercase()
        );
        let manifest = manifest(&text);
        for (name, byte) in [("a", 1), ("b", 2), ("c", 3), ("d", 0xab)] {
            assert_eq!(manifest.digest_of(name), Ok(digest(byte)), "{name}");
        }
    }

    #[test]
    fn an_occurrence_inside_another_line_neither_counts_nor_hides_the_proper_one() {
        let text = format!(
            "x{} *a\n{} *aa\n{} */a\n{} *a\n",
            digest(1),
            digest(2),
            digest(3),
            digest(4)
        );
        assert_eq!(manifest(&text).digest_of("a"), Ok(digest(4)));
    }

    #[test]
    fn a_name_listed_twice_counts_only_if_both_agree() {
        let same = format!("{} *a\n{}  a\n", digest(1), digest(1));
        assert_eq!(manifest(&same).digest_of("a"), Ok(digest(1)));
        let differing = format!("{} *a\n{}  a\n", digest(1), digest(2));
        assert_eq!(
            manifest(&differing).digest_of("a"),
            Err(ManifestError::Ambiguous("a".into()))
        );
    }

    #[test]
    fn an_empty_manifest_and_a_missing_name_are_told_apart() {
        assert_eq!(Manifest::new(Vec::new()).err(), Some(ManifestError::Empty));
        assert_eq!(
            manifest("\n").digest_of("a"),
            Err(ManifestError::NotListed("a".into()))
        );
        assert_eq!(
            manifest("é".repeat(64).as_str()).digest_of("a"),
            Err(ManifestError::NotListed("a".into()))
        );
    }
}
