//! Extended records (POSIX.1-2017, pax): `LENGTH KEYWORD=VALUE` and a newline, the length counting all of it; and the
//! numbers and times in them.

use super::Timestamp;
use super::error::Fault;

/// The largest extended header of one member.
pub(super) const LIMIT: u64 = 1 << 20;
/// The largest header for all members: it counts again for each of them.
pub(super) const GLOBAL_LIMIT: u64 = 1 << 16;

const NANOSECONDS: i128 = 1_000_000_000;

/// Takes the first record's keyword and value from these.
pub(super) fn take<'a>(records: &mut &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
    let digits = records.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let length = decimal(records.get(..digits).unwrap_or_default());
    let (record, rest) = length
        .and_then(|length| records.split_at_checked(usize::try_from(length).ok()?))
        .ok_or(Fault::Record)?;
    let body = record
        .get(digits..)
        .and_then(|body| body.strip_prefix(b" "))
        .and_then(|body| body.strip_suffix(b"\n"))
        .ok_or(Fault::Record)?
        .trim_ascii_start();
    let mut parts = body.splitn(2, |byte| *byte == b'=');
    let (Some(keyword), Some(value)) = (parts.next(), parts.next()) else {
        return Err(Fault::Record);
    };
    *records = rest;
    Ok((keyword, value))
}

/// Adds a record.
pub(super) fn push(records: &mut Vec<u8>, keyword: &[u8], value: &[u8]) {
    let body = keyword.len() + value.len() + b" =\n".len();
    let mut length = body;
    while body + length.to_string().len() != length {
        length = body + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(keyword);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Digits and nothing else.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then_some(text)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds with a sign and any number of decimal places, of which nine count: the rest rounds towards the past.
pub(super) fn time(text: &[u8]) -> Option<Timestamp> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let seconds = i128::from(decimal(parts.next()?)?);
    let places = parts.next().unwrap_or_default();
    if !places.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |index| i128::from(places.get(index).map_or(0, |byte| byte - b'0'));
    let fraction = (0..9).fold(0, |value, index| value * 10 + digit(index));
    let mut total = seconds * NANOSECONDS + fraction;
    if negative {
        let beyond = places.iter().skip(9).any(|byte| *byte != b'0');
        total = -total - i128::from(beyond);
    }
    Some(Timestamp {
        seconds: total.div_euclid(NANOSECONDS).try_into().ok()?,
        nanoseconds: total.rem_euclid(NANOSECONDS).try_into().ok()?,
    })
}

/// A time as `time` reads it, in the fewest places.
pub(super) fn time_text(time: Timestamp) -> String {
    let total = i128::from(time.seconds) * NANOSECONDS + i128::from(time.nanoseconds);
    let sign = if total < 0 { "-" } else { "" };
    let total = total.unsigned_abs();
    let unit = NANOSECONDS.unsigned_abs();
    let text = format!("{sign}{}.{:09}", total / unit, total % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timestamp(seconds: i64, nanoseconds: u32) -> Timestamp {
        Timestamp {
            seconds,
            nanoseconds,
        }
    }

    #[test]
    fn times_before_1970_count_their_nanoseconds_forward() {
        for (text, seconds, nanoseconds) in [
            ("0", 0, 0),
            ("1.5", 1, 500_000_000),
            ("-1.5", -2, 500_000_000),
            ("-0.5", -1, 500_000_000),
            ("-0.000000001", -1, 999_999_999),
            ("1700000000.123456789", 1_700_000_000, 123_456_789),
            ("9223372036854775807.999999999", i64::MAX, 999_999_999),
            ("-9223372036854775808", i64::MIN, 0),
        ] {
            let time_read = time(text.as_bytes()).unwrap();
            assert_eq!(time_read, timestamp(seconds, nanoseconds), "{text}");
            assert_eq!(time_text(time_read), text);
        }
    }

    #[test]
    fn places_beyond_the_ninth_round_towards_the_past() {
        assert_eq!(time(b"1.9999999999").unwrap(), timestamp(1, 999_999_999));
        assert_eq!(time(b"-1.0000000001").unwrap(), timestamp(-2, 999_999_999));
        assert_eq!(time(b"-1.0000000000").unwrap(), timestamp(-1, 0));
        assert_eq!(time(b"7.").unwrap(), timestamp(7, 0));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "-.5",
            "+1",
            " 1",
            "1 ",
            "1e3",
            "1.5x",
            "1.-5",
            "1.5.5",
            "--1",
            "9223372036854775808",
            "-9223372036854775808.1",
            "99999999999999999999",
        ] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_record_counts_the_digits_of_its_own_length() {
        for length in [0, 1, 90, 91, 92, 93, 94, 989, 990, 991, 992, 993] {
            let value = vec![b'v'; length];
            let mut records = Vec::new();
            push(&mut records, b"k", &value);
            push(&mut records, b"next", b"a=b\n");
            let mut rest = records.as_slice();
            assert_eq!(take(&mut rest), Ok((&b"k"[..], value.as_slice())));
            assert_eq!(take(&mut rest), Ok((&b"next"[..], &b"a=b\n"[..])));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        for mut record in [
            &b"6 abc\n"[..],
            b"7 a=b\n",
            b"5 a=b\n",
            b"0 a=b\n",
            b" 7 a=b\n",
            b"6\ta=b\n",
            b"-6 a=b\n",
            b"6 a=bX",
            b"99999999999999999999999 a=b\n",
            b"18446744073709551615 a=b\n",
            b"6 a=b",
            b"6",
            b"=",
            b"\0",
            b"1 ",
        ] {
            let text = record.escape_ascii();
            assert_eq!(take(&mut record), Err(Fault::Record), "{text}");
        }
    }
}
