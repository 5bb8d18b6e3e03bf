//! What a program says about itself when it is asked for help.

use super::{OptionSpec, Usage};
use crate::term::{Paint, Terminal, width};

/// Where the second column begins, and how narrow it may become before it moves below the first.
const INDENT: usize = 26;
const NARROW: usize = 24;

/// The text of `--help`, as wide as the terminal.
pub fn help<V, O>(usage: &Usage<V, O>, terminal: &Terminal) -> String {
    let bold = |text: &str| terminal.paint(Paint::Bold, text);
    let command = if usage.verbs.is_empty() {
        ""
    } else {
        " COMMAND …"
    };
    let mut help = format!("{} [OPTION…]{command}\n\n", bold(usage.program));
    help += &format!("{}\n", wrap(usage.about, terminal.columns()).join("\n"));
    if !usage.verbs.is_empty() {
        help += &format!("\n{}\n", bold("Commands:"));
    }
    for verb in usage.verbs {
        let mut name = vec![verb.name];
        name.extend(verb.arguments);
        help += &entry(
            &format!("  {}", name.join(" ")),
            verb.help,
            terminal.columns(),
        );
    }
    help += &format!("\n{}\n", bold("Options:"));
    for option in usage.options {
        help += &entry(&names(option), option.help, terminal.columns());
    }
    let page = terminal.link(&format!("man:{}", usage.page), usage.page);
    help + &format!("\nSee {page} for more.\n")
}

/// `  -q --quiet`
fn names<O>(option: &OptionSpec<O>) -> String {
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
