//! A connected socket whose reads and writes end with a cancellation or a stall.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::Error;
use super::wait::wait;
use crate::stream::Cancel;

/// A TCP connection. Failures are I/O errors around [`Error`], so that nobody in between takes a reset connection for
/// the end of a body.
#[derive(Debug)]
pub(super) struct Socket {
    /// Invariant: does not block.
    stream: TcpStream,
    /// `host:port`, for messages.
    server: String,
    cancel: Cancel,
    stall: Stall,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, server: String, cancel: Cancel, window: Duration) -> Self {
        Self {
            stream,
            server,
            cancel,
            stall: Stall::new(window),
        }
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Repeats an operation until it does not have to wait any more.
    fn complete(
        &mut self,
        flags: PollFlags,
        mut operation: impl FnMut(&mut TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            self.cancel.check()?;
            match operation(&mut self.stream) {
                Ok(count) => {
                    self.stall.moved(count);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(flags)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    let server = self.server.clone();
                    return Err(io::Error::other(Error::Broken { server, cause }));
                }
            }
        }
    }

    fn wait(&mut self, flags: PollFlags) -> io::Result<()> {
        let start = Instant::now();
        let left = self.stall.left();
        let ready = wait(&self.cancel, &[self.stream.as_fd()], flags, left)?;
        self.stall.waited += start.elapsed();
        if ready.is_empty() {
            return Err(io::Error::other(Error::Stalled {
                server: self.server.clone(),
                window: self.stall.window,
            }));
        }
        Ok(())
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.complete(PollFlags::IN, |stream| stream.read(buffer))
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.complete(PollFlags::OUT, |stream| stream.write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The measure of a connection that hardly moves. Only time spent waiting for the peer counts, so that a slow disk
/// between two reads is not held against the server.
#[derive(Debug)]
struct Stall {
    window: Duration,
    /// Bytes that have to come within the window.
    quota: u64,
    waited: Duration,
    moved: u64,
}

impl Stall {
    /// Below this many bytes a second a connection counts as stalled.
    const BYTES_PER_SECOND: u64 = 30;

    fn new(window: Duration) -> Self {
        Self {
            window,
            quota: window
                .as_secs()
                .saturating_mul(Self::BYTES_PER_SECOND)
                .max(1),
            waited: Duration::ZERO,
            moved: 0,
        }
    }

    fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }

    fn moved(&mut self, count: usize) {
        self.moved = self.moved.saturating_add(count as u64);
        if self.moved >= self.quota {
            self.waited = Duration::ZERO;
            self.moved = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enough_bytes_open_a_new_window() {
        let mut stall = Stall::new(Duration::from_secs(2));
        stall.waited = Duration::from_secs(1);
        stall.moved(59);
        assert_eq!(stall.left(), Duration::from_secs(1));
        stall.moved(1);
        assert_eq!(stall.left(), Duration::from_secs(2));
        stall.waited = Duration::from_secs(9);
        assert_eq!(stall.left(), Duration::ZERO);
    }
}
