//! How extended attributes are named and coded in extended records: star's `SCHILY.xattr.NAME` with the value as it is,
//! in which GNU tar escapes `%` and `=` of the name; libarchive's `LIBARCHIVE.xattr.NAME`, escaped as in a URL, in base64.

pub(super) const SCHILY: &[u8] = b"SCHILY.xattr.";
pub(super) const LIBARCHIVE: &[u8] = b"LIBARCHIVE.xattr.";

/// A name for `SCHILY.xattr.`.
pub(super) fn escape(name: &[u8]) -> Vec<u8> {
    let mut escaped = SCHILY.to_vec();
    for byte in name {
        match byte {
            b'%' => escaped.extend_from_slice(b"%25"),
            b'=' => escaped.extend_from_slice(b"%3D"),
            _ => escaped.push(*byte),
        }
    }
    escaped
}

/// A name from `SCHILY.xattr.`: the two escapes, everything else as it is.
pub(super) fn unescape(name: &[u8]) -> Vec<u8> {
    unescaped(name, |byte| b"%=".contains(&byte))
}

/// A name from `LIBARCHIVE.xattr.`: any byte may be escaped.
pub(super) fn unescape_url(name: &[u8]) -> Vec<u8> {
    unescaped(name, |_| true)
}

fn unescaped(mut name: &[u8], may_be: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    while let Some((first, rest)) = name.split_first() {
        let escape = rest
            .split_at_checked(2)
            .filter(|_| *first == b'%')
            .and_then(|(digits, rest)| Some((hexadecimal(digits)?, rest)))
            .filter(|(byte, _)| may_be(*byte));
        let (byte, rest) = escape.unwrap_or((*first, rest));
        plain.push(byte);
        name = rest;
    }
    plain
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |value: u8, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | u8::try_from(digit).ok()?)
    })
}

/// The bytes that a base64 text (RFC 4648, section 4) stands for; it may lack its padding.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let text = text.get(..text.len() - padding)?;
    if padding > 2 || text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        bits = bits << 6 | u32::from(sextet(*byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_whatever_is_in_them() {
        for name in [
            &b"user.a=b"[..],
            b"user.%",
            b"user.%3D=%25",
            b"user.\xff\n",
            b"",
        ] {
            let escaped = escape(name);
            assert!(!escaped.contains(&b'='));
            assert_eq!(unescape(escaped.strip_prefix(SCHILY).unwrap()), name);
        }
        assert_eq!(unescape(b"user.e%41%2"), b"user.e%41%2");
        assert_eq!(unescape_url(b"user.%41%3d%"), b"user.A=%");
    }

    #[test]
    fn base64_is_taken_with_and_without_padding_and_nothing_else_is() {
        for (text, bytes) in [
            (&b"dmFsdWU"[..], &b"value"[..]),
            (b"dmFsdWU=", b"value"),
            (b"", b""),
            (b"AA==", b"\0"),
            (b"+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(base64(text).as_deref(), Some(bytes));
        }
        for text in [&b"d"[..], b"d*m", b"dm Fs", b"=dmF", b"dmF===", b"dm=F"] {
            assert_eq!(base64(text), None);
        }
    }
}
