//! From a qcow2 image to a raw one.
//!
//! A file is walked through in the order of the disk, and shares its clusters with the raw image where the file system can.
//! A stream is converted while it arrives: what is known to be wanted when it passes by goes to its place at once, everything
//! else is set aside in a file of its own, and at the end what is missing is fetched from there. Images as qemu-img writes
//! them hardly need that; any other layout does, and works as well.
//!
//! Limits: 64 MiB for the places of L2 tables, and for a stream 48 MiB for what is waited for and 32 MiB for what became of
//! what has passed. Where these are not enough, more is set aside. Beside them a few clusters are held, of 2 MiB at most.

mod bytes;
mod error;
mod output;
mod placed;
mod stream;
mod unpacker;
mod walk;
mod window;

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

pub use error::Error;

use super::share::make_alike;
use crate::format::qcow2::{HEADER_BYTES, Header};
use crate::stream::{Cancel, Cancelled};
use bytes::Image;
use output::Output;
use walk::Walk;

/// How much is read, written or copied at once, between two looks at the wish to stop.
const PIECE_BYTES: usize = 256 << 10;

/// How a conversion is to be done.
pub struct Conversion<'a> {
    /// Must be new and empty.
    pub target: &'a File,
    /// A disk that is larger is refused.
    pub limit_bytes: u64,
    /// Begins to write to disk early, for whoever will wait for that at the end.
    pub to_disk: bool,
    pub cancel: &'a Cancel,
    /// Called every now and then.
    pub tick: &'a mut dyn FnMut(),
}

/// What a conversion came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The size of the disk, and of the raw image.
    pub size_bytes: u64,
    /// How much of a stream had to be set aside, zeros left out.
    pub aside_bytes: u64,
    /// How much is shared with the source, or with what was set aside.
    pub shared_bytes: u64,
}

impl Conversion<'_> {
    /// The place for both in every loop.
    fn pause(&mut self) -> Result<(), Cancelled> {
        (self.tick)();
        self.cancel.check()
    }
}

/// Converts a file that is all there.
///
/// The target becomes like the source, for better or worse, if there is anything that the two can share: a stretch that is
/// not packed, of a block at least, and that begins where blocks do in both. Otherwise it stays as it was made.
pub fn from_file(source: &File, how: &mut Conversion) -> Result<Converted, Error> {
    let end = source.metadata().map_err(Error::Read)?.len();
    let mut image = Image::new(source, 0, Error::Read);
    image.end = end;
    let mut head = vec![0; HEADER_BYTES.min(usize::try_from(end).unwrap_or(HEADER_BYTES))];
    source.read_exact_at(&mut head, 0).map_err(Error::Read)?;
    let header = Header::parse(&head, how.limit_bytes)?;
    // A cluster is 2 MiB at most.
    head.resize(header.cluster_bytes().min(end) as usize, 0);
    source.read_exact_at(&mut head, 0).map_err(Error::Read)?;
    header.check_extensions(&head)?;
    let tables = image.l2_tables(&header, how)?;
    // That has a price, and can be had only while the target is empty.
    if image.has_shareable(&header, &tables, how)? {
        make_alike(source, how.target).map_err(Error::Write)?;
    }
    let mut output = Output::new(how.target, how.to_disk);
    Walk::new(&header, &image, &tables, &mut output).run(how)?;
    Ok(Converted {
        size_bytes: header.size_bytes(),
        aside_bytes: 0,
        shared_bytes: output.shared_bytes,
    })
}

/// Converts what arrives, up to its end. `aside` is a new and empty file beside the target.
pub fn from_stream(
    source: impl Read,
    aside: &File,
    how: &mut Conversion,
) -> Result<Converted, Error> {
    stream::convert(source, aside, &stream::LIMITS, how)
}

#[cfg(test)]
mod tests;
