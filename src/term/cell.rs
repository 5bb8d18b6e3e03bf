//! What stands in a table: a value, its text and its JSON.

use serde_json::Value;

use super::{Paint, Terminal, ellipsize, ellipsize_middle};
use crate::report::{is_printable, printable};
use crate::sys::{LocalTime, local_time};
use crate::terms::{Bytes, Percent};

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Not known: `-`, and null.
    Empty,
    Text(String),
    /// An absolute path; a link to it on terminals that have links.
    Path(String),
    Number(u64),
    Percent(Percent),
    /// A size; in JSON the plain number of bytes.
    Bytes(u64),
    /// Microseconds since 1970. 0 is shown as `-`: file systems that keep no such time say 0.
    Timestamp(u64),
    /// `ro` or `rw`, and a boolean.
    ReadOnly(bool),
}

impl Cell {
    /// The text, fit for a terminal.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Empty | Self::Timestamp(0) => "-".to_owned(),
            Self::Text(text) | Self::Path(text) => printable(text).replace('\t', "\\x09"),
            Self::Number(number) => number.to_string(),
            Self::Percent(percent) => percent.to_string(),
            Self::Bytes(bytes) => Bytes(*bytes).to_string(),
            Self::Timestamp(microseconds) => i64::try_from(microseconds / 1_000_000)
                .ok()
                .and_then(local_time)
                .map_or_else(|| "-".to_owned(), |time| timestamp(&time)),
            Self::ReadOnly(true) => "ro".to_owned(),
            Self::ReadOnly(false) => "rw".to_owned(),
        }
    }

    /// Whether the text may be shortened where room is scarce. A shortened number would be another one.
    pub(super) fn shrinks(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Path(_))
    }

    /// `text` of this cell in at most `columns`.
    pub(super) fn shorten(&self, text: &str, columns: usize) -> String {
        match self {
            Self::Path(_) => ellipsize_middle(text, columns),
            _ => ellipsize(text, columns),
        }
    }

    /// `text` of this cell, possibly shortened, with colours and links.
    pub(super) fn decorate(&self, text: &str, terminal: &Terminal) -> String {
        match self {
            Self::Path(path) => terminal.link_path(path, text),
            Self::ReadOnly(true) => terminal.paint(Paint::Red, text),
            Self::ReadOnly(false) => terminal.paint(Paint::Green, text),
            _ if text == "-" => terminal.paint(Paint::Grey, text),
            _ => text.to_owned(),
        }
    }

    /// The JSON value. What a terminal would obey is escaped there too.
    pub(super) fn json(&self) -> String {
        let value = match self {
            Self::Empty => Value::Null,
            Self::Text(text) | Self::Path(text) => Value::from(text.as_str()),
            Self::Number(number) | Self::Bytes(number) | Self::Timestamp(number) => {
                Value::from(*number)
            }
            Self::Percent(percent) => Value::from(percent.get()),
            Self::ReadOnly(read_only) => Value::from(*read_only),
        };
        let mut json = String::new();
        for c in value.to_string().chars() {
            // Only inside strings, and all of them below U+10000.
            if is_printable(c) {
                json.push(c);
            } else {
                json.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
        }
        json
    }
}

/// A moment the way tables write it: `Fri 2026-11-20 15:14:10 UTC`.
fn timestamp(time: &LocalTime) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let LocalTime {
        year,
        month,
        day,
        weekday,
        hour,
        minute,
        second,
        zone,
        ..
    } = time;
    let weekday = DAYS.get(usize::from(*weekday)).unwrap_or(&"");
    format!("{weekday} {year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_text_and_its_json() {
        for (cell, text, json) in [
            (Cell::Empty, "-", "null"),
            (Cell::Text("größe".to_owned()), "größe", "\"größe\""),
            (Cell::Text(String::new()), "", "\"\""),
            (
                Cell::Path("/a\\x2f\"".to_owned()),
                "/a\\x2f\"",
                r#""/a\\x2f\"""#,
            ),
            (Cell::Number(138), "138", "138"),
            (Cell::Percent(Percent::of(1, 100)), "1%", "1"),
            (Cell::Bytes(100_000), "97.6K", "100000"),
            (Cell::Timestamp(0), "-", "0"),
            (
                Cell::Timestamp(u64::MAX),
                &Cell::Timestamp(u64::MAX).text(),
                "18446744073709551615",
            ),
            (Cell::ReadOnly(true), "ro", "true"),
            (Cell::ReadOnly(false), "rw", "false"),
        ] {
            assert_eq!((cell.text().as_str(), cell.json().as_str()), (text, json));
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_in_text_and_json() {
        let cell = Cell::Text("\x1b[2J\t\u{9b}\u{7f}\u{202e}".to_owned());
        assert_eq!(cell.text(), "\\x1b[2J\\x09\\u{9b}\\x7f\\u{202e}");
        assert_eq!(cell.json(), r#""\u001b[2J\t\u009b\u007f\u202e""#);
    }

    #[test]
    fn a_moment_is_written_with_weekday_and_zone() {
        let time = LocalTime {
            year: 2026,
            month: 11,
            day: 20,
            weekday: 5,
            hour: 15,
            minute: 14,
            second: 9,
            offset_seconds: 0,
            zone: "UTC".to_owned(),
        };
        assert_eq!(timestamp(&time), "Fri 2026-11-20 15:14:09 UTC");
    }
}
