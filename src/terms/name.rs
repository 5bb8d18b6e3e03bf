//! Names of images: which are valid, which may be given to a new one, and which derive from a URL or a file.

use std::fmt;
use std::str::FromStr;

use super::{AuxiliaryKind, ImageClass, ImageForm, Url};

/// A name an image may be found under: a file name of at most 255 bytes, no control characters, not beginning `.#`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName(String);

/// A name a transfer may give to a new image.
///
/// Narrower than [`ImageName`]: the names of kept downloads (`.raw-…`, `.tar-…`, `.oci-…`) are not for the asking,
/// since whoever could choose one could pass an image off as a verified download; `.host` is the running system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalName(ImageName);

/// A name that was refused, and why.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidName {
    #[error("an image needs a name, and this one is empty")]
    Empty,
    #[error("`{0}` is no image name: it is the directory itself")]
    Dots(String),
    #[error("`{0}` is no image name: a name holds no `/`")]
    Slash(String),
    #[error("`{0}` is no image name: a name holds no control characters")]
    Control(String),
    #[error("`{0}` is no image name: names beginning with `.#` are temporary files")]
    Temporary(String),
    #[error("an image name of {0} bytes is too long: with its suffix it must fit into 255")]
    TooLong(usize),
    #[error(
        "image name `{0}` is reserved: names beginning with .raw-, .tar- and .oci- belong to kept downloads"
    )]
    Reserved(String),
    #[error("image name `.host` is taken: it is the running system itself")]
    Host,
    #[error("no image name can be derived from `{0}`: give one")]
    Underivable(String),
}

impl ImageName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        let shown = || name.escape_debug().to_string();
        if name.is_empty() {
            Err(InvalidName::Empty)
        } else if name.len() > 255 {
            Err(InvalidName::TooLong(name.len()))
        } else if matches!(name, "." | "..") {
            Err(InvalidName::Dots(shown()))
        } else if name.contains('/') {
            Err(InvalidName::Slash(shown()))
        } else if name.chars().any(char::is_control) {
            Err(InvalidName::Control(shown()))
        } else if name.starts_with(".#") {
            Err(InvalidName::Temporary(shown()))
        } else {
            Ok(Self(name.to_owned()))
        }
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl LocalName {
    /// The longest name in bytes that leaves room for any image's suffix.
    pub const MAX_LEN: usize = 255 - ".mstack".len();

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn as_image_name(&self) -> &ImageName {
        &self.0
    }
}

impl FromStr for LocalName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        let image_name: ImageName = name.parse()?;
        if name.len() > Self::MAX_LEN {
            return Err(InvalidName::TooLong(name.len()));
        }
        if name == ".host" {
            return Err(InvalidName::Host);
        }
        if [".raw-", ".tar-", ".oci-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            return Err(InvalidName::Reserved(name.to_owned()));
        }
        Ok(Self(image_name))
    }
}

impl fmt::Display for LocalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a raw image's file name may end in, besides the name proper.
const RAW_SUFFIXES: [&str; 10] = [
    ".xz",
    ".gz",
    ".bz2",
    ".zst",
    ".sysext.raw",
    ".confext.raw",
    ".raw",
    ".qcow2",
    ".img",
    ".bin",
];

/// What an archive's file name may end in.
const TAR_SUFFIXES: [&str; 7] = [
    ".tar", ".tar.xz", ".tar.gz", ".tar.bz2", ".tar.zst", ".tgz", ".tar.lz4",
];

/// A name without the suffixes of what it is brought in: of a raw image however many there are (`a.raw.xz` is `a`), of
/// an archive one.
fn without_suffixes(file_name: &str, form: ImageForm) -> &str {
    let shorter = |stem: &'_ str, suffixes: &[&str]| {
        let found = suffixes.iter().find(|suffix| stem.ends_with(*suffix));
        found.map(|suffix| stem.len() - suffix.len())
    };
    let mut stem = file_name;
    match form {
        ImageForm::Raw => {
            while let Some(length) = shorter(stem, &RAW_SUFFIXES) {
                stem = &stem[..length];
            }
        }
        ImageForm::Tree => {
            if let Some(length) = shorter(stem, &TAR_SUFFIXES) {
                stem = &stem[..length];
            }
        }
    }
    stem
}

/// What the file of that kind is called on the server that has the image; none for a URL that ends in no name.
pub fn auxiliary_file_name(url: &Url, form: ImageForm, kind: AuxiliaryKind) -> Option<String> {
    let stem = without_suffixes(url.last_component()?, form);
    (!stem.is_empty()).then(|| format!("{stem}{}", kind.suffix()))
}

/// The local name of a new image from what was given: a name in words, else the URL's last component.
pub fn name_from_url(
    url: &Url,
    given: Option<&str>,
    class: ImageClass,
    form: ImageForm,
) -> Result<LocalName, InvalidName> {
    let base = given.or_else(|| url.last_component());
    let base = base.ok_or_else(|| InvalidName::Underivable(url.to_string()))?;
    named(without_suffixes(base, form), class, given)
        .ok_or_else(|| InvalidName::Underivable(url.to_string()))?
}

/// The local name of a new image from what was given: a name in words, else the file's name.
pub fn name_from_file(
    path: &str,
    given: Option<&str>,
    class: ImageClass,
    form: ImageForm,
) -> Result<LocalName, InvalidName> {
    let base = given.unwrap_or_else(|| last_component(path));
    named(without_suffixes(base, form), class, given)
        .ok_or_else(|| InvalidName::Underivable(path.to_owned()))?
}

/// The local name of a directory's image from what was given: a name in words, else the directory's own.
pub fn name_from_directory(
    path: &str,
    given: Option<&str>,
    class: ImageClass,
) -> Result<LocalName, InvalidName> {
    let base = given.unwrap_or_else(|| last_component(path.trim_end_matches('/')));
    named(base, class, given).ok_or_else(|| InvalidName::Underivable(path.to_owned()))?
}

