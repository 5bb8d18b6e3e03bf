//! The eight priorities of `syslog(3)`.

use std::fmt;
use std::str::FromStr;

/// How much a log line matters, most important first, so that `a <= b` reads "a matters at least as much as b".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Emerg,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

impl Level {
    const WORDS: [(Self, &'static str); 8] = [
        (Self::Emerg, "emerg"),
        (Self::Alert, "alert"),
        (Self::Crit, "crit"),
        (Self::Err, "err"),
        (Self::Warning, "warning"),
        (Self::Notice, "notice"),
        (Self::Info, "info"),
        (Self::Debug, "debug"),
    ];

    /// The number `syslog(3)` gives it, 0 to 7.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::WORDS[usize::from(self.number())].1)
    }
}

impl FromStr for Level {
    type Err = ();

    /// From its word or its number.
    fn from_str(text: &str) -> Result<Self, ()> {
        let named =
            |(level, word): &(Self, &str)| *word == text || level.number().to_string() == text;
        Self::WORDS
            .iter()
            .find(|entry| named(entry))
            .map(|(level, _)| *level)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_name_the_same_levels() {
        for (index, (level, word)) in Level::WORDS.into_iter().enumerate() {
            assert_eq!(
                (word.parse(), index.to_string().parse()),
                (Ok(level), Ok(level))
            );
            assert_eq!(level.to_string(), word);
        }
        assert!("8".parse::<Level>().is_err() && "error".parse::<Level>().is_err());
    }
}
