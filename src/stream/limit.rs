//! A bound on how much is read, which is an error and never a silent cut.

use std::io::{self, BufRead, Read};

use crate::terms::Bytes;

/// More bytes came than may.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is larger than the limit of {}", Bytes(*.0))]
pub struct LimitExceeded(pub u64);

/// A reader that fails once more than its limit has come.
pub struct LimitReader<R> {
    inner: R,
    limit_bytes: u64,
    left_bytes: u64,
}

impl<R> LimitReader<R> {
    pub fn new(inner: R, limit_bytes: u64) -> Self {
        Self {
            inner,
            limit_bytes,
            left_bytes: limit_bytes,
        }
    }
}

impl<R: Read> Read for LimitReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = u64::try_from(count)
            .ok()
            .and_then(|count| self.left_bytes.checked_sub(count));
        self.left_bytes = left.ok_or_else(|| io::Error::other(LimitExceeded(self.limit_bytes)))?;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for LimitReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.inner.fill_buf()?;
        if bytes.len() as u64 > self.left_bytes {
            return Err(io::Error::other(LimitExceeded(self.limit_bytes)));
        }
        Ok(bytes)
    }

    fn consume(&mut self, count: usize) {
        self.left_bytes = self.left_bytes.saturating_sub(count as u64);
        self.inner.consume(count);
    }
}

/// Everything there is to read, if it is no more than `limit_bytes`.
pub fn read_to_limit(reader: impl Read, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    LimitReader::new(reader, limit_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_limit_passes_and_one_byte_more_fails() {
        assert_eq!(read_to_limit(&b"abc"[..], 3).unwrap(), b"abc");
        let error = read_to_limit(&b"abcd"[..], 3).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than the limit of 3B");
        assert!(read_to_limit(&b""[..], 0).unwrap().is_empty());
        for (bytes, fits) in [(&b"abc"[..], true), (b"abcd", false)] {
            let source = io::BufReader::with_capacity(2, bytes);
            let lines = LimitReader::new(source, 3).split(b'\n');
            assert_eq!(lines.collect::<io::Result<Vec<_>>>().is_ok(), fits);
        }
    }
}