fn last_component(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// None where nothing is left to be a name, and nobody gave one.
///
/// A class's own suffix is no part of a name either: `foo.sysext.raw` is found as `foo`.
fn named(
    stem: &str,
    class: ImageClass,
    given: Option<&str>,
) -> Option<Result<LocalName, InvalidName>> {
    let stem = class
        .suffix()
        .and_then(|suffix| stem.strip_suffix(suffix))
        .unwrap_or(stem);
    let nothing = matches!(stem, "" | "." | "..") && given.is_none();
    (!nothing).then(|| stem.parse())
}

#[cfg(test)]
mod tests {
    use super::ImageClass::{Machine, Sysext};
    use super::ImageForm::{Raw, Tree};
    use super::*;

    #[test]
    fn names_that_are_no_file_names_or_hide_temporary_files_are_refused() {
        use InvalidName::{Control, Dots, Empty, Slash, Temporary, TooLong};
        for (name, error) in [
            ("", Empty),
            (".", Dots(".".into())),
            ("..", Dots("..".into())),
            ("a/b", Slash("a/b".into())),
            ("a\nb", Control("a\\nb".into())),
            (".#x", Temporary(".#x".into())),
            (&"x".repeat(256), TooLong(256)),
        ] {
            assert_eq!(name.parse::<ImageName>(), Err(error));
        }
        for name in ["a", ".hidden", "a b", "ü", ".raw-x"] {
            assert!(name.parse::<ImageName>().is_ok());
        }
    }

    #[test]
    fn names_of_kept_downloads_and_of_the_host_cannot_be_given() {
        for name in [
            ".raw-x",
            ".tar-http:",
            ".oci-sha256:0",
            ".host",
            &"x".repeat(252),
        ] {
            assert!(name.parse::<LocalName>().is_err(), "{name}");
        }
        assert!(".rawhide".parse::<LocalName>().is_ok());
    }

    #[test]
    fn raw_names_lose_every_suffix_also_when_given_in_words() {
        let url: Url = "https://h/d/a.raw.raw.xz?x=1".parse().unwrap();
        assert_eq!(
            name_from_url(&url, None, Machine, Raw).unwrap().as_str(),
            "a"
        );
        assert_eq!(
            name_from_url(&url, Some("b.sysext.raw.zst"), Machine, Raw)
                .unwrap()
                .as_str(),
            "b"
        );
        for (file, name) in [
            ("a.gz", "a"),
            ("/x/a.iso", "a.iso"),
            ("a.RAW", "a.RAW"),
            ("dir/a.qcow2", "a"),
            ("a.img.bz2", "a"),
        ] {
            assert_eq!(
                name_from_file(file, None, Machine, Raw).unwrap().as_str(),
                name
            );
        }
    }

    #[test]
    fn the_suffix_of_a_class_is_no_part_of_a_name_in_that_class() {
        for (file, given, name) in [
            ("a.sysext.img", None, "a"),
            ("x.raw", Some("b.sysext"), "b"),
            ("a.confext.img", None, "a.confext"),
        ] {
            assert_eq!(
                name_from_file(file, given, Sysext, Raw).unwrap().as_str(),
                name
            );
        }
        let kept = name_from_file("a.sysext.img", None, Machine, Raw).unwrap();
        assert_eq!(kept.as_str(), "a.sysext");
        assert!(name_from_file(".sysext.img", None, Sysext, Raw).is_err());
    }

    #[test]
    fn archives_lose_one_suffix_and_directories_none() {
        for (file, name) in [
            ("a.tar.xz", "a"),
            ("/x/a.tgz", "a"),
            ("a.tar.tar.gz", "a.tar"),
            ("a.raw", "a.raw"),
            ("a.tar.lz4", "a"),
        ] {
            assert_eq!(
                name_from_file(file, None, Machine, Tree).unwrap().as_str(),
                name
            );
        }
        assert!(name_from_file("x/.tar.xz", None, Machine, Tree).is_err());
        let directory = |path| name_from_directory(path, None, Machine);
        assert_eq!(directory("/srv/a.tar/").unwrap().as_str(), "a.tar");
        for bare in ["/", ".", "..", "a/.."] {
            assert!(
                matches!(directory(bare), Err(InvalidName::Underivable(_))),
                "{bare}"
            );
        }
    }

    #[test]
    fn what_lies_beside_an_image_is_named_without_its_suffixes() {
        for (url, form, name) in [
            ("https://h/d/a.raw.xz?x=1", Raw, Some("a.roothash")),
            ("https://h/d/a.tar.gz", Tree, Some("a.roothash")),
            ("https://h/d/a.tar.gz", Raw, Some("a.tar.roothash")),
            ("https://h/.raw", Raw, None),
            ("https://h/", Raw, None),
        ] {
            let name_on_server =
                auxiliary_file_name(&url.parse().unwrap(), form, AuxiliaryKind::RootHash);
            assert_eq!(name_on_server.as_deref(), name, "{url}");
        }
    }

    #[test]
    fn where_nothing_is_left_of_a_name_one_is_asked_for() {
        let bare: Url = "https://h/".parse().unwrap();
        assert!(matches!(
            name_from_url(&bare, None, Machine, Raw),
            Err(InvalidName::Underivable(_))
        ));
        assert!(matches!(
            name_from_file("/x/.raw", None, Machine, Raw),
            Err(InvalidName::Underivable(_))
        ));
        assert_eq!(
            name_from_file("/x/a.raw", Some(".raw"), Machine, Raw),
            Err(InvalidName::Empty)
        );
    }
}
