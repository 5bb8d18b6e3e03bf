//! The log: each record goes to the place the settings name, or to the next best one if that does not take it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

use super::console::lines;
use super::{Journal, Kmsg, Level, Record, Settings, Target};
use crate::sys::{LocalTime, local_time};

/// Decides and writes, except to the console: its owner is handed the text, since a bar may stand there.
pub struct Log {
    settings: Settings,
    colour: bool,
    journal: Option<Journal>,
    kmsg: Option<Kmsg>,
}

impl Log {
    /// `identifier` is the program's name in journal and kernel log; `colour` is whether lines of the console are
    /// coloured, which whoever knows the console decides.
    pub fn new(settings: Settings, identifier: &str, colour: bool) -> Self {
        let to_journal = matches!(settings.place(), Target::Journal | Target::JournalOrKmsg);
        let to_kmsg = matches!(settings.place(), Target::Kmsg | Target::JournalOrKmsg);
        let journal = to_journal.then(|| Journal::new(&settings.journal_socket, identifier).ok());
        let kmsg = to_kmsg
            .then(|| Kmsg::open(&settings.kmsg_device, identifier, settings.ratelimit_kmsg).ok());
        Self {
            colour,
            journal: journal.flatten(),
            kmsg: kmsg.flatten(),
            settings,
        }
    }

    /// Whether records of this level go anywhere at all.
    pub fn lets_through(&self, level: Level) -> bool {
        level <= self.settings.maxima.all
    }

    /// Brings the record to its place. `console` is called at most once, with whole lines, when that place is the
    /// console: because it is the target, or because nothing else took the record.
    pub fn write(&self, record: &Record<'_>, console: impl FnOnce(&str)) {
        let maxima = &self.settings.maxima;
        if !self.lets_through(record.level) || self.settings.place() == Target::Null {
            return;
        }
        let said = self.said(record);
        if let Some(journal) = &self.journal
            && (record.level > maxima.journal || journal.write(record, &said).is_ok())
        {
            return;
        }
        if let Some(kmsg) = &self.kmsg
            && (record.level > maxima.kmsg || kmsg.write(record.level, &said).is_ok())
        {
            return;
        }
        if record.level <= maxima.console {
            let now = self.settings.time.then(now).flatten();
            console(&lines(
                record,
                &said,
                &self.settings,
                self.colour,
                now.as_ref(),
            ));
        }
    }

    /// The message with thread and location before it, where they are wanted.
    fn said<'a>(&self, record: &Record<'a>) -> Cow<'a, str> {
        let mut prefix = String::new();
        if self.settings.thread {
            let thread = rustix::thread::gettid().as_raw_nonzero();
            let _ = write!(prefix, "({thread}) "); // a String takes everything
        }
        if self.settings.location {
            let _ = write!(
                prefix,
                "{}:{}: ",
                record.location.file(),
                record.location.line()
            );
        }
        if prefix.is_empty() {
            return Cow::Borrowed(record.message);
        }
        let lines: Vec<_> = record
            .message
            .lines()
            .map(|line| format!("{prefix}{line}"))
            .collect();
        Cow::Owned(lines.join("\n"))
    }
}

fn now() -> Option<LocalTime> {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    local_time(i64::try_from(since.as_secs()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Maxima;
    use std::os::unix::net::UnixDatagram;
    use std::panic::Location;
    use std::path::PathBuf;

    /// What reaches the console when this is logged at `level`.
    #[track_caller]
    fn console(settings: Settings, level: Level, message: &str) -> String {
        let record = Record {
            level,
            message,
            location: Location::caller(),
            transfer: None,
        };
        let mut shown = String::new();
        Log::new(settings, "importctl", false).write(&record, |text| shown.push_str(text));
        shown
    }

    fn to(target: Target) -> Settings {
        Settings {
            target,
            journal_socket: PathBuf::from("/nonexistent/journal"),
            kmsg_device: PathBuf::from("/nonexistent/kmsg"),
            ..Settings::default()
        }
    }

    #[test]
    fn the_global_maximum_comes_before_that_of_the_console() {
        let with = |all, console| Settings {
            maxima: Maxima {
                all,
                console,
                ..Settings::default().maxima
            },
            ..Settings::default()
        };
        assert_eq!(
            console(Settings::default(), Level::Info, "hello"),
            "hello\n"
        );
        assert_eq!(console(Settings::default(), Level::Debug, "hello"), "");
        assert_eq!(
            console(with(Level::Debug, Level::Info), Level::Debug, "hello"),
            ""
        );
        assert_eq!(
            console(with(Level::Info, Level::Debug), Level::Debug, "hello"),
            ""
        );
        assert_eq!(
            console(with(Level::Debug, Level::Debug), Level::Debug, "hello"),
            "hello\n"
        );
    }

    #[test]
    fn location_and_thread_stand_before_each_line() {
        let settings = Settings {
            thread: true,
            location: true,
            ..Settings::default()
        };
        let (here, shown) = (line!(), console(settings, Level::Info, "a\nb"));
        let prefix = format!(
            "({}) {}:{here}: ",
            rustix::thread::gettid().as_raw_nonzero(),
            file!()
        );
        assert_eq!(shown, format!("{prefix}a\n{prefix}b\n"));
    }

    #[test]
    fn time_stands_before_the_line_when_it_is_wanted() {
        let settings = Settings {
            time: true,
            ..Settings::default()
        };
        let shown = console(settings, Level::Info, "hello");
        assert_eq!(shown.len(), "Nov 21 07:52:00 hello\n".len());
        assert!(shown.ends_with(" hello\n") && shown.matches(':').count() == 2);
    }

    #[test]
    fn a_line_no_other_place_takes_comes_to_the_console_and_null_takes_all() {
        for target in [
            Target::Journal,
            Target::Kmsg,
            Target::JournalOrKmsg,
            Target::Console,
        ] {
            assert_eq!(console(to(target), Level::Info, "hello"), "hello\n");
        }
        assert_eq!(
            console(to(Target::ConsolePrefixed), Level::Info, "hello"),
            "<30>hello\n"
        );
        assert_eq!(console(to(Target::Null), Level::Emerg, "hello"), "");
    }

    #[test]
    fn what_the_journal_takes_or_is_spared_does_not_reach_the_console() {
        let path = std::env::temp_dir().join(format!("importd-log-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixDatagram::bind(&path).unwrap();
        let settings = Settings {
            journal_socket: path.clone(),
            maxima: Maxima {
                journal: Level::Notice,
                ..Settings::default().maxima
            },
            ..to(Target::Journal)
        };
        assert_eq!(console(settings.clone(), Level::Info, "spared"), "");
        assert_eq!(console(settings, Level::Notice, "taken"), "");
        let mut entry = [0; 13];
        listener.recv(&mut entry).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&entry, b"MESSAGE=taken");
    }
}
