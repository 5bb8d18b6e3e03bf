//! What comes before a member's data in our archives: a ustar header, before it an extended one for what does not fit
//! there, and behind it the map of the file's holes. The same member always makes the same bytes.

use super::error::Fault;
use super::field::{
    BLOCK, Block, CHECKSUM, Field, GID, LINK, MAGIC, MAJOR, MINOR, MODE, MTIME, NAME, PREFIX, SIZE,
    TYPE, UID,
};
use super::header::sums;
use super::member::checked;
use super::{Device, Entry, Kind, Timestamp, pax, sparse, xattr};

/// A member's blocks before its data, and how many bytes of data are to follow.
pub(super) struct Composed {
    pub(super) blocks: Vec<u8>,
    pub(super) stored: u64,
}

impl Composed {
    pub(super) fn new(entry: &Entry) -> Result<Self, Fault> {
        let (mut map, stored) = data(&entry.kind)?;
        let mut draft = Draft::new(entry)?;
        draft.number(SIZE, "size", map.len() as u64 + stored);
        let size = draft.records.len() as u64;
        if size > pax::LIMIT {
            return Err(Fault::TooLong("extended header", pax::LIMIT));
        }
        let mut blocks = Vec::new();
        if size > 0 {
            blocks.extend_from_slice(&extended_header(size));
            blocks.append(&mut draft.records);
            pad(&mut blocks);
        }
        blocks.extend_from_slice(&sealed(draft.block));
        blocks.append(&mut map);
        Ok(Self { blocks, stored })
    }
}

/// The map of a file's holes, and the size of its data without them.
fn data(kind: &Kind) -> Result<(Vec<u8>, u64), Fault> {
    match kind {
        Kind::File { size, .. } if i64::try_from(*size).is_err() => Err(Fault::Range("size")),
        Kind::File {
            size,
            extents: Some(extents),
        } => {
            let stored = sparse::to_write(extents, *size)?;
            let mut map = sparse::text(extents, *size);
            pad(&mut map);
            Ok((map, stored))
        }
        Kind::File { size, .. } => Ok((Vec::new(), *size)),
        _ => Ok((Vec::new(), 0)),
    }
}

/// Zeros to the end of the last block.
fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
}

/// The same for every member but for its size.
fn extended_header(size: u64) -> Block {
    let mut block = [0; BLOCK];
    NAME.put(&mut block, b"././@PaxHeader");
    MODE.put_number(&mut block, 0o644);
    for field in [UID, GID, MTIME, MAJOR, MINOR] {
        field.put_number(&mut block, 0);
    }
    SIZE.put_number(&mut block, size);
    TYPE.put(&mut block, b"x");
    sealed(block)
}

