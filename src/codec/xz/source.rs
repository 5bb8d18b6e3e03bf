//! The packed bytes, shared between the container and the filters of the block that is being decoded.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle on the packed bytes. Clones read from the same place; only one of them reads at a time.
pub(super) struct Source<R>(Arc<Mutex<Counted<R>>>);

struct Counted<R> {
    inner: R,
    /// Bytes taken so far.
    position: u64,
    /// Bytes looked at but not taken.
    ahead: Vec<u8>,
}

impl<R> Clone for Source<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        Self(Arc::new(Mutex::new(Counted {
            inner,
            position: 0,
            ahead: Vec::new(),
        })))
    }

    /// How many bytes have been taken.
    pub(super) fn position(&self) -> u64 {
        self.counted().position
    }

    /// The next `count` bytes, fewer only at the end, without taking them.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut counted = self.counted();
        let Counted { inner, ahead, .. } = &mut *counted;
        let missing = count.saturating_sub(ahead.len());
        inner.take(missing as u64).read_to_end(ahead)?;
        Ok(ahead.iter().copied().take(count).collect())
    }

    /// Takes `count` bytes that were looked at.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<()> {
        io::copy(&mut self.take(count), &mut io::sink()).map(drop)
    }

    fn counted(&self) -> MutexGuard<'_, Counted<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut counted = self.counted();
        let Counted {
            inner,
            position,
            ahead,
        } = &mut *counted;
        let count = if ahead.is_empty() {
            inner.read(buffer)?
        } else {
            let count = buffer.len().min(ahead.len());
            for (slot, byte) in buffer.iter_mut().zip(ahead.drain(..count)) {
                *slot = byte;
            }
            count
        };
        *position += count as u64;
        Ok(count)
    }
}
