//! A look at the first bytes without taking them away.

use std::io::{self, Read};

/// A reader whose first `N` bytes (fewer where the source ends earlier) may be looked at before they are read.
pub struct PeekReader<R, const N: usize> {
    inner: R,
    head: [u8; N],
    /// Invariant: `taken <= filled <= N`.
    filled: usize,
    taken: usize,
}

impl<R: Read, const N: usize> PeekReader<R, N> {
    /// Reads up to `N` bytes ahead.
    pub fn new(mut inner: R) -> io::Result<Self> {
        let mut head = [0; N];
        let mut filled = 0;
        while filled < N {
            match inner.read(&mut head[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            inner,
            head,
            filled,
            taken: 0,
        })
    }

    /// The bytes at the beginning; shorter than `N` only if that is all there is.
    pub fn head(&self) -> &[u8] {
        &self.head[..self.filled]
    }
}

impl<R: Read, const N: usize> Read for PeekReader<R, N> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.filled {
            return self.inner.read(buffer);
        }
        let count = buffer.len().min(self.filled - self.taken);
        buffer[..count].copy_from_slice(&self.head[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_still_read() {
        for source in [&b""[..], b"a", b"abcd", b"abcdefgh"] {
            let mut reader = PeekReader::<_, 4>::new(source).unwrap();
            assert_eq!(reader.head(), &source[..source.len().min(4)]);
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            assert_eq!(all, source);
        }
    }
}
