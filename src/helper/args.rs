//! From words to options, and whether these go together.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::{Combination, Error};
use super::options::{OptionId, VerbId};
use crate::terms::{
    AuxiliaryKind, Compression, ImageClass, ImageForm, InvalidValue, VerifyMode, parse_boolean,
    parse_bytes,
};
use crate::usage::{self, Parsed, Usage};

/// What was asked for.
#[derive(Debug)]
pub(super) enum Action {
    Verb(VerbId, Vec<String>),
    Help,
    Version,
    /// The words that an option takes.
    Words(&'static [&'static str]),
}

/// All options. What was not given is none.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) force: bool,
    pub(super) image_root: Option<PathBuf>,
    pub(super) verify: Option<VerifyMode>,
    pub(super) beside: [Option<bool>; AuxiliaryKind::ALL.len()],
    pub(super) read_only: bool,
    pub(super) direct: bool,
    pub(super) subvolumes: Option<bool>,
    pub(super) quota: Option<bool>,
    pub(super) convert_qcow2: Option<bool>,
    pub(super) sync: Option<bool>,
    pub(super) zero_fill: bool,
    pub(super) offset: Option<u64>,
    pub(super) size_max: Option<u64>,
    pub(super) class: Option<ImageClass>,
    pub(super) keep_download: Option<bool>,
    pub(super) daemon: Option<PathBuf>,
    pub(super) wait: bool,
    pub(super) format: Option<Compression>,
    pub(super) user: bool,
}

/// Understands the arguments that follow a program's name.
pub(super) fn parse(
    usage: &Usage<VerbId, OptionId>,
    args: &[OsString],
) -> Result<(Action, Options), Error> {
    let mut options = Options::default();
    let action = match usage::parse(usage, args, |id, value| options.set(id, value))? {
        Parsed::Verb(verb, arguments) => {
            options.check(verb)?;
            Action::Verb(verb, arguments)
        }
        Parsed::Instead(action) => action,
        Parsed::Words(words) => Action::Words(words),
    };
    Ok((action, options))
}

impl Options {
    /// Takes one option; the last of several holds. Says what it asks for in place of any verb.
    fn set(&mut self, id: OptionId, value: &str) -> Result<Option<Action>, String> {
        let yes = || parse_boolean(value).map_err(reason);
        match id {
            OptionId::Force => self.force = true,
            OptionId::ImageRoot if value.is_empty() => return Err("a directory is needed".into()),
            OptionId::ImageRoot => self.image_root = Some(value.into()),
            OptionId::Verify => self.verify = Some(value.parse().map_err(reason)?),
            OptionId::Settings => self.want(AuxiliaryKind::Settings, yes()?),
            OptionId::RootHash => {
                self.want(AuxiliaryKind::RootHash, yes()?);
                if !yes()? {
                    self.want(AuxiliaryKind::RootHashSignature, false);
                }
            }
            OptionId::RootHashSignature => self.want(AuxiliaryKind::RootHashSignature, yes()?),
            OptionId::Verity => self.want(AuxiliaryKind::Verity, yes()?),
            OptionId::ReadOnly => self.read_only = true,
            OptionId::Direct => self.direct = true,
            OptionId::BtrfsSubvolume => self.subvolumes = Some(yes()?),
            OptionId::BtrfsQuota => self.quota = Some(yes()?),
            OptionId::ConvertQcow2 => self.convert_qcow2 = Some(yes()?),
            OptionId::Sync => self.sync = Some(yes()?),
            OptionId::ZeroFill => self.zero_fill = yes()?,
            OptionId::Offset => self.offset = Some(plain_bytes(value).map_err(reason)?),
            OptionId::SizeMax => self.size_max = Some(parse_bytes(value).map_err(reason)?),
            OptionId::Class => self.class = Some(value.parse().map_err(reason)?),
            OptionId::KeepDownload => self.keep_download = Some(yes()?),
            OptionId::Daemon if value.is_empty() => return Err("a socket is needed".into()),
            OptionId::Daemon => self.daemon = Some(value.into()),
            OptionId::Wait => self.wait = true,
            OptionId::Format => self.format = Some(value.parse().map_err(reason)?),
            OptionId::System => self.user = false,
            OptionId::User => self.user = true,
            OptionId::Help => return Ok(Some(Action::Help)),
            OptionId::Version => return Ok(Some(Action::Version)),
        }
        Ok(None)
    }

    fn want(&mut self, kind: AuxiliaryKind, wanted: bool) {
        self.beside[kind as usize] = Some(wanted);
    }

