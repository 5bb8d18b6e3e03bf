//! What no program writes by itself: packets of the fixtures taken apart and put together anew.

use super::super::packets::{PUBLIC_KEY, PUBLIC_SUBKEY, Packets, SECRET_KEY, SIGNATURE, USER_ID};
use super::{Error, Keyring, NOW, Refusal, Signer, at, check, fixture, keyrings, refusal, verify};

/// The packets of a fixture, by type ID and body.
fn packets(name: &str) -> Vec<(u8, Vec<u8>)> {
    Packets(&fixture(name))
        .map(|packet| packet.unwrap())
        .map(|packet| (packet.id, packet.body.to_vec()))
        .collect()
}

fn frame(packets: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let framed = packets.iter().flat_map(|(id, body)| {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[0xC0 | id, 255][..], &length, body].concat()
    });
    framed.collect()
}

fn check_bytes(ring: &[u8], signature: &[u8]) -> Result<Signer, Error> {
    let rings = [Keyring::parse("crafted", ring).unwrap()];
    verify(&rings, &fixture("message"), signature, at(NOW))
}

/// Where `pattern` begins; it must be there.
fn position(bytes: &[u8], pattern: &[u8]) -> usize {
    let mut windows = bytes.windows(pattern.len());
    windows.position(|window| window == pattern).unwrap()
}

#[test]
fn a_subkey_that_did_not_sign_back_is_refused() {
    // A signature of type 0x19 inside one of version 4, after the type of the subpacket that holds it.
    let ring = fixture("subkey.pgp");
    let back = position(&ring, &[0x20, 4, 0x19]);
    let mut absent = ring.clone();
    absent[back] = 100;
    let mut forged = ring.clone();
    let length = usize::from(ring[back - 1]);
    forged[back + length - 1] ^= 1;
    for ring in [absent, forged] {
        let refused = refusal(check_bytes(&ring, &fixture("subkey.sig")));
        assert!(matches!(refused, Refusal::NoBackSignature(_)), "{refused}");
    }
}

#[test]
fn a_subkey_without_a_valid_binding_is_refused() {
    let whole = packets("subkey.pgp");
    let without = &whole[..whole.len() - 1];
    let mut forged = whole.clone();
    *forged.last_mut().unwrap().1.last_mut().unwrap() ^= 1;
    for ring in [without, &forged] {
        let refused = refusal(check_bytes(&frame(ring), &fixture("subkey.sig")));
        assert!(matches!(refused, Refusal::SubkeyUnbound(_)), "{refused}");
    }
}

#[test]
fn a_key_without_a_valid_self_signature_is_refused() {
    let whole = packets("ed25519.pgp");
    let mut forged = whole.clone();
    forged[1].1[0] ^= 1;
    let bare = &whole[..1];
    for ring in [bare, &whole[..2], &forged] {
        let refused = refusal(check_bytes(&frame(ring), &fixture("ed25519.sig")));
        assert_eq!(refused, Refusal::NoSelfSignature);
    }
}

#[test]
fn a_stranger_cannot_pose_as_a_subkey_of_a_known_key() {
    let stranger = packets("stranger.pgp").remove(0).1;
    let known = packets("rotated.pgp");
    let (mut alone, mut bound) = (vec![known[0].clone()], known.clone());
    alone.push((PUBLIC_SUBKEY, stranger.clone()));
    // The last binding is genuine, but of another subkey.
    let last = bound.len() - 2;
    bound[last] = (PUBLIC_SUBKEY, stranger);
    for sent in [alone, bound] {
        let file = [fixture("stranger.sig"), frame(&sent)].concat();
        let answer = check_bytes(&fixture("rotating.pgp"), &file);
        assert!(matches!(refusal(answer), Refusal::SubkeyUnbound(_)));
    }
}

