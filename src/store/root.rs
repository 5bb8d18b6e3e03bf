//! Image roots: the directories of a class, opened once and used by descriptor ever after.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags, chmodat,
    fstat, mkdirat, openat, statat, statx,
};
use rustix::io::Errno;
use rustix::path::Arg;

use super::Error;
use crate::disk::Rights;
use crate::sys::{btrfs, open_resolved, path_of};
use crate::terms::ImageClass;

/// The tree in which all image roots of a run lie.
#[derive(Clone)]
pub struct Roots {
    base: Arc<OwnedFd>,
    base_path: PathBuf,
    /// Where new images go instead of the class's own directory.
    image_root: Option<Chosen>,
    /// The program that sweeps when this one has ended.
    sweeper: Option<Arc<Path>>,
}

/// A directory that somebody names.
#[derive(Clone)]
enum Chosen {
    /// Wherever the base is.
    OnHost(PathBuf),
    /// Beneath the base, without a leading slash.
    InBase(PathBuf),
}

/// One directory of images.
///
/// Every name in it is resolved from its descriptor, and every path from the base's, with links taken as if the base
/// were the root of the file system: nothing in it can lead outside.
#[derive(Clone)]
pub struct ImageRoot {
    base: Arc<OwnedFd>,
    /// Below the base, without a leading slash.
    relative: PathBuf,
    directory: Arc<OwnedFd>,
    base_path: PathBuf,
    path: PathBuf,
    sweeper: Option<Arc<Path>>,
}

impl Roots {
    /// Opens the tree below `root`; `image_root`, a directory of the host's, replaces the one into which new images go.
    pub fn open(root: &Path, image_root: Option<&Path>) -> Result<Self, Error> {
        let base = File::open(root).map_err(|cause| Error::OpenRoot {
            path: root.to_owned(),
            cause,
        })?;
        let base_path = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let image_root = image_root.map(std::path::absolute).transpose();
        let image_root = image_root.map_err(|cause| Error::OpenRoot {
            path: root.to_owned(),
            cause,
        })?;
        Ok(Self {
            base: Arc::new(base.into()),
            base_path,
            image_root: image_root.map(Chosen::OnHost),
            sweeper: None,
        })
    }

    /// The same, but that new images go into that directory, an absolute path of the system below the base.
    #[must_use]
    pub fn with_image_root(&self, image_root: &Path) -> Self {
        let relative = image_root.strip_prefix("/").unwrap_or(image_root);
        Self {
            image_root: Some(Chosen::InBase(relative.to_owned())),
            ..self.clone()
        }
    }

    /// Leaves what takes long to remove to that program, which must be this one; without it a transfer waits for that.
    pub fn with_sweeper(mut self, program: Option<PathBuf>) -> Self {
        self.sweeper = program.map(Into::into);
        self
    }

    /// The directory into which images of this class go; it and its parents are created where they are missing.
    pub fn target(&self, class: ImageClass) -> Result<ImageRoot, Error> {
        match &self.image_root {
            Some(Chosen::OnHost(directory)) => self.of_host(directory),
            Some(Chosen::InBase(relative)) => self.create(relative, Leaf::Directory),
            None => self.create(&system_directory(class), Leaf::Directory),
        }
    }

    /// The directory in which something of the host's is to be, created where it is missing, and what that is called in it.
    pub fn place_of(&self, path: &Path) -> Result<(ImageRoot, String), Error> {
        let (directory, name) = split(path)?;
        Ok((self.of_host(directory)?, name.to_owned()))
    }

    /// The directory in which something of the host's is, and what that is called in it.
    pub(super) fn home_of(&self, path: &Path) -> Result<(ImageRoot, String), Error> {
        let (directory, name) = split(path)?;
        let (roots, relative) = self.on_host(directory)?;
        let opened = roots.open_directory(&relative);
        let opened = opened.map_err(|cause| Error::OpenRoot {
            path: directory.to_owned(),
            cause: cause.into(),
        })?;
        Ok((roots.image_root(relative, opened), name.to_owned()))
    }

    /// A directory of the host's, wherever the base is, created where it is missing.
    fn of_host(&self, directory: &Path) -> Result<ImageRoot, Error> {
        let (roots, relative) = self.on_host(directory)?;
        roots.create(&relative, Leaf::Directory)
    }

