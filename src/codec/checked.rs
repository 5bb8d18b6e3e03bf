//! A decoder, or a cutter, whose complaints are told from those of its source, and are never followed by an end.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Error;
use super::pieces::Piece;
use crate::stream::Cancelled;
use crate::terms::Compression;

/// Turns whatever a library complains of into an [`Error`], and passes the source's own errors on unchanged.
///
/// Invariant: after an error there is never an end: a reader that asks again gets another error.
pub(super) struct Checked<D> {
    compression: Compression,
    decoder: D,
    failure: Failure,
    failed: bool,
}

impl<D> Checked<D> {
    /// The decoder that `decode` makes of the source.
    pub(super) fn new<R>(
        compression: Compression,
        source: R,
        decode: impl FnOnce(Watched<R>) -> D,
    ) -> Self {
        let failure = Failure::default();
        Self {
            compression,
            decoder: decode(Watched {
                source,
                failure: failure.clone(),
            }),
            failure,
            failed: false,
        }
    }

    /// What came of asking it once.
    fn told<T>(&mut self, ask: impl FnOnce(&mut D) -> io::Result<T>) -> io::Result<T> {
        if self.failed {
            return Err(io::Error::other(
                "the data before this point were not readable",
            ));
        }
        let told = ask(&mut self.decoder);
        let told = match self.failure.lock().take() {
            Some(failure) => Err(failure),
            None => told.map_err(|error| explained(self.compression, error)),
        };
        self.failed = told.is_err();
        told
    }
}

/// A library's complaint, which is about the data unless it is about memory.
pub(super) fn explained(compression: Compression, error: io::Error) -> io::Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) || Cancelled::is_cause_of(&error) {
        return error;
    }
    io::Error::other(match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Truncated(compression),
        io::ErrorKind::OutOfMemory => Error::OutOfMemory(compression),
        _ => Error::Corrupt(compression, error),
    })
}

impl<D: Read> Read for Checked<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.told(|decoder| decoder.read(buffer))
    }
}

impl<D: Iterator<Item = io::Result<Piece>>> Iterator for Checked<D> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        let compression = self.compression;
        let piece = self.told(|cutter| cutter.next().transpose()).transpose()?;
        Some(piece.map(|piece| match piece {
            Piece::Plain(bytes) => Piece::Plain(bytes),
            Piece::Packed { unpack, bytes } => Piece::Packed {
                unpack: Box::new(move |cancel| {
                    unpack(cancel).map_err(|error| explained(compression, error))
                }),
                bytes,
            },
        }))
    }
}

/// Where a source's error is kept from the decoder, which gets another in its place.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    fn lock(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, error: io::Error) -> io::Error {
        *self.lock() = Some(error);
        io::Error::other("the source failed")
    }
}

/// A decoder's source: its errors are kept aside. It is asked again after a mere interruption.
pub(super) struct Watched<R> {
    source: R,
    failure: Failure,
}

impl<R: BufRead> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.source.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| self.failure.keep(error)),
            }
        }
    }
}

impl<R: BufRead> BufRead for Watched<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while let Err(error) = self.source.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(self.failure.keep(error));
            }
        }
        // What is there already.
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.source.consume(count);
    }
}
