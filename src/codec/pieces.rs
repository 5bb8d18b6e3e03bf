//! A packed file in pieces that are unpacked each by itself, at the same time where somebody has threads for that.

use std::io::{self, BufRead};

use super::checked::{Checked, explained};
use super::{bzip2, gzip, xz, zstd};
use crate::stream::Cancel;
use crate::terms::Compression;

/// A part of what a file unpacks to, in its order.
pub enum Piece {
    /// What could be unpacked only where its predecessor was.
    Plain(Vec<u8>),
    /// What anybody may unpack at any time. Whatever is wrong with it then is wrong with the data.
    Packed {
        unpack: Unpack,
        /// The memory that this takes, what is packed and what comes of it included.
        bytes: u64,
    },
}

/// Unpacks a piece, unless somebody wishes that it stop.
pub(super) type Unpack = Box<dyn FnOnce(&Cancel) -> io::Result<Unpacked> + Send>;

/// What a piece was unpacked to: bytes, or what has yet to be put together with what came before.
pub enum Unpacked {
    Bytes(Vec<u8>),
    Steps(zstd::Steps),
}

impl Unpacked {
    /// What an assembler keeps of it, beside what it takes anyway.
    pub fn kept_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Steps(_) => 0,
        }
    }
}

/// A file that is cut.
pub struct Pieces<'a> {
    /// Its pieces, or an error instead of the next and last one.
    pub cutter: Box<dyn Iterator<Item = io::Result<Piece>> + Send + 'a>,
    pub assembler: Assembler,
}

/// Cuts a file into pieces that take at most `limit_bytes` each, and as much again where they are put together; what would take
/// more is unpacked on the way.
/// The source back if files of that kind cannot be cut.
///
/// All that a decoder compares is compared: what is in a piece by whoever unpacks it, what is around them here.
pub fn pieces<'a, R: BufRead + Send + 'a>(
    compression: Compression,
    mut source: R,
    limit_bytes: u64,
) -> Result<Pieces<'a>, R> {
    match compression {
        Compression::Xz => Ok(Pieces {
            cutter: Box::new(Checked::new(compression, source, |source| {
                xz::Pieces::new(source, limit_bytes)
            })),
            assembler: Assembler::default(),
        }),
        Compression::Bzip2 if limit_bytes >= bzip2::PIECE_BYTES => Ok(Pieces {
            cutter: Box::new(Checked::new(compression, source, bzip2::Pieces::new)),
            assembler: Assembler::default(),
        }),
        Compression::Gzip if limit_bytes >= gzip::PIECE_BYTES => {
            if !source.fill_buf().is_ok_and(gzip::starts_with_sized_member) {
                return Err(source);
            }
            Ok(Pieces {
                cutter: Box::new(Checked::new(compression, source, gzip::Pieces::new)),
                assembler: Assembler::default(),
            })
        }
        Compression::Zstd if limit_bytes >= zstd::PIECE_BYTES => {
            // What is to be skipped first may be followed by another format.
            if !source.fill_buf().is_ok_and(zstd::starts_with_frame) {
                return Err(source);
            }
            Ok(Pieces {
                cutter: Box::new(Checked::new(compression, source, |source| {
                    zstd::Pieces::new(source, limit_bytes)
                })),
                assembler: Assembler(Assembly::Steps(Box::default(), limit_bytes)),
            })
        }
        _ => Err(source),
    }
}

/// Puts together what pieces were unpacked to.
#[derive(Default)]
pub struct Assembler(Assembly);

enum Assembly {
    /// Bytes, up to here read.
    Bytes(Vec<u8>, usize),
    /// A window, and what it takes at most.
    Steps(Box<zstd::Window>, u64),
}

impl Default for Assembly {
    fn default() -> Self {
        Self::Bytes(Vec::new(), 0)
    }
}

impl Assembler {
    /// Whether putting pieces together is work, and not only handing them on.
    pub fn works(&self) -> bool {
        matches!(self.0, Assembly::Steps(..))
    }

    /// The memory that it takes at most, beside that of the pieces.
    pub fn memory_bytes(&self) -> u64 {
        match &self.0 {
            Assembly::Bytes(..) => 0,
            Assembly::Steps(_, limit_bytes) => *limit_bytes,
        }
    }

    /// Takes what the next piece was unpacked to. An error is about the data.
    pub fn put(&mut self, unpacked: Unpacked) -> io::Result<()> {
        match (&mut self.0, unpacked) {
            (Assembly::Bytes(bytes, taken), Unpacked::Bytes(more)) if bytes.is_empty() => {
                (*bytes, *taken) = (more, 0);
            }
            // It is the fewer that are moved to the others: of many there is no second copy.
            (Assembly::Bytes(bytes, _), Unpacked::Bytes(mut more)) => {
                if more.len() > bytes.len() {
                    std::mem::swap(bytes, &mut more);
                    bytes.reserve_exact(more.len());
                    bytes.splice(..0, more);
                } else {
                    bytes.extend(more);
                }
            }
            (Assembly::Steps(window, _), Unpacked::Bytes(more)) => window.append(&more),
            (Assembly::Steps(window, _), Unpacked::Steps(steps)) => {
                let taken = window.take_all(steps);
                taken.map_err(|error| explained(Compression::Zstd, error))?;
            }
            (Assembly::Bytes(..), Unpacked::Steps(_)) => {
                return Err(io::Error::other("a piece of another format"));
            }
        }
        Ok(())
    }

    /// What nobody has read yet.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Assembly::Bytes(bytes, taken) => &bytes[*taken..],
            Assembly::Steps(window, _) => window.bytes(),
        }
    }

    /// So much of it is read. What is read to its end takes no memory any more.
    pub fn consume(&mut self, count: usize) {
        match &mut self.0 {
            Assembly::Bytes(bytes, taken) => {
                *taken = (*taken + count).min(bytes.len());
                if *taken == bytes.len() {
                    (*bytes, *taken) = (Vec::new(), 0);
                }
            }
            Assembly::Steps(window, _) => window.consume(count),
        }
    }
}
