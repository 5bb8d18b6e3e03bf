//! Trust as a type: what may be placed, and on whose word.

use crate::format::{Manifest, ManifestError};
use crate::openpgp::Signer;
use crate::stream::sha256;
use crate::terms::{Sha256Digest, Trust, TrustLevel, VerifyMode};

/// Proof that bytes with a certain digest passed the check that was asked for.
///
/// Invariant: it can only be made by the functions below, each of which makes the comparison itself.
#[derive(Clone, Debug)]
pub struct Verified(Trust);

impl Verified {
    /// The bytes are those the caller named.
    pub fn pinned(expected: Sha256Digest, digest: Sha256Digest) -> Option<Self> {
        (expected == digest).then_some(Self(Trust {
            level: TrustLevel::Pinned,
            digest: Some(digest),
            key: None,
        }))
    }

    /// The bytes are those a manifest lists under this name. None if the manifest lists others.
    pub fn listed(
        manifest: &Manifest,
        signer: Option<&Signer>,
        file_name: &str,
        digest: Sha256Digest,
    ) -> Result<Option<Self>, ManifestError> {
        let level = if signer.is_some() {
            TrustLevel::Signature
        } else {
            TrustLevel::Checksum
        };
        let key = signer.map(|signer| signer.key.clone());
        let listed = manifest.digest_of(file_name)?;
        Ok((listed == digest).then_some(Self(Trust {
            level,
            digest: Some(digest),
            key,
        })))
    }

    /// The bytes are a manifest itself, whose signature held. None if they are others.
    pub fn signed(manifest: &Manifest, signer: &Signer, digest: Sha256Digest) -> Option<Self> {
        (sha256(manifest.as_bytes()) == digest).then(|| {
            Self(Trust {
                level: TrustLevel::Signature,
                digest: Some(digest),
                key: Some(signer.key.clone()),
            })
        })
    }

    /// The bytes are a kept copy's, whose record satisfies the demand.
    pub fn remembered(trust: Trust, demand: VerifyMode) -> Option<Self> {
        trust.satisfies(demand).then_some(Self(trust))
    }

    /// What will be recorded with the image.
    pub fn trust(&self) -> &Trust {
        &self.0
    }
}

/// The word of a caller that bytes nobody vouched for will do.
#[derive(Clone, Copy, Debug)]
pub struct Unverified(());

impl Unverified {
    /// The loud way out: only the mode that says "no" accepts it.
    pub fn accepted(mode: VerifyMode) -> Option<Self> {
        (mode == VerifyMode::No).then_some(Self(()))
    }

    /// The bytes are the caller's own, brought as a file: nothing vouches for them, and nothing is recorded.
    pub fn brought() -> Verified {
        Verified(Trust::NONE)
    }

    /// Takes these bytes as they are.
    pub fn take(self, digest: Sha256Digest) -> Verified {
        Verified(Trust {
            level: TrustLevel::No,
            digest: Some(digest),
            key: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Sha256Digest = Sha256Digest::from_bytes([1; 32]);
    const BAD: Sha256Digest = Sha256Digest::from_bytes([2; 32]);

    #[test]
    fn a_proof_exists_only_where_the_digests_agree() {
        let manifest = Manifest::new(format!("{GOOD} *a\n").into_bytes()).unwrap();
        let level = |verified: Verified| verified.trust().level;
        assert_eq!(
            Verified::pinned(GOOD, GOOD).map(level),
            Some(TrustLevel::Pinned)
        );
        assert!(Verified::pinned(GOOD, BAD).is_none());
        assert_eq!(
            Verified::listed(&manifest, None, "a", GOOD)
                .unwrap()
                .map(level),
            Some(TrustLevel::Checksum)
        );
        assert!(
            Verified::listed(&manifest, None, "a", BAD)
                .unwrap()
                .is_none()
        );
        assert!(Verified::listed(&manifest, None, "b", GOOD).is_err());
    }

    #[test]
    fn unverified_bytes_are_accepted_by_no_demand_for_verification() {
        for mode in [
            VerifyMode::Checksum,
            VerifyMode::Signature,
            VerifyMode::Pinned(GOOD),
        ] {
            assert!(Unverified::accepted(mode).is_none());
        }
        assert!(Unverified::accepted(VerifyMode::No).is_some());
    }
}
