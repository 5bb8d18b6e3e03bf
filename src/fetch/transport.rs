//! What ureq speaks HTTP over: a plain or a TLS connection and its buffers.

use std::fmt;
use std::io::{self, Read, Write};

use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

use super::socket::Socket;
use super::tls::{TlsStream, explain_io};

/// Holds the largest head of a response, 64 KiB, with room to spare.
const INPUT_BYTES: usize = 128 * 1024;
/// Holds the longest request: a URL and the entity tags of kept copies.
const OUTPUT_BYTES: usize = 32 * 1024;

/// A connection to a server or proxy. Waits end by themselves, so ureq's timeouts are not looked at.
pub(super) struct Connection {
    stream: Stream,
    buffers: LazyBuffers,
    /// Scheme and authority to put before the path of the request: what a proxy needs (RFC 9112, 3.2.2).
    origin: Option<String>,
}

pub(super) enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream>),
}

impl Connection {
    pub(super) fn new(stream: Stream, origin: Option<String>) -> Self {
        Self {
            stream,
            buffers: LazyBuffers::new(INPUT_BYTES, OUTPUT_BYTES),
            origin,
        }
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        const METHOD: &[u8] = b"GET ";
        let output = self.buffers.output();
        let output = output.get(..amount).unwrap_or_default();
        match (self.origin.take(), output.strip_prefix(METHOD)) {
            (Some(origin), Some(path)) => {
                let absolute = [METHOD, origin.as_bytes(), path].concat();
                self.stream.write(&absolute)?;
            }
            _ => self.stream.write(output)?,
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    /// One connection serves one request.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        }
        .map_err(|error| self.explain(error))
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
        .map_err(|error| self.explain(error))
    }

    /// Names the server, and hides the kinds of error that ureq takes for the end of a body, such as an end without
    /// the TLS farewell.
    fn explain(&self, error: io::Error) -> io::Error {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => &tls.sock,
        };
        explain_io(error, socket.server()).into()
    }
}
