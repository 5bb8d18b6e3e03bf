//! What the program says about itself: its help and its completion scripts, both made from the options table.

use super::args::Error;
use super::options::{OPTIONS, OptionSpec, VERBS};
use crate::term::{Paint, Terminal, width};

/// Where the second column begins, and how narrow it may become before it moves below the first.
const INDENT: usize = 26;
const NARROW: usize = 24;

/// The text of `--help`, as wide as the terminal.
pub(super) fn help(terminal: &Terminal) -> String {
    let bold = |text: &str| terminal.paint(Paint::Bold, text);
    let mut help = format!("{} [OPTION…] COMMAND …\n\n", bold("importctl"));
    help += "Download, import and list disk images.\n";
    help += &format!("\n{}\n", bold("Commands:"));
    for verb in &VERBS {
        let mut name = vec![verb.name];
        name.extend(verb.arguments);
        help += &entry(
            &format!("  {}", name.join(" ")),
            verb.help,
            terminal.columns(),
        );
    }
    help += &format!("\n{}\n", bold("Options:"));
    for option in &OPTIONS {
        help += &entry(&names(option), option.help, terminal.columns());
    }
    let page = terminal.link("man:importctl(1)", "importctl(1)");
    help + &format!("\nSee {page} for more.\n")
}

/// `  -q --quiet`
fn names(option: &OptionSpec) -> String {
    let short = option
        .short
        .map_or_else(|| "  ".to_owned(), |letter| format!("-{letter}"));
    let long = option
        .long
        .map(|name| format!(" --{name}"))
        .unwrap_or_default();
    let value = option
        .value
        .map(|value| format!("={value}"))
        .unwrap_or_default();
    format!("  {short}{long}{value}")
}

/// A name and what is said of it, in as many lines as that takes.
fn entry(name: &str, text: &str, columns: usize) -> String {
    let beside = columns >= INDENT + NARROW;
    let indent = if beside { INDENT } else { 8 };
    let mut lines = wrap(text, columns.saturating_sub(indent)).into_iter();
    let mut entry = if beside && width(name) < INDENT {
        let padding = " ".repeat(INDENT - width(name));
        format!("{name}{padding}{}\n", lines.next().unwrap_or_default())
    } else {
        format!("{name}\n")
    };
    for line in lines {
        entry += &format!("{}{line}\n", " ".repeat(indent));
    }
    entry
}

/// Breaks between words. A word that is too long by itself stays whole.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The completion script for a shell.
pub(super) fn completion(shell: &str) -> Result<&'static str, Error> {
    match shell {
        "bash" => Ok(include_str!(concat!(env!("OUT_DIR"), "/bash"))),
        "zsh" => Ok(include_str!(concat!(env!("OUT_DIR"), "/zsh"))),
        "fish" => Ok(include_str!(concat!(env!("OUT_DIR"), "/fish"))),
        _ => Err(Error::Value {
            option: "--completion=".to_owned(),
            reason: format!("`{}` is none of bash, zsh and fish", shell.escape_debug()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(columns: &'static str) -> Terminal {
        Terminal::new(
            true,
            || None,
            move |name| match name {
                "TERM" => Some("xterm".to_owned()),
                "COLUMNS" => Some(columns.to_owned()),
                _ => None,
            },
        )
    }

    #[test]
    fn help_names_everything_and_a_pipe_gets_plain_text_of_80_columns() {
        let help = help(&Terminal::PIPE);
        assert!(help.starts_with("importctl [OPTION…] COMMAND …\n\n"));
        assert!(help.contains("\n  pull-raw URL [NAME]     Download a raw disk image\n"));
        assert!(help.contains("\n  -q --quiet              "));
        assert!(help.contains("\n     --class=CLASS        "));
        assert!(VERBS.iter().all(|verb| help.contains(verb.help)));
        assert!(help.lines().all(|line| width(line) <= 80) && !help.contains('\x1b'));
    }

    #[test]
    fn help_fits_narrow_terminals() {
        for columns in ["50", "40"] {
            let plain = Terminal::new(
                false,
                || None,
                |name| (name == "COLUMNS").then(|| columns.to_owned()),
            );
            let limit: usize = columns.parse().unwrap();
            let help = help(&plain);
            assert!(help.lines().all(|line| width(line) <= limit), "{help}");
        }
    }

    #[test]
    fn a_terminal_gets_bold_headings_and_a_link_to_the_page() {
        let help = help(&terminal("80"));
        assert!(help.contains("\x1b[1mCommands:\x1b[0m"));
        assert!(help.contains("\x1b]8;;man:importctl(1)\x1b\\importctl(1)\x1b]8;;\x1b\\"));
    }

    #[test]
    fn there_is_a_script_for_each_shell_of_the_table_and_for_no_other() {
        for shell in ["bash", "zsh", "fish"] {
            assert!(completion(shell).unwrap().contains("importctl"));
        }
        assert!(
            completion("tcsh\x1b")
                .unwrap_err()
                .to_string()
                .contains("`tcsh\\u{1b}` is none of")
        );
    }
}
