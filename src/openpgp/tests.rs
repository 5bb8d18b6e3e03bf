//! The policy, row by row, on what GnuPG writes. `tests/fixtures/make-openpgp.sh` tells what each file is.

use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Error, Keyring, Malformed, Refusal, Signer, is_trusted, verify};
use crate::terms::{Fingerprint, SigningKey};

mod crafted;
mod mutated;

const DAY: u64 = 86_400;

/// 2026-06-01; the keys are of 2026-01-01, their signatures of 2026-01-10 unless the fixture is about time.
const NOW: u64 = 1_780_272_000;
const SIGNED: u64 = 1_768_003_200;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/tests/fixtures/openpgp/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn keyrings<const N: usize>(names: [&str; N]) -> Vec<Keyring> {
    names
        .iter()
        .map(|name| Keyring::parse(name, &fixture(name)).unwrap())
        .collect()
}

fn check<const N: usize>(names: [&str; N], signature: &str, now: u64) -> Result<Signer, Error> {
    let (message, signature) = (fixture("message"), fixture(signature));
    verify(&keyrings(names), &message, &signature, at(now))
}

#[track_caller]
fn refusal(answer: Result<impl Debug, Error>) -> Refusal {
    match answer {
        Err(Error::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// What the message says, from the reason on.
#[track_caller]
fn reason<const N: usize>(names: [&str; N], signature: &str, now: u64) -> String {
    refusal(check(names, signature, now)).to_string()
}

#[test]
fn signatures_of_every_accepted_algorithm_hold() {
    for name in ["rsa", "ed25519", "p256", "p384", "p521", "v6"] {
        let ring = format!("{name}.pgp");
        let signer = check([&ring], &format!("{name}.sig"), NOW).unwrap();
        assert_eq!(signer.key.signing, signer.key.primary);
        is_trusted(&keyrings([&ring]), &signer.key, at(NOW)).unwrap();
        assert_eq!(signer.keyring, ring);
        assert_eq!(signer.created, at(SIGNED));
        let user_id = format!("{name} <{name}@example.org>");
        assert_eq!(signer.user_id, Some(user_id));
    }
    for signature in ["rsa.asc", "sha224.sig", "sha512.sig"] {
        check(["rsa.pgp"], signature, NOW).unwrap();
    }
    check(["ed25519.pgp"], "tool.sig", NOW).unwrap();
}

#[test]
fn a_subkey_signs_in_the_name_of_its_primary_key() {
    let signer = check(["subkey.pgp"], "subkey.sig", NOW).unwrap();
    let SigningKey { primary, signing } = signer.key;
    assert_ne!(primary, signing);
    let trusted = |primary: &Fingerprint, signing: &Fingerprint| {
        let key = SigningKey {
            primary: primary.clone(),
            signing: signing.clone(),
        };
        is_trusted(&keyrings(["subkey.pgp"]), &key, at(NOW))
    };
    trusted(&primary, &signing).unwrap();
    let error = trusted(&signing, &signing);
    assert!(matches!(error, Err(Error::UnknownKey { .. })));
    assert_eq!(refusal(trusted(&primary, &primary)), Refusal::NotForSigning);
}

#[test]
fn keyrings_are_read_binary_armored_in_blocks_and_with_trust_packets() {
    for ring in ["ring.pgp", "ring.asc", "blocks.asc", "trust.pgp"] {
        for signature in ["rsa.sig", "ed25519.sig", "subkey.sig"] {
            check([ring], signature, NOW).unwrap();
        }
    }
}

#[test]
fn keyrings_that_are_none_are_named_with_what_to_do() {
    let message = |bytes: &[u8]| Keyring::parse("r", bytes).err().unwrap().to_string();
    let whole = fixture("rsa.pgp");
    let mut keybox = b"\0\0\0\x20\x01\x01\0\x02KBXf".to_vec();
    keybox.resize(32, 0);
    for (bytes, wanted) in [
        (&b""[..], "no public key that is understood; write some"),
        (b"hello", "no public key that is understood"),
        (&fixture("rsa.sig"), "no public key that is understood"),
        (&keybox, "it is a keybox, which only GnuPG reads"),
        (&whole[..whole.len() - 1], "damaged or cut short"),
        (
            &vec![0; Keyring::LIMIT_BYTES + 1],
            "larger than the limit of 8M",
        ),
    ] {
        let message = message(bytes);
        assert!(message.starts_with("failed to read keyring `r`: "));
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn the_first_keyring_that_holds_the_key_is_named() {
    let rings = ["ed25519.pgp", "ring.pgp", "rsa.pgp"];
    assert_eq!(check(rings, "rsa.sig", NOW).unwrap().keyring, "ring.pgp");
}

#[test]
fn a_key_in_no_keyring_is_unknown_whatever_it_sends_along() {
    for signature in ["stranger.sig", "stranger-block.sig"] {
        let error = check(["rsa.pgp", "ed25519.pgp"], signature, NOW).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("no key `"), "{message}");
        assert!(message.contains("(rsa.pgp, ed25519.pgp)"), "{message}");
        check(["stranger.pgp"], signature, NOW).unwrap();
    }
    assert!(matches!(
        check([], "rsa.sig", NOW),
        Err(Error::UnknownKey { .. })
    ));
}

#[test]
fn one_good_signature_of_several_suffices_and_a_known_key_gives_the_reason() {
    check(["ed25519.pgp"], "two.sig", NOW).unwrap();
    check(["stranger.pgp"], "two.sig", NOW).unwrap();
    let both = [fixture("stranger.sig"), fixture("expired.sig")].concat();
    let answer = verify(
        &keyrings(["expired.pgp"]),
        &fixture("message"),
        &both,
        at(NOW),
    );
    assert!(matches!(refusal(answer), Refusal::KeyExpired(_)));
}

#[test]
fn files_that_hold_no_signature_are_told_apart() {
    let message = |bytes: &[u8]| {
        let answer = verify(&keyrings(["rsa.pgp"]), b"", bytes, at(NOW));
        answer.unwrap_err().to_string()
    };
    assert!(message(b"").ends_with("the file holds none"));
    assert!(message(b"404 not found").ends_with("the file holds none"));
    assert!(message(&[0x88, 9, 4]).ends_with("its packets are damaged or cut short"));
    assert!(message(&[0x88, 2, 5, 0]).contains("a version or kind that is not understood"));
    assert!(message(&vec![0; (1 << 20) + 1]).ends_with("larger than the limit of 1M"));
    let armored = fixture("rsa.asc");
    let cut = &armored[..armored.len() - 40];
    let rings = keyrings(["rsa.pgp"]);
    assert!(matches!(
        verify(&rings, b"", cut, at(NOW)),
        Err(Error::MalformedSignature(Malformed::Armor))
    ));
}

#[test]
fn another_message_or_another_signature_does_not_match() {
    let rings = keyrings(["ring.pgp"]);
    let mut message = fixture("message");
    message[0] ^= 1;
    for signature in ["rsa.sig", "ed25519.sig", "subkey.sig", "p256.sig"] {
        let answer = verify(&rings, &message, &fixture(signature), at(NOW));
        assert_eq!(refusal(answer), Refusal::Mismatch);
    }
}

#[test]
fn the_error_names_key_keyring_and_reason() {
    let key = check(["retired-before.pgp"], "retired.sig", NOW)
        .unwrap()
        .key
        .primary;
    let error = check(["retired.pgp"], "retired.sig", NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "failed to verify with key {key} of keyring `retired.pgp`: the key was revoked (it is no longer used)"
        )
    );
}

#[test]
fn weak_digests_are_refused_by_name() {
    for (signature, name) in [
        ("sha1.sig", "SHA1"),
        ("md5.sig", "MD5"),
        ("ripemd160.sig", "RIPEMD160"),
    ] {
        let reason = reason(["rsa.pgp"], signature, NOW);
        assert!(
            reason.starts_with(&format!("the signature uses {name}, which is too weak")),
            "{reason}"
        );
    }
}

#[test]
fn self_signatures_with_sha1_hold_in_a_keyring_and_nowhere_else() {
    check(["sha1self.pgp"], "sha1self.sig", NOW).unwrap();
    check(["sha1sub-bound.pgp"], "sha1sub.sig", NOW).unwrap();
    let refused = refusal(check(["sha1sub.pgp"], "sha1sub.sig", NOW));
    assert!(matches!(refused, Refusal::SubkeyUnbound(_)), "{refused}");
}

#[test]
fn weak_and_foreign_keys_are_refused_by_name() {
    for (name, wanted) in [
        ("weak", "the key is an RSA key of 1024 bits: at least 2048"),
        ("dsa", "keys of algorithm DSA are not accepted"),
        ("brainpool", "keys of algorithm ECDSA over"),
    ] {
        let reason = reason([&format!("{name}.pgp")], &format!("{name}.sig"), NOW);
        assert!(reason.starts_with(wanted), "{reason}");
    }
}

#[test]
fn only_signatures_over_binary_files_are_accepted() {
    for signature in ["text.sig", "clear.asc"] {
        let reason = reason(["ed25519.pgp"], signature, NOW);
        assert!(reason.starts_with("the signature is of type 0x01"));
    }
}

#[test]
fn what_demands_to_be_understood_and_is_not_is_refused() {
    let refused = refusal(check(["ed25519.pgp"], "critical.sig", NOW));
    assert_eq!(refused, Refusal::Critical);
}

#[test]
fn signatures_expire_at_the_second_they_say() {
    check(["ed25519.pgp"], "expiring.sig", SIGNED + 10 * DAY - 1).unwrap();
    assert_eq!(
        reason(["ed25519.pgp"], "expiring.sig", SIGNED + 10 * DAY),
        "the signature expired on 2026-01-20"
    );
}

#[test]
fn signatures_from_the_future_or_before_their_key_are_refused() {
    assert_eq!(
        reason(["ed25519.pgp"], "future.sig", NOW),
        "the signature was made on 2027-01-01, which is yet to come: check this machine's clock"
    );
    check(["ed25519.pgp"], "ed25519.sig", SIGNED - DAY).unwrap();
    let refused = refusal(check(["ed25519.pgp"], "ed25519.sig", SIGNED - DAY - 1));
    assert!(matches!(refused, Refusal::FromFuture(_)));
    refusal(check(["ed25519.pgp"], "ed25519.sig", 0));
    assert_eq!(
        reason(["ed25519.pgp"], "early.sig", NOW),
        "the signature was made on 2025-12-31, before its key"
    );
}

#[test]
fn keys_and_subkeys_expire_at_the_second_they_say() {
    let made = SIGNED - 9 * DAY;
    check(["expired.pgp"], "expired.sig", made + 30 * DAY - 1).unwrap();
    let reason = reason(["expired.pgp"], "expired.sig", made + 30 * DAY);
    assert!(reason.starts_with("the key expired on 2026-01-31"));

    let made = made + DAY;
    let name = ["expiredsub.pgp"];
    let signer = check(name, "expiredsub.sig", made + 30 * DAY - 1).unwrap();
    let refused = refusal(check(name, "expiredsub.sig", made + 30 * DAY));
    assert_eq!(
        refused.to_string(),
        format!(
            "its subkey {} expired on 2026-02-01: look for a newer copy of the key",
            signer.key.signing
        )
    );
    is_trusted(&keyrings(name), &signer.key, at(made + 30 * DAY - 1)).unwrap();
    let trust = is_trusted(&keyrings(name), &signer.key, at(made + 30 * DAY));
    assert_eq!(refusal(trust), refused);
}

#[test]
fn a_revocation_refuses_whatever_its_reason_and_in_whichever_keyring() {
    for (name, wanted) in [
        ("compromised", "its secret may be known to others"),
        ("retired", "it is no longer used"),
    ] {
        let (before, after) = (format!("{name}-before.pgp"), format!("{name}.pgp"));
        let signature = format!("{name}.sig");
        let key = check([&before], &signature, NOW).unwrap().key;
        let wanted = format!("the key was revoked ({wanted})");
        for rings in [&[&after][..], &[&before, &after], &[&after, &before]] {
            let rings: Vec<_> = rings
                .iter()
                .map(|name| Keyring::parse(name, &fixture(name)).unwrap())
                .collect();
            let answer = verify(&rings, &fixture("message"), &fixture(&signature), at(NOW));
            assert_eq!(refusal(answer).to_string(), wanted);
            let trust = is_trusted(&rings, &key, at(NOW)).unwrap_err().to_string();
            assert!(trust.ends_with(&wanted), "{trust}");
        }
    }
}

#[test]
fn an_appointed_revoker_revokes_if_a_keyring_holds_it() {
    check(
        ["delegated-before.pgp", "ed25519.pgp"],
        "delegated.sig",
        NOW,
    )
    .unwrap();
    check(["delegated.pgp"], "delegated.sig", NOW).unwrap();
    let refused = refusal(check(
        ["delegated.pgp", "ed25519.pgp"],
        "delegated.sig",
        NOW,
    ));
    assert!(matches!(refused, Refusal::KeyRevoked(_)));
}

#[test]
fn a_revoked_subkey_is_refused() {
    let refused = refusal(check(["revokedsub.pgp"], "revokedsub.sig", NOW));
    assert!(
        refused
            .to_string()
            .ends_with("was revoked (no reason was given)")
    );
    assert!(matches!(refused, Refusal::SubkeyRevoked(..)));
}

#[test]
fn a_revoked_user_id_is_not_the_one_named() {
    let signer = check(["revokeduid.pgp"], "revokeduid.sig", NOW).unwrap();
    assert_eq!(signer.user_id.unwrap(), "other <other@example.org>");
}

#[test]
fn user_ids_are_escaped_for_terminals() {
    let signer = check(["bidi.pgp"], "bidi.sig", NOW).unwrap();
    assert_eq!(signer.user_id.unwrap(), "a\\u{202e}b <bidi@example.org>");
}

#[test]
fn keys_not_meant_for_signing_are_refused() {
    let refused = refusal(check(["unflagged.pgp"], "unflagged.sig", NOW));
    assert_eq!(refused, Refusal::NotForSigning);
    let refused = refusal(check(["unflaggedsub.pgp"], "unflaggedsub.sig", NOW));
    assert!(matches!(refused, Refusal::SubkeyNotForSigning(_)));
}

#[test]
fn a_new_subkey_may_come_with_the_signature_of_a_known_primary_key() {
    let signer = check(["rotating.pgp"], "rotated.sig", NOW).unwrap();
    let known = check(["rotated.pgp"], "rotated-bare.sig", NOW).unwrap();
    assert_eq!(signer.key, known.key);
    // It counts for that signature, and is not in a keyring for it.
    is_trusted(&keyrings(["rotated.pgp"]), &signer.key, at(NOW)).unwrap();
    let trust = is_trusted(&keyrings(["rotating.pgp"]), &signer.key, at(NOW));
    assert!(matches!(trust, Err(Error::UnknownKey { .. })));
    assert!(matches!(
        check(["rotating.pgp"], "rotated-bare.sig", NOW),
        Err(Error::UnknownKey { .. })
    ));
    // The same keys as packets behind the signature.
    let file = [fixture("rotated-bare.sig"), fixture("rotated.pgp")].concat();
    let answer = verify(
        &keyrings(["rotating.pgp"]),
        &fixture("message"),
        &file,
        at(NOW),
    );
    assert_eq!(answer.unwrap().key, known.key);
}

#[test]
fn keys_sent_along_do_not_undo_what_a_keyring_says() {
    // A newer copy without the revocation, a flag taken away, a primary key under another's user ID.
    for (ring, signature, sent) in [
        ("retired.pgp", "retired.sig", "retired-before.pgp"),
        ("revokeduid.pgp", "stranger.sig", "stranger.pgp"),
        ("unflaggedsub.pgp", "unflaggedsub.sig", "unflaggedsub.pgp"),
    ] {
        let file = [fixture(signature), fixture(sent)].concat();
        let answer = verify(&keyrings([ring]), &fixture("message"), &file, at(NOW));
        answer.unwrap_err();
    }
    // What does come through is a revocation.
    let file = [fixture("retired.sig"), fixture("retired.pgp")].concat();
    let rings = keyrings(["retired-before.pgp"]);
    let answer = verify(&rings, &fixture("message"), &file, at(NOW));
    assert!(matches!(refusal(answer), Refusal::KeyRevoked(_)));
}
