//! The table of systemd-importd's options, and what they ask for.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::usage::{self, Completes, OptionSpec, Parsed, Usage};

/// An option's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionId {
    BusIntrospect,
    Root,
    System,
    User,
    Help,
    Version,
}

type Spec = OptionSpec<OptionId>;

const fn option(
    id: OptionId,
    short: Option<char>,
    (long, value): (&'static str, Option<&'static str>),
    help: &'static str,
) -> Spec {
    OptionSpec {
        id,
        short,
        long: Some(long),
        value,
        completes: Completes::Nothing,
        help,
        manual: &[],
    }
}

pub(super) const USAGE: Usage<(), OptionId> = Usage {
    program: "systemd-importd",
    about: "Download, import and export disk images, for whoever asks on the bus or by Varlink.",
    page: "systemd-importd(8)",
    verbs: &[],
    options: &[
        OptionSpec {
            manual: &[
                "Nothing is served. With the word list the paths are listed, and the interfaces there.",
            ],
            ..option(
                OptionId::BusIntrospect,
                None,
                ("bus-introspect", Some("PATH")),
                "Describe the bus object at this path",
            )
        },
        OptionSpec {
            completes: Completes::Directory,
            manual: &["Image directories, keyrings and the socket lie beneath it then."],
            ..option(
                OptionId::Root,
                None,
                ("root", Some("DIR")),
                "Serve the system below this directory",
            )
        },
        option(
            OptionId::System,
            None,
            ("system", None),
            "Serve the system, which is the default",
        ),
        option(
            OptionId::User,
            None,
            ("user", None),
            "Serve a user: not possible yet",
        ),
        option(OptionId::Help, Some('h'), ("help", None), "Print this text"),
        option(
            OptionId::Version,
            None,
            ("version", None),
            "Print the version",
        ),
    ],
};

/// What is asked for in place of serving.
#[derive(Debug)]
pub(super) enum Instead {
    Help,
    Version,
    Introspect(String),
}

#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) root: Option<PathBuf>,
    pub(super) user: bool,
}

/// Understands the arguments.
pub(super) fn parse(args: &[OsString]) -> Result<(Options, Option<Instead>), usage::Error> {
    let mut options = Options::default();
    let set = |id, value: &str| {
        match id {
            OptionId::Help => return Ok(Some(Instead::Help)),
            OptionId::Version => return Ok(Some(Instead::Version)),
            OptionId::BusIntrospect => return Ok(Some(Instead::Introspect(value.to_owned()))),
            OptionId::Root if value.is_empty() => return Err("a directory is needed".to_owned()),
            OptionId::Root => options.root = Some(value.into()),
            OptionId::System => options.user = false,
            OptionId::User => options.user = true,
        }
        Ok(None)
    };
    let instead = match usage::parse_alone(&USAGE, args, set)? {
        Some(Parsed::Instead(instead)) => Some(instead),
        // No option takes words.
        Some(Parsed::Verb(..) | Parsed::Words(_)) | None => None,
    };
    Ok((options, instead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::tests::{assert_names, assert_page};

    #[test]
    fn the_page_says_what_the_table_says_and_nothing_has_two_meanings() {
        assert_names(&USAGE);
        assert_page(&USAGE, "systemd-importd.8");
    }
}
