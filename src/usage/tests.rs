//! What each face holds its table and its page to, and how text becomes a page.

use std::{env, fs};

use super::manual::{commands, entry, option_title, options, verb_title};
use super::{Completes, OptionSpec, Usage, VerbSpec};

/// Holds a page below `man/` to the table, or rewrites what the table makes of it where `$IMPORTD_BLESS` asks for that.
pub fn assert_page<V, O>(usage: &Usage<V, O>, page: &str) {
    let path = format!("{}/man/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap();
    let mut rendered = with(&text, usage.program, "OPTIONS", &options(usage));
    if !usage.verbs.is_empty() {
        rendered = with(&rendered, usage.program, "COMMANDS", &commands(usage));
    }
    if env::var_os("IMPORTD_BLESS").is_some() {
        fs::write(path, rendered).unwrap();
    } else {
        assert!(
            text == rendered,
            "man/{page} is behind the options table: run `make bless`"
        );
    }
}

/// Holds a table to it that no two of its verbs or options have a name in common, and none has none.
pub fn assert_names<V, O>(usage: &Usage<V, O>) {
    let short = |spec: &OptionSpec<O>| spec.short.map(|letter| format!("-{letter}"));
    let long = |spec: &OptionSpec<O>| spec.long.map(|name| format!("--{name}"));
    let names = |spec| short(spec).into_iter().chain(long(spec));
    assert!(usage.options.iter().all(|spec| names(spec).count() > 0));
    let verbs = usage.verbs.iter().map(|verb| verb.name.to_owned());
    let mut all: Vec<_> = usage.options.iter().flat_map(names).chain(verbs).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

/// The page with what stands between the markers of a program's section replaced.
fn with(page: &str, program: &str, section: &str, text: &str) -> String {
    let begin = format!(".\\\" BEGIN {program} {section} (rendered from the options table)\n");
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&format!(".\\\" END {section}\n")).unwrap();
    format!("{before}{begin}{text}.\\\" END {section}\n{after}")
}

#[test]
fn text_becomes_roff_that_shows_it_as_it_is() {
    let verb = VerbSpec {
        id: (),
        name: "pull-tar",
        arguments: &["URL", "[NAME]"],
        completes: Completes::Nothing,
        help: "Do",
        manual: &["One --a=b. .two \\ x-y", "'three"],
    };
    assert_eq!(
        entry(&verb_title(&verb), verb.help, verb.manual),
        ".TP\n\\fBpull\\-tar\\fR \\fIURL\\fR [\\fINAME\\fR]\nOne \\fB\\-\\-a=b\\fR.\n\\&.two \\e x\\-y\n.IP\n\\&'three\n"
    );
    let option = |short, long, value| OptionSpec {
        id: (),
        short,
        long,
        value,
        completes: Completes::Nothing,
        help: "",
        manual: &[],
    };
    let title = option_title(&option(Some('q'), Some("quiet"), None));
    assert_eq!(title, "\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR");
    let title = option_title(&option(None, Some("class"), Some("CLASS")));
    assert_eq!(title, "\\fB\\-\\-class\\fR=\\fICLASS\\fR");
}