fn sealed(mut block: Block) -> Block {
    MAGIC.put(&mut block, b"ustar\x0000");
    let (sum, _) = sums(&block);
    CHECKSUM.put(&mut block, format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A header under way, and the records for what it cannot say.
struct Draft {
    block: Block,
    records: Vec<u8>,
}

impl Draft {
    /// Everything but the size of the data.
    fn new(entry: &Entry) -> Result<Self, Fault> {
        let mut draft = Self {
            block: [0; BLOCK],
            records: Vec::new(),
        };
        draft.path(entry)?;
        MODE.put_number(&mut draft.block, u64::from(entry.mode & 0o7777));
        draft.number(UID, "uid", entry.uid.into());
        draft.number(GID, "gid", entry.gid.into());
        draft.modified(entry.modified);
        draft.kind(&entry.kind)?;
        draft.attributes(entry);
        Ok(draft)
    }

    /// A directory's ends in a slash, as everybody writes it.
    fn path(&mut self, entry: &Entry) -> Result<(), Fault> {
        let mut path = checked("path", &entry.path)?.to_vec();
        if entry.kind == Kind::Directory && !path.ends_with(b"/") {
            path.push(b'/');
        }
        if let Kind::File {
            size,
            extents: Some(_),
        } = entry.kind
        {
            // Whoever does not know the format makes a file of map and data: not of this name.
            NAME.put(
                &mut self.block,
                &[b"GNUSparseFile.0/", path.as_slice()].concat(),
            );
            self.record(b"GNU.sparse.major", b"1");
            self.record(b"GNU.sparse.minor", b"0");
            self.record(b"GNU.sparse.name", &path);
            self.record(b"GNU.sparse.realsize", size.to_string().as_bytes());
        } else if let Some((prefix, name)) = halves(&path) {
            PREFIX.put(&mut self.block, prefix);
            NAME.put(&mut self.block, name);
        } else {
            self.text(NAME, "path", &path);
        }
        Ok(())
    }

    fn kind(&mut self, kind: &Kind) -> Result<(), Fault> {
        let mut device = Device { major: 0, minor: 0 };
        let flag = match kind {
            Kind::File { .. } => b"0",
            Kind::HardLink { target } => {
                self.text(LINK, "linkpath", checked("linkpath", target)?);
                b"1"
            }
            Kind::Symlink { target } => {
                self.text(LINK, "linkpath", checked("linkpath", target)?);
                b"2"
            }
            Kind::Character(of) => {
                device = *of;
                b"3"
            }
            Kind::Block(of) => {
                device = *of;
                b"4"
            }
            Kind::Directory => b"5",
            Kind::Fifo => b"6",
        };
        TYPE.put(&mut self.block, flag);
        self.number(MAJOR, "SCHILY.devmajor", device.major.into());
        self.number(MINOR, "SCHILY.devminor", device.minor.into());
        Ok(())
    }

    fn attributes(&mut self, entry: &Entry) {
        for (keyword, acl) in [
            (&b"SCHILY.acl.access"[..], &entry.access_acl),
            (b"SCHILY.acl.default", &entry.default_acl),
        ] {
            if let Some(acl) = acl {
                self.record(keyword, acl);
            }
        }
        for attribute in &entry.xattrs {
            self.record(&xattr::escape(&attribute.name), &attribute.value);
        }
    }

    /// In the header as far as it fits, and in a record if it does not or is to be known for UTF-8.
    fn text(&mut self, field: Field, keyword: &str, text: &[u8]) {
        field.put(&mut self.block, text);
        if text.len() > field.length() || is_known_by_record(text) {
            if std::str::from_utf8(text).is_err() {
                self.record(b"hdrcharset", b"BINARY");
            }
            self.record(keyword.as_bytes(), text);
        }
    }

    fn number(&mut self, field: Field, keyword: &str, value: u64) {
        if !field.put_number(&mut self.block, value) {
            field.put_number(&mut self.block, 0);
            self.record(keyword.as_bytes(), value.to_string().as_bytes());
        }
    }

    fn modified(&mut self, time: Timestamp) {
        let seconds = u64::try_from(time.seconds).unwrap_or_default();
        let held = MTIME.put_number(&mut self.block, seconds);
        if !held {
            MTIME.put_number(&mut self.block, 0);
        }
        if !held || time.seconds < 0 || time.nanoseconds > 0 {
            self.record(b"mtime", pax::time_text(time).as_bytes());
        }
    }

    fn record(&mut self, keyword: &[u8], value: &[u8]) {
        pax::push(&mut self.records, keyword, value);
    }
}

/// Records are in UTF-8, headers in nothing that is said.
fn is_known_by_record(text: &[u8]) -> bool {
    !text.is_ascii() && std::str::from_utf8(text).is_ok()
}

/// The two parts in which a path fits into a header that does not fit as a whole.
fn halves(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME.length() || is_known_by_record(path) {
        return None;
    }
    let from = path.len().checked_sub(NAME.length() + 1)?;
    let slash = from + path.get(from..)?.iter().position(|byte| *byte == b'/')?;
    let (prefix, name) = path.split_at_checked(slash)?;
    let name = name.strip_prefix(b"/")?;
    let fits = (1..=PREFIX.length()).contains(&prefix.len()) && !name.is_empty();
    fits.then_some((prefix, name))
}
