//! What was asked.

use std::io::{self, BufRead, Read};
use std::time::Instant;

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// The request target as sent: a path with its query, for a proxy a whole URL or `host:port`.
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// When its head had arrived, so that pauses can be measured.
    pub at: Instant,
}

impl Request {
    /// The value of the first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Method and target, for comparisons of whole conversations.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// Reads up to the empty line; `None` if the peer has nothing more to ask.
pub(in super::super) fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.take(64 * 1024).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ').map(str::to_owned);
    let header = |line: String| {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        (name.to_owned(), value.trim().to_owned())
    };
    Ok(Some(Request {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        headers: lines.map(header).collect(),
        at: Instant::now(),
    }))
}
