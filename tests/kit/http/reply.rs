//! What is answered: a resource that behaves, or any of the ways in which one does not.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::super::service::Gate;
use super::Request;

/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// One answer. It starts out well-behaved, with `Content-Length`, `Accept-Ranges` and answers to `Range`, `If-Range`,
/// `If-None-Match` and `If-Modified-Since`; each method takes away one virtue.
#[derive(Clone)]
pub struct Reply {
    code: u16,
    body: Arc<[u8]>,
    /// Added last, replacing those of the same name.
    headers: Vec<(String, String)>,
    without: Vec<&'static str>,
    chunked: bool,
    bytes_per_second: Option<u64>,
    end: End,
    raw: bool,
}

#[derive(Clone, Copy)]
enum End {
    Whole,
    Cut(usize),
    /// Silent from there on, for a time.
    Pause(usize, Duration),
}

/// What becomes of the connection.
#[derive(PartialEq, Eq)]
pub(super) enum After {
    Reuse,
    Close,
    /// Without the farewell that TLS has.
    Abort,
}

impl Reply {
    /// 200 with that body, without validators.
    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self {
            code: 200,
            body: body.into().into(),
            headers: Vec::new(),
            without: Vec::new(),
            chunked: false,
            bytes_per_second: None,
            end: End::Whole,
            raw: false,
        }
    }

    /// That status with a line of text as body.
    pub fn status(code: u16) -> Self {
        let mut reply = Self::body(format!("This is a {code}.\n"));
        reply.code = code;
        reply
    }

    /// A redirect of that code; `location` is sent as it is.
    pub fn redirect(code: u16, location: &str) -> Self {
        Self::status(code).header("Location", location)
    }

    /// Reads the request and never answers.
    pub fn silence() -> Self {
        Self::raw("").stall_after(0)
    }

    /// Those bytes instead of anything HTTP, then the connection closes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let mut reply = Self::body(bytes);
        reply.raw = true;
        reply
    }

    /// Replaces a header the server would send (a wrong `Content-Length`, say), or adds one.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn etag(self, etag: &str) -> Self {
        self.header("ETag", etag)
    }

    pub fn last_modified(self, date: &str) -> Self {
        self.header("Last-Modified", date)
    }

    /// Leaves a header out; without `Content-Length` the end of the connection is the end of the body.
    pub fn without_header(mut self, name: &'static str) -> Self {
        self.without.push(name);
        self
    }

    /// Ignores `Range` and does not offer it.
    pub fn without_ranges(self) -> Self {
        self.without_header("Accept-Ranges")
    }

    /// Adds headers of that many bytes in all.
    pub fn huge_headers(mut self, bytes: usize) -> Self {
        for number in 0..bytes.div_ceil(1024) {
            let name = format!("X-Filler-{number}");
            self = self.header(&name, &"x".repeat(1024));
        }
        self
    }

    /// Sends the body in chunks, without its length.
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Sends that much per second, in twenty portions.
    pub fn trickle(mut self, bytes_per_second: u64) -> Self {
        self.bytes_per_second = Some(bytes_per_second);
        self
    }

    /// Closes the connection after that many bytes of this answer's body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.end = End::Cut(bytes);
        self
    }

    /// Sends nothing more after that many bytes of this answer's body, and does not close either.
    pub fn stall_after(self, bytes: usize) -> Self {
        self.pause_after(bytes, FOR_EVER)
    }

    /// Waits that long after that many bytes of this answer's body, then goes on.
    pub fn pause_after(mut self, bytes: usize, time: Duration) -> Self {
        self.end = End::Pause(bytes, time);
        self
    }

    /// The value of a header set by the test.
    fn set(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().rev();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Status and range of the body, by the request's conditions (RFC 9110, 13 and 14).
    fn judge(&self, request: &Request) -> (u16, Range<usize>) {
        let whole = 0..self.body.len();
        if self.code != 200 {
            return (self.code, whole);
        }
        let etag = self.set("ETag");
        let date = self.set("Last-Modified");
        let unchanged = match request.header("If-None-Match") {
            Some(list) => etag.is_some_and(|etag| list.split(", ").any(|known| known == etag)),
            None => date.is_some() && request.header("If-Modified-Since") == date,
        };
        if unchanged {
            return (304, 0..0);
        }
        let same = match request.header("If-Range") {
            Some(validator) => {
                [etag, date].contains(&Some(validator)) && !validator.starts_with("W/")
            }
            None => true,
        };
        let range = request.header("Range").filter(|_| same);
        match range.filter(|_| !self.without.contains(&"Accept-Ranges")) {
            Some(range) => match resolve(range, self.body.len()) {
                Some(range) => (206, range),
                None => (416, 0..0),
            },
            None => (200, whole),
        }
    }

    /// Answers one request.
    pub(super) fn send(
        &self,
        request: &Request,
        out: &mut dyn Write,
        gate: &Gate,
    ) -> io::Result<After> {
        let (code, range) = self.judge(request);
        let body = &self.body[range.clone()];
        let bodiless = !self.raw && (code == 304 || request.method == "HEAD");
        if !self.raw {
            out.write_all(self.head(code, &range).as_bytes())?;
            out.flush()?;
        }
        match self.end {
            _ if bodiless => {}
            End::Cut(bytes) => {
                self.send_part(&body[..bytes.min(body.len())], out, gate)?;
                return Ok(After::Abort);
            }
            End::Whole | End::Pause(..) => self.send_body(body, out, gate)?,
        }
        let close = [request.header("Connection"), self.set("Connection")].contains(&Some("close"));
        let reusable = self.has_clear_end() || bodiless;
        Ok(if reusable && !close {
            After::Reuse
        } else {
            After::Close
        })
    }

    fn send_body(&self, body: &[u8], out: &mut dyn Write, gate: &Gate) -> io::Result<()> {
        if let End::Pause(bytes, time) = self.end {
            let (before, after) = body.split_at(bytes.min(body.len()));
            self.send_part(before, out, gate)?;
            gate.hold(time);
            self.send_part(after, out, gate)?;
        } else {
            self.send_part(body, out, gate)?;
        }
        if self.chunked {
            out.write_all(b"0\r\n\r\n")?;
        }
        out.flush()
    }

    /// Whether the client can tell where the body ends while the connection is open.
    fn has_clear_end(&self) -> bool {
        let length = "Content-Length";
        !self.raw && (self.chunked || self.set(length).is_none() && !self.without.contains(&length))
    }

    fn head(&self, code: u16, range: &Range<usize>) -> String {
        let mut headers = Vec::new();
        if self.chunked {
            headers.push(("Transfer-Encoding", "chunked".to_owned()));
        } else if code != 304 {
            headers.push(("Content-Length", range.len().to_string()));
        }
        headers.push(("Accept-Ranges", "bytes".to_owned()));
        let total = self.body.len();
        if code == 206 {
            let last = range.end - 1;
            let value = format!("bytes {}-{last}/{total}", range.start);
            headers.push(("Content-Range", value));
        } else if code == 416 {
            headers.push(("Content-Range", format!("bytes */{total}")));
        }
        headers.retain(|(name, _)| self.set(name).is_none());
        let own = self.headers.iter();
        headers.extend(own.map(|(name, value)| (name.as_str(), value.clone())));
        headers.retain(|(name, _)| !self.without.contains(name));

        let mut head = format!("HTTP/1.1 {code} As Told\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + "\r\n"
    }

    fn send_part(&self, part: &[u8], out: &mut dyn Write, gate: &Gate) -> io::Result<()> {
        let portion = self
            .bytes_per_second
            .map_or(16 * 1024, |rate| (rate / 20).max(1));
        for piece in part.chunks(portion as usize) {
            if self.chunked {
                write!(out, "{:x}\r\n", piece.len())?;
            }
            out.write_all(piece)?;
            if self.chunked {
                out.write_all(b"\r\n")?;
            }
            out.flush()?;
            if self.bytes_per_second.is_some() {
                gate.hold(Duration::from_millis(50));
            }
        }
        Ok(())
    }
}

/// `bytes=FIRST-` or `bytes=FIRST-LAST`, if it lies within the body.
fn resolve(range: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let end = last
        .parse()
        .map_or(length, |last: usize| length.min(last + 1));
    (first < end).then_some(first..end)
}
