//! The header and its extensions, of which only the shape is looked at.

use std::ops::Range;

use super::error::{Error, Part};
use super::fields::{be32, be64};

const MAGIC: &[u8] = b"QFI\xfb";

/// So many bytes at the beginning hold all that is read of a header, whatever its version.
pub const HEADER_BYTES: usize = 112;
const V2_BYTES: usize = 72;
const V3_BYTES: usize = 104;

/// The largest L1 table, 32 MiB, as qemu has it too.
const L1_ENTRIES_LIMIT: u32 = 4 << 20;

/// Bits of the incompatible features.
const DIRTY: u64 = 1 << 0;
const CORRUPT: u64 = 1 << 1;
const DATA_FILE: u64 = 1 << 2;
const COMPRESSION_TYPE: u64 = 1 << 3;
const SUBCLUSTERS: u64 = 1 << 4;

/// Whether an image that begins with `head` is a qcow2 image.
pub fn is_qcow2(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// How clusters are packed where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    Deflate,
    Zstd,
}

/// What the contents of the disk need of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub(super) version: u32,
    pub(super) cluster_bits: u32,
    pub(super) size_bytes: u64,
    pub(super) has_subclusters: bool,
    compression: CompressionType,
    length: usize,
    l1_offset: u64,
    /// As many as the disk needs. What is behind them belongs to the saved state of a machine.
    l1_entries: u64,
}

impl Header {
    /// Reads the header from the file's first [`HEADER_BYTES`], or all it has. A disk larger than `limit_bytes` is refused.
    pub fn parse(bytes: &[u8], limit_bytes: u64) -> Result<Self, Error> {
        let truncated = || Error::TruncatedHeader(bytes.len());
        if bytes.len() < V2_BYTES || !is_qcow2(bytes) {
            return Err(truncated());
        }
        let version = be32(bytes, 4);
        let length = match version {
            2 => V2_BYTES,
            3 if bytes.len() < V3_BYTES => return Err(truncated()),
            3 => be32(bytes, 100) as usize,
            other => return Err(Error::Version(other)),
        };
        check_completeness(bytes, version)?;
        let features = if version == 2 { 0 } else { be64(bytes, 72) };
        let cluster_bits = be32(bytes, 20);
        if !(9..=21).contains(&cluster_bits) {
            return Err(Error::ClusterBits(cluster_bits));
        }
        let has_subclusters = features & SUBCLUSTERS != 0;
        if has_subclusters && cluster_bits < 14 {
            return Err(Error::SubclusterBits(cluster_bits));
        }
        let is_length = version == 2 || length >= V3_BYTES && length % 8 == 0;
        if !is_length || length > 1 << cluster_bits {
            return Err(Error::HeaderLength(be32(bytes, 100)));
        }
        let header = Self {
            version,
            cluster_bits,
            size_bytes: be64(bytes, 24),
            has_subclusters,
            compression: compression(bytes, length, features)?,
            length,
            l1_offset: be64(bytes, 40),
            l1_entries: 0,
        };
        header.with_l1(be32(bytes, 36), limit_bytes)
    }

    /// Takes a number of L1 entries, if the disk may be as large as it is and they are as many as it needs.
    fn with_l1(mut self, entries: u32, limit_bytes: u64) -> Result<Self, Error> {
        let size = self.size_bytes;
        if size > limit_bytes {
            let limit = limit_bytes;
            return Err(Error::TooLarge { size, limit });
        }
        let limit = L1_ENTRIES_LIMIT;
        if entries > limit {
            return Err(Error::L1TooLarge { entries, limit });
        }
        let needed = size.div_ceil(self.table_coverage());
        if u64::from(entries) < needed {
            return Err(Error::L1TooSmall { entries, needed });
        }
        self.l1_entries = needed;
        if needed > 0 {
            self.check_place(Part::L1Table, self.l1_offset)?;
        }
        Ok(self)
    }

