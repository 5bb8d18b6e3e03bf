//! Certificates: a primary key and everything packed behind it, as it was found. Nothing is believed here.

use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType, UserId};
use pgp::types::KeyDetails;

use super::Malformed;
use super::packets::{self, Content, Packets, RawPacket};
use crate::terms::Fingerprint;

/// A transferable public key (RFC 9580, 10.1). Copies of one subkey or user ID may stand in it several times.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) primary: PublicKey,
    pub(super) fingerprint: Fingerprint,
    /// Signatures over the primary key alone: direct-key signatures and revocations.
    pub(super) signatures: Vec<Signature>,
    pub(super) users: Vec<User>,
    pub(super) subkeys: Vec<Subkey>,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) id: UserId,
    pub(super) signatures: Vec<Signature>,
}

#[derive(Clone)]
pub(super) struct Subkey {
    pub(super) key: PublicSubkey,
    pub(super) fingerprint: Fingerprint,
    pub(super) signatures: Vec<Signature>,
    pub(super) origin: Origin,
}

/// Where a self-signature came from, and with it how strong it must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A keyring, which the administrator placed.
    Keyring,
    /// The signature's own file, which anyone could have written.
    Download,
}

/// What the next signature packet is about.
#[derive(Clone, Copy)]
enum Subject {
    Primary,
    User,
    Subkey,
    /// Something not understood: signatures over it are of no use.
    Nothing,
}

/// All certificates in `packets`. Keys, user IDs and signatures that are not understood are stepped over.
pub(super) fn certificates(packets: &[u8], origin: Origin) -> Result<Vec<Certificate>, Malformed> {
    let mut found = Vec::new();
    let mut current: Option<Certificate> = None;
    let mut subject = Subject::Nothing;
    for packet in Packets(packets) {
        let packet = packet?;
        match (packet.id, &mut current) {
            (packets::PUBLIC_KEY | packets::SECRET_KEY, _) => {
                found.extend(current.take());
                current = match packet.parse() {
                    Some(Content::Key(primary)) => Some(Certificate::new(primary)),
                    _ => None,
                };
                subject = Subject::Primary;
            }
            (packets::TRUST | packets::MARKER | packets::PADDING, _) | (_, None) => {}
            (_, Some(certificate)) => subject = certificate.add(packet, subject, origin),
        }
    }
    found.extend(current);
    Ok(found)
}

impl Certificate {
    fn new(primary: PublicKey) -> Self {
        Self {
            fingerprint: fingerprint(&primary),
            primary,
            signatures: Vec::new(),
            users: Vec::new(),
            subkeys: Vec::new(),
        }
    }

    /// Adds a packet; returns what signatures that follow it are about.
    fn add(&mut self, packet: RawPacket<'_>, subject: Subject, origin: Origin) -> Subject {
        match packet.parse() {
            Some(Content::User(id)) => {
                let signatures = Vec::new();
                self.users.push(User { id, signatures });
                Subject::User
            }
            Some(Content::Subkey(key)) => {
                self.subkeys.push(Subkey {
                    fingerprint: fingerprint(&key),
                    key,
                    signatures: Vec::new(),
                    origin,
                });
                Subject::Subkey
            }
            Some(Content::Signature(signature)) => {
                let signatures = match subject {
                    Subject::Primary => Some(&mut self.signatures),
                    Subject::User => self.users.last_mut().map(|user| &mut user.signatures),
                    Subject::Subkey => self.subkeys.last_mut().map(|key| &mut key.signatures),
                    Subject::Nothing => None,
                };
                if let Some(signatures) = signatures {
                    signatures.push(signature);
                }
                subject
            }
            _ if packet.id == packets::SIGNATURE => subject,
            _ => Subject::Nothing,
        }
    }

    /// Adds what another keyring says about the same primary key.
    pub(super) fn merge(&mut self, other: Self) {
        self.signatures.extend(other.signatures);
        self.users.extend(other.users);
        self.subkeys.extend(other.subkeys);
    }

    /// Adds what came with a signature: subkeys, and revocations, never a word about the primary key's validity.
    pub(super) fn merge_download(&mut self, other: Self) {
        let revocations = other
            .signatures
            .into_iter()
            .filter(|signature| signature.typ() == Some(SignatureType::KeyRevocation));
        self.signatures.extend(revocations);
        self.subkeys.extend(other.subkeys);
    }
}

fn fingerprint(key: &impl KeyDetails) -> Fingerprint {
    Fingerprint::from_bytes(key.fingerprint().as_bytes())
}
