//! Who may do what with a file: as with the one that it replaces, or as with any new one.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use rustix::fs::Mode;
use rustix::process;

/// A file's mode, and its owner and group where these are not left as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    mode: u32,
    owner: Option<(u32, u32)>,
}

impl Rights {
    /// Everybody may read an image.
    pub const IMAGE: Self = Self {
        mode: 0o644,
        owner: None,
    };

    /// Those of a file that will be replaced; without one those of any new file.
    pub fn after(replaced: Option<&Metadata>) -> Self {
        match replaced {
            Some(old) => Self {
                mode: old.mode() & 0o777,
                owner: Some((old.uid(), old.gid())),
            },
            None => Self {
                mode: 0o666 & !umask(),
                owner: None,
            },
        }
    }

    /// The same, but that nobody may write.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            mode: self.mode & !0o222,
            ..self
        }
    }

    /// Gives them to a file. What belongs to somebody else can be given back by root alone: otherwise it becomes ours, and
    /// a group that is not the old one may do no more than everybody.
    pub fn give(self, file: &File) -> io::Result<()> {
        let mut mode = self.mode;
        if let Some((user, group)) = self.owner
            && fchown(file, Some(user), Some(group)).is_err()
            && fchown(file, None, Some(group)).is_err()
        {
            mode &= 0o707 | (mode & 0o007) << 3;
        }
        file.set_permissions(Permissions::from_mode(mode))
    }
}

/// The rights that new files do not get. There is no asking for them without setting them: what other threads create
/// meanwhile is nobody else's.
fn umask() -> u32 {
    let own = process::umask(Mode::RWXG | Mode::RWXO);
    process::umask(own);
    own.as_raw_mode()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_has_what_the_old_one_had() {
        let path = std::env::temp_dir().join(format!("importd-rights-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        let mode = |mode| {
            let given = file.set_permissions(Permissions::from_mode(mode));
            given.unwrap();
            file.metadata().unwrap()
        };
        let old = Rights::after(Some(&mode(0o4751)));
        Rights::IMAGE.read_only().give(&file).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o444);
        old.give(&file).unwrap();
        let new = file.metadata().unwrap();
        assert_eq!(new.mode() & 0o7777, 0o751);
        assert_eq!(old.owner, Some((new.uid(), new.gid())));
        fs::remove_file(path).unwrap();
    }
}