    /// Looks whether the extensions end within the first cluster, of which this is as much as there is.
    pub fn check_extensions(&self, first: &[u8]) -> Result<(), Error> {
        let mut at = self.length;
        while at + 8 <= first.len() {
            let (kind, length) = (be32(first, at), be32(first, at + 4) as usize);
            if kind == 0 {
                break;
            }
            let left = (self.cluster_bytes() as usize).saturating_sub(at + 8);
            if length > left {
                return Err(Error::Extension(at));
            }
            at += 8 + length.next_multiple_of(8);
        }
        Ok(())
    }

    /// The size of the disk.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub fn cluster_bytes(&self) -> u64 {
        1 << self.cluster_bits
    }

    pub fn compression(&self) -> CompressionType {
        self.compression
    }

    /// Where the L1 table lies, as far as it is needed.
    pub fn l1_table(&self) -> Range<u64> {
        self.l1_offset..self.l1_offset.saturating_add(self.l1_entries * 8)
    }

    /// How much of the disk one L2 table describes.
    pub fn table_coverage(&self) -> u64 {
        self.cluster_bytes() / self.entry_bytes() * self.cluster_bytes()
    }

    pub(super) fn entry_bytes(&self) -> u64 {
        if self.has_subclusters { 16 } else { 8 }
    }

    /// Whether something that has a cluster of its own may lie there: at the beginning of one, and not the header's.
    pub(super) fn check_place(&self, part: Part, offset: u64) -> Result<(), Error> {
        if offset < self.cluster_bytes() {
            return Err(Error::OverHeader(part, offset));
        }
        if !offset.is_multiple_of(self.cluster_bytes()) {
            return Err(Error::Unaligned(part, offset));
        }
        Ok(())
    }

    /// Whether something else than the L1 table may lie there.
    pub(super) fn check_beside_l1(
        &self,
        part: Part,
        offset: u64,
        length: u64,
    ) -> Result<(), Error> {
        let l1 = self.l1_table();
        if offset < l1.end && l1.start < offset.saturating_add(length) {
            return Err(Error::OverL1(part, offset));
        }
        Ok(())
    }
}

/// Refuses what needs more than this file, or was left in a state that nobody should trust.
fn check_completeness(bytes: &[u8], version: u32) -> Result<(), Error> {
    // Without a name there is none, wherever that would be.
    if be64(bytes, 8) != 0 && be32(bytes, 16) != 0 {
        return Err(Error::BackingFile);
    }
    match be32(bytes, 32) {
        0 => {}
        method => return Err(Error::Encrypted(method)),
    }
    if version == 2 {
        return Ok(());
    }
    let features = be64(bytes, 72);
    let known = DIRTY | CORRUPT | DATA_FILE | COMPRESSION_TYPE | SUBCLUSTERS;
    match features {
        _ if features & !known != 0 => {
            Err(Error::UnknownFeature((features & !known).trailing_zeros()))
        }
        _ if features & DATA_FILE != 0 => Err(Error::DataFile),
        _ if features & CORRUPT != 0 => Err(Error::Corrupt),
        _ if features & DIRTY != 0 => Err(Error::Dirty),
        _ => Ok(()),
    }
}

/// A field that only headers have which are long enough, and which is to agree with its feature bit.
fn compression(bytes: &[u8], length: usize, features: u64) -> Result<CompressionType, Error> {
    let field = match length > V3_BYTES {
        true => *bytes
            .get(V3_BYTES)
            .ok_or(Error::TruncatedHeader(bytes.len()))?,
        false => 0,
    };
    match (features & COMPRESSION_TYPE != 0, field) {
        (false, 0) => Ok(CompressionType::Deflate),
        (true, 1) => Ok(CompressionType::Zstd),
        (true, 0) | (false, _) => Err(Error::CompressionBit),
        (true, other) => Err(Error::CompressionType(other)),
    }
}
