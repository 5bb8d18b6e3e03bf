//! Why a qcow2 image is refused, and what whoever has it may try.

use std::fmt;

use crate::terms::Bytes;

/// What is wrong with an image, or what it needs beyond itself.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    #[error("the file ends within its header, after {0} bytes: fetch it again")]
    TruncatedHeader(usize),
    #[error(
        "it is version {0} of the format, where 2 and 3 are known: convert it with `qemu-img convert -O raw`"
    )]
    Version(u32),
    #[error(
        "it holds only what differs from a backing file: join the two with `qemu-img convert -O qcow2`, or with `qemu-img rebase -b ''`"
    )]
    BackingFile,
    #[error("its data are in another file: join the two with `qemu-img convert -O qcow2`")]
    DataFile,
    #[error("it is encrypted ({}): convert it with `qemu-img convert`, which asks for the key", encryption(*.0))]
    Encrypted(u32),
    #[error("it was in use and not closed properly: repair it with `qemu-img check -r all`")]
    Dirty,
    #[error(
        "it is marked as corrupt: repair it with `qemu-img check -r all`, or take an earlier copy"
    )]
    Corrupt,
    #[error(
        "it needs a feature that is not known (incompatible feature bit {0}): convert it with `qemu-img convert -O raw`"
    )]
    UnknownFeature(u32),
    #[error("its clusters have 2^{0} bytes, where 2^9 to 2^21 may be: the header is damaged")]
    ClusterBits(u32),
    #[error(
        "its clusters of 2^{0} bytes are too small to be divided, which begins at 2^14: the header is damaged"
    )]
    SubclusterBits(u32),
    #[error("its header says to be {0} bytes long, which cannot be: the header is damaged")]
    HeaderLength(u32),
    #[error(
        "the header extension at byte {0} goes beyond the first cluster: the header is damaged"
    )]
    Extension(usize),
    #[error(
        "its clusters are packed in way {0}, which is not known: convert it with `qemu-img convert -O raw`"
    )]
    CompressionType(u8),
    #[error("its header says two things of how clusters are packed: the header is damaged")]
    CompressionBit,
    #[error("its disk of {size} is larger than the limit of {limit}", size = Bytes(*.size), limit = Bytes(*.limit))]
    TooLarge { size: u64, limit: u64 },
    #[error(
        "its L1 table of {entries} entries is larger than the limit of {limit}: convert it with `qemu-img convert -O raw`"
    )]
    L1TooLarge { entries: u32, limit: u32 },
    #[error(
        "its L1 table has {entries} entries where its disk needs {needed}: try `qemu-img check -r all`"
    )]
    L1TooSmall { entries: u32, needed: u64 },
    #[error("{0} at byte {1} does not begin where a cluster does: try `qemu-img check -r all`")]
    Unaligned(Part, u64),
    #[error("{0} at byte {1} lies over the header: try `qemu-img check -r all`")]
    OverHeader(Part, u64),
    #[error("{0} at byte {1} lies over the L1 table: try `qemu-img check -r all`")]
    OverL1(Part, u64),
    #[error("{0} at byte {1} lies over an L2 table: try `qemu-img check -r all`")]
    OverL2(Part, u64),
    #[error(
        "{0} at byte {1} lies over another cluster of another kind: try `qemu-img check -r all`"
    )]
    OverCluster(Part, u64),
    #[error(
        "{part} at byte {offset} goes beyond the end of the file at {end}: it is truncated, fetch it again"
    )]
    BeyondFile { part: Part, offset: u64, end: u64 },
    #[error(
        "the cluster at guest offset {0} is marked as zeros, which version 2 of the format does not know: try `qemu-img check -r all`"
    )]
    ZeroCluster(u64),
    #[error(
        "the parts of the cluster at guest offset {0} are both there and not: try `qemu-img check -r all`"
    )]
    Subclusters(u64),
}

/// What an offset is the offset of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    L1Table,
    L2Table,
    Cluster,
    PackedCluster,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1Table => "its L1 table",
            Self::L2Table => "an L2 table",
            Self::Cluster => "a cluster",
            Self::PackedCluster => "a packed cluster",
        })
    }
}

fn encryption(method: u32) -> &'static str {
    match method {
        1 => "AES",
        2 => "LUKS",
        _ => "in an unknown way",
    }
}
