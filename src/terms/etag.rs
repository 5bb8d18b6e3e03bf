//! An HTTP entity tag, as it is sent, remembered and named in a kept copy's file name.

use std::fmt;

/// An entity tag in its raw spelling (RFC 9110, 8.8.3): `"…"` or `W/"…"`, visible ASCII, no quote inside.
///
/// Compared byte for byte; a weak tag is as good as a strong one for "have I got this already".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    /// The tag, if the text is one; servers send junk, and junk is treated as no tag at all.
    pub fn parse(text: &str) -> Option<Self> {
        let opaque = text.strip_prefix("W/").unwrap_or(text);
        let inner = opaque.strip_prefix('"')?.strip_suffix('"')?;
        let valid = inner
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"');
        valid.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_and_weak_tags_keep_their_spelling_and_junk_is_none() {
        for tag in ["\"\"", "\"a0865ec\"", "W/\"x.y/z\""] {
            assert_eq!(Etag::parse(tag).unwrap().as_str(), tag);
        }
        for junk in [
            "", "\"", "abc", "W/abc", "\"a\"b\"", "\"a b\"", "\"a\n\"", "w/\"a\"",
        ] {
            assert_eq!(Etag::parse(junk), None, "{junk:?}");
        }
    }
}
