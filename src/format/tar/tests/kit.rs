//! Archives by hand, block by block, and archives read as a whole.

use std::io::{self, Read};

use super::super::field::{
    BLOCK, Block, CHECKSUM, Field, GID, LINK, MAGIC, MODE, MTIME, NAME, SIZE, TYPE, UID,
};
use super::super::header::sums;
use super::super::{Entry, Error, Fault, Reader, pax};

pub(super) const GNU: &[u8] = b"ustar  \0";

/// A header block under way.
pub(super) struct Raw(pub(super) Block);

impl Raw {
    /// A ustar header of an empty file's kind.
    pub(super) fn new(name: &[u8], flag: u8) -> Self {
        let mut block = [0; BLOCK];
        for (field, number) in [(MODE, 0o644), (UID, 0), (GID, 0), (SIZE, 0), (MTIME, 0)] {
            assert!(field.put_number(&mut block, number));
        }
        Self(block)
            .with(NAME, name)
            .with(TYPE, &[flag])
            .with(MAGIC, b"ustar\x0000")
    }

    /// With a field that holds this and nothing behind it.
    pub(super) fn with(mut self, field: Field, bytes: &[u8]) -> Self {
        field.put(&mut self.0, &vec![0; field.length()]);
        field.put(&mut self.0, bytes);
        self
    }

    pub(super) fn link(self, target: &[u8]) -> Self {
        self.with(LINK, target)
    }

    /// As it stands, with the checksum that it has then.
    pub(super) fn block(mut self) -> Vec<u8> {
        let (sum, _) = sums(&self.0);
        CHECKSUM.put(&mut self.0, format!("{sum:06o}\0 ").as_bytes());
        self.0.to_vec()
    }

    /// With data behind it, and their size in it.
    pub(super) fn data(mut self, data: &[u8]) -> Vec<u8> {
        assert!(SIZE.put_number(&mut self.0, data.len() as u64));
        [self.block(), padded(data)].concat()
    }
}

pub(super) fn padded(data: &[u8]) -> Vec<u8> {
    let mut padded = data.to_vec();
    padded.resize(data.len().next_multiple_of(BLOCK), 0);
    padded
}

pub(super) fn file(name: &[u8]) -> Vec<u8> {
    Raw::new(name, b'0').data(b"hello")
}

/// An extended header of these records.
pub(super) fn extended(flag: u8, records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (keyword, value) in records {
        pax::push(&mut bytes, keyword.as_bytes(), value);
    }
    Raw::new(b"PaxHeaders/x", flag).data(&bytes)
}

/// GNU tar's long name (`L`) or target (`K`).
pub(super) fn long(flag: u8, name: &[u8]) -> Vec<u8> {
    Raw::new(b"././@LongLink", flag)
        .with(MAGIC, GNU)
        .data(&[name, b"\0"].concat())
}

/// These parts and an end mark.
pub(super) fn archive(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 2 * BLOCK]].concat()
}

/// All members with their stored data.
pub(super) fn read(archive: &[u8]) -> io::Result<Vec<(Entry, Vec<u8>)>> {
    let mut reader = Reader::new(archive);
    let mut members = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut data = Vec::new();
        reader.read_to_end(&mut data)?;
        members.push((entry, data));
    }
    assert!(reader.next_entry()?.is_none());
    Ok(members)
}

/// The only member.
#[track_caller]
pub(super) fn one(parts: &[Vec<u8>]) -> Entry {
    let mut members = read(&archive(parts)).unwrap();
    assert_eq!(members.len(), 1);
    members.remove(0).0
}

/// This room's error as a sentence, which nothing but an error of this room can be.
#[track_caller]
pub(super) fn error(archive: &[u8]) -> String {
    let error = read(archive).unwrap_err();
    assert!(Error::of(&error).is_some(), "{error:?}");
    error.to_string()
}

/// What is wrong with a header, and where that one begins.
#[track_caller]
pub(super) fn fault(parts: &[Vec<u8>]) -> (u64, Fault) {
    let error = read(&archive(parts)).unwrap_err();
    match Error::of(&error) {
        Some(Error::Header { offset, fault }) => (*offset, *fault),
        _ => panic!("{error:?}"),
    }
}

/// xorshift64*: the same numbers at every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
