//! The sections of the manual page that the options table makes, in the language of `man(7)`. The page itself is
//! written by hand around them; the test here holds the two together.

use super::options::{OPTIONS, OptionSpec, VERBS, VerbSpec};

/// The entries of OPTIONS.
fn options() -> String {
    OPTIONS
        .iter()
        .map(|option| entry(&option_title(option), option.help, option.manual))
        .collect()
}

/// The entries of COMMANDS.
fn commands() -> String {
    VERBS
        .iter()
        .map(|verb| entry(&verb_title(verb), verb.help, verb.manual))
        .collect()
}

/// `--class=CLASS`: what is typed as it stands bold, what stands for something else italic.
fn option_title(option: &OptionSpec) -> String {
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

fn verb_title(verb: &VerbSpec) -> String {
    let mut title = format!("\\fB{}\\fR", escaped(verb.name));
    for argument in verb.arguments {
        let name = argument.trim_matches(['[', ']']);
        title += &format!(" {}", argument.replace(name, &format!("\\fI{name}\\fR")));
    }
    title
}

fn entry(title: &str, help: &str, manual: &[&str]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs};

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/man/importctl.1");

    /// The page with what stands between the markers of this section replaced.
    fn with(page: &str, section: &str, text: &str) -> String {
        let begin = format!(".\\\" BEGIN {section} (rendered from the options table)\n");
        let (before, rest) = page.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&format!(".\\\" END {section}\n")).unwrap();
        format!("{before}{begin}{text}.\\\" END {section}\n{after}")
    }

    #[test]
    fn the_page_says_what_the_table_says() {
        let page = fs::read_to_string(PAGE).unwrap();
        let rendered = with(&with(&page, "COMMANDS", &commands()), "OPTIONS", &options());
        if env::var_os("IMPORTD_BLESS").is_some() {
            fs::write(PAGE, rendered).unwrap();
        } else {
            assert!(
                page == rendered,
                "man/importctl.1 is behind the options table: run `make bless`"
            );
        }
    }

    #[test]
    fn text_becomes_roff_that_shows_it_as_it_is() {
        assert_eq!(
            entry(
                &verb_title(&VERBS[0]),
                "Do",
                &["One --a=b. .two \\ x-y", "'three"]
            ),
            ".TP\n\\fBpull\\-tar\\fR \\fIURL\\fR [\\fINAME\\fR]\nOne \\fB\\-\\-a=b\\fR.\n\\&.two \\e x\\-y\n.IP\n\\&'three\n"
        );
        assert!(options().contains(".TP\n\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR\n"));
        assert!(options().contains(".TP\n\\fB\\-\\-class\\fR=\\fICLASS\\fR\n"));
        assert!(
            options().contains(".TP\n\\fB\\-m\\fR\nThe same as \\fB\\-\\-class=machine\\fR.\n")
        );
    }
}
