//! Files that belong to an image and lie beside it: settings, and what its integrity is checked with.

use super::ImageForm;

/// What a file beside an image is for (`systemd.nspawn(5)`, `systemd-nspawn(1)` under `--root-hash=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuxiliaryKind {
    /// How a container of it is to be run.
    Settings,
    /// The root hash of its verity data, in hexadecimal digits.
    RootHash,
    /// The signature of that hash, PKCS#7.
    RootHashSignature,
    /// The verity data: hashes of its blocks.
    Verity,
}

impl AuxiliaryKind {
    /// Every kind, in the order in which they are asked for.
    pub const ALL: [Self; 4] = [
        Self::Settings,
        Self::RootHash,
        Self::RootHashSignature,
        Self::Verity,
    ];

    /// How long a suffix may be, in bytes.
    pub const LONGEST_SUFFIX: usize = ".roothash.p7s".len();

    /// What takes the place of the image's own suffixes in the file's name, on a server as on this machine.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Settings => ".nspawn",
            Self::RootHash => ".roothash",
            Self::RootHashSignature => ".roothash.p7s",
            Self::Verity => ".verity",
        }
    }

    /// What it is called in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::RootHash => "root hash",
            Self::RootHashSignature => "root hash signature",
            Self::Verity => "verity data",
        }
    }

    /// Whether images of this form have such a file: a tree has no blocks to hash.
    pub fn belongs_to(self, form: ImageForm) -> bool {
        self == Self::Settings || form == ImageForm::Raw
    }
}

/// The suffixes of all files that say something about the very bytes of an image. Beside another image they are wrong.
pub const BOUND_TO_CONTENT: [&str; 5] = [
    ".roothash",
    ".roothash.p7s",
    ".usrhash",
    ".usrhash.p7s",
    ".verity",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_settings_say_something_about_bytes_and_belong_to_disk_images() {
        for kind in AuxiliaryKind::ALL {
            let settings = kind == AuxiliaryKind::Settings;
            assert_eq!(BOUND_TO_CONTENT.contains(&kind.suffix()), !settings);
            assert_eq!(kind.belongs_to(ImageForm::Tree), settings);
            assert!(kind.belongs_to(ImageForm::Raw));
            assert!(kind.suffix().len() <= AuxiliaryKind::LONGEST_SUFFIX);
        }
    }
}