    /// Refuses options that do not go together.
    fn check(&self, verb: VerbId) -> Result<(), Error> {
        if self.user {
            return Err(Error::User);
        }
        let asked = AuxiliaryKind::ALL
            .into_iter()
            .find(|kind| self.beside[*kind as usize] == Some(true))
            .map(option_of);
        let pinned = matches!(self.verify, Some(VerifyMode::Pinned(_)));
        let ends = self
            .offset
            .unwrap_or(0)
            .checked_add(self.size_max.unwrap_or(0));
        match asked {
            Some(option) if self.direct => return Err(Combination::BesideDirect(option).into()),
            Some(option) if pinned => return Err(Combination::BesidePinned(option).into()),
            _ => {}
        }
        if let Some(option) = self.daemon.as_ref().and_then(|_| self.not_told()) {
            return Err(Combination::NotTold(option).into());
        }
        let wrong = if self.direct && self.keep_download == Some(true) {
            Combination::KeepDirect
        } else if self.zero_fill && (self.offset.is_none() || self.size_max.is_none()) {
            Combination::ZeroFill
        } else if self.offset.is_some() && form(verb) == ImageForm::Tree {
            Combination::OffsetTree
        } else if self.offset.is_some() && !self.direct {
            Combination::OffsetIndirect
        } else if ends.is_none_or(|end| i64::try_from(end).is_err()) {
            Combination::Range
        } else {
            return Ok(());
        };
        Err(wrong.into())
    }

    /// An option that was given and that the daemon knows nothing of.
    fn not_told(&self) -> Option<&'static str> {
        let beside = AuxiliaryKind::ALL
            .into_iter()
            .find(|kind| self.beside[*kind as usize].is_some());
        let given = [
            (self.direct, "--direct"),
            (self.subvolumes.is_some(), "--btrfs-subvol="),
            (self.quota.is_some(), "--btrfs-quota="),
            (self.convert_qcow2.is_some(), "--convert-qcow2="),
            (self.sync.is_some(), "--sync="),
            (self.size_max.is_some(), "--size-max="),
        ];
        let other = given.into_iter().find(|(given, _)| *given);
        beside.map(option_of).or(other.map(|(_, option)| option))
    }
}

/// The form of image that a verb is about.
pub(super) fn form(verb: VerbId) -> ImageForm {
    match verb {
        VerbId::PullRaw | VerbId::ImportRaw | VerbId::ExportRaw => ImageForm::Raw,
        _ => ImageForm::Tree,
    }
}

fn option_of(kind: AuxiliaryKind) -> &'static str {
    match kind {
        AuxiliaryKind::Settings => "--settings",
        AuxiliaryKind::RootHash => "--roothash",
        AuxiliaryKind::RootHashSignature => "--roothash-signature",
        AuxiliaryKind::Verity => "--verity",
    }
}

/// A number of bytes without a unit.
fn plain_bytes(text: &str) -> Result<u64, InvalidValue> {
    let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|text| text.parse::<i64>().ok());
    number.map(i64::cast_unsigned).ok_or_else(|| InvalidValue {
        value: text.to_owned(),
        expected: "a number of bytes",
    })
}

fn reason(error: impl ToString) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::options::{EXPORT, IMPORT, PULL};
    use super::*;

    fn refused(usage: &Usage<VerbId, OptionId>, line: &str) -> String {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(usage, &args).unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_the_reason() {
        let pin = "ab".repeat(32);
        for (line, part) in [
            ("raw u n --direct --settings=yes", "--settings=yes cannot"),
            ("raw u n --verity=yes --direct", "--verity=yes cannot"),
            (&format!("raw u --verify={pin} --roothash=yes"), "a digest"),
            ("raw u n --direct --keep-download=yes", "--keep-download"),
            ("raw u n --offset=1", "needs --direct"),
            ("tar u n --direct --offset=1", "for disk images"),
            ("raw u n --direct --offset=1 --zero-fill=yes", "both"),
            ("raw u n --zero-fill=1 --size-max=1M", "both"),
            (
                "raw u n --direct --offset=9223372036854775807 --size-max=1",
                "beyond what a file can hold",
            ),
            (
                "raw u n --offset=9223372036854775808",
                "not a number of bytes",
            ),
            ("raw u n --offset=1K", "not a number of bytes"),
            ("raw u n --daemon=/s --direct", "--direct cannot"),
            ("raw u n --daemon=/s --sync=no", "--sync= cannot"),
            ("raw u n --daemon=/s --verity=no", "--verity cannot"),
            ("raw u n --user", "not managed yet"),
            ("raw u n --verify=abcdef0123456789", "16 hexadecimal digits"),
            ("raw u n --format=xz", "no option `--format`"),
            ("raw", "needs URL: see `systemd-pull --help`"),
        ] {
            let message = refused(&PULL, line);
            assert!(message.contains(part), "{line}: {message}");
        }
        assert!(refused(&IMPORT, "raw f --verify=no").contains("no option"));
        assert!(refused(&EXPORT, "raw n --format=rar").contains("unknown format"));
    }

    #[test]
    fn the_last_of_several_options_holds_and_a_hash_goes_with_its_signature() {
        let args = ["raw", "u", "--settings=yes", "--settings=no", "--direct"];
        let args = args.map(OsString::from);
        assert!(parse(&PULL, &args).is_ok());
        let args = ["raw", "u", "--roothash=no"].map(OsString::from);
        let (_, options) = parse(&PULL, &args).unwrap();
        assert_eq!(options.beside, [None, Some(false), Some(false), None]);
    }
}
