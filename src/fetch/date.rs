//! Dates as HTTP writes them (RFC 9110, 5.6.7): only the one form that may be generated today. The two obsolete ones
//! count as no date.

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The moment `Sun, 06 Nov 1994 08:49:37 GMT` names; none before 1970.
pub(super) fn parse_date(text: &str) -> Option<SystemTime> {
    let (_, date) = text.trim().split_once(", ")?;
    let fields: Vec<&str> = date.splitn(6, ' ').collect();
    let [day, month, year, time, "GMT"] = fields.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| name == month)? as u64 + 1;
    let (day, year) = (day.parse().ok()?, year.parse().ok()?);
    let mut clock = time.splitn(3, ':').map(str::parse::<u64>);
    let (hour, minute, second) = (
        clock.next()?.ok()?,
        clock.next()?.ok()?,
        clock.next()?.ok()?,
    );
    let valid = (1970..=9999).contains(&year)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds =
        valid.then(|| days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar that is not before it.
///
/// Years are counted from March, so that the leap day is a year's last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before_year = 365 * year + year / 4 - year / 100 + year / 400;
    let before_month = (153 * month + 2) / 5;
    before_year + before_month + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Sat, 21 Nov 2026 00:00:00 GMT", 1_795_219_200),
        ] {
            let date = parse_date(text).unwrap();
            assert_eq!(date, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        }
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "",
            "120",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
