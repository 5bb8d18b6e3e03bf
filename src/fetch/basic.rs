//! `Basic` credentials (RFC 7617) from the user-info part of a URL.

/// The value of an `Authorization` or `Proxy-Authorization` header, from a percent-encoded user name and password.
pub(super) fn basic((user, password): (&str, &str)) -> String {
    let mut plain = percent_decode(user);
    plain.push(b':');
    plain.extend(percent_decode(password));
    format!("Basic {}", base64(&plain))
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let code = match rest {
            [b'%', high, low, ..] => digit(high).zip(digit(low)),
            _ => None,
        };
        let code = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(code.unwrap_or(*first));
        rest = if code.is_some() {
            rest.get(3..).unwrap_or_default()
        } else {
            tail
        };
    }
    decoded
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            text.push(if index > chunk.len() {
                '='
            } else {
                char::from(ALPHABET[(group >> (18 - 6 * index) & 63) as usize])
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_decoded_and_written_as_the_rfc_shows() {
        // RFC 7617, section 2.
        assert_eq!(
            basic(("Aladdin", "open%20sesame")),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(percent_decode("a%3Ab%4%"), b"a:b%4%");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
