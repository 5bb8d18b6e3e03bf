//! Local time, broken down by the C library, which alone knows the zone (`localtime(3)`). Nothing here sets it.

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// A second as the clock on the wall shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// Days since Sunday, 0 to 6.
    pub weekday: u8,
    pub hour: u8,
    pub minute: u8,
    /// 0 to 60: leap seconds exist.
    pub second: u8,
    /// Seconds east of Greenwich.
    pub offset_seconds: i64,
    /// The zone's short name at that time, such as `UTC` or `CEST`.
    pub zone: String,
}

/// Breaks down seconds since 1970; `None` where the year has no number.
#[allow(unsafe_code, reason = "the zone is known to the C library alone")]
#[allow(
    clippy::useless_conversion,
    reason = "C's types are narrower on some machines"
)]
pub fn local_time(seconds: i64) -> Option<LocalTime> {
    let seconds = seconds.try_into().ok()?; // `time_t`, whose name musl's declarations frown upon
    let mut broken_down = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are to live values of the right type for the length of the call, which keeps neither.
    if unsafe { libc::localtime_r(&raw const seconds, broken_down.as_mut_ptr()) }.is_null() {
        return None;
    }
    // SAFETY: the call succeeded, so every field is written.
    let tm = unsafe { broken_down.assume_init() };
    let zone = if tm.tm_zone.is_null() {
        String::new()
    } else {
        // SAFETY: not null, thus the C library's own terminated string; it outlives this copy, as nobody here
        // changes $TZ or calls `tzset(3)`.
        unsafe { CStr::from_ptr(tm.tm_zone) }
            .to_string_lossy()
            .into_owned()
    };
    let small = |value: libc::c_int| u8::try_from(value).ok();
    Some(LocalTime {
        year: i64::from(tm.tm_year) + 1900,
        month: small(tm.tm_mon)? + 1,
        day: small(tm.tm_mday)?,
        weekday: small(tm.tm_wday)?,
        hour: small(tm.tm_hour)?,
        minute: small(tm.tm_min)?,
        second: small(tm.tm_sec)?,
        offset_seconds: i64::from(tm.tm_gmtoff),
        zone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_broken_down_into_what_its_offset_says() {
        // 2026-11-20 15:14:10 UTC was a Friday.
        let seconds = 1_795_187_650;
        let time = local_time(seconds).unwrap();
        let of_day =
            i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
        assert_eq!(of_day, (seconds + time.offset_seconds).rem_euclid(86400));
        assert_eq!((time.year, time.month), (2026, 11));
        assert!((19..=21).contains(&time.day) && (4..=6).contains(&time.weekday));
        assert!(!time.zone.is_empty());
    }

    #[test]
    fn a_year_that_has_no_number_is_refused() {
        assert_eq!(local_time(i64::MAX), None);
        assert_eq!(local_time(i64::MIN), None);
    }
}
