//! A decoder whose complaints are told from those of its source, and are never followed by an end.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Error, zstd};
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

    /// The decoder's complaint, which is about the data unless it is about memory.
    fn explain(&self, error: io::Error) -> io::Error {
        if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
            return error;
        }
        io::Error::other(match error.kind() {
            _ if zstd::is_window_too_large(&error) => Error::WindowTooLarge {
                compression: Compression::Zstd,
                limit: zstd::WINDOW_LIMIT,
            },
            io::ErrorKind::UnexpectedEof => Error::Truncated(self.compression),
            io::ErrorKind::OutOfMemory => Error::OutOfMemory(self.compression),
            _ => Error::Corrupt(self.compression, error),
        })
    }
}

impl<D: Read> Read for Checked<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other(
                "the data before this point were not readable",
            ));
        }
        let read = self.decoder.read(buffer);
        let read = match self.failure.lock().take() {
            Some(failure) => Err(failure),
            None => read.map_err(|error| self.explain(error)),
        };
        self.failed = read.is_err();
        read
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