    /// The host as the base, and the directory's path beneath it.
    fn on_host(&self, directory: &Path) -> Result<(Self, PathBuf), Error> {
        let host = Path::new("/");
        let absolute = std::path::absolute(directory).map_err(|cause| Error::OpenRoot {
            path: directory.to_owned(),
            cause,
        })?;
        let mut roots = Self::open(host, None)?;
        roots.sweeper.clone_from(&self.sweeper);
        let relative = absolute.strip_prefix(host).unwrap_or(&absolute);
        Ok((roots, relative.to_owned()))
    }

    /// Whether one directory is looked at alone, and not a system's.
    pub(super) fn is_one_directory(&self) -> bool {
        self.image_root.is_some()
    }

    /// Every directory in which images of this class are looked for, first match first; missing ones are left out, and
    /// of those that cannot be read it is told why. An `image_root` is looked at alone.
    pub(super) fn search(&self, class: ImageClass) -> Vec<Result<ImageRoot, Error>> {
        let mut found = Vec::new();
        if let Some(chosen) = &self.image_root {
            let exists = match chosen {
                Chosen::OnHost(directory) => directory.is_dir(),
                Chosen::InBase(relative) => self.exists(relative),
            };
            return match exists {
                true => vec![self.target(class)],
                false => found,
            };
        }
        let initrd = self.exists(Path::new("etc/initrd-release"));
        for relative in search_directories(class, initrd) {
            match self.open_directory(&relative) {
                Ok(directory) => found.push(Ok(self.image_root(relative, directory))),
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(cause) => found.push(Err(Error::OpenRoot {
                    path: self.base_path.join(relative),
                    cause: cause.into(),
                })),
            }
        }
        found
    }

    /// Beneath the base, whatever links say. For other things than images that lie there too: keyrings.
    pub fn open_file(&self, relative: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = open_in(self.base.as_fd(), relative, flags)?;
        Ok(File::from(fd))
    }

    fn exists(&self, relative: &Path) -> bool {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        open_in(self.base.as_fd(), relative, flags).is_ok()
    }

    /// The base's own path, for messages.
    pub fn base_path(&self) -> &Path {
        &self.base_path
    }

    fn image_root(&self, relative: PathBuf, directory: OwnedFd) -> ImageRoot {
        let path = self.base_path.join(&relative);
        ImageRoot {
            base: Arc::clone(&self.base),
            relative,
            directory: Arc::new(directory),
            base_path: self.base_path.clone(),
            path,
            sweeper: self.sweeper.clone(),
        }
    }

    fn open_directory(&self, relative: &Path) -> Result<OwnedFd, Errno> {
        self.open_directory_with(relative, OFlags::RDONLY)
    }

    fn open_directory_with(&self, relative: &Path, access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = access | OFlags::DIRECTORY | OFlags::CLOEXEC;
        open_in(self.base.as_fd(), relative, flags)
    }

    /// Opens a directory; what is missing on the way is created, for nobody else to look into.
    pub(super) fn create(&self, relative: &Path, leaf: Leaf) -> Result<ImageRoot, Error> {
        let failed = |cause: Errno| Error::CreateRoot {
            path: self.base_path.join(relative),
            cause: cause.into(),
        };
        let mut parent: Option<OwnedFd> = None;
        let mut so_far = PathBuf::new();
        for component in relative {
            so_far.push(component);
            // On the way a directory need not be readable.
            let opened = match self.open_directory_with(&so_far, OFlags::PATH) {
                Err(Errno::NOENT) => {
                    let parent = parent.as_ref().unwrap_or(&self.base);
                    let made = match leaf {
                        Leaf::Subvolume if so_far == relative => make_subvolume(parent, component),
                        _ => mkdirat(parent, component, Mode::from_raw_mode(0o700)),
                    };
                    match made {
                        Ok(()) | Err(Errno::EXIST) => {
                            self.open_directory_with(&so_far, OFlags::PATH)
                        }
                        Err(error) => Err(error),
                    }
                }
                opened => opened,
            };
            parent = Some(opened.map_err(failed)?);
        }
        let directory = match relative.as_os_str().is_empty() {
            true => self.open_directory(Path::new(".")),
            false => self.open_directory(relative),
        };
        Ok(self.image_root(relative.to_owned(), directory.map_err(failed)?))
    }
}

