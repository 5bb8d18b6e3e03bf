//! SHA-256 of what passes by.

use std::io::{self, Read};

use sha2::Digest as _;

use crate::terms::Sha256Digest;

/// A SHA-256 computation under way.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> Sha256Digest {
        Sha256Digest::from_bytes(self.0.finalize().into())
    }
}

/// The SHA-256 digest of bytes that are all there.
pub fn sha256(bytes: &[u8]) -> Sha256Digest {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// A reader that hashes every byte it hands on.
pub struct HashReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R> HashReader<R> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Hasher::default(),
        }
    }

    /// The digest of all that was read. It says nothing about what was not: read to the end first.
    pub fn finish(self) -> Sha256Digest {
        self.hasher.finish()
    }
}

impl<R: Read> Read for HashReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_bytes_read_however_they_were_read() {
        // FIPS 180-4 example: SHA-256("abc").
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut reader = HashReader::new(&b"abc"[..]);
        while reader.read(&mut [0; 2]).unwrap() > 0 {}
        assert_eq!(reader.finish().to_string(), expected);
        assert_eq!(sha256(b"abc").to_string(), expected);
    }
}
