//! A stream of bytes cut into messages at its NUL bytes.

/// What has been read, until it is whole messages.
///
/// Whoever reads pushes no more before [`take`](Self::take) has said that it has none, so that what is held is one message
/// of the largest size and what was read at once.
pub struct Frames {
    buffer: Vec<u8>,
    /// Up to here there is no NUL.
    searched: usize,
    limit_bytes: usize,
}

/// Why nothing more can be made of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message is longer than {0} bytes")]
pub struct TooLong(usize);

impl Frames {
    /// Messages may be so long, without their NUL.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            searched: 0,
            limit_bytes,
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, without its NUL; none until more is read.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let found = self.buffer[self.searched..]
            .iter()
            .position(|byte| *byte == 0);
        let length = found.map_or(self.buffer.len(), |at| self.searched + at);
        if length > self.limit_bytes {
            return Err(TooLong(self.limit_bytes));
        }
        if found.is_none() {
            self.searched = length;
            return Ok(None);
        }
        self.searched = 0;
        let rest = self.buffer.split_off(length + 1);
        let mut message = std::mem::replace(&mut self.buffer, rest);
        message.truncate(length);
        Ok(Some(message))
    }

    /// Whether nothing is here of a message that has not ended.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All there is by now.
    fn all(frames: &mut Frames) -> Result<Vec<String>, TooLong> {
        let mut messages = Vec::new();
        while let Some(message) = frames.take()? {
            messages.push(String::from_utf8(message).unwrap());
        }
        Ok(messages)
    }

    #[test]
    fn messages_come_out_however_they_were_read() {
        let stream = b"{\"a\":1}\0{}\0\0last\0";
        for size in 1..=stream.len() {
            let mut frames = Frames::new(100);
            let mut messages = Vec::new();
            for piece in stream.chunks(size) {
                frames.push(piece);
                messages.extend(all(&mut frames).unwrap());
            }
            assert_eq!(messages, ["{\"a\":1}", "{}", "", "last"], "{size}");
            assert!(frames.is_empty());
        }
    }

    #[test]
    fn what_has_not_ended_is_waited_for() {
        let mut frames = Frames::new(100);
        assert!(frames.is_empty());
        frames.push(b"one\0two");
        assert_eq!(all(&mut frames).unwrap(), ["one"]);
        assert!(!frames.is_empty());
        frames.push(b"\0");
        assert_eq!(all(&mut frames).unwrap(), ["two"]);
    }

    #[test]
    fn a_message_may_be_so_long_and_not_longer() {
        for (length, ended, fits) in [
            (8, true, true),
            (8, false, true),
            (9, true, false),
            (9, false, false),
        ] {
            let mut frames = Frames::new(8);
            frames.push(&vec![b'x'; length]);
            if ended {
                frames.push(&[0]);
            }
            assert_eq!(frames.take().is_ok(), fits, "{length} {ended}");
        }
        // Those before it are not lost.
        let mut frames = Frames::new(8);
        frames.push(b"short\0much too long");
        assert_eq!(frames.take().unwrap().unwrap(), b"short");
        assert_eq!(frames.take(), Err(TooLong(8)));
    }
}
