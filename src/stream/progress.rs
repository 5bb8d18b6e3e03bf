//! How much has passed by, for whoever shows it.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number of bytes that one thread raises and another looks at.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Back to nothing: the download begins again.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A reader that counts what it hands on.
pub struct CountingReader<R> {
    inner: R,
    counter: Counter,
}

impl<R> CountingReader<R> {
    pub fn new(inner: R, counter: Counter) -> Self {
        Self { inner, counter }
    }
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.counter.add(count as u64);
        Ok(count)
    }
}

/// A writer that counts what it hands on.
pub struct CountingWriter<W> {
    inner: W,
    counter: Counter,
}

impl<W> CountingWriter<W> {
    pub fn new(inner: W, counter: Counter) -> Self {
        Self { inner, counter }
    }

    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for CountingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.counter.add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_counted_once() {
        let counter = Counter::default();
        let mut reader = CountingReader::new(&b"abcdef"[..], counter.clone());
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(counter.bytes(), 6);
        counter.reset();
        assert_eq!(counter.bytes(), 0);
        let mut writer = CountingWriter::new(Vec::new(), counter.clone());
        writer.write_all(b"abc").unwrap();
        assert_eq!((counter.bytes(), writer.into_inner()), (3, b"abc".to_vec()));
    }
}
