//! How fast bytes come, smoothed so that the eye can follow, and how long the rest will take at that.

use std::time::{Duration, Instant};

/// Samples closer together than this say nothing.
const LEAST_INTERVAL: Duration = Duration::from_millis(200);
/// How long ago a sample counts for about a third.
const MEMORY: Duration = Duration::from_secs(3);
/// Nobody wants to know what takes longer.
const LONGEST: Duration = Duration::from_secs(99 * 24 * 3600);

/// A smoothed speed.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    last: Option<(Instant, u64)>,
    bytes_per_second: Option<f64>,
}

impl Meter {
    /// Takes note of how many bytes there are by now. Fewer than before: it has begun again.
    pub fn sample(&mut self, now: Instant, done_bytes: u64) {
        let Some((before, bytes)) = self.last.filter(|(_, bytes)| *bytes <= done_bytes) else {
            *self = Self {
                last: Some((now, done_bytes)),
                bytes_per_second: None,
            };
            return;
        };
        let interval = now.saturating_duration_since(before);
        if interval < LEAST_INTERVAL {
            return;
        }
        let speed = (done_bytes - bytes) as f64 / interval.as_secs_f64();
        let weight = 1.0 - (-interval.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        self.bytes_per_second = Some(
            self.bytes_per_second
                .map_or(speed, |old| old + (speed - old) * weight),
        );
        self.last = Some((now, done_bytes));
    }

    /// Bytes per second, once there are two samples to tell it from.
    pub fn rate(&self) -> Option<u64> {
        self.bytes_per_second.map(|speed| speed as u64)
    }

    /// How long so many more bytes will take; `None` while that would be a guess.
    pub fn left(&self, bytes: u64) -> Option<Duration> {
        let speed = self.bytes_per_second.filter(|speed| *speed >= 1.0)?;
        let left = Duration::try_from_secs_f64(bytes as f64 / speed).ok()?;
        Some(left).filter(|left| *left <= LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_follows_slowly_and_starts_anew_when_the_bytes_do() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut meter = Meter::default();
        meter.sample(at(0), 0);
        assert_eq!((meter.rate(), meter.left(1)), (None, None));
        meter.sample(at(100), 50); // too soon to tell
        assert_eq!(meter.rate(), None);
        meter.sample(at(1000), 1000);
        assert_eq!(meter.rate(), Some(1000));
        meter.sample(at(2000), 4000);
        let rate = meter.rate().unwrap();
        assert!((1400..1700).contains(&rate), "{rate}");
        assert_eq!(meter.left(rate * 10).unwrap().as_secs(), 9); // the rate is rounded down
        meter.sample(at(3000), 10);
        assert_eq!(meter.rate(), None);
    }

    #[test]
    fn what_stands_still_has_no_end() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.sample(start, 7);
        meter.sample(start + Duration::from_secs(1), 7);
        assert_eq!((meter.rate(), meter.left(1)), (Some(0), None));
        meter.sample(start + Duration::from_secs(2), 17);
        assert_eq!(meter.left(u64::MAX), None);
    }
}
