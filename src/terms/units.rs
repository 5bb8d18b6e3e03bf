//! Quantities as people write and read them: bytes, spans of time, percentages, booleans.

use std::fmt;
use std::time::Duration;

/// A number of bytes, written the way tables and messages do: base 1024, one decimal unless it is whole (`97.6K`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 6] = [
            ("E", 60),
            ("P", 50),
            ("T", 40),
            ("G", 30),
            ("M", 20),
            ("K", 10),
        ];
        let Some((unit, shift)) = UNITS.into_iter().find(|(_, shift)| self.0 >> shift != 0) else {
            return f.pad(&format!("{}B", self.0));
        };
        let whole = self.0 >> shift;
        let rest = self.0 & ((1 << shift) - 1);
        let tenths = (u128::from(rest) * 10) >> shift;
        match tenths {
            0 => f.pad(&format!("{whole}{unit}")),
            _ => f.pad(&format!("{whole}.{tenths}{unit}")),
        }
    }
}

/// A share of the whole, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// How much of `total` is `done`; everything that is beyond the end counts as the end.
    pub fn of(done: u64, total: u64) -> Self {
        if total == 0 || done >= total {
            return Self(100);
        }
        let share = u128::from(done) * 100 / u128::from(total);
        Self(u8::try_from(share).unwrap_or(100))
    }

    /// This share of a part that is itself `part` percent of the whole.
    pub fn scaled(self, part: u64) -> Self {
        Self::of(u64::from(self.0) * part.min(100), 100 * 100)
    }

    pub fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}%", self.0))
    }
}

/// A value that does not parse; `expected` says what would.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{value}` is not {expected}")]
pub struct InvalidValue {
    pub value: String,
    pub expected: &'static str,
}

/// A boolean in any of the spellings that system and service settings take, whatever the case.
pub fn parse_boolean(word: &str) -> Result<bool, InvalidValue> {
    const YES: [&str; 6] = ["1", "yes", "y", "true", "t", "on"];
    const NO: [&str; 6] = ["0", "no", "n", "false", "f", "off"];
    let is = |list: [&str; 6]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is(YES) {
        Ok(true)
    } else if is(NO) {
        Ok(false)
    } else {
        Err(InvalidValue {
            value: word.to_owned(),
            expected: "a boolean such as yes or no",
        })
    }
}

/// A number of bytes: digits, and then perhaps one of the units B, K, M, G, T, P and E, base 1024 (`64M`, `1.5G`).
///
/// More than a file can have (2⁶³ − 1) is none.
pub fn parse_bytes(text: &str) -> Result<u64, InvalidValue> {
    const UNITS: &str = "BKMGTPE";
    let invalid = || InvalidValue {
        value: text.to_owned(),
        expected: "a number of bytes such as 4096, 64M or 1.5G",
    };
    let text_of_number = text.strip_suffix(|unit| UNITS.contains(unit));
    let unit = text.chars().next_back().and_then(|unit| UNITS.find(unit));
    let shift = 10 * u32::try_from(unit.unwrap_or(0)).unwrap_or(0);
    let number = text_of_number.unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Twelve digits behind the point are finer than any unit.
    if !digits(whole) || !digits(fraction) || fraction.len() > 12 {
        return Err(invalid());
    }
    let whole: u128 = whole.parse().map_err(|_| invalid())?;
    let tenths: u128 = fraction.parse().map_err(|_| invalid())?;
    let part = (tenths << shift) / 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let bytes = whole.checked_mul(1 << shift).map(|whole| whole + part);
    let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok());
    bytes.map(i64::cast_unsigned).ok_or_else(invalid)
}

/// A span of time: seconds, or numbers with the units ms, s, min, h and d, added up (`90`, `1.5s`, `1min 30s`).
pub fn parse_time_span(text: &str) -> Result<Duration, InvalidValue> {
    let invalid = || InvalidValue {
        value: text.to_owned(),
        expected: "a time span such as 90, 30s or 2min",
    };
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = rest[digits..].trim_start();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let factor = match &rest[..letters] {
            "" | "s" | "sec" => 1.0,
            "ms" | "msec" => 0.001,
            "m" | "min" => 60.0,
            "h" | "hr" => 3600.0,
            "d" => 86400.0,
            _ => return Err(invalid()),
        };
        seconds += number * factor;
        rest = rest[letters..].trim_start();
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_in_base_1024_with_one_decimal_where_it_says_something() {
        for (bytes, text) in [
            (0, "0B"),
            (4, "4B"),
            (1023, "1023B"),
            (1024, "1K"),
            (10 << 10, "10K"),
            (100_000, "97.6K"),
            (64 << 20, "64M"),
            ((3 << 30) + (1 << 29), "3.5G"),
            (u64::MAX, "15.9E"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn a_percentage_stays_within_its_bounds() {
        for (done, total, percent) in [
            (0, 0, 100),
            (0, 7, 0),
            (1, 3, 33),
            (9, 3, 100),
            (u64::MAX - 1, u64::MAX, 99),
        ] {
            assert_eq!(Percent::of(done, total).get(), percent);
        }
        assert_eq!(Percent::of(50, 100).scaled(80).get(), 40);
        assert_eq!(Percent::of(1, 1).scaled(80).get(), 80);
    }

    #[test]
    fn booleans_take_every_usual_spelling() {
        for word in ["1", "YES", "t", "On"] {
            assert_eq!(parse_boolean(word), Ok(true));
        }
        for word in ["0", "no", "F", "off"] {
            assert_eq!(parse_boolean(word), Ok(false));
        }
        assert!(parse_boolean("").is_err() && parse_boolean("maybe").is_err());
    }

    #[test]
    fn numbers_of_bytes_take_units_of_base_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("7B", 7),
            ("64M", 64 << 20),
            ("1.5G", 3 << 29),
            ("0.5K", 512),
            ("7E", 7 << 60),
            ("9223372036854775807", (1 << 63) - 1),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "K",
            "-1",
            "+1",
            "1k",
            "1KB",
            "1 K",
            ".5",
            "1.",
            "8E",
            "9223372036854775808",
            &"9".repeat(60),
            "1.5.5",
        ] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_spans_take_plain_seconds_and_units() {
        for (text, millis) in [
            ("90", 90_000),
            ("1.5s", 1_500),
            ("2min", 120_000),
            ("1min 30s", 90_000),
            ("250ms", 250),
        ] {
            assert_eq!(
                parse_time_span(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in ["", " ", "s", "-1", "1y", "1..2", "inf", &"9".repeat(40)] {
            assert!(parse_time_span(text).is_err(), "{text}");
        }
    }
}
