//! What a certificate's self-signatures make of its keys at one moment: valid, revoked, expired, meant for signing.

use std::cmp::Reverse;
use std::time::{SystemTime, UNIX_EPOCH};

use pgp::packet::{KeyFlags, PublicKey, Signature, SignatureType, UserId};
use pgp::types::Tag;

use super::certificate::{Certificate, Origin, Subkey};
use super::claims::{
    created, embedded, flags, is_user_revocation, key_end, of_type, reason, revokers, signature_end,
};
use super::error::Date;
use super::policy::{SKEW_SECONDS, check_algorithm, counts};
use super::{Keyring, Refusal};

/// The moment and the keyrings by which keys are judged.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) keyrings: &'a [Keyring],
    /// Seconds since 1970-01-01.
    pub(super) now: u64,
}

/// What holds of a valid primary key.
pub(super) struct Standing<'c> {
    /// Whether the primary key itself may sign files.
    signs: bool,
    /// The user ID marked as the main one, else the one signed last.
    pub(super) user_id: Option<&'c UserId>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(keyrings: &'a [Keyring], now: SystemTime) -> Self {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { keyrings, now }
    }

    /// What the self-signatures say of the primary key, if it is valid.
    fn primary<'c>(self, certificate: &'c Certificate) -> Result<Standing<'c>, Refusal> {
        let primary = &certificate.primary;
        check_algorithm(primary)?;
        if let Some(revocation) = self.revocation(certificate) {
            return Err(Refusal::KeyRevoked(reason(revocation)));
        }
        let direct = self.newest(
            of_type(&certificate.signatures, SignatureType::Key),
            Origin::Keyring,
            |signature| signature.verify_key(primary).is_ok(),
        );
        let users = self.users(certificate);
        let users_said = users.iter().map(|(_, signature)| *signature);
        let said: Vec<&Signature> = direct.into_iter().chain(users_said).collect();
        if said.is_empty() {
            return Err(Refusal::NoSelfSignature);
        }
        let end = said
            .iter()
            .find_map(|signature| key_end(primary, signature));
        if let Some(end) = end.filter(|end| *end <= self.now) {
            return Err(Refusal::KeyExpired(Date(end)));
        }
        let main = users.iter().find(|(_, signature)| signature.is_primary());
        Ok(Standing {
            signs: said
                .iter()
                .find_map(|signature| flags(signature))
                .is_none_or(KeyFlags::sign),
            user_id: main.or(users.first()).map(|(id, _)| *id),
        })
    }

    /// What holds of the primary key, if it or this subkey of it may sign files.
    pub(super) fn signing_key<'c>(
        self,
        certificate: &'c Certificate,
        subkey: Option<&Subkey>,
    ) -> Result<Standing<'c>, Refusal> {
        let standing = self.primary(certificate)?;
        match subkey {
            Some(subkey) => self.signing_subkey(certificate, subkey)?,
            None if standing.signs => {}
            None => return Err(Refusal::NotForSigning),
        }
        Ok(standing)
    }

    /// Refuses `subkey` unless it is a valid signing key of `certificate`, whose primary key is valid.
    fn signing_subkey(self, certificate: &Certificate, subkey: &Subkey) -> Result<(), Refusal> {
        let (primary, key) = (&certificate.primary, &subkey.key);
        let name = subkey.fingerprint.clone();
        check_algorithm(key)?;

        let all = certificate.subkeys.iter();
        let copies = all.filter(|copy| copy.fingerprint == subkey.fingerprint);
        let by_primary =
            |signature: &Signature| signature.verify_subkey_binding(primary, key).is_ok();
        let mut revocations = copies
            .clone()
            .flat_map(|copy| of_type(&copy.signatures, SignatureType::SubkeyRevocation));
        if let Some(revocation) = revocations.find(|revocation| by_primary(revocation)) {
            return Err(Refusal::SubkeyRevoked(name, reason(revocation)));
        }
        // Of a subkey that a keyring knows, a download may tell nothing but that it was revoked.
        let known = copies.clone().any(|copy| copy.origin == Origin::Keyring);
        let origin = if known {
            Origin::Keyring
        } else {
            Origin::Download
        };
        let bindings = copies
            .filter(|copy| copy.origin == origin)
            .flat_map(|copy| of_type(&copy.signatures, SignatureType::SubkeyBinding));
        let Some(binding) = self.newest(bindings, origin, by_primary) else {
            return Err(Refusal::SubkeyUnbound(name));
        };
        if !flags(binding).is_some_and(KeyFlags::sign) {
            return Err(Refusal::SubkeyNotForSigning(name));
        }
        let signed_back = self.newest(embedded(binding), origin, |signature| {
            signature.verify_primary_key_binding(key, primary).is_ok()
        });
        if signed_back.is_none() {
            return Err(Refusal::NoBackSignature(name));
        }
        match key_end(key, binding) {
            Some(end) if end <= self.now => Err(Refusal::SubkeyExpired(name, Date(end))),
            _ => Ok(()),
        }
    }

    /// A revocation of the primary key, by itself or by a revoker that it appointed and a keyring holds.
    fn revocation(self, certificate: &Certificate) -> Option<&Signature> {
        let primary = &certificate.primary;
        let all = || self.keyrings.iter().flat_map(|ring| &ring.certificates);
        let revokers: Vec<&PublicKey> = of_type(&certificate.signatures, SignatureType::Key)
            .filter(|signature| signature.verify_key(primary).is_ok())
            .flat_map(revokers)
            .filter_map(|revoker| all().find(|other| other.fingerprint == revoker))
            .map(|revoker| &revoker.primary)
            .chain([primary])
            .collect();
        of_type(&certificate.signatures, SignatureType::KeyRevocation).find(|signature| {
            let verifies = |revoker| signature.verify_key_third_party(primary, revoker).is_ok();
            revokers.iter().copied().any(verifies)
        })
    }

    /// The user IDs that hold, each with its newest self-signature, newest first.
    fn users(self, certificate: &Certificate) -> Vec<(&UserId, &Signature)> {
        let mut valid = Vec::new();
        for user in &certificate.users {
            let all = certificate.users.iter();
            let copies = all.filter(|copy| copy.id.id() == user.id.id());
            let newest = self.newest(
                copies.flat_map(|copy| &copy.signatures),
                Origin::Keyring,
                |signature| {
                    let primary = &certificate.primary;
                    signature
                        .verify_certification(primary, Tag::UserId, &user.id)
                        .is_ok()
                },
            );
            let holds = newest.filter(|signature| !is_user_revocation(signature));
            valid.extend(holds.map(|signature| (&user.id, signature)));
        }
        valid.sort_by_key(|(_, signature)| Reverse(signature.created()));
        valid
    }

    /// The newest signature that counts and verifies, unless that one has expired.
    fn newest<'s>(
        self,
        signatures: impl Iterator<Item = &'s Signature>,
        origin: Origin,
        verifies: impl Fn(&Signature) -> bool,
    ) -> Option<&'s Signature> {
        let mut counted: Vec<_> = signatures
            .filter(|signature| counts(signature, origin) || is_user_revocation(signature))
            .filter(|signature| {
                created(signature).is_some_and(|at| at <= self.now.saturating_add(SKEW_SECONDS))
            })
            .collect();
        counted
            .sort_by_key(|signature| Reverse((signature.created(), is_user_revocation(signature))));
        let newest = counted.into_iter().find(|signature| verifies(signature))?;
        signature_end(newest)
            .is_none_or(|end| end > self.now)
            .then_some(newest)
    }
}