#[test]
fn what_is_not_understood_is_stepped_over_without_losing_or_mixing_up_the_rest() {
    let mut ring = packets("unflagged.pgp");
    // A secret key, a key of version 5, then packets no one knows: what follows each is not the last key's.
    let (id, user) = (ring[1].clone(), packets("ed25519.pgp"));
    ring.extend([(SECRET_KEY, vec![4; 9]), id.clone()]);
    ring.extend([(PUBLIC_KEY, vec![5; 9]), id, user[2].clone()]);
    ring.extend([(63, vec![1, 2]), (17, vec![]), (PUBLIC_SUBKEY, vec![5; 9])]);
    ring.extend(packets("subkey.pgp"));
    ring.extend([(40, vec![0])]);
    let ring = frame(&ring);
    check_bytes(&ring, &fixture("subkey.sig")).unwrap();
    let refused = refusal(check_bytes(&ring, &fixture("unflagged.sig")));
    assert_eq!(refused, Refusal::NotForSigning);
}

#[test]
fn signatures_of_version_3_are_refused_by_name() {
    let signer = check(["rsa.pgp"], "rsa.sig", NOW).unwrap();
    let key = signer.key.primary.to_string();
    let id = u64::from_str_radix(&key[24..], 16).unwrap().to_be_bytes();
    let made = [0x69, 0x61, 0x96, 0x80];
    let numbers = [1, 8, 0, 0, 0, 1, 1];
    let body = [&[3, 5, 0][..], &made, &id, &numbers].concat();
    let answer = check_bytes(&fixture("rsa.pgp"), &frame(&[(SIGNATURE, body)]));
    assert_eq!(refusal(answer), Refusal::Version(3));
}

#[test]
fn signatures_over_keys_are_no_signatures_over_files() {
    let certification = packets("ed25519.pgp").remove(2);
    let answer = check_bytes(&fixture("ed25519.pgp"), &frame(&[certification]));
    assert_eq!(refusal(answer), Refusal::Type(0x13));
}

#[test]
fn an_unknown_subpacket_is_refused_if_critical_and_covered_by_the_signature_otherwise() {
    let mut file = fixture("ed25519.sig");
    let user_id = b"ed25519@example.org";
    let at = position(&file, user_id) - 1;
    file[at] = 0x80 | 99;
    let answer = check_bytes(&fixture("ed25519.pgp"), &file);
    assert_eq!(refusal(answer), Refusal::Critical);
    file[at] = 99;
    let answer = check_bytes(&fixture("ed25519.pgp"), &file);
    assert_eq!(refusal(answer), Refusal::Mismatch);
}

#[test]
fn only_so_many_signatures_and_keys_of_a_file_are_looked_at() {
    let file = [fixture("stranger.sig").repeat(16), fixture("ed25519.sig")].concat();
    let answer = check_bytes(&fixture("ed25519.pgp"), &file);
    assert!(matches!(answer, Err(Error::UnknownKey { .. })));

    let mut file = [fixture("rotated-bare.sig"), fixture("rotated.pgp")].concat();
    check_bytes(&fixture("rotating.pgp"), &file).unwrap();
    file.extend(frame(&[(USER_ID, vec![b'a'])]).repeat(256));
    let answer = check_bytes(&fixture("rotating.pgp"), &file);
    assert!(matches!(answer, Err(Error::UnknownKey { .. })));
}

#[test]
fn a_signature_that_names_no_key_is_nobodys() {
    // Both hints renamed to subpackets without meaning here: the fingerprint is hashed, the key ID is not.
    let mut file = fixture("ed25519.sig");
    let fingerprint = position(&file, &[22, 33, 4]);
    file[fingerprint + 1] = 100;
    let id = position(&file, &[0, 10, 9, 16]) + 3;
    file[id] = 100;
    let rings = keyrings(["ed25519.pgp"]);
    let answer = verify(&rings, &fixture("message"), &file, at(NOW));
    assert_eq!(
        answer.unwrap_err().to_string(),
        "no key `(not named)` in the keyrings (ed25519.pgp): if you trust its owner, add it to one of them"
    );
    // With the key ID alone the key is found, and the signature is known to be altered.
    file[id] = 16;
    let answer = verify(&rings, &fixture("message"), &file, at(NOW));
    assert_eq!(refusal(answer), Refusal::Mismatch);
}