impl ImageRoot {
    /// The directory's path as a person would type it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of something in it, as a person would type it.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The base itself as if it were an image root.
    pub(super) fn whole(roots: &Roots) -> Result<Self, Error> {
        let failed = |cause: Errno| Error::OpenRoot {
            path: roots.base_path.clone(),
            cause: cause.into(),
        };
        Ok(roots.image_root(
            PathBuf::new(),
            roots.open_directory(Path::new(".")).map_err(failed)?,
        ))
    }

    /// The path of something opened beneath the base, after every link on the way to it. None where nobody can tell.
    pub(super) fn path_behind(&self, opened: &impl AsFd) -> Option<PathBuf> {
        self.relative_path_behind(opened)
            .map(|relative| self.base_path.join(relative))
    }

    /// Whether something opened beneath the base belongs to the system's vendor: that is never written to.
    pub(super) fn is_vendor(&self, opened: &impl AsFd) -> bool {
        self.relative.starts_with("usr")
            || self
                .relative_path_behind(opened)
                .is_some_and(|relative| relative.starts_with("usr"))
    }

    fn relative_path_behind(&self, opened: &impl AsFd) -> Option<PathBuf> {
        let path = |opened| path_of(opened).ok();
        let path_behind = path(opened.as_fd())?;
        let relative = path_behind.strip_prefix(path(self.base.as_fd())?).ok()?;
        Some(relative.to_owned())
    }

    /// Opens an entry, following links as if the base were the root of the file system.
    pub(super) fn open_following(
        &self,
        name: &std::ffi::CStr,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let path = self
            .relative
            .join(std::ffi::OsStr::from_bytes(name.to_bytes()));
        open_in(self.base.as_fd(), path.as_path(), flags | OFlags::CLOEXEC)
    }

    /// Opens something by its path below the base.
    pub(super) fn open_below_base(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        open_in(self.base.as_fd(), path, flags)
    }

    /// Makes a directory below the base, in one that there is. That somebody else was faster is fine.
    pub(super) fn make_below_base(&self, path: &str, mode: Mode) -> Result<(), Errno> {
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        let parent = self.open_below_base(parent, OFlags::PATH | OFlags::DIRECTORY)?;
        match mkdirat(&parent, name, mode) {
            Err(Errno::EXIST) => Ok(()),
            made => made,
        }
    }

    /// Whether it is the running system's.
    pub(super) fn is_on_host(&self) -> bool {
        self.base_path == Path::new("/")
    }

    pub(super) fn directory(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.directory)
    }

    pub(super) fn sweeper(&self) -> Option<&Path> {
        self.sweeper.as_deref()
    }

    /// Whether nobody but its owner and root gets at what is in it.
    pub(super) fn is_private(&self) -> bool {
        fstat(self).is_ok_and(|status| status.st_mode & 0o011 == 0)
    }

    /// What there is of that name, if anything; a link is a link, wherever it leads.
    pub fn entry_type(&self, name: &str) -> Option<FileType> {
        let status = statat(self, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(status.st_mode))
    }

    /// The rights of whatever will take the place of the file of that name, or have it first.
    pub fn rights_of(&self, name: &str) -> Rights {
        let old = self.open_entry(name, OFlags::PATH).ok();
        Rights::after(old.and_then(|old| old.metadata().ok()).as_ref())
    }

    /// Whether something is mounted over the entry of that name, so that nothing can take its place.
    pub fn is_mount_point(&self, name: &str) -> bool {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let status = statx(self, name, flags, StatxFlags::empty());
        status.is_ok_and(|status| status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }

    /// Whether the entry of that name is a directory with nothing in it.
    pub fn is_empty(&self, name: &str) -> bool {
        let directory = self.open_entry(name, OFlags::RDONLY | OFlags::DIRECTORY);
        let entries = directory.and_then(|directory| Dir::read_from(&directory));
        entries.is_ok_and(|entries| {
            // The directory itself and its parent.
            entries
                .take(3)
                .all(|entry| entry.is_ok_and(|entry| [c".", c".."].contains(&entry.file_name())))
        })
    }

    /// Opens an entry that must be no link.
    pub(super) fn open_entry(&self, name: &str, flags: OFlags) -> Result<File, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let no_way_out =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        open_resolved(&*self.directory, name, flags, no_way_out).map(File::from)
    }
}

