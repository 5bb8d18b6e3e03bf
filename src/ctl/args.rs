//! From words to an invocation, by the table of options.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

use super::options::{Completes, OPTIONS, OptionId, OptionSpec, VERBS, VerbId, VerbSpec, similar};
use crate::terms::{Compression, ImageClass, VerifyMode, parse_boolean, parse_time_span};

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
    pub(super) quiet: bool,
    pub(super) json: Json,
    pub(super) no_legend: bool,
}

/// Words that make no sense.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("there is no option `{option}`{}", meant(.similar.as_deref()))]
    UnknownOption {
        option: String,
        similar: Option<String>,
    },
    #[error("there is no command `{verb}`{}", meant(.similar.as_deref()))]
    UnknownVerb {
        verb: String,
        similar: Option<String>,
    },
    #[error("no command was given: see `importctl --help`")]
    NoVerb,
    #[error("{option}: {reason}")]
    Value { option: String, reason: String },
    #[error("`{verb}` needs {}: see `importctl --help`", .missing)]
    TooFew {
        verb: &'static str,
        missing: &'static str,
    },
    #[error(
        "`{verb}` takes at most {most} arguments, and `{extra}` is one more: see `importctl --help`"
    )]
    TooMany {
        verb: &'static str,
        most: usize,
        extra: String,
    },
    #[error("argument `{0}` is not UTF-8")]
    NotText(String),
    #[error("{0}")]
    Syntax(#[from] lexopt::Error),
}

fn meant(similar: Option<&str>) -> String {
    similar.map_or_else(
        || ": see `importctl --help`".to_owned(),
        |word| format!(", did you mean `{word}`?"),
    )
}

/// Understands the arguments that follow the program's name.
pub(super) fn parse(args: &[OsString]) -> Result<Invocation, Error> {
    let mut parser = Parser::from_args(args.iter().cloned());
    let mut options = Options::default();
    let mut words = Vec::new();
    while let Some(arg) = parser.next()? {
        let spec = match arg {
            Arg::Value(word) => {
                words.push(text(word)?);
                continue;
            }
            Arg::Short(letter) => OPTIONS.iter().find(|spec| spec.short == Some(letter)),
            Arg::Long(name) => OPTIONS.iter().find(|spec| spec.long == Some(name)),
        };
        let Some(spec) = spec else {
            return Err(unknown(&arg));
        };
        let value = match spec.value {
            Some(_) => text(parser.value()?)?,
            None => String::new(),
        };
        if let ("help", Completes::Words(words)) = (&*value, spec.completes) {
            return Ok(Invocation {
                action: Action::Words(words),
                options,
            });
        }
        match spec.id {
            OptionId::Help => {
                return Ok(Invocation {
                    action: Action::Help,
                    options,
                });
            }
            OptionId::Version => {
                return Ok(Invocation {
                    action: Action::Version,
                    options,
                });
            }
            OptionId::Completion => {
                return Ok(Invocation {
                    action: Action::Completion(value),
                    options,
                });
            }
            id => options.set(id, &value).map_err(|reason| Error::Value {
                option: shown(spec),
                reason,
            })?,
        }
    }
    Ok(Invocation {
        action: verb(words)?,
        options,
    })
}

fn text(word: OsString) -> Result<String, Error> {
    word.string()
        .map_err(|error| Error::NotText(error.to_string()))
}

fn shown(spec: &OptionSpec) -> String {
    spec.long.map_or_else(
        || format!("-{}", spec.short.unwrap_or('?')),
        |long| format!("--{long}="),
    )
}

fn unknown(arg: &Arg<'_>) -> Error {
    match arg {
        Arg::Long(name) => {
            let similar = similar(name, OPTIONS.iter().filter_map(|spec| spec.long))
                .map(|name| format!("--{name}"));
            Error::UnknownOption {
                option: format!("--{}", name.escape_debug()),
                similar,
            }
        }
        Arg::Short(letter) => Error::UnknownOption {
            option: format!("-{}", letter.escape_debug()),
            similar: None,
        },
        Arg::Value(_) => Error::NoVerb,
    }
}

/// The verb and its arguments, as many as it takes.
fn verb(words: Vec<String>) -> Result<Action, Error> {
    let mut words = words.into_iter();
    let word = words.next().ok_or(Error::NoVerb)?;
    let Some(spec) = VERBS.iter().find(|spec| spec.name == word) else {
        let similar = similar(&word, VERBS.iter().map(|spec| spec.name)).map(str::to_owned);
        return Err(Error::UnknownVerb {
            verb: word.escape_debug().to_string(),
            similar,
        });
    };
    let arguments: Vec<String> = words.collect();
    let VerbSpec { name, .. } = *spec;
    let most = spec.arguments.len();
    if arguments.len() < spec.required() {
        return Err(Error::TooFew {
            verb: name,
            missing: spec.arguments[arguments.len()],
        });
    }
    if let Some(extra) = arguments.get(most) {
        return Err(Error::TooMany {
            verb: name,
            most,
            extra: extra.escape_debug().to_string(),
        });
    }
    Ok(if spec.id == VerbId::Help {
        Action::Help
    } else {
        Action::Verb(spec.id, arguments)
    })
}

impl Options {
    /// Takes one option; the last of several holds. The error is the reason alone.
    fn set(&mut self, id: OptionId, value: &str) -> Result<(), String> {
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
            OptionId::NoDaemon | OptionId::NoPager | OptionId::NoAskPassword => {}
            OptionId::Completion | OptionId::Help | OptionId::Version => {}
        }
        Ok(())
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
            ("", "no command"),
            ("pull-rwa http://h/x", "did you mean `pull-raw`?"),
            ("list", "did you mean `list-images`?"),
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

    #[test]
    fn the_table_names_nothing_twice() {
        let longs: Vec<_> = OPTIONS.iter().filter_map(|spec| spec.long).collect();
        let shorts: Vec<_> = OPTIONS.iter().filter_map(|spec| spec.short).collect();
        for list in [longs.len(), shorts.len()].into_iter().zip([
            longs
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            shorts
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
        ]) {
            assert_eq!(list.0, list.1);
        }
        assert!(
            OPTIONS
                .iter()
                .all(|spec| spec.long.is_some() || spec.short.is_some())
        );
    }
}
