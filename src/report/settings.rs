//! `$SYSTEMD_LOG_*`: what of the log goes where, and with what before each line (`importctl(1)`, ENVIRONMENT).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::Level;
use crate::terms::parse_boolean;

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Wherever standard error leads to.
    Auto,
    /// Standard error.
    Console,
    /// Standard error, each line with its priority before it (`<30>`).
    ConsolePrefixed,
    /// The kernel's ring buffer.
    Kmsg,
    Journal,
    /// The journal if it takes the line, else the kernel's ring buffer.
    JournalOrKmsg,
    Null,
}

/// The least important level that is let through: everywhere, and to each place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maxima {
    /// Comes before the others: what it holds back goes nowhere.
    pub all: Level,
    pub console: Level,
    pub kmsg: Level,
    pub journal: Level,
}

/// The whole of `$SYSTEMD_LOG_*`, and the two places that are paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub target: Target,
    /// Where that is [`Target::Auto`]: to the journal, because standard error is that, or to the console.
    pub beside_journal: bool,
    pub maxima: Maxima,
    /// Whether lines on a terminal are coloured; `None` leaves that to the terminal.
    pub colour: Option<bool>,
    /// Before each line of the console: when it was said.
    pub time: bool,
    /// Before each line: where in the source it was said.
    pub location: bool,
    /// Before each line: by which thread.
    pub thread: bool,
    pub ratelimit_kmsg: bool,
    pub journal_socket: PathBuf,
    pub kmsg_device: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            target: Target::Auto,
            beside_journal: false,
            maxima: Maxima {
                all: Level::Info,
                console: Level::Debug,
                kmsg: Level::Debug,
                journal: Level::Debug,
            },
            colour: None,
            time: false,
            location: false,
            thread: false,
            ratelimit_kmsg: true,
            journal_socket: PathBuf::from("/run/systemd/journal/socket"),
            kmsg_device: PathBuf::from("/dev/kmsg"),
        }
    }
}

impl Settings {
    /// Reads the variables by name; unset and empty ones leave the default. Returns one warning for each value that
    /// does not parse, to be logged once there is a log.
    pub fn parse(variable: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut settings = Self::default();
        let mut warnings = Vec::new();
        let mut read = |name: &str, apply: &mut dyn FnMut(&str) -> Result<(), String>| {
            let value = variable(name).filter(|value| !value.is_empty());
            if let Some(Err(cause)) = value.as_deref().map(apply) {
                warnings.push(format!("Failed to parse ${name}, ignoring: {cause}"));
            }
        };
        let boolean = |value: &str| parse_boolean(value).map_err(|error| error.to_string());
        let Self {
            target,
            maxima,
            colour,
            time,
            location,
            thread,
            ratelimit_kmsg,
            ..
        } = &mut settings;
        read("SYSTEMD_LOG_TARGET", &mut |word| {
            word.parse().map(|parsed| *target = parsed)
        });
        read("SYSTEMD_LOG_LEVEL", &mut |list| maxima.read(list));
        read("SYSTEMD_LOG_COLOR", &mut |value| {
            boolean(value).map(|on| *colour = Some(on))
        });
        read("SYSTEMD_LOG_TIME", &mut |value| {
            boolean(value).map(|on| *time = on)
        });
        read("SYSTEMD_LOG_LOCATION", &mut |value| {
            boolean(value).map(|on| *location = on)
        });
        read("SYSTEMD_LOG_TID", &mut |value| {
            boolean(value).map(|on| *thread = on)
        });
        read("SYSTEMD_LOG_RATELIMIT_KMSG", &mut |value| {
            boolean(value).map(|on| *ratelimit_kmsg = on)
        });
        (settings, warnings)
    }

    /// Where lines go. What leads to the journal goes there by the journal's own way, on which a line keeps its priority.
    pub fn place(&self) -> Target {
        match self.target {
            Target::Auto if self.beside_journal => Target::Journal,
            Target::Auto => Target::Console,
            target => target,
        }
    }

    /// The same without mere information: for `--quiet`.
    pub fn quiet(mut self) -> Self {
        self.maxima.all = self.maxima.all.min(Level::Notice);
        self
    }
}

impl Target {
    const WORDS: [(Self, &'static str); 7] = [
        (Self::Auto, "auto"),
        (Self::Console, "console"),
        (Self::ConsolePrefixed, "console-prefixed"),
        (Self::Kmsg, "kmsg"),
        (Self::Journal, "journal"),
        (Self::JournalOrKmsg, "journal-or-kmsg"),
        (Self::Null, "null"),
    ];
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Self::WORDS.iter().filter(|(target, _)| target == self);
        f.pad(words.next().map_or("", |(_, word)| word))
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let mut words = Self::WORDS.iter().filter(|(_, known)| *known == word);
        words.next().map(|(target, _)| *target).ok_or_else(|| {
            format!(
                "`{word}` is none of console, console-prefixed, kmsg, journal, journal-or-kmsg, auto and null"
            )
        })
    }
}

