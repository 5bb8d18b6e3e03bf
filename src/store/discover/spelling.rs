//! How the file name of an entry says what it is the image of: `NAME`, the class's suffix, the format's, `.v`.

use rustix::fs::FileType;

use crate::terms::{ImageClass, ImageName};

/// In what an image's file name ends for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A directory, or a block device.
    Plain,
    /// A disk image, which elsewhere may be a block device.
    Raw,
    Stack,
}

impl Format {
    const ALL: [Self; 3] = [Self::Plain, Self::Raw, Self::Stack];

    fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Raw => ".raw",
            Self::Stack => ".mstack",
        }
    }
}

/// One way to spell the file name of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    pub(super) class_suffix: &'static str,
    pub(super) format: Format,
    /// The entry is a directory of versions.
    pub(super) versioned: bool,
}

const VERSIONED: &str = ".v";

impl Spelling {
    /// All spellings that a class has, in the order in which a name is looked for.
    pub(super) fn all(class: ImageClass) -> impl Iterator<Item = Self> {
        let suffixes = [class.suffix(), Some("")];
        [false, true].into_iter().flat_map(move |versioned| {
            suffixes
                .into_iter()
                .flatten()
                .flat_map(move |class_suffix| {
                    Format::ALL.map(|format| Self {
                        class_suffix,
                        format,
                        versioned,
                    })
                })
        })
    }

    /// What an entry's name says, given what it turned out to be; none where that cannot be an image.
    pub(super) fn of_entry(
        file_name: &str,
        kind: FileType,
        class: ImageClass,
    ) -> Option<(Self, ImageName)> {
        let (format, versioned, stem) = match kind {
            FileType::RegularFile => (Format::Raw, false, file_name.strip_suffix(".raw")?),
            FileType::Directory => match file_name.strip_suffix(VERSIONED) {
                Some(rest) => {
                    let format = [Format::Raw, Format::Stack]
                        .into_iter()
                        .find(|format| rest.ends_with(format.suffix()))
                        .unwrap_or(Format::Plain);
                    (format, true, rest.strip_suffix(format.suffix())?)
                }
                None => match file_name.strip_suffix(".mstack") {
                    Some(stem) => (Format::Stack, false, stem),
                    None => (Format::Plain, false, file_name),
                },
            },
            FileType::BlockDevice => {
                let spelling = Self {
                    class_suffix: "",
                    format: Format::Plain,
                    versioned: false,
                };
                return Some((spelling, file_name.parse().ok()?));
            }
            _ => return None,
        };
        let of_class = class
            .suffix()
            .and_then(|suffix| Some((suffix, stem.strip_suffix(suffix)?)));
        let (class_suffix, stem) = of_class.unwrap_or(("", stem));
        let spelling = Self {
            class_suffix,
            format,
            versioned,
        };
        Some((spelling, stem.parse().ok()?))
    }

    /// What ends the name of an image of that format: in a directory of versions, each version's.
    pub(super) fn suffix(&self) -> String {
        format!("{}{}", self.class_suffix, self.format.suffix())
    }

    pub(super) fn file_name(&self, name: &ImageName) -> String {
        let versioned = if self.versioned { VERSIONED } else { "" };
        format!("{name}{}{versioned}", self.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file_name: &str, kind: FileType, class: ImageClass) -> Option<String> {
        let (spelling, name) = Spelling::of_entry(file_name, kind, class)?;
        let versioned = if spelling.versioned {
            " in versions"
        } else {
            ""
        };
        Some(format!("{name} {:?}{versioned}", spelling.format))
    }

    #[test]
    fn names_of_entries_say_what_they_are_the_image_of() {
        use FileType::{BlockDevice, Directory, Fifo, RegularFile};
        use ImageClass::{Machine, Sysext};
        for (file_name, kind, class, expected) in [
            ("a.raw", RegularFile, Machine, Some("a Raw")),
            ("a", RegularFile, Machine, None),
            (".raw", RegularFile, Machine, None),
            ("a.v", RegularFile, Machine, None),
            ("a.mstack", RegularFile, Machine, None),
            ("a.sysext.raw", RegularFile, Machine, Some("a.sysext Raw")),
            ("a.sysext.raw", RegularFile, Sysext, Some("a Raw")),
            ("a.confext.raw", RegularFile, Sysext, Some("a.confext Raw")),
            ("a.raw", Directory, Machine, Some("a.raw Plain")),
            ("a.mstack", Directory, Machine, Some("a Stack")),
            ("a.sysext.mstack", Directory, Sysext, Some("a Stack")),
            ("a.v", Directory, Machine, Some("a Plain in versions")),
            ("a.raw.v", Directory, Machine, Some("a Raw in versions")),
            (
                "a.sysext.raw.v",
                Directory,
                Sysext,
                Some("a Raw in versions"),
            ),
            (
                "a.mstack.v",
                Directory,
                Machine,
                Some("a Stack in versions"),
            ),
            (".v", Directory, Machine, None),
            (".raw.v", Directory, Machine, None),
            (".mstack", Directory, Machine, None),
            (".hidden", Directory, Machine, Some(".hidden Plain")),
            (".#temporary", Directory, Machine, None),
            ("a.raw", BlockDevice, Sysext, Some("a.raw Plain")),
            ("a.sysext", BlockDevice, Sysext, Some("a.sysext Plain")),
            ("a", Fifo, Machine, None),
        ] {
            assert_eq!(
                read(file_name, kind, class).as_deref(),
                expected,
                "{file_name}"
            );
        }
    }

    #[test]
    fn a_name_is_looked_for_in_the_order_of_its_spellings() {
        let name = "a".parse().unwrap();
        let names = |class| -> Vec<_> {
            Spelling::all(class)
                .map(|spelling| spelling.file_name(&name))
                .collect()
        };
        let machine = ["a", "a.raw", "a.mstack", "a.v", "a.raw.v", "a.mstack.v"];
        assert_eq!(names(ImageClass::Machine), machine);
        let confext = names(ImageClass::Confext);
        assert_eq!(
            confext[..4],
            ["a.confext", "a.confext.raw", "a.confext.mstack", "a"]
        );
        assert_eq!(confext.len(), 12);
    }
}
