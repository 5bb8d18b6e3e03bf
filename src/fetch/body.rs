//! The bytes of a remote, and the proof that they are all there.

use std::io::{self, Read};
use std::sync::Arc;

use super::Error;
use super::patience::Patience;
use crate::terms::{Scheme, Url};

/// A reader of exactly the bytes that were announced.
///
/// Its errors are I/O errors around [`Error`] or [`Cancelled`](crate::stream::Cancelled).
pub struct Body {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) url: Url,
    pub(super) expected_bytes: Option<u64>,
    pub(super) received_bytes: u64,
    pub(super) patience: Arc<Patience>,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self
            .reader
            .read(buffer)
            .map_err(|error| self.explain(error))?;
        self.received_bytes = self.received_bytes.saturating_add(count as u64);
        if count > 0 {
            self.patience.received(self.received_bytes);
            return Ok(count);
        }
        if self
            .expected_bytes
            .is_some_and(|expected| self.received_bytes < expected)
        {
            let end = io::Error::new(io::ErrorKind::UnexpectedEof, "there is no more");
            return Err(self.cut_short(end).into());
        }
        self.patience.finished();
        Ok(0)
    }
}

impl Body {
    fn explain(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted {
            return error;
        }
        let error = match error.downcast() {
            Ok(ureq::Error::BodyStalled) => io::ErrorKind::UnexpectedEof.into(),
            Ok(cause) => {
                let url = self.url.clone();
                let cause = Box::new(cause);
                return Error::Protocol { url, cause }.into();
            }
            Err(error) => error,
        };
        match Error::from_io(error, |cause| self.cut_short(cause)) {
            Error::Broken { cause, .. } => self.cut_short(cause),
            error => error,
        }
        .into()
    }

    fn cut_short(&self, cause: io::Error) -> Error {
        let cause = if cause.kind() == io::ErrorKind::UnexpectedEof {
            let what = match self.url.scheme() {
                Scheme::File => "the file became shorter while it was read",
                Scheme::Http | Scheme::Https => "the server closed the connection",
            };
            io::Error::new(cause.kind(), what)
        } else {
            cause
        };
        Error::CutShort {
            url: self.url.clone(),
            received_bytes: self.received_bytes,
            expected_bytes: self.expected_bytes,
            cause,
        }
    }
}
