//! Writing a raw image so that zeros become holes, whatever the sizes in which the bytes arrive.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::sync::WRITEBACK_BYTES;
use crate::sys::begin_writeback;

/// The grain of a hole: the block size of practically every file system, and of `cp --sparse=always`.
const BLOCK: usize = 4096;

/// How much is gathered before it is looked at. Invariant: a multiple of [`BLOCK`].
const BUFFER: usize = 64 * BLOCK;

/// Writes a stream to a file from its beginning; blocks of zeros are left out.
///
/// The file must be empty, or no longer than what will be written and its content of no matter where it stays unwritten: that is
/// zeros in a new file.
pub struct SparseWriter<'a> {
    file: &'a File,
    to_disk: bool,
    buffer: &'a mut [u8],
    filled: usize,
    /// Where the buffer's first byte belongs. Invariant: a multiple of [`BLOCK`].
    offset: u64,
    /// Up to where writing to disk has begun.
    begun: u64,
}

impl<'a> SparseWriter<'a> {
    /// `to_disk` begins to write to disk early, for whoever will wait for that at the end. The buffer is one of
    /// [`buffer`](Self::buffer), and as good for the next file.
    pub fn new(file: &'a File, to_disk: bool, buffer: &'a mut [u8]) -> Self {
        Self {
            file,
            to_disk,
            buffer,
            filled: 0,
            offset: 0,
            begun: 0,
        }
    }

    /// What is gathered in.
    pub fn buffer() -> Vec<u8> {
        vec![0; BUFFER]
    }

    /// Where the next bytes are to be put; never empty. Say with [`advance`](Self::advance) how many were.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.buffer[self.filled..]
    }

    /// Takes the first `count` bytes of the space.
    pub fn advance(&mut self, count: usize) -> io::Result<()> {
        self.filled = (self.filled + count).min(self.buffer.len());
        if self.filled == self.buffer.len() {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Takes bytes, of which nothing is held that can be written as it lies there.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if self.filled > 0 {
            let count = bytes.len().min(self.buffer.len() - self.filled);
            self.space()[..count].copy_from_slice(&bytes[..count]);
            self.advance(count)?;
            bytes = &bytes[count..];
        }
        if self.filled > 0 {
            return Ok(());
        }
        let (blocks, rest) = bytes.split_at(bytes.len() - bytes.len() % BLOCK);
        write_data(self.file, blocks, self.offset)?;
        self.passed(blocks.len())?;
        self.space()[..rest.len()].copy_from_slice(rest);
        self.advance(rest.len())
    }

    /// Leaves a hole up to `offset`, or a little less: the block that it lies in is to be put from its beginning. Returns
    /// where the next bytes belong.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<u64> {
        let start = offset - offset % BLOCK as u64;
        if start > self.offset + self.filled as u64 {
            self.flush()?;
            self.offset = start;
        }
        Ok(self.offset + self.filled as u64)
    }

    /// Writes what is still held, gives the file its exact size and returns that.
    pub fn finish(mut self) -> io::Result<u64> {
        let size = self.offset + self.filled as u64;
        // What ends in anything but a hole has its size by that.
        let last = &self.buffer[self.filled.saturating_sub(1) / BLOCK * BLOCK..self.filled];
        let has_size = !is_zero(last);
        self.flush()?;
        if !has_size {
            self.file.set_len(size)?;
        }
        Ok(size)
    }

    fn flush(&mut self) -> io::Result<()> {
        write_data(self.file, &self.buffer[..self.filled], self.offset)?;
        let count = std::mem::take(&mut self.filled);
        self.passed(count)
    }

    /// So many bytes are written.
    fn passed(&mut self, count: usize) -> io::Result<()> {
        self.offset += count as u64;
        if self.to_disk && self.offset - self.begun >= WRITEBACK_BYTES {
            begin_writeback(self.file, self.begun, self.offset - self.begun);
            self.begun = self.offset;
        }
        Ok(())
    }
}

