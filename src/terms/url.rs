//! Where a download comes from: the URLs that may be pulled, and the names that derive from them.

use std::fmt;
use std::str::FromStr;

/// The schemes a transfer understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
    File,
}

/// An absolute URL that may be pulled from: `http://`, `https://` or `file:/`, printable ASCII, with something behind it.
///
/// The text is kept as it was given. `Display`, which also names kept copies and is recorded with images, leaves a password
/// out; `as_str` does not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(String);

/// Text that is not such a URL, and why.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidUrl {
    #[error("URL `{0}` does not begin with http://, https:// or file:/ in lower case")]
    Scheme(String),
    #[error("URL `{0}` names no host")]
    Host(String),
    #[error(
        "URL `{0}` holds a character that a URL may not hold: write spaces and anything beyond ASCII as %XX"
    )]
    Character(String),
    #[error("URL `{0}` has a port that is no number from 1 to 65535")]
    Port(String),
    #[error("URL of {0} bytes is too long: the limit is {max}", max = Url::MAX_LEN)]
    Length(usize),
}

impl Url {
    /// The longest URL taken, in bytes.
    pub const MAX_LEN: usize = 4096;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn scheme(&self) -> Scheme {
        if self.0.starts_with("https:") {
            Scheme::Https
        } else if self.0.starts_with("http:") {
            Scheme::Http
        } else {
            Scheme::File
        }
    }

    /// The part between scheme and path, with credentials and port; empty for most `file:` URLs.
    fn authority(&self) -> &str {
        let rest = &self.0[self.0.find(':').map_or(0, |colon| colon + 1)..];
        let rest = rest.strip_prefix("//").unwrap_or("");
        &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
    }

    /// User name and password, still percent-encoded, where the URL carries them.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let (user_info, _) = self.authority().rsplit_once('@')?;
        Some(user_info.split_once(':').unwrap_or((user_info, "")))
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.host_and_port().0
    }

    /// The port, or the scheme's own.
    pub fn port(&self) -> u16 {
        let default = if self.scheme() == Scheme::Https {
            443
        } else {
            80
        };
        self.host_and_port()
            .1
            .and_then(|port| port.parse().ok())
            .unwrap_or(default)
    }

    fn host_and_port(&self) -> (&str, Option<&str>) {
        let authority = self.authority();
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        if let Some((address, rest)) = host.strip_prefix('[').and_then(|host| host.split_once(']'))
        {
            return (address, rest.strip_prefix(':'));
        }
        host.split_once(':')
            .map_or((host, None), |(host, port)| (host, Some(port)))
    }

    /// Everything before query and fragment.
    fn without_query(&self) -> &str {
        &self.0[..self.0.find(['?', '#']).unwrap_or(self.0.len())]
    }

    /// The path of a `file:` URL, percent-decoded. None for other schemes and for a host other than this one.
    pub fn file_path(&self) -> Option<Vec<u8>> {
        if self.scheme() != Scheme::File || !matches!(self.authority(), "" | "localhost") {
            return None;
        }
        let rest = &self.without_query()["file:".len()..];
        let path = match rest.strip_prefix("//") {
            Some(rest) => &rest[rest.find('/')?..],
            None => rest,
        };
        let mut decoded = Vec::with_capacity(path.len());
        let mut bytes = path.bytes();
        while let Some(byte) = bytes.next() {
            let code = (byte == b'%').then(|| bytes.as_slice_hex()).flatten();
            if code.is_some() {
                bytes.nth(1);
            }
            decoded.push(code.unwrap_or(byte));
        }
        (!decoded.contains(&0)).then_some(decoded)
    }

    /// The last component that is not empty, without query and fragment: the file's name on the server.
    pub fn last_component(&self) -> Option<&str> {
        let (start, end) = self.last_component_range()?;
        Some(&self.0[start..end])
    }

    fn last_component_range(&self) -> Option<(usize, usize)> {
        let base = self.without_query();
        let after_scheme = base.find(':')? + 1;
        let slashes =
            base[after_scheme..].len() - base[after_scheme..].trim_start_matches('/').len();
        let host_start = after_scheme + slashes;
        // For file: the "host" is the first path component, unless it is all there is.
        let path_start = match self.scheme() {
            Scheme::File => after_scheme,
            _ => host_start + base[host_start..].find('/')?,
        };
        let end = path_start + base[path_start..].trim_end_matches('/').len();
        let start = path_start + base[path_start..end].rfind('/')? + 1;
        (start < end).then_some((start, end))
    }

    /// The URL of another file beside this one: `name` takes the last component's place, the query goes.
    ///
    /// A URL without a last component gets the name appended.
    pub fn sibling(&self, name: &str) -> Self {
        let stem = match self.last_component_range() {
            Some((start, _)) => &self.0[..start],
            None => self.without_query().trim_end_matches('/'),
        };
        let slash = if stem.ends_with('/') { "" } else { "/" };
        Self(format!("{stem}{slash}{name}"))
    }

    /// Where a redirect leads (RFC 3986, 5.2): an absolute URL, or a reference relative to this one.
    pub fn join(&self, reference: &str) -> Result<Self, InvalidUrl> {
        let reference = &reference[..reference.find('#').unwrap_or(reference.len())];
        let colon = reference.find(':');
        let delimiter = reference.find(['/', '?']).unwrap_or(reference.len());
        if colon.is_some_and(|colon| colon < delimiter) {
            return reference.parse();
        }
        let scheme_end = self.0.find(':').map_or(0, |colon| colon + 1);
        if reference.starts_with("//") {
            return format!("{}{reference}", &self.0[..scheme_end]).parse();
        }
        let base = self.without_query();
        let origin_end = scheme_end + 2 + self.authority().len();
        let (origin, path) = base.split_at(origin_end.min(base.len()));
        if reference.is_empty() {
            return Ok(self.clone());
        }
        if reference.starts_with('?') {
            return format!("{base}{reference}").parse();
        }
        let (target, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
        let merged = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!(
                "{}/{target}",
                path.rsplit_once('/').map_or("", |(directory, _)| directory)
            )
        };
        format!("{origin}{}{query}", without_dot_segments(&merged)).parse()
    }
}

