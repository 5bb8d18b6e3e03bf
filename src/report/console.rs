//! How a log line looks on the console: pure text, written by whoever owns the stream.

use super::{Level, Record, Settings, Target, printable};
use crate::sys::LocalTime;

/// The facility `daemon` of `syslog(3)`, already where it belongs in a priority.
pub(super) const FACILITY: u8 = 3 << 3;

/// The record as lines, each with all that the settings put before it and a line feed at its end.
/// `said` is the message with its location and thread before it.
pub(super) fn lines(
    record: &Record<'_>,
    said: &str,
    settings: &Settings,
    colour: bool,
    now: Option<&LocalTime>,
) -> String {
    let mut prefix = String::new();
    if settings.place() == Target::ConsolePrefixed {
        prefix.push_str(&format!("<{}>", FACILITY | record.level.number()));
    }
    if let Some(now) = now {
        prefix.push_str(&stamp(now));
    }
    let (on, off) = if colour {
        paint(record.level)
    } else {
        ("", "")
    };
    said.lines()
        .map(|line| format!("{prefix}{on}{}{off}\n", printable(line)))
        .collect()
}

/// The control sequences before and after a line of this level (ECMA-48, "select graphic rendition").
fn paint(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Emerg | Level::Alert | Level::Crit | Level::Err => ("\x1b[31m", "\x1b[0m"),
        Level::Warning => ("\x1b[33m", "\x1b[0m"),
        Level::Notice => ("\x1b[1m", "\x1b[0m"),
        Level::Info => ("", ""),
        Level::Debug => ("\x1b[90m", "\x1b[0m"),
    }
}

/// A moment the way logs write it: `Nov 21 07:52:00 `.
fn stamp(time: &LocalTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS
        .iter()
        .cycle()
        .nth(usize::from(time.month) + 11)
        .unwrap_or(&"");
    let LocalTime {
        day,
        hour,
        minute,
        second,
        ..
    } = time;
    format!("{month} {day:02} {hour:02}:{minute:02}:{second:02} ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::Location;

    fn record(level: Level, message: &str) -> Record<'_> {
        Record {
            level,
            message,
            location: Location::caller(),
            transfer: None,
        }
    }

    fn plain(level: Level, message: &str, settings: &Settings, colour: bool) -> String {
        lines(&record(level, message), message, settings, colour, None)
    }

    #[test]
    fn a_message_of_several_lines_is_several_lines_and_its_control_characters_are_shown() {
        let text = plain(
            Level::Err,
            "one\x1b[2J\n\ttwo\r\nthree\n",
            &Settings::default(),
            false,
        );
        assert_eq!(text, "one\\x1b[2J\n\ttwo\nthree\n");
    }

    #[test]
    fn each_priority_has_its_colour_when_colours_are_wanted_and_none_otherwise() {
        for (level, shown) in [
            (Level::Crit, "\x1b[31mx\x1b[0m\n"),
            (Level::Err, "\x1b[31mx\x1b[0m\n"),
            (Level::Warning, "\x1b[33mx\x1b[0m\n"),
            (Level::Notice, "\x1b[1mx\x1b[0m\n"),
            (Level::Info, "x\n"),
            (Level::Debug, "\x1b[90mx\x1b[0m\n"),
        ] {
            assert_eq!(plain(level, "x", &Settings::default(), true), shown);
            assert_eq!(plain(level, "x", &Settings::default(), false), "x\n");
        }
    }

    #[test]
    fn priority_and_time_stand_before_every_line() {
        let settings = Settings {
            target: Target::ConsolePrefixed,
            ..Settings::default()
        };
        let now = LocalTime {
            year: 2026,
            month: 11,
            day: 1,
            weekday: 0,
            hour: 7,
            minute: 52,
            second: 0,
            offset_seconds: 0,
            zone: "UTC".to_owned(),
        };
        let text = lines(
            &record(Level::Info, ""),
            "a\nb",
            &settings,
            false,
            Some(&now),
        );
        assert_eq!(text, "<30>Nov 01 07:52:00 a\n<30>Nov 01 07:52:00 b\n");
        assert!(
            stamp(&LocalTime {
                month: 12,
                ..now.clone()
            })
            .starts_with("Dec")
        );
        assert!(stamp(&LocalTime { month: 1, ..now }).starts_with("Jan"));
    }
}
