//! How far something has come, as both buses tell it: a fraction, and the smallest number there is where nobody knows.

use crate::terms::Percent;

/// The fraction that a percentage is told as.
pub fn fraction(percent: Option<Percent>) -> f64 {
    percent.map_or(-f64::MAX, |percent| f64::from(percent.get()) / 100.0)
}

/// The percentage that a fraction is; none of what is no fraction.
pub fn percent(fraction: f64) -> Option<Percent> {
    let known = (0.0..=1.0).contains(&fraction);
    // 100 at most: it fits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    known.then(|| Percent::of((fraction * 100.0).round() as u64, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_come_back_and_what_is_unknown_stays_so() {
        for share in 0..=100 {
            let share = Some(Percent::of(share, 100));
            assert_eq!(percent(fraction(share)), share);
        }
        for unknown in [fraction(None), -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(percent(unknown), None, "{unknown}");
        }
    }
}
