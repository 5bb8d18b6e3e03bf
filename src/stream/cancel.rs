//! The wish to stop, shared by everything that works for one transfer.
//!
//! It is a flag, for loops that compute, and a descriptor that becomes readable, for everything that waits: whoever
//! polls a socket polls this beside it, so that nobody has to be interrupted from outside.

use std::io::{self, BufRead, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle on one transfer's wish to stop. Clones are the same wish; once said, it cannot be taken back.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cancelled: AtomicBool,
    readable: PipeReader,
    writer: PipeWriter,
}

/// What an operation ends with when it was told to stop.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("cancelled")]
pub struct Cancelled;

impl Cancelled {
    /// Whether this I/O error is a cancellation in disguise, at any depth.
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| {
            inner.is::<Self>()
                || inner
                    .downcast_ref::<io::Error>()
                    .is_some_and(Self::is_cause_of)
        })
    }
}

impl From<Cancelled> for io::Error {
    fn from(cancelled: Cancelled) -> Self {
        // Not `Interrupted`: readers retry that by themselves.
        Self::other(cancelled)
    }
}

impl Cancel {
    /// A wish nobody has had yet. Fails when the process has no descriptors left.
    pub fn new() -> io::Result<Self> {
        let (readable, writer) = io::pipe()?;
        Ok(Self(Arc::new(Shared {
            cancelled: AtomicBool::new(false),
            readable,
            writer,
        })))
    }

    /// Says that everything which holds this handle should stop. May be said more than once.
    pub fn cancel(&self) {
        if !self.0.cancelled.swap(true, Ordering::SeqCst) {
            // One byte into an empty pipe of our own never blocks and never fails; the flag is set either way.
            let _ = (&self.0.writer).write(&[0]);
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// The flag as a result, for `?`.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

impl AsFd for Cancel {
    /// Readable once cancelled, for ever after. Only to be polled, never to be read.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.readable.as_fd()
    }
}

/// A reader that fails with [`Cancelled`] as soon as that is wished for.
pub struct CancelReader<R> {
    inner: R,
    cancel: Cancel,
}

impl<R> CancelReader<R> {
    pub fn new(inner: R, cancel: Cancel) -> Self {
        Self { inner, cancel }
    }
}

impl<R: Read> Read for CancelReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.cancel.check()?;
        self.inner.read(buffer)
    }
}

impl<R: BufRead> BufRead for CancelReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.cancel.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_reader_fails_with_an_error_that_is_known_for_what_it_is() {
        let cancel = Cancel::new().unwrap();
        let mut reader = CancelReader::new(&b"abc"[..], cancel.clone());
        assert_eq!(reader.read(&mut [0; 2]).unwrap(), 2);
        cancel.cancel();
        cancel.cancel();
        let error = reader.read(&mut [0; 2]).unwrap_err();
        assert!(Cancelled::is_cause_of(&error));
        assert!(Cancelled::is_cause_of(&io::Error::other(error)));
        assert!(!Cancelled::is_cause_of(&io::Error::other("cancelled")));
    }
}
