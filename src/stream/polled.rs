//! Reading what may have no bytes yet, such as a pipe: waits for bytes and for the wish to stop alike.

use std::io::{self, Read};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::Cancel;

/// A reader that fails with [`Cancelled`](super::Cancelled) as soon as that is wished for, also while nothing comes.
pub struct PolledReader<R> {
    inner: R,
    cancel: Cancel,
}

impl<R> PolledReader<R> {
    pub fn new(inner: R, cancel: Cancel) -> Self {
        Self { inner, cancel }
    }
}

impl<R: Read + AsFd> Read for PolledReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut waited = [
                PollFd::new(&self.inner, PollFlags::IN),
                PollFd::new(&self.cancel, PollFlags::IN),
            ];
            match poll(&mut waited, None) {
                Ok(_) => self.cancel.check()?,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            match self.inner.read(buffer) {
                // Another reader was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::thread::{sleep, spawn};
    use std::time::Duration;

    use super::*;
    use crate::stream::Cancelled;

    #[test]
    fn bytes_are_waited_for_until_the_end_or_a_cancellation() {
        let cancel = Cancel::new().unwrap();
        let (pipe, mut writer) = io::pipe().unwrap();
        let writing = spawn(move || {
            for part in ["a", "b"] {
                sleep(Duration::from_millis(20));
                writer.write_all(part.as_bytes()).unwrap();
            }
        });
        let mut text = String::new();
        let mut reader = PolledReader::new(pipe, cancel.clone());
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "ab");
        writing.join().unwrap();

        let (pipe, _writer) = io::pipe().unwrap();
        let mut reader = PolledReader::new(pipe, cancel.clone());
        let cancelling = spawn(move || {
            sleep(Duration::from_millis(20));
            cancel.cancel();
        });
        let error = reader.read(&mut [0]).unwrap_err();
        assert!(Cancelled::is_cause_of(&error));
        cancelling.join().unwrap();
    }
}
