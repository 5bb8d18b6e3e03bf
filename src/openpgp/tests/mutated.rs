//! Fixtures with random damage: nothing panics, and nothing is accepted that was not signed.

use super::super::is_trusted;
use super::{Keyring, NOW, Signer, at, fixture, verify};
use crate::terms::SigningKey;

/// Keyrings with a signature each, and whether it is good.
const CASES: [(&str, &str, bool); 21] = [
    ("rsa.pgp", "rsa.sig", true),
    ("rsa.pgp", "rsa.asc", true),
    ("rsa.pgp", "sha1.sig", false),
    ("ed25519.pgp", "ed25519.sig", true),
    ("ed25519.pgp", "critical.sig", false),
    ("ed25519.pgp", "clear.asc", false),
    ("ed25519.pgp", "expiring.sig", false),
    ("ed25519.pgp", "two.sig", true),
    ("p256.pgp", "p256.sig", true),
    ("p384.pgp", "p384.sig", true),
    ("p521.pgp", "p521.sig", true),
    ("v6.pgp", "v6.sig", true),
    ("subkey.pgp", "subkey.sig", true),
    ("ring.asc", "subkey.sig", true),
    ("trust.pgp", "rsa.sig", true),
    ("dsa.pgp", "dsa.sig", false),
    ("retired.pgp", "retired.sig", false),
    ("delegated.pgp", "delegated.sig", true),
    ("rotating.pgp", "rotated.sig", true),
    ("sha1sub.pgp", "sha1sub.sig", false),
    ("rsa.pgp", "stranger-block.sig", false),
];

/// Xorshift: the same damage at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = (self.below(bytes.len()), self.below(bytes.len()));
        match self.below(6) {
            0 => bytes.truncate(from),
            1 => bytes.insert(from, self.below(256).try_into().unwrap()),
            2 => drop(bytes.drain(from.min(to)..from.max(to))),
            3 => bytes.extend_from_within(from..),
            4 => bytes[from] ^= 1 << self.below(8),
            _ => bytes[from] = self.below(256).try_into().unwrap(),
        }
    }
}

fn answer(ring: &[u8], message: &[u8], signature: &[u8]) -> Option<Signer> {
    let rings = [Keyring::parse("r", ring).ok()?];
    for certificate in &rings[0].certificates {
        let primary = &certificate.fingerprint;
        let subkeys = certificate.subkeys.iter().map(|subkey| &subkey.fingerprint);
        for signing in subkeys.chain([primary]) {
            let key = SigningKey {
                primary: primary.clone(),
                signing: signing.clone(),
            };
            let _ = is_trusted(&rings, &key, at(NOW));
        }
    }
    verify(&rings, message, signature, at(NOW)).ok()
}

#[test]
fn damaged_signatures_and_keyrings_neither_panic_nor_pass_for_others() {
    let message = fixture("message");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (ring, signature, good) in CASES {
        let (ring, signature) = (fixture(ring), fixture(signature));
        let truth = answer(&ring, &message, &signature);
        assert_eq!(truth.is_some(), good);
        for _ in 0..60 {
            let (mut other_ring, mut other_signature) = (ring.clone(), signature.clone());
            random.damage(&mut other_signature);
            // Damage may fall where nothing is signed; it never makes another signer, nor good what was not.
            if let Some(signer) = answer(&ring, &message, &other_signature) {
                let truth = truth.as_ref().unwrap();
                assert_eq!(
                    (&signer.key.primary, signer.created),
                    (&truth.key.primary, truth.created),
                    "{other_signature:x?}"
                );
            }
            // A damaged keyring may lose a revocation, never gain a key that signed.
            random.damage(&mut other_ring);
            if let (Some(signer), Some(truth)) = (answer(&other_ring, &message, &signature), &truth)
            {
                assert_eq!(signer.key, truth.key);
            }
            let mut other = message.clone();
            random.damage(&mut other);
            assert!(other == message || answer(&ring, &other, &signature).is_none());
        }
    }
}
