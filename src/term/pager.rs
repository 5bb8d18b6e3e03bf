//! What may not fit on a screen is shown by a pager: which one, how it is told what it may do, and waiting for its end.
//!
//! A pager can open files and run programs. Where we act with more rights than the person at the terminal has, only
//! less(1) is used, which can be told to leave that (`importctl(1)`, `$SYSTEMD_PAGERSECURE`).

use std::io::{self, ErrorKind, Write};
use std::process::{Child, Command, Stdio};

use crate::report::Reporter;
use crate::sys::hand_over_interrupts;
use crate::terms::parse_boolean;

/// Those tried in turn, the first being what Debian calls whichever its administrator prefers.
const KNOWN: [&str; 3] = ["pager", "less", "more"];
/// Those that do as they are told by `$LESSSECURE`.
const KNOWN_TO_BE_SECURE: [&str; 1] = ["less"];
/// The options of less: quit if all fits, keep colours, leave the screen as it is, end on Control-C…
const LESS: &str = "FRSXMK";

/// The programs that may do, and what they find in their environment.
#[derive(Debug, PartialEq, Eq)]
pub struct Pager {
    /// What a variable names, with its arguments.
    named: Option<Vec<String>>,
    known: &'static [&'static str],
    /// Set, or taken away.
    environment: Vec<(&'static str, Option<String>)>,
}

