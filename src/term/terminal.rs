//! What a stream can show, decided once from `$SYSTEMD_COLORS`, `$NO_COLOR`, `$TERM`, `$COLORTERM`, `$SYSTEMD_URLIFY`,
//! `$COLUMNS` and whether it is a terminal. Where it is none, no control sequence goes to it unless a variable asks.

use std::io::{IsTerminal, stderr, stdout};
use std::os::fd::AsFd;

use crate::terms::parse_boolean;

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    Off,
    Sixteen,
    Many,
}

/// What makes a text stand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Red,
    Green,
    Grey,
    Bold,
    Underline,
}

/// One output stream.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// A terminal at all.
    pub is_tty: bool,
    /// A terminal, but one that only knows carriage return and line feed.
    pub is_dumb: bool,
    pub colours: Colours,
    /// Whether texts may be links (OSC 8).
    pub links: bool,
    /// `$COLUMNS`, which comes before what the terminal says.
    columns: Option<usize>,
    measure: fn() -> Option<usize>,
}

impl Terminal {
    /// A pipe or a file.
    pub const PIPE: Self = Self {
        is_tty: false,
        is_dumb: true,
        colours: Colours::Off,
        links: false,
        columns: None,
        measure: || None,
    };

    pub fn stdout(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::new(stdout().is_terminal(), || columns_of(stdout()), variable)
    }

    pub fn stderr(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::new(stderr().is_terminal(), || columns_of(stderr()), variable)
    }

    /// Decides from the variables by name; `measure` tells the width as often as it is asked, for windows change.
    pub fn new(
        is_tty: bool,
        measure: fn() -> Option<usize>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let term = variable("TERM");
        let term = term.as_deref().unwrap_or("dumb");
        let is_dumb = !is_tty || term == "dumb";
        let depth = match variable("COLORTERM").as_deref() {
            Some("truecolor" | "24bit") => Colours::Many,
            _ if term.contains("256color") || term.ends_with("-direct") => Colours::Many,
            _ => Colours::Sixteen,
        };
        let automatic = if is_dumb || variable("NO_COLOR").is_some() {
            Colours::Off
        } else {
            depth
        };
        let colours = match variable("SYSTEMD_COLORS").as_deref() {
            Some("16") => Colours::Sixteen,
            Some("256" | "24bit") => Colours::Many,
            // No more than so many, and only if there would be any.
            Some("auto-16") if automatic != Colours::Off => Colours::Sixteen,
            Some("auto-256" | "auto-24bit") if automatic != Colours::Off => Colours::Many,
            Some(word) => match parse_boolean(word) {
                Ok(true) => depth,
                Ok(false) => Colours::Off,
                Err(_) => automatic,
            },
            None => automatic,
        };
        // The kernel's own console has no links and shows some of what it does not know.
        let links = variable("SYSTEMD_URLIFY").and_then(|word| parse_boolean(&word).ok());
        Self {
            is_tty,
            is_dumb,
            colours,
            links: links.unwrap_or(!is_dumb && term != "linux"),
            columns: variable("COLUMNS")
                .and_then(|columns| columns.parse().ok())
                .filter(|columns| *columns > 0),
            measure,
        }
    }

    /// The width in columns; 80 where nobody knows.
    pub fn columns(&self) -> usize {
        self.columns.or_else(self.measure).unwrap_or(80)
    }

    /// The text in this colour, where there are colours.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match (paint, self.colours) {
            (_, Colours::Off) => return text.to_owned(),
            _ if text.is_empty() => return String::new(),
            (Paint::Red, _) => "31",
            (Paint::Green, _) => "32",
            (Paint::Grey, Colours::Sixteen) => "90",
            (Paint::Grey, Colours::Many) => "38;5;245",
            (Paint::Bold, _) => "1",
            (Paint::Underline, _) => "4",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The text as a link to this URI, where there are links.
    pub fn link(&self, uri: &str, text: &str) -> String {
        if self.links {
            format!("\x1b]8;;{uri}\x1b\\{text}\x1b]8;;\x1b\\")
        } else {
            text.to_owned()
        }
    }

