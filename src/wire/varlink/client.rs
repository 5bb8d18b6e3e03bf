//! The caller's side: one connection, one call at a time, waiting for what it comes to.

use std::io::{self, Read, Write};

use super::{
    Call, Failure, Frames, InvalidMessage, Mode, Parameters, REPLY_LIMIT_BYTES, Reply, TooLong,
};

/// A connection to a service. How long it waits is the stream's own to say.
pub struct Client<S> {
    stream: S,
    frames: Frames,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    #[error("the connection has ended")]
    Ended,
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(transparent)]
    Message(#[from] InvalidMessage),
    /// What the method says.
    #[error("{}", .0.name)]
    Method(Failure),
}

impl<S: Read + Write> Client<S> {
    /// Of a stream on which nothing has been said yet.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            frames: Frames::new(REPLY_LIMIT_BYTES),
        }
    }

    /// Calls a method by its whole name, and waits for its values.
    pub fn call(&mut self, method: &str, parameters: Parameters) -> Result<Parameters, CallError> {
        self.send(&Call::new(method, parameters, Mode::Once))?;
        match self.reply()? {
            Reply::Last(values) | Reply::Continued(values) => Ok(values),
            Reply::Failed(failure) => Err(CallError::Method(failure)),
        }
    }

    /// Calls a method, and does not want to know what comes of it.
    pub fn call_oneway(&mut self, method: &str, parameters: Parameters) -> Result<(), CallError> {
        self.send(&Call::new(method, parameters, Mode::Oneway))
    }

    /// Calls a method that answers more than once. The connection is that call's from then on.
    pub fn call_more(
        mut self,
        method: &str,
        parameters: Parameters,
    ) -> Result<Replies<S>, CallError> {
        self.send(&Call::new(method, parameters, Mode::More))?;
        Ok(Replies { client: Some(self) })
    }

    fn send(&mut self, call: &Call) -> Result<(), CallError> {
        self.stream.write_all(&call.to_bytes())?;
        Ok(self.stream.flush()?)
    }

    fn reply(&mut self) -> Result<Reply, CallError> {
        let mut buffer = [0; 8 << 10];
        loop {
            if let Some(message) = self.frames.take()? {
                return Ok(Reply::parse(&message)?);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(CallError::Ended),
                Ok(count) => self.frames.push(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What a method answers, one reply after the other, and after the last or an error none.
pub struct Replies<S> {
    /// None once that is over.
    client: Option<Client<S>>,
}

impl<S: Read + Write> Iterator for Replies<S> {
    type Item = Result<Parameters, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reply = self.client.as_mut()?.reply();
        if !matches!(reply, Ok(Reply::Continued(_))) {
            self.client = None;
        }
        Some(match reply {
            Ok(Reply::Continued(values) | Reply::Last(values)) => Ok(values),
            Ok(Reply::Failed(failure)) => Err(CallError::Method(failure)),
            Err(error) => Err(error),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    /// A client, and a service that says these bytes whatever it is asked.
    fn told(bytes: &[u8]) -> (Client<UnixStream>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&theirs).write_all(bytes).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        (Client::new(ours), theirs)
    }

    #[test]
    fn a_call_comes_to_values_or_to_an_error() {
        let (mut client, mut theirs) = told(b"{\"parameters\":{\"id\":1}}\0{\"error\":\"a.No\"}\0");
        let values = client.call("a.B", Parameters::new().with("x", "y"));
        assert_eq!(values.unwrap(), Parameters::new().with("id", 1));
        let failed = client.call("a.C", Parameters::new()).unwrap_err();
        assert!(matches!(failed, CallError::Method(failure) if failure.name == "a.No"));
        client.call_oneway("a.D", Parameters::new()).unwrap();
        drop(client);
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).unwrap();
        assert_eq!(
            heard,
            "{\"method\":\"a.B\",\"parameters\":{\"x\":\"y\"}}\0{\"method\":\"a.C\"}\0{\"method\":\"a.D\",\"oneway\":true}\0"
        );
    }

    #[test]
    fn replies_end_with_the_last_an_error_or_the_connection() {
        for (bytes, count, good) in [
            (&b"{\"continues\":true}\0{}\0{}\0"[..], 2, true),
            (
                b"{\"continues\":true}\0{\"error\":\"a.No\"}\0{}\0",
                2,
                false,
            ),
            (b"{\"continues\":true}\0{\"continues\":true}\0", 3, false),
            (b"{\"continues\":true}\0garbage\0{}\0", 2, false),
        ] {
            let (client, _theirs) = told(bytes);
            let replies: Vec<_> = client
                .call_more("a.B", Parameters::new())
                .unwrap()
                .collect();
            assert_eq!(replies.len(), count);
            assert_eq!(replies.last().unwrap().is_ok(), good);
        }
    }

    #[test]
    fn a_reply_without_end_is_not_read_for_ever() {
        struct Endless;
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer.fill(b' ');
                Ok(buffer.len())
            }
        }
        impl Write for Endless {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let result = Client::new(Endless).call("a.B", Parameters::new());
        assert!(matches!(result, Err(CallError::TooLong(_))));
    }
}
