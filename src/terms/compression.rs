//! The compressions an image may arrive in, and be exported in.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// How the bytes of a download or of a file are packed: told by magic, never by the file's name. And how an export is to
/// be packed: as its format says, or the name of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    Uncompressed,
    Gzip,
    Xz,
    Zstd,
    Bzip2,
    Lz4,
}

impl Compression {
    /// Every one, in the order in which messages name them.
    pub const ALL: [Self; 6] = [
        Self::Uncompressed,
        Self::Gzip,
        Self::Xz,
        Self::Zstd,
        Self::Bzip2,
        Self::Lz4,
    ];

    /// The word used in options and on the buses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uncompressed => "uncompressed",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
        }
    }

    /// What the names of such files end in, if in anything.
    pub fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Uncompressed => None,
            Self::Gzip => Some(".gz"),
            Self::Xz => Some(".xz"),
            Self::Zstd => Some(".zst"),
            Self::Bzip2 => Some(".bz2"),
            Self::Lz4 => Some(".lz4"),
        }
    }

    /// The format of an export that goes to this file and has been given none.
    pub fn for_export(file: &Path) -> Self {
        let name = file.as_os_str().as_encoded_bytes();
        let ends = |suffix: &str| name.ends_with(suffix.as_bytes());
        let mut all = Self::ALL.into_iter();
        all.find(|format| format.suffix().is_some_and(ends))
            .unwrap_or(Self::Uncompressed)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no format.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown format `{0}`: it is one of uncompressed, gzip, xz, zstd, bzip2 and lz4")]
pub struct UnknownFormat(String);

impl FromStr for Compression {
    type Err = UnknownFormat;

    /// The argument of `--format=`; zstd is also known by its files' suffix.
    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        if word == "zst" {
            return Ok(Self::Zstd);
        }
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == word)
            .ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_parses_back_from_its_own_word_and_nothing_else_does() {
        for format in Compression::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert_eq!("zst".parse(), Ok(Compression::Zstd));
        for word in ["", "gz", "Gzip", "xz ", "none", ".zst"] {
            let error = word.parse::<Compression>().unwrap_err();
            assert_eq!(error, UnknownFormat(word.to_owned()));
            for format in Compression::ALL {
                assert!(error.to_string().contains(format.as_str()));
            }
        }
    }

    #[test]
    fn the_name_of_a_file_tells_how_an_export_is_packed() {
        for (name, format) in [
            ("a.raw.gz", Compression::Gzip),
            ("/b.d/a.tar.xz", Compression::Xz),
            ("a.raw.zst", Compression::Zstd),
            (".bz2", Compression::Bzip2),
            ("a.gz.lz4", Compression::Lz4),
            ("a.raw", Compression::Uncompressed),
            ("a.xz.raw", Compression::Uncompressed),
            ("b.xz/a", Compression::Uncompressed),
            ("xz", Compression::Uncompressed),
            ("", Compression::Uncompressed),
        ] {
            assert_eq!(Compression::for_export(Path::new(name)), format, "{name}");
        }
    }
}
