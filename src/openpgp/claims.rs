//! What a signature says of itself. Only the hashed subpackets are asked, but where a word in passing does no harm.

use pgp::packet::{KeyFlags, RevocationCode, Signature, SignatureType, Subpacket, SubpacketData};
use pgp::types::KeyDetails;

use crate::terms::Fingerprint;

/// When the signature was made, in seconds since 1970-01-01.
pub(super) fn created(signature: &Signature) -> Option<u64> {
    signature.created().map(|time| time.as_secs().into())
}

/// When the signature expires, if ever; a lifetime of zero is endless.
pub(super) fn signature_end(signature: &Signature) -> Option<u64> {
    let lifetime = signature.signature_expiration_time()?.as_secs();
    let end = created(signature)? + u64::from(lifetime);
    (lifetime != 0).then_some(end)
}

/// When a self-signature lets the key expire, if it does.
pub(super) fn key_end(key: &impl KeyDetails, signature: &Signature) -> Option<u64> {
    let lifetime = signature.key_expiration_time()?.as_secs();
    let end = u64::from(key.created_at().as_secs()) + u64::from(lifetime);
    (lifetime != 0).then_some(end)
}

/// What the key is for, if the signature says.
pub(super) fn flags(signature: &Signature) -> Option<&KeyFlags> {
    hashed(signature).find_map(|subpacket| match &subpacket.data {
        SubpacketData::KeyFlags(flags) => Some(flags),
        _ => None,
    })
}

/// The keys that may revoke the key, too.
pub(super) fn revokers(signature: &Signature) -> impl Iterator<Item = Fingerprint> {
    hashed(signature).filter_map(|subpacket| match &subpacket.data {
        SubpacketData::RevocationKey(key) => Some(Fingerprint::from_bytes(&key.fingerprint)),
        _ => None,
    })
}

/// Signatures inside the signature, hashed or not: each must verify by itself.
pub(super) fn embedded(signature: &Signature) -> impl Iterator<Item = &Signature> {
    hashed_or_not(signature).filter_map(|subpacket| match &subpacket.data {
        SubpacketData::EmbeddedSignature(signature) => Some(&**signature),
        _ => None,
    })
}

/// Keys inside the signature, hashed or not: GnuPG's Key Block subpackets, of type 38, behind an octet without meaning.
pub(super) fn key_blocks(signature: &Signature) -> impl Iterator<Item = &[u8]> {
    hashed_or_not(signature).filter_map(|subpacket| match &subpacket.data {
        SubpacketData::Other(38, block) => block.get(1..),
        _ => None,
    })
}

fn hashed(signature: &Signature) -> impl Iterator<Item = &Subpacket> {
    let config = signature.config().into_iter();
    config.flat_map(|config| config.hashed_subpackets())
}

fn hashed_or_not(signature: &Signature) -> impl Iterator<Item = &Subpacket> {
    let config = signature.config().into_iter();
    let unhashed = config.flat_map(|config| config.unhashed_subpackets());
    hashed(signature).chain(unhashed)
}

/// Those of one type.
pub(super) fn of_type(
    signatures: &[Signature],
    kind: SignatureType,
) -> impl Iterator<Item = &Signature> {
    let all = signatures.iter();
    all.filter(move |signature| signature.typ() == Some(kind))
}

/// Whether it takes a user ID back.
pub(super) fn is_user_revocation(signature: &Signature) -> bool {
    signature.typ() == Some(SignatureType::CertRevocation)
}

/// Why the key was revoked, in words.
pub(super) fn reason(revocation: &Signature) -> &'static str {
    match revocation.revocation_reason_code() {
        Some(RevocationCode::KeySuperseded) => "it was replaced by another",
        Some(RevocationCode::KeyCompromised) => "its secret may be known to others",
        Some(RevocationCode::KeyRetired) => "it is no longer used",
        _ => "no reason was given",
    }
}
