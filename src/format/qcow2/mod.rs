//! qcow2, versions 2 and 3: the header, the two levels of tables, and what they map (qemu's "qcow2 Image File Format",
//! `docs/interop/qcow2`). Bytes in, values out; nothing is opened or read here.
//!
//! Deliberately absent: refcounts, snapshots, bitmaps and everything else that the contents of the disk do not need.
//! Refused by name: whatever makes the contents depend on more than this one file, or doubtful. Passed over, as qemu-img
//! does: bits without a meaning, and whatever is mapped behind the disk's end.

mod error;
mod fields;
mod header;
mod map;
mod tables;

pub use error::{Error, Part};
pub use header::{CompressionType, HEADER_BYTES, Header, is_qcow2};
pub use map::{Extent, Extents};
pub use tables::L2Tables;

#[cfg(test)]
mod tests;