impl AsFd for ImageRoot {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// A path's directory, and the name that it ends in.
fn split(path: &Path) -> Result<(&Path, &str), Error> {
    let name = path.file_name().and_then(OsStr::to_str);
    match (path.parent(), name) {
        (Some(directory), Some(name)) if directory.as_os_str().is_empty() => {
            Ok((Path::new("."), name))
        }
        (Some(directory), Some(name)) => Ok((directory, name)),
        _ => Err(Error::NoName(path.to_owned())),
    }
}

/// What an image root is created as.
#[derive(Clone, Copy)]
pub(super) enum Leaf {
    Directory,
    /// Where there can be one.
    Subvolume,
}

fn make_subvolume(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o700);
    let made = || -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = openat(parent, c".", flags, Mode::empty())?;
        btrfs::create_subvolume(parent.as_fd(), &CString::new(name.as_bytes())?)?;
        Ok(chmodat(&parent, name, mode, AtFlags::empty())?)
    };
    match made() {
        Ok(()) => Ok(()),
        Err(_) => mkdirat(parent, name, mode),
    }
}

/// Where new images of a class go.
pub(super) fn system_directory(class: ImageClass) -> PathBuf {
    Path::new("var/lib").join(class.directory())
}

/// Links are taken as if the base were the root; magic links, which could leave it, are not taken.
fn open_in(base: BorrowedFd<'_>, path: impl Arg + Copy, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    open_resolved(base, path, flags, resolve)
}

/// The directories of a class, in the order in which they are searched.
fn search_directories(class: ImageClass, initrd: bool) -> Vec<PathBuf> {
    use ImageClass::{Confext, Machine, Portable, Sysext};
    let parents: &[&str] = match class {
        Machine | Portable => &["etc", "run", "var/lib", "usr/local/lib", "usr/lib"],
        Sysext => &["etc", "run", "var/lib"],
        Confext if initrd => &["run", "var/lib", "usr/local/lib"],
        Confext => &["run", "var/lib", "usr/local/lib", "usr/lib"],
    };
    let mut found = Vec::new();
    for parent in parents {
        found.push(Path::new(parent).join(class.directory()));
        // An old name of it.
        if class == Machine && *parent == "var/lib" {
            found.push("var/lib/container".into());
        }
    }
    // What a boot loader has brought along.
    if initrd && matches!(class, Sysext | Confext) {
        found.extend(
            [class.to_string(), format!("global_{class}")]
                .map(|name| Path::new(".extra").join(name)),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_chosen_directory_of_the_system_lies_in_it_whatever_links_say() {
        let home = std::env::temp_dir().join(format!("importd-root-{}", std::process::id()));
        fs::create_dir_all(home.join("base")).unwrap();
        symlink(home.join("outside"), home.join("base/out")).unwrap();
        symlink("../../outside", home.join("base/up")).unwrap();
        let roots = Roots::open(&home.join("base"), None).unwrap();
        for path in ["/out", "/up", "/plain"] {
            let chosen = roots.with_image_root(Path::new(path));
            let target = chosen.target(ImageClass::Machine);
            // A link to nothing is none that a directory could be made behind.
            assert_eq!(target.is_ok(), path == "/plain", "{path}");
        }
        fs::create_dir(home.join("outside")).unwrap();
        fs::create_dir_all(home.join("base/outside")).unwrap();
        let chosen = roots.with_image_root(Path::new("/up"));
        let target = chosen.target(ImageClass::Machine).unwrap();
        assert_eq!(chosen.search(ImageClass::Sysext).len(), 1);
        let inside = statat(&roots.base, "outside", AtFlags::empty()).unwrap();
        assert_eq!(fstat(target.as_fd()).unwrap().st_ino, inside.st_ino);
        fs::remove_dir_all(home).unwrap();
    }
}
