//! A client's socket: messages in, messages out, and nobody waited for without a bound.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::stream::Cancel;
use crate::wire::varlink::{CALL_LIMIT_BYTES, Frames, InvalidMessage, TooLong};

/// The connection's two directions, and the wish to stop.
pub(super) struct Link {
    socket: UnixStream,
    stop: Cancel,
    frames: Frames,
    /// So long a message that has begun may take, either way.
    patience: Duration,
}

/// Why a connection ends that its client has not closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(transparent)]
    Message(#[from] InvalidMessage),
    #[error("it took too long over a message")]
    Slow,
    #[error("it did not read what there was to say")]
    Behind,
    #[error("it has gone")]
    Gone,
    #[error("we are to stop")]
    Stopped,
    #[error(transparent)]
    Socket(#[from] io::Error),
}

/// When we are to stop, what is under way to a client still gets so long.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes read at once.
const CHUNK_BYTES: usize = 8 << 10;

impl Link {
    pub(super) fn new(socket: UnixStream, stop: Cancel, patience: Duration) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            stop,
            frames: Frames::new(CALL_LIMIT_BYTES),
            patience,
        })
    }

    /// The next message; none once the client has said its last. One that has not begun is waited for as long as the client
    /// likes.
    pub(super) fn receive(&mut self) -> Result<Option<Vec<u8>>, End> {
        let mut until = None;
        let mut buffer = [0; CHUNK_BYTES];
        loop {
            if let Some(message) = self.frames.take()? {
                return Ok(Some(message));
            }
            if !self.frames.is_empty() {
                until.get_or_insert_with(|| Instant::now() + self.patience);
            }
            self.wait(PollFlags::IN, until)?;
            if self.stop.is_cancelled() {
                return Err(End::Stopped);
            }
            match self.socket.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => self.frames.push(&buffer[..count]),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends a whole message.
    pub(super) fn send(&mut self, mut bytes: &[u8]) -> Result<(), End> {
        let mut until = Instant::now() + self.patience;
        while !bytes.is_empty() {
            // The socket first: mostly there is room.
            match self.socket.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.stop.is_cancelled() {
                        until = until.min(Instant::now() + LAST_WORDS);
                        poll_until(
                            &mut [PollFd::new(&self.socket, PollFlags::OUT)],
                            Some(until),
                        )?;
                    } else {
                        self.wait(PollFlags::OUT, Some(until))?;
                    }
                }
                Err(error) if is_passing(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(End::Gone),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until there is something beside, which `other` becomes readable for. That the client only says no more is no
    /// reason not to answer it; that it hears no more is.
    pub(super) fn wait_for(&self, other: BorrowedFd<'_>) -> Result<(), End> {
        let mut waited = [
            PollFd::new(&self.socket, PollFlags::empty()),
            PollFd::from_borrowed_fd(other, PollFlags::IN),
            PollFd::new(&self.stop, PollFlags::IN),
        ];
        poll_until(&mut waited, None)?;
        match waited[0].revents().is_empty() {
            true => Ok(()),
            false => Err(End::Gone),
        }
    }

    /// Whether the client hears us no more.
    pub(super) fn is_gone(&self) -> bool {
        let mut waited = [PollFd::new(&self.socket, PollFlags::empty())];
        let now = Timespec::default();
        poll(&mut waited, Some(&now)).is_ok_and(|count| count > 0)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    fn wait(&self, flags: PollFlags, until: Option<Instant>) -> Result<(), End> {
        let mut waited = [
            PollFd::new(&self.socket, flags),
            PollFd::new(&self.stop, PollFlags::IN),
        ];
        poll_until(&mut waited, until)
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Until one of them has something, or it is so late.
fn poll_until(waited: &mut [PollFd<'_>], until: Option<Instant>) -> Result<(), End> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(waited, timeout.as_ref()) {
            Ok(0) => return Err(End::Slow),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock)
}
