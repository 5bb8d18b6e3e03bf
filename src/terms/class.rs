//! The four kinds of image and what each is called: on the command line, on the bus, and as a directory.

use std::fmt;
use std::str::FromStr;

/// What an image is for, which decides the directory it lies in (`importctl(1)`, table "Classes and Directories").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageClass {
    /// A configuration extension for `/etc`, `systemd-confext(8)`.
    Confext,
    /// An operating system for a container or a virtual machine.
    Machine,
    /// A portable service, `portablectl(1)`.
    Portable,
    /// A system extension for `/usr`, `systemd-sysext(8)`.
    Sysext,
}

impl ImageClass {
    /// Every class, in the order in which manuals and messages name them.
    pub const ALL: [Self; 4] = [Self::Machine, Self::Portable, Self::Sysext, Self::Confext];

    /// The same in the order of their words, in which tables list them.
    pub const BY_NAME: [Self; 4] = [Self::Confext, Self::Machine, Self::Portable, Self::Sysext];

    /// The word used in options, on the bus and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Portable => "portable",
            Self::Sysext => "sysext",
            Self::Confext => "confext",
        }
    }

    /// The directory's own name below `/var/lib` and its siblings.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Machine => "machines",
            Self::Portable => "portables",
            Self::Sysext => "extensions",
            Self::Confext => "confexts",
        }
    }

    /// The optional class suffix before the format suffix: `foo.sysext.raw` is the image `foo`.
    pub fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Machine | Self::Portable => None,
            Self::Sysext => Some(".sysext"),
            Self::Confext => Some(".confext"),
        }
    }
}

impl fmt::Display for ImageClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names none of the four classes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown image class `{0}`: it is one of machine, portable, sysext and confext")]
pub struct UnknownClass(String);

impl FromStr for ImageClass {
    type Err = UnknownClass;

    fn from_str(word: &str) -> Result<Self, UnknownClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == word)
            .ok_or_else(|| UnknownClass(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_parses_back_from_its_own_word_and_nothing_else_does() {
        for class in ImageClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        for word in ["", "Machine", "machines", "vm"] {
            assert_eq!(
                word.parse::<ImageClass>(),
                Err(UnknownClass(word.to_owned()))
            );
        }
    }
}
