//! Files beside an image: they come with it, or what was there comes back; and what is wrong beside another image goes.

use std::fs::File;
use std::path::PathBuf;

use rustix::fs::{
    AtFlags, FileType, FlockOperation, OFlags, RenameFlags, flock, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;

use super::attributes::has_source;
use super::placing::rename_new;
use super::{Error, ImageRoot, KeptName, Placing, Staged, Verified};
use crate::terms::{AuxiliaryKind, BOUND_TO_CONTENT, LocalName};

/// A file that has its place, for as long as its image may still fail to come. Dropped, it goes again, and what it has
/// replaced comes back.
pub struct PlacedBeside {
    /// Under its temporary name there is what was replaced, if anything was.
    staged: Staged,
    file_name: String,
    /// The file's own, by which it is known again.
    inode: Option<u64>,
    replaced: Option<Replaced>,
    stays: bool,
}

/// A file that another one has replaced, for now: locked, so that no sweep takes it for a leftover, if it can be opened.
struct Replaced {
    _locked: Option<File>,
}

/// What lay beside an image that was replaced.
#[derive(Default)]
pub struct Stale {
    pub removed: Vec<PathBuf>,
    /// Of the old image's very bytes, unless somebody has put it there for the new one.
    pub left: Vec<PathBuf>,
}

/// The end of a second temporary name, for as long as two files change theirs.
const OUT_OF_THE_WAY: &str = "0";

impl Staged {
    /// Puts the file in its place, together with an image that is yet to come. None where there is one that stays.
    pub fn place_beside(
        mut self,
        _proof: &Verified,
        placing: &Placing<'_>,
    ) -> Result<Option<PlacedBeside>, Error> {
        self.make_ready(placing)?;
        let Placing { file_name, .. } = placing;
        let root = &self.root;
        let replaced = match rename_new(root, &self.name, root, file_name) {
            Ok(()) => Ok(None),
            Err(Errno::EXIST) if !placing.replace => return Ok(None),
            Err(Errno::EXIST) => {
                root.check_beside(file_name)?;
                let old = Replaced::lock(root, file_name);
                self.swap_with(file_name).map(|()| Some(old))
            }
            Err(error) => Err(error),
        };
        let replaced = replaced.map_err(|cause| Error::Place {
            path: root.path_of(file_name),
            cause: cause.into(),
        })?;
        let inode = inode(root, file_name);
        self.placed = replaced.is_none();
        Ok(Some(PlacedBeside {
            staged: self,
            file_name: (*file_name).to_owned(),
            inode,
            replaced,
            stays: false,
        }))
    }

    /// Changes names with another file.
    fn swap_with(&self, file_name: &str) -> Result<(), Errno> {
        let Self { root, name, .. } = self;
        match renameat_with(root, name, root, file_name, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS) => {}
            exchanged => return exchanged,
        }
        // A file system that cannot do that at once. In between there is no file of that name.
        let aside = format!("{name}{OUT_OF_THE_WAY}");
        renameat(root, file_name, root, &aside)?;
        let back = |_: &Errno| {
            let _ = renameat(root, &aside, root, file_name);
        };
        renameat(root, name, root, file_name).inspect_err(back)?;
        renameat(root, &aside, root, name)
    }
}

impl Replaced {
    fn lock(root: &ImageRoot, file_name: &str) -> Self {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = root.open_entry(file_name, flags).ok();
        if let Some(file) = &file {
            // Where somebody else has it locked, a sweep leaves it alone as well.
            let _ = flock(file, FlockOperation::NonBlockingLockExclusive);
        }
        Self { _locked: file }
    }
}

impl PlacedBeside {
    /// Its image has come.
    pub fn stay(mut self) {
        self.stays = true;
    }
}

impl Drop for PlacedBeside {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        let root = &self.staged.root;
        // Somebody else has put another one there since.
        if self.inode.is_none() || inode(root, &self.file_name) != self.inode {
            return;
        }
        // What cannot be undone is left: there is nobody to tell, and it harms no image.
        let _ = match self.replaced {
            Some(_) => self.staged.swap_with(&self.file_name),
            None => unlinkat(root, &self.file_name, AtFlags::empty()),
        };
    }
}

