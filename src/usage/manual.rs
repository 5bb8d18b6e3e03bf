//! The sections of a manual page that a table makes, in the language of `man(7)`. The page itself is written by hand
//! around them; a test of each face holds the two together (`tests.rs`).

use super::{OptionSpec, Usage, VerbSpec};

/// The entries of OPTIONS.
pub(super) fn options<V, O>(usage: &Usage<V, O>) -> String {
    usage
        .options
        .iter()
        .map(|option| entry(&option_title(option), option.help, option.manual))
        .collect()
}

/// The entries of COMMANDS.
pub(super) fn commands<V, O>(usage: &Usage<V, O>) -> String {
    usage
        .verbs
        .iter()
        .map(|verb| entry(&verb_title(verb), verb.help, verb.manual))
        .collect()
}

/// `--class=CLASS`: what is typed as it stands bold, what stands for something else italic.
pub(super) fn option_title<O>(option: &OptionSpec<O>) -> String {
    let short = option.short.map(|letter| format!("\\fB\\-{letter}\\fR"));
    let long = option.long.map(|name| {
        let value = option.value.map(|value| format!("=\\fI{value}\\fR"));
        format!(
            "\\fB\\-\\-{}\\fR{}",
            escaped(name),
            value.unwrap_or_default()
        )
    });
    short.into_iter().chain(long).collect::<Vec<_>>().join(", ")
}

pub(super) fn verb_title<V>(verb: &VerbSpec<V>) -> String {
    let mut title = format!("\\fB{}\\fR", escaped(verb.name));
    for argument in verb.arguments {
        let name = argument.trim_matches(['[', ']']);
        title += &format!(" {}", argument.replace(name, &format!("\\fI{name}\\fR")));
    }
    title
}

pub(super) fn entry(title: &str, help: &str, manual: &[&str]) -> String {
    let text = match manual {
        [] => paragraph(&format!("{help}.")),
        manual => manual
            .iter()
            .map(|text| paragraph(text))
            .collect::<Vec<_>>()
            .join("\n.IP\n"),
    };
    format!(".TP\n{title}\n{text}\n")
}

/// A sentence per line, options bold, and nothing that roff would take for its own.
fn paragraph(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let end = word.trim_end_matches(['.', ',', ';', ':']).len();
        let (word, stop) = word.split_at(end);
        match word.starts_with("--") {
            true => format!("\\fB{}\\fR{stop}", escaped(word)),
            false => escaped(word) + stop,
        }
    });
    let text = words.collect::<Vec<_>>().join(" ").replace(". ", ".\n");
    let lines = text
        .lines()
        .map(|line| match line.starts_with(['.', '\'']) {
            true => format!("\\&{line}"),
            false => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
