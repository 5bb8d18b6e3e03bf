//! tar: what members an archive has, in every dialect that is still met, and archives of our own in one of them.
//!
//! Bytes only: nothing here resolves a path, and nothing that an archive says is believed beyond its form.

mod attributes;
mod blocks;
mod compose;
mod entry;
mod error;
mod field;
mod header;
mod maps;
mod member;
mod pax;
mod reader;
mod sparse;
mod writer;
mod xattr;

pub use entry::{Device, Entry, Extent, Kind, Timestamp, Xattr};
pub use error::{Error, Fault};
pub use reader::Reader;
pub use writer::Writer;

#[cfg(test)]
mod tests;
