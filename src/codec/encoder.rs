//! The other direction, for exports: one stream, its checks included, the same for the same bytes.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use ::bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use lzma_rust2::XzWriter;
use zrip::FrameEncoder;

use super::{bzip2, gzip, lz4, xz, zstd};
use crate::terms::Compression;

/// How much is packed at once, always: zlib makes something else of the same bytes when they come in other steps.
const STEP: usize = 128 << 10;

/// A writer that packs. What it has written is a whole stream only once [`finish`](Self::finish) has succeeded: dropped
/// before, it leaves one that every decoder calls truncated.
pub struct Encoder<W> {
    target: W,
    /// Bytes that have yet to be packed. Invariant: fewer than a step between two calls.
    plain: Vec<u8>,
    packed: Pending,
    /// None where nothing is to be packed.
    packer: Option<Packer>,
}

/// A writer of what `format` says, over `target`. Memory: about 100 MiB for xz, below 10 MiB for any other.
pub fn encoder<W: Write>(format: Compression, target: W) -> io::Result<Encoder<W>> {
    let packed = Pending::default();
    let to = packed.clone();
    let packer = match format {
        Compression::Uncompressed => None,
        Compression::Gzip => Some(Packer::Gzip(gzip::encoder(to))),
        Compression::Xz => Some(Packer::Xz(Box::new(xz::encoder(to)?))),
        Compression::Zstd => Some(Packer::Zstd(Box::new(zstd::encoder(to)?))),
        Compression::Bzip2 => Some(Packer::Bzip2(bzip2::encoder(to))),
        Compression::Lz4 => Some(Packer::Lz4(lz4::Encoder::new(to)?)),
    };
    Ok(Encoder {
        target,
        plain: Vec::with_capacity(STEP),
        packed,
        packer,
    })
}

impl<W: Write> Encoder<W> {
    /// Writes what was held back and the end of the stream. The target is not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(mut packer) = self.packer.take() {
            packer.writer().write_all(&self.plain)?;
            packer.finish()?;
        }
        self.target.write_all(&self.packed.take())?;
        Ok(self.target)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(packer) = &mut self.packer else {
            return self.target.write(bytes);
        };
        let room = STEP - self.plain.len();
        let (taken, _) = bytes.split_at(bytes.len().min(room));
        self.plain.extend_from_slice(taken);
        if self.plain.len() == STEP {
            packer.writer().write_all(&self.plain)?;
            self.plain.clear();
            self.target.write_all(&self.packed.take())?;
        }
        Ok(taken.len())
    }

    /// Flushes the target. What is held back stays so until the end: to part with it costs space.
    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

/// Where packers write. Some end their stream when they are dropped, so none gets at the target itself: of an export that
/// failed there would remain a file that looks whole.
#[derive(Clone, Default)]
struct Pending(Arc<Mutex<Vec<u8>>>);

impl Pending {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The writer of each format.
enum Packer {
    Gzip(GzEncoder<Pending>),
    Xz(Box<XzWriter<Pending>>),
    Zstd(Box<FrameEncoder<Pending>>),
    Bzip2(BzEncoder<Pending>),
    Lz4(lz4::Encoder<Pending>),
}

impl Packer {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Gzip(packer) => packer,
            Self::Xz(packer) => packer,
            Self::Zstd(packer) => packer,
            Self::Bzip2(packer) => packer,
            Self::Lz4(packer) => packer,
        }
    }

    fn finish(self) -> io::Result<Pending> {
        match self {
            Self::Gzip(packer) => packer.finish(),
            Self::Xz(packer) => packer.finish(),
            Self::Zstd(packer) => packer.finish(),
            Self::Bzip2(packer) => packer.finish(),
            Self::Lz4(packer) => packer.finish(),
        }
    }
}
