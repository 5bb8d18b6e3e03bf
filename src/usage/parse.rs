//! From words to a verb and its arguments, by a table.

use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};

use super::similar::similar;
use super::{Completes, OptionSpec, Usage, VerbSpec};

/// What was asked for.
#[derive(Debug)]
pub enum Parsed<V, A> {
    /// The verb and its arguments, as many as it takes.
    Verb(V, Vec<String>),
    /// What an option asks for in place of any verb.
    Instead(A),
    /// The words that an option takes.
    Words(&'static [&'static str]),
}

/// Words that make no sense.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no option `{option}`{}", meant(.program, .similar.as_deref()))]
    UnknownOption {
        program: &'static str,
        option: String,
        similar: Option<String>,
    },
    #[error("there is no command `{verb}`{}", meant(.program, .similar.as_deref()))]
    UnknownVerb {
        program: &'static str,
        verb: String,
        similar: Option<String>,
    },
    #[error("no command was given: see `{program} --help`")]
    NoVerb { program: &'static str },
    #[error("`{extra}` is more than this takes: see `{program} --help`")]
    NoArguments {
        program: &'static str,
        extra: String,
    },
    #[error("{option}: {reason}")]
    Value { option: String, reason: String },
    #[error("`{verb}` needs {missing}: see `{program} --help`")]
    TooFew {
        program: &'static str,
        verb: &'static str,
        missing: &'static str,
    },
    #[error(
        "`{verb}` takes at most {most} arguments, and `{extra}` is one more: see `{program} --help`"
    )]
    TooMany {
        program: &'static str,
        verb: &'static str,
        most: usize,
        extra: String,
    },
    #[error("argument `{0}` is not UTF-8")]
    NotText(String),
    #[error("{0}")]
    Syntax(#[from] lexopt::Error),
}

fn meant(program: &str, similar: Option<&str>) -> String {
    similar.map_or_else(
        || format!(": see `{program} --help`"),
        |word| format!(", did you mean `{word}`?"),
    )
}

/// Understands the arguments that follow a program's name.
///
/// `set` takes one option after the other, the value empty where it has none. It may ask for something in place of any
/// verb, which ends the matter; its error is the reason alone.
pub fn parse<V: Copy, O: Copy, A>(
    usage: &Usage<V, O>,
    args: &[OsString],
    set: impl FnMut(O, &str) -> Result<Option<A>, String>,
) -> Result<Parsed<V, A>, Error> {
    match parse_options(usage, args, set)? {
        Options::Instead(parsed) => Ok(parsed),
        Options::Words(words) => verb(usage, words),
    }
}

/// The same for a program that has no verbs: none where no option asks for anything.
pub fn parse_alone<O: Copy, A>(
    usage: &Usage<(), O>,
    args: &[OsString],
    set: impl FnMut(O, &str) -> Result<Option<A>, String>,
) -> Result<Option<Parsed<(), A>>, Error> {
    match parse_options(usage, args, set)? {
        Options::Instead(parsed) => Ok(Some(parsed)),
        Options::Words(words) => match words.first() {
            None => Ok(None),
            Some(extra) => Err(Error::NoArguments {
                program: usage.program,
                extra: extra.escape_debug().to_string(),
            }),
        },
    }
}

/// What is left once the options are taken.
enum Options<V, A> {
    /// One of them asks for something else.
    Instead(Parsed<V, A>),
    Words(Vec<String>),
}

fn parse_options<V: Copy, O: Copy, A>(
    usage: &Usage<V, O>,
    args: &[OsString],
    mut set: impl FnMut(O, &str) -> Result<Option<A>, String>,
) -> Result<Options<V, A>, Error> {
    let mut parser = Parser::from_args(args.iter().cloned());
    let mut words = Vec::new();
    while let Some(arg) = parser.next()? {
        let spec = match arg {
            Arg::Value(word) => {
                words.push(text(word)?);
                continue;
            }
            Arg::Short(letter) => usage.options.iter().find(|spec| spec.short == Some(letter)),
            Arg::Long(name) => usage.options.iter().find(|spec| spec.long == Some(name)),
        };
        let Some(spec) = spec else {
            return Err(unknown(usage, &arg));
        };
        let value = match spec.value {
            Some(_) => text(parser.value()?)?,
            None => String::new(),
        };
        if let ("help", Completes::Words(words)) = (&*value, spec.completes) {
            return Ok(Options::Instead(Parsed::Words(words)));
        }
        let asked = set(spec.id, &value).map_err(|reason| Error::Value {
            option: shown(spec),
            reason,
        })?;
        if let Some(asked) = asked {
            return Ok(Options::Instead(Parsed::Instead(asked)));
        }
    }
    Ok(Options::Words(words))
}

fn text(word: OsString) -> Result<String, Error> {
    word.string()
        .map_err(|error| Error::NotText(error.to_string()))
}

fn shown<O>(spec: &OptionSpec<O>) -> String {
    spec.long.map_or_else(
        || format!("-{}", spec.short.unwrap_or('?')),
        |long| format!("--{long}="),
    )
}

fn unknown<V, O>(usage: &Usage<V, O>, arg: &Arg<'_>) -> Error {
    let program = usage.program;
    match arg {
        Arg::Long(name) => {
            let similar = similar(name, usage.options.iter().filter_map(|spec| spec.long))
                .map(|name| format!("--{name}"));
            Error::UnknownOption {
                program,
                option: format!("--{}", name.escape_debug()),
                similar,
            }
        }
        Arg::Short(letter) => Error::UnknownOption {
            program,
            option: format!("-{}", letter.escape_debug()),
            similar: None,
        },
        Arg::Value(_) => Error::NoVerb { program },
    }
}

/// The verb and its arguments, as many as it takes.
fn verb<V: Copy, O, A>(usage: &Usage<V, O>, words: Vec<String>) -> Result<Parsed<V, A>, Error> {
    let program = usage.program;
    let mut words = words.into_iter();
    let word = words.next().ok_or(Error::NoVerb { program })?;
    let Some(spec) = usage.verbs.iter().find(|spec| spec.name == word) else {
        let similar = similar(&word, usage.verbs.iter().map(|spec| spec.name)).map(str::to_owned);
        return Err(Error::UnknownVerb {
            program,
            verb: word.escape_debug().to_string(),
            similar,
        });
    };
    let arguments: Vec<String> = words.collect();
    let VerbSpec { name, .. } = *spec;
    let most = match spec.arguments.last() {
        // As many as there are.
        Some(last) if last.ends_with('…') => usize::MAX,
        _ => spec.arguments.len(),
    };
    if arguments.len() < spec.required() {
        return Err(Error::TooFew {
            program,
            verb: name,
            missing: spec.arguments[arguments.len()],
        });
    }
    if let Some(extra) = arguments.get(most) {
        return Err(Error::TooMany {
            program,
            verb: name,
            most,
            extra: extra.escape_debug().to_string(),
        });
    }
    Ok(Parsed::Verb(spec.id, arguments))
}
