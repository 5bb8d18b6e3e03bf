//! Which algorithms and subpackets are accepted, whatever the key.

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureVersion, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, PublicParams};

use super::Refusal;
use super::certificate::Origin;

/// How far ahead of this machine's clock a signature may have been made, in seconds.
pub(super) const SKEW_SECONDS: u64 = 86_400;

const MIN_RSA_BITS: u16 = 2048;

/// Whether the digest is strong enough for data that anyone could have written.
pub(super) fn is_strong(digest: HashAlgorithm) -> bool {
    use HashAlgorithm::{Sha224, Sha256, Sha384, Sha512};
    matches!(digest, Sha224 | Sha256 | Sha384 | Sha512)
}

/// Whether a self-signature is of a version, with a digest and subpackets, that count.
pub(super) fn counts(signature: &Signature, origin: Origin) -> bool {
    let digest = signature.hash_alg().unwrap_or(HashAlgorithm::None);
    has_known_version(signature)
        && is_understood(signature)
        && (is_strong(digest) || origin == Origin::Keyring && digest == HashAlgorithm::Sha1)
}

pub(super) fn has_known_version(signature: &Signature) -> bool {
    matches!(
        signature.version(),
        SignatureVersion::V4 | SignatureVersion::V6
    )
}

/// Whether every subpacket that demands to be understood is: its meaning is either heeded here or of no matter here.
pub(super) fn is_understood(signature: &Signature) -> bool {
    use SubpacketData::{
        EmbeddedSignature, Features, IsPrimary, IssuerFingerprint, IssuerKeyId, KeyExpirationTime,
        KeyFlags, KeyServerPreferences, PreferredAeadAlgorithms, PreferredCompressionAlgorithms,
        PreferredEncryptionModes, PreferredHashAlgorithms, PreferredKeyServer,
        PreferredSymmetricAlgorithms, Revocable, RevocationKey, RevocationReason,
        SignatureCreationTime, SignatureExpirationTime, SignersUserID,
    };
    let Some(config) = signature.config() else {
        return false;
    };
    config
        .hashed_subpackets()
        .filter(|subpacket| subpacket.is_critical)
        .all(|subpacket| {
            matches!(
                subpacket.data,
                SignatureCreationTime(_)
                    | SignatureExpirationTime(_)
                    | IssuerKeyId(_)
                    | IssuerFingerprint(_)
                    | SignersUserID(_)
                    | KeyExpirationTime(_)
                    | KeyFlags(_)
                    | EmbeddedSignature(_)
                    | RevocationKey(_)
                    | RevocationReason(..)
                    | Revocable(_)
                    | IsPrimary(_)
                    | Features(_)
                    | KeyServerPreferences(_)
                    | PreferredKeyServer(_)
                    | PreferredAeadAlgorithms(_)
                    | PreferredCompressionAlgorithms(_)
                    | PreferredEncryptionModes(_)
                    | PreferredHashAlgorithms(_)
                    | PreferredSymmetricAlgorithms(_)
            )
        })
}

/// Refuses keys of algorithms that are not accepted, and RSA keys that are too short.
pub(super) fn check_algorithm(key: &impl KeyDetails) -> Result<(), Refusal> {
    use EcdsaPublicParams::{P256, P384, P521};
    match key.public_params() {
        PublicParams::RSA(params) => {
            // Written out, the modulus comes first, and its length in bits before it.
            let bytes = params.to_bytes().unwrap_or_default();
            let bits = bytes
                .first_chunk()
                .map_or(0, |length| u16::from_be_bytes(*length));
            if bits < MIN_RSA_BITS {
                return Err(Refusal::ShortRsa(bits));
            }
            Ok(())
        }
        PublicParams::Ed25519(_)
        | PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. })
        | PublicParams::ECDSA(P256 { .. } | P384 { .. } | P521 { .. }) => Ok(()),
        PublicParams::ECDSA(params) => {
            Err(Refusal::Algorithm(format!("ECDSA over {}", params.curve())))
        }
        _ => Err(Refusal::Algorithm(format!("{:?}", key.algorithm()))),
    }
}
