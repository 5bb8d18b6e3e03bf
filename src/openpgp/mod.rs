//! OpenPGP (RFC 9580), just enough to check one detached signature over a small message in memory, and the policy.
//!
//! rPGP reads packets and does the arithmetic; it has no policy. The policy is here, and this is all of it:
//!
//! | what | accepted | refused |
//! |---|---|---|
//! | data signatures | versions 4 and 6, type 0x00 (binary) | version 3, text and every other type |
//! | their digest | SHA-224, SHA-256, SHA-384, SHA-512 | MD5, SHA-1, RIPEMD-160, anything else |
//! | keys of versions 4 and 6 | RSA of 2048 bits and more, Ed25519, ECDSA on P-256, P-384, P-521 | shorter RSA, all else |
//! | time | made after the key was, at most a day ahead of the clock, not expired | anything else |
//! | critical subpackets | those understood here | the others, every critical notation among them |
//! | primary key | one valid self-signature, over the key or a user ID | none, revoked in any keyring, expired |
//! | signing key | flagged for signing; a primary key without any flags | other flags; a subkey without flags |
//! | signing subkey | bound by the primary key, and signed that back | unbound, no back-signature, revoked, expired |
//! | self-signatures | digests as above, and SHA-1 inside a keyring | MD5, RIPEMD-160; SHA-1 in what was downloaded |
//! | revocations | any digest, reason and date, by the primary key, or of it by a revoker it appointed | forged ones |
//! | keys sent along | subkeys of a primary key that is in a keyring | everything else; a subkey the keyring knows |
//!
//! SHA-1 self-signatures count inside keyrings because the administrator placed those, and keys in use still have them.
//! A revocation for a mere change of keys refuses like one for a compromise: whoever revokes wants no more trust.
//! Where several self-signatures disagree the newest holds, and those over the key itself come before user IDs.
//!
//! Deliberately absent: secret keys, encryption, the web of trust, key servers, keyboxes, text signatures.

mod armor;
mod certificate;
mod claims;
mod error;
mod keyring;
mod packets;
mod policy;
mod signature;
mod standing;
mod verify;

#[cfg(test)]
mod tests;

pub use error::{Error, Malformed, Refusal};
pub use keyring::Keyring;
pub use verify::{Signer, is_trusted, verify};
