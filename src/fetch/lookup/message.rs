//! DNS messages (RFC 1035, 4): one question, and the addresses in its answer.
//!
//! Messages are hostile until shown otherwise: every access is checked, pointers only lead backwards, chains of aliases
//! and numbers of addresses are bounded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const MAX_NAME_BYTES: usize = 255;
const MAX_LABEL_BYTES: usize = 63;
const MAX_ALIASES: usize = 16;
const MAX_ADDRESSES: usize = 16;
const CLASS_IN: u16 = 1;
const TYPE_CNAME: u16 = 5;

/// Codes a server ends its answer with (RFC 1035, 4.1.1).
pub(super) const CODE_OK: u8 = 0;
pub(super) const CODE_UNKNOWN_NAME: u8 = 3;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    A = 1,
    Aaaa = 28,
}

/// A question as it is sent.
#[derive(Debug)]
pub(super) struct Question {
    id: u16,
    /// Length-prefixed labels in lower case, the empty one at the end.
    name: Vec<u8>,
    kind: Kind,
}

/// What a server says to a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u8,
    /// There is more than fits a datagram.
    pub(super) truncated: bool,
    pub(super) addresses: Vec<IpAddr>,
}

impl Question {
    /// None if the name cannot be one in DNS. An `id` should be hard to guess.
    pub(super) fn new(id: u16, name: &str, kind: Kind) -> Option<Self> {
        let mut encoded = Vec::with_capacity(name.len() + 2);
        for label in name.split('.') {
            let fits = (1..=MAX_LABEL_BYTES).contains(&label.len());
            encoded.push(u8::try_from(label.len()).ok().filter(|_| fits)?);
            encoded.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
        }
        encoded.push(0);
        (encoded.len() <= MAX_NAME_BYTES).then_some(Self {
            id,
            name: encoded,
            kind,
        })
    }

    /// The message to send: recursion desired, one question.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = self.id.to_be_bytes().to_vec();
        message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        message.extend(&self.name);
        message.extend((self.kind as u16).to_be_bytes());
        message.extend(CLASS_IN.to_be_bytes());
        message
    }

    /// The answer, if this message is one to this question and well-formed.
    pub(super) fn answer_in(&self, message: &[u8]) -> Option<Answer> {
        let mut cursor = Cursor { message, at: 0 };
        let (id, flags) = (cursor.number()?, cursor.number()?);
        let (questions, records) = (cursor.number()?, cursor.number()?);
        cursor.bytes(4)?;
        if id != self.id || flags & 0x8000 == 0 || questions != 1 {
            return None;
        }
        let (name, kind, class) = (cursor.name()?, cursor.number()?, cursor.number()?);
        if name != self.name || kind != self.kind as u16 || class != CLASS_IN {
            return None;
        }
        let truncated = flags & 0x0200 != 0;
        let addresses = if truncated {
            Vec::new()
        } else {
            self.addresses(cursor.records(records)?)
        };
        Some(Answer {
            code: (flags & 0x000f) as u8,
            truncated,
            addresses,
        })
    }

    /// The addresses of the name, or of what it is an alias of.
    fn addresses(&self, records: Vec<Record<'_>>) -> Vec<IpAddr> {
        let mut owner = &self.name;
        for _ in 0..MAX_ALIASES {
            let alias = records
                .iter()
                .find(|record| record.kind == TYPE_CNAME && record.owner == *owner);
            match alias.and_then(|record| record.target.as_ref()) {
                Some(target) => owner = target,
                None => break,
            }
        }
        records
            .iter()
            .filter(|record| record.kind == self.kind as u16 && record.owner == *owner)
            .filter_map(|record| address(record.data))
            .take(MAX_ADDRESSES)
            .collect()
    }
}

fn address(data: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(data) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(data)
        .ok()
        .map(|octets| Ipv6Addr::from(octets).into())
}

struct Record<'a> {
    owner: Vec<u8>,
    kind: u16,
    data: &'a [u8],
    /// What an alias stands for.
    target: Option<Vec<u8>>,
}

struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let bytes = self.message.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.bytes(2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    }

    /// A name in the form of [`Question::name`], decompressed (RFC 1035, 4.1.4).
    fn name(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        let mut end = None;
        let mut piece = self.at;
        // Labels and pointers together; no honest name has as many.
        for _ in 0..MAX_NAME_BYTES {
            let length = *self.bytes(1)?.first()?;
            if length & 0xc0 == 0xc0 {
                let low = *self.bytes(1)?.first()?;
                end.get_or_insert(self.at);
                let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                if target >= piece {
                    return None;
                }
                (piece, self.at) = (target, target);
                continue;
            }
            if usize::from(length) > MAX_LABEL_BYTES {
                return None;
            }
            name.push(length);
            name.extend(self.bytes(length.into())?.to_ascii_lowercase());
            if name.len() > MAX_NAME_BYTES {
                return None;
            }
            if length == 0 {
                self.at = end.unwrap_or(self.at);
                return Some(name);
            }
        }
        None
    }

    fn records(&mut self, count: u16) -> Option<Vec<Record<'a>>> {
        let mut records = Vec::new();
        for _ in 0..count {
            let owner = self.name()?;
            let (kind, class) = (self.number()?, self.number()?);
            self.bytes(4)?;
            let length = self.number()?;
            let mut inside = Cursor { ..*self };
            let data = self.bytes(length.into())?;
            let target = if kind == TYPE_CNAME {
                inside.name()
            } else {
                None
            };
            if class == CLASS_IN {
                records.push(Record {
                    owner,
                    kind,
                    data,
                    target,
                });
            }
        }
        Some(records)
    }
}

#[cfg(test)]
mod tests;
