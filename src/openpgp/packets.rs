//! The framing of OpenPGP packets (RFC 9580, 4.2), and rPGP's parsers behind it.
//!
//! Framing is ours so that no length is believed beyond the input and unknown packets, GnuPG's trust packets among
//! them, can be stepped over one by one. Partial and indeterminate lengths are refused: only data packets have them.
//!
//! Deliberately absent: rPGP's one parser for all packets. Those of secret keys and data would come along with it.

use pgp::packet::{PacketHeader, PublicKey, PublicSubkey, Signature, UserId};
use pgp::types::Tag;

use super::Malformed;

/// Type IDs of packets (RFC 9580, 5), as far as they are told apart here.
pub(super) const SIGNATURE: u8 = 2;
pub(super) const SECRET_KEY: u8 = 5;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const MARKER: u8 = 10;
pub(super) const TRUST: u8 = 12;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
pub(super) const PADDING: u8 = 21;

/// What a packet holds that is understood here.
pub(super) enum Content {
    Key(PublicKey),
    Subkey(PublicSubkey),
    Signature(Signature),
    User(UserId),
}

/// One packet as it lies in its file.
#[derive(Clone, Copy)]
pub(super) struct RawPacket<'a> {
    pub(super) id: u8,
    pub(super) body: &'a [u8],
}

impl RawPacket<'_> {
    /// The packet's content, if it is of a kind and version that is understood here, and whole.
    pub(super) fn parse(self) -> Option<Content> {
        let version = self.body.first()?;
        // rPGP panics when asked about keys of other versions.
        let understood = match self.id {
            PUBLIC_KEY | PUBLIC_SUBKEY => matches!(version, 4 | 6),
            SIGNATURE => matches!(version, 3 | 4 | 6),
            id => id == USER_ID,
        };
        if !understood {
            return None;
        }
        let length = u32::try_from(self.body.len()).ok()?;
        let header = PacketHeader::new_fixed(Tag::from(self.id), length);
        let mut body = self.body;
        let content = match self.id {
            PUBLIC_KEY => PublicKey::try_from_reader(header, &mut body).map(Content::Key),
            PUBLIC_SUBKEY => PublicSubkey::try_from_reader(header, &mut body).map(Content::Subkey),
            SIGNATURE => Signature::try_from_reader(header, &mut body).map(Content::Signature),
            _ => UserId::try_from_reader(header, &mut body).map(Content::User),
        };
        content.ok().filter(|_| body.is_empty())
    }
}

/// The packets of a file, one after the other; an error is the last item.
pub(super) struct Packets<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Packets<'a> {
    type Item = Result<RawPacket<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = split(self.0);
        self.0 = split.map_or(&[], |(_, rest)| rest);
        Some(split.map(|(packet, _)| packet).ok_or(Malformed::Packets))
    }
}

fn split(bytes: &[u8]) -> Option<(RawPacket<'_>, &[u8])> {
    let (&head, rest) = bytes.split_first()?;
    let (id, width) = match (head & 0xC0, head & 3) {
        (0xC0, _) => match *rest.first()? {
            0..192 => (head & 0x3F, 1),
            192..224 => (head & 0x3F, 2),
            255 => (head & 0x3F, 5),
            _ => return None,
        },
        (0x80, kind @ 0..3) => (head >> 2 & 0x0F, 1 << kind),
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(width)?;
    let number = digits
        .iter()
        .fold(0_u64, |number, digit| number << 8 | u64::from(*digit));
    let length = match (head & 0x40 != 0, width) {
        (true, 2) => number - (192 << 8) + 192,
        (true, 5) => number & 0xFFFF_FFFF,
        _ => number,
    };
    let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((RawPacket { id, body }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_and_lengths(bytes: &[u8]) -> Vec<Option<(u8, usize)>> {
        Packets(bytes)
            .map(|packet| packet.ok().map(|packet| (packet.id, packet.body.len())))
            .collect()
    }

    #[test]
    fn every_fixed_length_of_both_formats_is_read() {
        let mut bytes = vec![0x99, 0x01, 0x02];
        bytes.extend([0; 0x102]);
        bytes.extend([0xB0, 2, 0, 0]);
        bytes.extend([0x8A, 0, 0, 0, 1, 0]);
        bytes.extend([0xCD, 3, 0, 0, 0]);
        bytes.extend([0xC2, 192, 8]);
        bytes.extend([0; 200]);
        bytes.extend([0xFF, 255, 0, 0, 0, 1, 0]);
        assert_eq!(
            ids_and_lengths(&bytes),
            [(6, 0x102), (12, 2), (2, 1), (13, 3), (2, 200), (63, 1)].map(Some)
        );
    }

    #[test]
    fn what_is_cut_short_open_ended_or_no_packet_ends_with_an_error() {
        for bytes in [
            &[0x99, 0, 2, 0][..],
            &[0x99],
            &[0x9B, 0],
            &[0xC2, 224, 0],
            &[0xC2, 255, 255, 255, 255, 255],
            &[0x41, 0],
        ] {
            assert_eq!(ids_and_lengths(bytes), [None], "{bytes:x?}");
        }
    }
}