    /// The text, which may be shortened, as a link to this absolute path.
    pub fn link_path(&self, path: &str, text: &str) -> String {
        let mut uri = "file://".to_owned();
        for byte in path.bytes() {
            match byte {
                b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    uri.push(char::from(byte))
                }
                _ => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        self.link(&uri, text)
    }
}

fn columns_of(stream: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(is_tty: bool, pairs: &[(&str, &str)]) -> Terminal {
        Terminal::new(
            is_tty,
            || Some(100),
            |name| {
                let found = pairs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            },
        )
    }

    #[test]
    fn colours_follow_the_terminal_unless_a_variable_decides() {
        let xterm = ("TERM", "xterm-256color");
        for (is_tty, pairs, colours) in [
            (true, vec![("TERM", "vt220")], Colours::Sixteen),
            (true, vec![xterm], Colours::Many),
            (
                true,
                vec![("TERM", "foot"), ("COLORTERM", "truecolor")],
                Colours::Many,
            ),
            (true, vec![("TERM", "dumb")], Colours::Off),
            (true, vec![], Colours::Off),
            (false, vec![xterm], Colours::Off),
            (true, vec![xterm, ("NO_COLOR", "1")], Colours::Off),
            (true, vec![xterm, ("NO_COLOR", "")], Colours::Many),
            (
                true,
                vec![xterm, ("NO_COLOR", "1"), ("SYSTEMD_COLORS", "16")],
                Colours::Sixteen,
            ),
            (true, vec![xterm, ("SYSTEMD_COLORS", "no")], Colours::Off),
            (true, vec![xterm, ("SYSTEMD_COLORS", "pink")], Colours::Many),
            (true, vec![xterm, ("SYSTEMD_COLORS", "auto")], Colours::Many),
            (
                true,
                vec![xterm, ("SYSTEMD_COLORS", "auto-16")],
                Colours::Sixteen,
            ),
            (false, vec![("SYSTEMD_COLORS", "auto-256")], Colours::Off),
            (
                true,
                vec![("TERM", "vt220"), ("SYSTEMD_COLORS", "auto-256")],
                Colours::Many,
            ),
            (false, vec![("SYSTEMD_COLORS", "256")], Colours::Many),
            (false, vec![("SYSTEMD_COLORS", "true")], Colours::Sixteen),
        ] {
            assert_eq!(terminal(is_tty, &pairs).colours, colours, "{pairs:?}");
        }
    }

    #[test]
    fn links_follow_the_terminal_unless_the_variable_decides() {
        for (is_tty, pairs, links) in [
            (true, vec![("TERM", "xterm")], true),
            (true, vec![("TERM", "linux")], false),
            (true, vec![("TERM", "dumb")], false),
            (false, vec![("TERM", "xterm")], false),
            (false, vec![("SYSTEMD_URLIFY", "1")], true),
            (
                true,
                vec![("TERM", "xterm"), ("SYSTEMD_URLIFY", "0")],
                false,
            ),
        ] {
            assert_eq!(terminal(is_tty, &pairs).links, links, "{pairs:?}");
        }
    }

    #[test]
    fn the_width_is_the_variable_or_the_window_or_80() {
        assert_eq!(terminal(true, &[("COLUMNS", "60")]).columns(), 60);
        assert_eq!(terminal(true, &[("COLUMNS", "0")]).columns(), 100);
        assert_eq!(Terminal::PIPE.columns(), 80);
    }

    #[test]
    fn a_path_becomes_a_link_that_holds_nothing_a_terminal_obeys() {
        let xterm = terminal(true, &[("TERM", "xterm")]);
        let link = xterm.link_path("/a b\x1b\\.raw", "a…");
        assert_eq!(
            link,
            "\x1b]8;;file:///a%20b%1B%5C.raw\x1b\\a…\x1b]8;;\x1b\\"
        );
        assert_eq!(xterm.paint(Paint::Red, "ro"), "\x1b[31mro\x1b[0m");
    }

    #[test]
    fn a_pipe_gets_plain_text() {
        let text = Terminal::PIPE.link_path("/a", &Terminal::PIPE.paint(Paint::Bold, "a"));
        assert_eq!(text, "a");
    }
}