/// A path with `.` and `..` segments worked in (RFC 3986, 5.2.4); `..` at the top stays at the top.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            "." if last => kept.push(""),
            "." => {}
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Reading of two hexadecimal digits ahead of an iterator.
trait HexAhead {
    fn as_slice_hex(&self) -> Option<u8>;
}

impl HexAhead for std::str::Bytes<'_> {
    fn as_slice_hex(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let high = char::from(ahead.next()?).to_digit(16)?;
        let low = char::from(ahead.next()?).to_digit(16)?;
        u8::try_from(high * 16 + low).ok()
    }
}

impl FromStr for Url {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        if text.len() > Self::MAX_LEN {
            return Err(InvalidUrl::Length(text.len()));
        }
        if !text.bytes().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`')
        }) {
            return Err(InvalidUrl::Character(
                Self(text.escape_debug().to_string()).to_string(),
            ));
        }
        let url = Self(text.to_owned());
        if let Some(path) = text.strip_prefix("file:/") {
            return if path.is_empty() {
                Err(InvalidUrl::Host(url.to_string()))
            } else {
                Ok(url)
            };
        }
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return Err(InvalidUrl::Scheme(url.to_string()));
        }
        let (host, port) = url.host_and_port();
        if host.is_empty() {
            return Err(InvalidUrl::Host(url.to_string()));
        }
        match port.filter(|port| !port.is_empty()).map(str::parse::<u16>) {
            None | Some(Ok(1..)) => Ok(url),
            _ => Err(InvalidUrl::Port(url.to_string())),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((user, _)) = self
            .credentials()
            .filter(|(_, password)| !password.is_empty())
        else {
            return f.pad(&self.0);
        };
        let start = self.0.find("//").map_or(0, |slashes| slashes + 2);
        // A password may hold an `@` of its own.
        let end = start + self.authority().rfind('@').unwrap_or(0);
        write!(f, "{}:***{}", &self.0[..start + user.len()], &self.0[end..])
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn only_http_https_and_file_urls_in_ascii_are_taken() {
        for good in [
            "http://h",
            "https://h:8443/a?b=c",
            "file:/x",
            "file:///x",
            "http://[::1]:80/",
            "http://u:p@h/",
        ] {
            assert!(good.parse::<Url>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "notaurl",
            "ftp://h/x",
            "HTTP://h/x",
            "http://",
            "http:///x",
            "file:",
            "file:/",
            "http://h/a b",
            "http://h/\u{e4}",
            "http://h:0/",
            "http://h:65536/",
            "http://h:x/",
            "http://h/\n",
            "http://h/\"x",
        ] {
            assert!(bad.parse::<Url>().is_err(), "{bad}");
        }
        assert_eq!(
            format!("http://h/{}", "a".repeat(5000)).parse::<Url>(),
            Err(InvalidUrl::Length(5009))
        );
    }

    #[test]
    fn the_last_component_is_the_last_that_is_not_empty() {
        for (text, component) in [
            ("https://h/a/b/", Some("b")),
            ("https://h/a.raw.xz?x=/y#z", Some("a.raw.xz")),
            ("https://h", None),
            ("https://h/", None),
            ("https://h?x", None),
            ("file:/img.raw", Some("img.raw")),
            ("file:///d/img.raw", Some("img.raw")),
        ] {
            assert_eq!(url(text).last_component(), component, "{text}");
        }
    }

    #[test]
    fn a_sibling_takes_the_last_components_place_and_loses_the_query() {
        assert_eq!(
            url("https://h/q/i.raw?t=1#f")
                .sibling("SHA256SUMS")
                .as_str(),
            "https://h/q/SHA256SUMS"
        );
        assert_eq!(url("https://h/q/i/").sibling("S").as_str(), "https://h/q/S");
        assert_eq!(url("https://h").sibling("S").as_str(), "https://h/S");
        assert_eq!(url("file:///i.raw").sibling("S").as_str(), "file:///S");
    }

    #[test]
    fn host_port_and_credentials_are_told_apart() {
        let full = url("http://me:p%40@[fe80::1]:81/x");
        assert_eq!(
            (full.host(), full.port(), full.credentials()),
            ("fe80::1", 81, Some(("me", "p%40")))
        );
        let plain = url("https://h/@:9");
        assert_eq!(
            (plain.host(), plain.port(), plain.credentials()),
            ("h", 443, None)
        );
    }

    #[test]
    fn a_password_is_not_shown() {
        for secret in ["secret", "se@ret", ":@:"] {
            let text = format!("http://me:{secret}@h/x@y");
            assert_eq!(url(&text).to_string(), "http://me:***@h/x@y");
        }
        assert_eq!(url("http://me@h/x").to_string(), "http://me@h/x");
        assert!(!format!("{:?}", url("http://me:secret@h/x")).contains("secret"));
        for broken in [
            "HTTP://me:secret@h/x",
            "http://me:secret@h/ x",
            "http://me:secret@h:0/",
        ] {
            let message = broken.parse::<Url>().unwrap_err().to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn file_paths_are_decoded_and_stay_on_this_host() {
        assert_eq!(
            url("file:///a%20b%2/%41").file_path(),
            Some(b"/a b%2/A".to_vec())
        );
        assert_eq!(url("file:/x").file_path(), Some(b"/x".to_vec()));
        assert_eq!(url("file://localhost/x").file_path(), Some(b"/x".to_vec()));
        assert_eq!(url("file://other/x").file_path(), None);
        assert_eq!(url("file:///a%00b").file_path(), None);
    }

    #[test]
    fn redirects_resolve_like_any_reference() {
        let base = url("http://h:8/a/b/c?q");
        for (reference, target) in [
            ("https://o/x", "https://o/x"),
            ("//o/x", "http://o/x"),
            ("/x?y", "http://h:8/x?y"),
            ("x", "http://h:8/a/b/x"),
            ("../x", "http://h:8/a/x"),
            ("../../../x", "http://h:8/x"),
            (".", "http://h:8/a/b/"),
            ("?z", "http://h:8/a/b/c?z"),
            ("x:y/z#f", ""),
        ] {
            match base.join(reference) {
                Ok(joined) => assert_eq!(joined.as_str(), target),
                Err(_) => assert_eq!(target, "", "{reference}"),
            }
        }
        assert_eq!(url("http://h").join("x").unwrap().as_str(), "http://h/x");
    }
}