impl Pager {
    /// Decides from the variables by name; none where they want none. `is_elevated` is whether the person at the terminal
    /// is somebody else than we are. The message is about a value that does not parse.
    pub fn new(
        is_elevated: impl FnOnce() -> bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> (Option<Self>, Option<String>) {
        let (told, warning) = match variable("SYSTEMD_PAGERSECURE").filter(|word| !word.is_empty())
        {
            None => (None, None),
            Some(word) => match parse_boolean(&word) {
                Ok(secure) => (Some(secure), None),
                Err(error) => {
                    let cause = "Failed to parse $SYSTEMD_PAGERSECURE, taking it for unset";
                    (None, Some(format!("{cause}: {error}")))
                }
            },
        };
        let named = variable("SYSTEMD_PAGER").or_else(|| variable("PAGER"));
        let named = named.map(|line| line.split_whitespace().map(str::to_owned).collect());
        let named: Option<Vec<String>> = named;
        if named.as_ref().is_some_and(|words| is_none(words)) {
            return (None, warning);
        }
        let secure = told.unwrap_or_else(is_elevated);
        let mut environment = vec![
            (
                "LESS",
                Some(variable("SYSTEMD_LESS").unwrap_or_else(|| LESS.to_owned())),
            ),
            ("LESSCHARSET", charset(&variable)),
        ];
        if secure {
            environment.push(("LESSSECURE", Some("1".to_owned())));
            environment.push(("SYSTEMD_PAGERSECURE", Some("1".to_owned())));
            // Programs that less would start by itself.
            environment.extend([("LESSOPEN", None), ("LESSCLOSE", None)]);
        }
        let pager = Self {
            // Whoever may run us with more rights may not choose what we run, unless the one who allowed it says so.
            named: named.filter(|_| told.is_some()),
            known: if secure { &KNOWN_TO_BE_SECURE } else { &KNOWN },
            environment,
        };
        (Some(pager), warning)
    }

    /// Shows the text in the first pager that can be started, and waits until that ends; false if none can.
    pub fn show(&self, text: &str, reporter: &Reporter) -> io::Result<bool> {
        let named = self.named.iter().map(|words| (words.clone(), true));
        let known = self
            .known
            .iter()
            .map(|word| (vec![(*word).to_owned()], false));
        for (words, is_named) in named.chain(known) {
            match self.start(&words) {
                Ok(pager) => return attend(pager, text).map(|()| true),
                Err(error) if !is_named && error.kind() == ErrorKind::NotFound => {}
                Err(error) => reporter.warning(format_args!(
                    "Failed to start pager `{}`, ignoring: {error}",
                    words.join(" ")
                )),
            }
        }
        Ok(false)
    }

    fn start(&self, words: &[String]) -> io::Result<Child> {
        let (program, arguments) = words.split_first().ok_or(ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // Or it would stay behind alone on the terminal: whether it ends by Control-C, its options say.
        hand_over_interrupts(|| command.spawn())
    }
}

/// An empty value and `cat` mean that none is wanted.
fn is_none(words: &[String]) -> bool {
    words.is_empty() || words == ["cat"]
}

/// What less is told of the characters it will get: nothing where the locale is none of UTF-8.
fn charset(variable: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let given = variable("SYSTEMD_LESSCHARSET").filter(|charset| !charset.is_empty());
    given.or_else(|| {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set)?;
        let locale = locale.to_ascii_lowercase();
        ["utf-8", "utf8"]
            .iter()
            .any(|end| locale.contains(end))
            .then(|| "utf-8".to_owned())
    })
}

/// Hands the text over and waits.
fn attend(mut pager: Child, text: &str) -> io::Result<()> {
    let written = match pager.stdin.take() {
        Some(mut input) => input.write_all(text.as_bytes()),
        None => Ok(()),
    };
    pager.wait()?;
    match written {
        // It has shown enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(elevated: bool, pairs: &[(&str, &str)]) -> (Option<Pager>, Option<String>) {
        let variable = |name: &str| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Pager::new(|| elevated, variable)
    }

    #[track_caller]
    fn pager(elevated: bool, pairs: &[(&str, &str)]) -> Pager {
        let (pager, warning) = chosen(elevated, pairs);
        assert_eq!(warning, None);
        pager.unwrap()
    }

    impl Pager {
        fn value(&self, name: &str) -> Option<&str> {
            let found = self.environment.iter().find(|(known, _)| *known == name);
            found.and_then(|(_, value)| value.as_deref())
        }

        fn names(&self) -> Option<Vec<&str>> {
            let named = self.named.as_ref()?;
            Some(named.iter().map(String::as_str).collect())
        }
    }

    #[test]
    fn a_named_pager_counts_only_where_it_is_said_how_far_pagers_are_trusted() {
        let most = ("PAGER", "most -s");
        assert_eq!(pager(false, &[most]).names(), None);
        for (word, secure) in [("0", None), ("yes", Some("1"))] {
            let pager = pager(true, &[most, ("SYSTEMD_PAGERSECURE", word)]);
            assert_eq!(pager.names(), Some(vec!["most", "-s"]));
            assert_eq!(pager.value("LESSSECURE"), secure);
        }
        let ours = ("SYSTEMD_PAGER", "less -i");
        let both = pager(false, &[most, ours, ("SYSTEMD_PAGERSECURE", "1")]);
        assert_eq!(both.names(), Some(vec!["less", "-i"]));
    }

    #[test]
    fn an_empty_name_and_cat_mean_none() {
        for name in ["SYSTEMD_PAGER", "PAGER"] {
            for value in ["", "cat", " "] {
                assert_eq!(chosen(false, &[(name, value)]), (None, None));
            }
        }
        let overruled = [("SYSTEMD_PAGER", "less"), ("PAGER", "")];
        assert!(chosen(false, &overruled).0.is_some());
    }

    #[test]
    fn with_more_rights_than_the_person_has_only_secure_pagers_are_known() {
        let secure = pager(true, &[("PAGER", "most")]);
        assert_eq!((secure.names(), secure.known), (None, &["less"][..]));
        assert_eq!(secure.value("LESSSECURE"), Some("1"));
        assert_eq!(secure.value("SYSTEMD_PAGERSECURE"), Some("1"));
        assert!(secure.environment.contains(&("LESSOPEN", None)));
        let free = pager(false, &[]);
        assert_eq!(free.known, KNOWN);
        assert_eq!(free.value("LESSSECURE"), None);
        let told = pager(true, &[("SYSTEMD_PAGERSECURE", "no")]);
        assert_eq!((told.known, told.value("LESSSECURE")), (&KNOWN[..], None));
    }

    #[test]
    fn a_word_that_is_no_boolean_trusts_nobody() {
        let pairs = [("PAGER", "most"), ("SYSTEMD_PAGERSECURE", "maybe")];
        let (pager, warning) = chosen(true, &pairs);
        assert!(warning.unwrap().contains("$SYSTEMD_PAGERSECURE"));
        assert_eq!(pager.unwrap().names(), None);
    }

    #[test]
    fn less_is_told_its_options_and_what_characters_it_gets() {
        let plain = pager(false, &[("LESS", "e"), ("LESSCHARSET", "latin1")]);
        assert_eq!(plain.value("LESS"), Some("FRSXMK"));
        assert!(plain.environment.contains(&("LESSCHARSET", None)));
        let told = [("SYSTEMD_LESS", ""), ("SYSTEMD_LESSCHARSET", "koi8-r")];
        let told = pager(false, &told);
        assert_eq!(told.value("LESS"), Some(""));
        assert_eq!(told.value("LESSCHARSET"), Some("koi8-r"));
        for (pairs, charset) in [
            (vec![("LANG", "de_DE.UTF-8")], Some("utf-8")),
            (vec![("LANG", "C.utf8"), ("LC_ALL", "")], Some("utf-8")),
            (vec![("LANG", "C.UTF-8"), ("LC_ALL", "C")], None),
        ] {
            assert_eq!(pager(false, &pairs).value("LESSCHARSET"), charset);
        }
    }
}