fn inode(root: &ImageRoot, name: &str) -> Option<u64> {
    let status = statat(root, name, AtFlags::SYMLINK_NOFOLLOW);
    status.ok().map(|status| status.st_ino)
}

impl ImageRoot {
    /// Refuses a name where there is what no file replaces: a directory may be somebody's work, or an image.
    pub fn check_beside(&self, file_name: &str) -> Result<(), Error> {
        match self.entry_type(file_name) {
            None | Some(FileType::RegularFile | FileType::Symlink) => Ok(()),
            Some(_) => Err(Error::InTheWay {
                path: self.path_of(file_name),
            }),
        }
    }

    /// Removes what a pull had brought beside an image that another one has replaced, but for what came with that. What
    /// somebody has put there stays.
    pub fn remove_beside(&self, image: &LocalName, came: &[AuxiliaryKind]) -> Stale {
        let mut stale = Stale::default();
        let settings = AuxiliaryKind::Settings.suffix();
        let came = |suffix: &str| came.iter().any(|kind| kind.suffix() == suffix);
        for suffix in BOUND_TO_CONTENT.into_iter().chain([settings]) {
            let name = format!("{image}{suffix}");
            if came(suffix) || self.entry_type(&name) != Some(FileType::RegularFile) {
                continue;
            }
            let was_pulled = self.was_pulled(&name);
            if was_pulled && unlinkat(self, &name, AtFlags::empty()).is_ok() {
                stale.removed.push(self.path_of(&name));
            } else if suffix != settings {
                stale.left.push(self.path_of(&name));
            }
        }
        stale
    }

    /// Removes what lies beside a kept copy that is about to be replaced, but for what comes with the new one.
    pub fn remove_kept_beside(&self, name: &KeptName, comes: &[AuxiliaryKind]) {
        let stale = AuxiliaryKind::ALL
            .into_iter()
            .filter(|kind| !comes.contains(kind));
        for kind in stale {
            let _ = unlinkat(self, name.beside(kind), AtFlags::empty());
        }
    }

    /// Whether the file bears the record of a pull, ours or another program's.
    fn was_pulled(&self, name: &str) -> bool {
        let file = self.open_entry(name, OFlags::RDONLY | OFlags::NONBLOCK);
        file.is_ok_and(|file| has_source(&file))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    use super::*;
    use crate::disk::Rights;
    use crate::store::{Roots, Unverified};
    use crate::stream::Cancel;
    use crate::terms::ImageClass;

    /// Puts `new` where there is `old`, or nothing, and says whether it is there.
    fn place(root: &ImageRoot, replace: bool) -> Option<PlacedBeside> {
        let staged = root.stage("raw").unwrap();
        staged.file().write_all(b"new").unwrap();
        let placing = Placing {
            file_name: "a.nspawn",
            replace,
            lift_marks: replace,
            rights: Rights::IMAGE,
            read_only: false,
            sync: false,
            cancel: &Cancel::new().unwrap(),
        };
        staged
            .place_beside(&Unverified::brought(), &placing)
            .unwrap()
    }

    #[test]
    fn what_was_there_comes_back_unless_the_new_file_stays() {
        let name = format!("importd-beside-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let roots = Roots::open(Path::new("/"), Some(&directory)).unwrap();
        let root = roots.target(ImageClass::Machine).unwrap();
        let path = directory.join("a.nspawn");
        let read = || fs::read_to_string(&path).ok();
        let entries = || fs::read_dir(&directory).unwrap().count();

        let placed = place(&root, false).unwrap();
        assert_eq!(read().as_deref(), Some("new"));
        drop(placed);
        assert_eq!((read(), entries()), (None, 0));

        fs::write(&path, "old").unwrap();
        assert!(place(&root, false).is_none());
        assert_eq!((read().as_deref(), entries()), (Some("old"), 1));
        let placed = place(&root, true).unwrap();
        assert_eq!(read().as_deref(), Some("new"));
        drop(placed);
        assert_eq!((read().as_deref(), entries()), (Some("old"), 1));
        place(&root, true).unwrap().stay();
        assert_eq!((read().as_deref(), entries()), (Some("new"), 1));

        // What somebody else has put there since is not ours to undo.
        let placed = place(&root, true).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        drop(placed);
        assert_eq!(read().as_deref(), Some("another"));
        fs::remove_dir_all(directory).unwrap();
    }
}