impl Maxima {
    /// Takes over a comma-separated list of levels, those with a place before them for that place alone. What parses
    /// counts, also beside what does not.
    fn read(&mut self, list: &str) -> Result<(), String> {
        let mut unknown = None;
        for entry in list.split(',') {
            let (place, word) = match entry.split_once(':') {
                Some((place, word)) => (Some(place.trim()), word.trim()),
                None => (None, entry.trim()),
            };
            let mut unused = Level::Debug; // there is no syslog to write to
            let slot = match place {
                None => Some(&mut self.all),
                Some("console") => Some(&mut self.console),
                Some("kmsg") => Some(&mut self.kmsg),
                Some("journal") => Some(&mut self.journal),
                Some("syslog") => Some(&mut unused),
                Some(_) => None,
            };
            match (slot, word.parse()) {
                (Some(slot), Ok(level)) => *slot = level,
                _ => unknown = unknown.or(Some(entry)),
            }
        }
        unknown.map_or(Ok(()), |entry| {
            Err(format!(
                "`{entry}` is no level from emerg to debug or 0 to 7, alone or after console:, syslog:, kmsg: or journal:"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> (Settings, Vec<String>) {
        Settings::parse(|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_or_empty_leaves_every_default() {
        assert_eq!(parse(&[]), (Settings::default(), vec![]));
        assert_eq!(
            parse(&[("SYSTEMD_LOG_LEVEL", ""), ("SYSTEMD_LOG_TIME", "")]),
            (Settings::default(), vec![])
        );
    }

    #[test]
    fn a_level_list_sets_the_global_maximum_and_those_of_places() {
        let (settings, warnings) = parse(&[(
            "SYSTEMD_LOG_LEVEL",
            "debug,console:4, journal:notice,syslog:err",
        )]);
        assert!(warnings.is_empty());
        let expected = Maxima {
            all: Level::Debug,
            console: Level::Warning,
            kmsg: Level::Debug,
            journal: Level::Notice,
        };
        assert_eq!(settings.maxima, expected);
        assert_eq!(settings.quiet().maxima.all, Level::Notice);
    }

    #[test]
    fn automatically_lines_go_to_the_journal_where_standard_error_does() {
        for (word, place) in [
            ("", Target::Journal),
            ("auto", Target::Journal),
            ("console", Target::Console),
            ("kmsg", Target::Kmsg),
        ] {
            let (mut settings, _) = parse(&[("SYSTEMD_LOG_TARGET", word)]);
            settings.beside_journal = true;
            assert_eq!(settings.place(), place, "{word:?}");
        }
        assert_eq!(Settings::default().place(), Target::Console);
    }

    #[test]
    fn every_variable_is_read() {
        let (settings, warnings) = parse(&[
            ("SYSTEMD_LOG_TARGET", "journal-or-kmsg"),
            ("SYSTEMD_LOG_COLOR", "no"),
            ("SYSTEMD_LOG_TIME", "1"),
            ("SYSTEMD_LOG_LOCATION", "yes"),
            ("SYSTEMD_LOG_TID", "true"),
            ("SYSTEMD_LOG_RATELIMIT_KMSG", "off"),
        ]);
        assert!(warnings.is_empty());
        let expected = Settings {
            target: Target::JournalOrKmsg,
            colour: Some(false),
            time: true,
            location: true,
            thread: true,
            ratelimit_kmsg: false,
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn what_does_not_parse_is_warned_of_once_and_changes_nothing() {
        let (settings, warnings) = parse(&[
            ("SYSTEMD_LOG_TARGET", "printer"),
            ("SYSTEMD_LOG_LEVEL", "loud,paper:info,console:9"),
            ("SYSTEMD_LOG_COLOR", "red"),
        ]);
        assert_eq!(settings, Settings::default());
        assert_eq!(warnings.len(), 3);
        assert!(
            warnings[0]
                .starts_with("Failed to parse $SYSTEMD_LOG_TARGET, ignoring: `printer` is none of")
        );
        assert!(warnings[1].contains("`loud`"));
        assert_eq!(
            warnings[2],
            "Failed to parse $SYSTEMD_LOG_COLOR, ignoring: `red` is not a boolean such as yes or no"
        );
    }

    #[test]
    fn a_good_level_counts_beside_a_bad_one() {
        let (settings, warnings) = parse(&[("SYSTEMD_LOG_LEVEL", "loud,debug")]);
        assert_eq!((settings.maxima.all, warnings.len()), (Level::Debug, 1));
    }
}
