//! From words to an invocation, by the table of options.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::options::{OptionId, USAGE, VerbId};
use crate::terms::{Compression, ImageClass, VerifyMode, parse_boolean, parse_time_span};
use crate::usage::{self, Error, Parsed};

/// What was asked for.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) action: Action,
    pub(super) options: Options,
}

#[derive(Debug)]
pub(super) enum Action {
    Verb(VerbId, Vec<String>),
    Help,
    Version,
    Completion(String),
    /// The words that an option takes.
    Words(&'static [&'static str]),
}

/// How lists are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Json {
    #[default]
    Off,
    Short,
    Pretty,
    /// Pretty on a terminal, short elsewhere.
    ByTerminal,
}

/// All options, with their defaults.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) class: Option<ImageClass>,
    pub(super) verify: Option<VerifyMode>,
    pub(super) format: Option<Compression>,
    pub(super) force: bool,
    pub(super) read_only: bool,
    pub(super) keep_download: Option<bool>,
    pub(super) retry_timeout: Option<Duration>,
    pub(super) image_root: Option<PathBuf>,
    pub(super) root: Option<PathBuf>,
    pub(super) no_daemon: bool,
    pub(super) host: Option<String>,
    pub(super) machine: Option<String>,
    pub(super) user: bool,
    pub(super) no_ask_password: bool,
    pub(super) quiet: bool,
    pub(super) json: Json,
    pub(super) no_legend: bool,
    pub(super) no_pager: bool,
}

/// Understands the arguments that follow the program's name.
pub(super) fn parse(args: &[OsString]) -> Result<Invocation, Error> {
    let mut options = Options::default();
    let parsed = match usage::parse(&USAGE, args, |id, value| options.set(id, value)) {
        // What is under way is what most want to know.
        Err(Error::NoVerb { .. }) => Parsed::Verb(VerbId::ListTransfers, Vec::new()),
        parsed => parsed?,
    };
    let action = match parsed {
        Parsed::Verb(VerbId::Help, _) => Action::Help,
        Parsed::Verb(verb, arguments) => Action::Verb(verb, arguments),
        Parsed::Instead(action) => action,
        Parsed::Words(words) => Action::Words(words),
    };
    Ok(Invocation { action, options })
}

impl Options {
    /// Whether a daemon is to do it, if there is one: it knows nothing of other places, nor of other patience.
    pub(super) fn ask_daemon(&self) -> bool {
        !self.no_daemon
            && self.root.is_none()
            && self.image_root.is_none()
            && self.retry_timeout.is_none()
    }

    /// Takes one option; the last of several holds. Says what it asks for in place of any verb.
    fn set(&mut self, id: OptionId, value: &str) -> Result<Option<Action>, String> {
        let path = |value: &str| {
            if value.is_empty() {
                Err("a directory is needed")
            } else {
                Ok(Some(value.into()))
            }
        };
        match id {
            OptionId::Class => self.class = Some(value.parse().map_err(reason)?),
            OptionId::ClassMachine => self.class = Some(ImageClass::Machine),
            OptionId::ClassPortable => self.class = Some(ImageClass::Portable),
            OptionId::ClassSysext => self.class = Some(ImageClass::Sysext),
            OptionId::ClassConfext => self.class = Some(ImageClass::Confext),
            OptionId::Verify => self.verify = Some(value.parse().map_err(reason)?),
            OptionId::Format => self.format = Some(value.parse().map_err(reason)?),
            OptionId::Force => self.force = true,
            OptionId::ReadOnly => self.read_only = true,
            OptionId::KeepDownload => {
                self.keep_download = Some(parse_boolean(value).map_err(reason)?)
            }
            OptionId::NoKeepDownload => self.keep_download = Some(false),
            OptionId::RetryTimeout => {
                self.retry_timeout = Some(parse_time_span(value).map_err(reason)?)
            }
            OptionId::ImageRoot => self.image_root = path(value)?,
            OptionId::Root => self.root = path(value)?,
            OptionId::Quiet => self.quiet = true,
            OptionId::Json => self.json = json(value)?,
            OptionId::JsonByTerminal => self.json = Json::ByTerminal,
            OptionId::NoLegend => self.no_legend = true,
            OptionId::NoDaemon => self.no_daemon = true,
            OptionId::Host => self.host = Some(value.to_owned()),
            OptionId::Machine => self.machine = Some(value.to_owned()),
            OptionId::System => self.user = false,
            OptionId::User => self.user = true,
            OptionId::NoAskPassword => self.no_ask_password = true,
            OptionId::NoPager => self.no_pager = true,
            OptionId::Completion => return Ok(Some(Action::Completion(value.to_owned()))),
            OptionId::Help => return Ok(Some(Action::Help)),
            OptionId::Version => return Ok(Some(Action::Version)),
        }
        Ok(None)
    }
}

fn reason(error: impl ToString) -> String {
    error.to_string()
}

fn json(word: &str) -> Result<Json, String> {
    match word {
        "off" => Ok(Json::Off),
        "short" => Ok(Json::Short),
        "pretty" => Ok(Json::Pretty),
        _ => Err(format!("`{word}` is none of short, pretty and off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, String> {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn options_may_stand_anywhere_and_the_last_one_holds() {
        let invocation =
            parsed("-m pull-raw --class=sysext http://h/x -qN --verify no name --force").unwrap();
        let Action::Verb(VerbId::PullRaw, arguments) = invocation.action else {
            panic!()
        };
        assert_eq!(arguments, ["http://h/x", "name"]);
        let options = invocation.options;
        assert_eq!(
            (options.class, options.verify),
            (Some(ImageClass::Sysext), Some(VerifyMode::No))
        );
        assert_eq!(
            (options.quiet, options.force, options.keep_download),
            (true, true, Some(false))
        );
    }

    #[test]
    fn what_makes_no_sense_is_named_with_what_was_probably_meant() {
        for (line, part) in [
            ("pull-rwa http://h/x", "did you mean `pull-raw`?"),
            ("list-image", "did you mean `list-images`?"),
            ("cancel-transfer", "needs ID"),
            ("--vrify=no", "did you mean `--verify`?"),
            ("-x", "no option `-x`"),
            (
                "--class=vm list-images",
                "--class=: unknown image class `vm`",
            ),
            ("--json=xml list-images", "none of short"),
            ("--root= list-images", "a directory is needed"),
            ("pull-raw", "needs URL"),
            ("list-images extra", "takes at most 0 arguments"),
            ("--force=yes list-images", "force"),
        ] {
            let message = parsed(line).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
    }
}