/// Writes bytes to their place in a file that has zeros there: the runs of blocks that hold anything. Says how many those
/// are.
pub(super) fn write_data(file: &File, bytes: &[u8], offset: u64) -> io::Result<u64> {
    let into_block = (offset % BLOCK as u64) as usize;
    let (mut run_start, mut start, mut written) = (0, 0, 0);
    while start < bytes.len() {
        // A block of the file, of which the first may be there in part.
        let end = (start + BLOCK - if start == 0 { into_block } else { 0 }).min(bytes.len());
        if is_zero(&bytes[start..end]) {
            file.write_all_at(&bytes[run_start..start], offset + run_start as u64)?;
            written += start - run_start;
            run_start = end;
        }
        start = end;
    }
    file.write_all_at(&bytes[run_start..], offset + run_start as u64)?;
    Ok((written + bytes.len() - run_start) as u64)
}

/// Whether all bytes are zero, by 64 at once: written out, since a build for size makes no vectors of a loop over bytes.
fn is_zero(block: &[u8]) -> bool {
    let (words, rest) = block.as_chunks::<16>();
    let (pieces, words) = words.as_chunks::<4>();
    let word = |bytes: &[u8; 16]| u128::from_ne_bytes(*bytes);
    pieces
        .iter()
        .all(|[a, b, c, d]| word(a) | word(b) | word(c) | word(d) == 0)
        && words.iter().all(|bytes| word(bytes) == 0)
        && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use std::io::Read;

    use super::*;

    /// A reader that hands out at most `step` bytes at a time.
    struct Steps<'a>(&'a [u8], usize);

    impl Read for Steps<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let step = self.1.min(buffer.len());
            self.0.read(&mut buffer[..step])
        }
    }

    fn written(content: &[u8], step: usize) -> (Vec<u8>, u64) {
        let (file, mut buffer) = (tempfile(), SparseWriter::buffer());
        let mut writer = SparseWriter::new(&file, true, &mut buffer);
        let mut source = Steps(content, step);
        loop {
            match source.read(writer.space()).unwrap() {
                0 => break,
                count => writer.advance(count).unwrap(),
            }
        }
        let by_space = read_back(&file, writer, content);
        let (file, mut buffer) = (tempfile(), SparseWriter::buffer());
        let mut writer = SparseWriter::new(&file, true, &mut buffer);
        content
            .chunks(step)
            .for_each(|bytes| writer.write(bytes).unwrap());
        assert_eq!(read_back(&file, writer, content), by_space);
        by_space
    }

    fn read_back(file: &File, writer: SparseWriter, content: &[u8]) -> (Vec<u8>, u64) {
        assert_eq!(writer.finish().unwrap(), content.len() as u64);
        let mut read_back = vec![0xff; content.len()];
        file.read_exact_at(&mut read_back, 0).unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.len(), content.len() as u64);
        (read_back, metadata.blocks() * 512)
    }

    /// A file without a name, in the build's own directory: that is never a tmpfs with pages for blocks.
    fn tempfile() -> File {
        let directory = File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
        let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        File::from(rustix::fs::openat(&directory, c".", flags, mode).unwrap())
    }

    #[test]
    fn zeros_become_holes_whatever_the_steps_they_arrive_in() {
        let mut content = vec![0; 3 * BUFFER + 77];
        content[5] = 1;
        content[BUFFER - 1] = 2;
        content[2 * BUFFER + BLOCK] = 3;
        for step in [1000, 4096, 100_000, usize::MAX] {
            let (read_back, allocated) = written(&content, step);
            assert!(read_back == content, "step {step}");
            assert!(
                allocated <= 3 * BLOCK as u64,
                "step {step}: {allocated} bytes"
            );
        }
    }

    #[test]
    fn empty_one_byte_and_all_zero_images_have_their_exact_size() {
        for content in [
            &b""[..],
            b"x",
            b"\0",
            &[0; BUFFER],
            &[0; BUFFER + 1],
            &[7; BUFFER + 1],
        ] {
            assert_eq!(written(content, usize::MAX).0, content);
        }
        assert_eq!(written(&[0; BUFFER], usize::MAX).1, 0);
    }

    #[test]
    fn a_block_is_zero_only_if_every_byte_is() {
        for size in 0..200 {
            let mut block = vec![0; size];
            assert!(is_zero(&block));
            for at in 0..size {
                block[at] = 1 << (at % 8);
                assert!(!is_zero(&block), "byte {at} of {size}");
                block[at] = 0;
            }
        }
    }
}
