//! Where clients come in: the socket that the service manager has opened for us, or one of our own.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_acceptconn;

use crate::report::Reporter;
use crate::sys::passed_descriptor;
use crate::wire::varlink::{REGISTRY_PATH, SOCKET_PATH};
use crate::world::World;

/// A way in. Files that were made for it vanish with it.
pub(in crate::daemon) struct Entrance {
    pub(super) door: Door,
    _traces: Traces,
}

pub(super) enum Door {
    Listener(UnixListener),
    /// One client alone, which has started us for itself (`varlinkctl(1)`, addresses that are paths of programs).
    Client(UnixStream),
}

/// Who may open the socket: everybody. What they may do is asked at each call.
const MODE: u32 = 0o666;
/// What the service manager calls the socket (`sd_listen_fds_with_names(3)`).
const NAME: &str = "varlink";
/// The first descriptor that it passes.
const FIRST_FD: u32 = 3;

impl Entrance {
    /// The socket we were started with; without one, our own below the root directory.
    pub(in crate::daemon) fn open(
        world: &World,
        root: &Path,
        reporter: &Reporter,
    ) -> io::Result<Self> {
        match passed(|name| world.variable(name)) {
            Some(number) => Self::passed(number),
            None => Self::bind(root, reporter),
        }
    }

    fn passed(number: u32) -> io::Result<Self> {
        let fd = passed_descriptor(number)?;
        let door = match socket_acceptconn(&fd)? {
            true => Door::Listener(fd.into()),
            false => Door::Client(fd.into()),
        };
        Ok(Self {
            door,
            _traces: Traces::default(),
        })
    }

    pub(super) fn bind(root: &Path, reporter: &Reporter) -> io::Result<Self> {
        let path = root.join(SOCKET_PATH);
        make_room(&path)?;
        // Under its name it is there with its mode at once, in place of one that somebody has left.
        let fresh = path.with_extension(format!("Import.{}", std::process::id()));
        let _ = fs::remove_file(&fresh);
        let listener = UnixListener::bind(&fresh)?;
        let placed = fs::set_permissions(&fresh, fs::Permissions::from_mode(MODE))
            .and_then(|()| fs::rename(&fresh, &path));
        if let Err(error) = placed {
            let _ = fs::remove_file(&fresh);
            return Err(error);
        }
        let mut traces = Traces {
            socket: inode(&path).map(|inode| (path, inode)),
            link: None,
        };
        let link = root.join(REGISTRY_PATH);
        match enter(&link) {
            Ok(()) => traces.link = Some(link),
            Err(error) => {
                let link = link.display();
                let what = format_args!("failed to create link `{link}`, ignoring: {error}");
                reporter.warning(what);
            }
        }
        Ok(Self {
            door: Door::Listener(listener),
            _traces: traces,
        })
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Listener(listener) => listener.as_fd(),
            Self::Client(socket) => socket.as_fd(),
        }
    }
}

/// The number of the descriptor that was passed for us, if one was.
fn passed(variable: impl Fn(&str) -> Option<String>) -> Option<u32> {
    let is_ours = variable("LISTEN_PID")? == std::process::id().to_string();
    let count: u32 = variable("LISTEN_FDS")?.parse().ok()?;
    let names = variable("LISTEN_FDNAMES")?;
    let at = names.split(':').position(|name| name == NAME)?;
    let at = u32::try_from(at).ok()?;
    (is_ours && at < count).then_some(FIRST_FD + at)
}

/// Makes the directories that lead to the socket, and sees that nobody else is there.
fn make_room(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            let what = format!("`{}` exists already and is no socket", path.display());
            Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
        }
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => {
                let what = format!("somebody serves at `{}` already", path.display());
                Err(io::Error::new(io::ErrorKind::AddrInUse, what))
            }
            // Whoever made it has ended.
            Err(_) => Ok(()),
        },
    }
}

/// Enters the socket where clients look for whoever serves an interface.
fn enter(link: &Path) -> io::Result<()> {
    fs::create_dir_all(link.parent().unwrap_or(link))?;
    match fs::symlink_metadata(link) {
        Ok(metadata) if metadata.is_symlink() => fs::remove_file(link)?,
        // What is no link of somebody before us is in the way, which the next call tells.
        Ok(_) | Err(_) => {}
    }
    symlink(target(), link)
}

/// From the registry to the socket, wherever the root is.
fn target() -> PathBuf {
    Path::new("../../..").join(SOCKET_PATH)
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path)
        .ok()
        .map(|metadata| metadata.ino())
}

/// What was made beside the socket itself.
#[derive(Default)]
struct Traces {
    /// With its inode, since somebody else may have come to that name.
    socket: Option<(PathBuf, u64)>,
    link: Option<PathBuf>,
}

impl Drop for Traces {
    fn drop(&mut self) {
        let Some((path, own)) = self.socket.take() else {
            return;
        };
        // After it: a link that leads nowhere is worse than none.
        if inode(&path) == Some(own) {
            if let Some(link) = &self.link {
                let _ = fs::remove_file(link);
            }
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(name: &str) -> PathBuf {
        let pid = std::process::id();
        let path = std::env::temp_dir().join(format!("importd-entrance-{name}-{pid}"));
        fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn the_descriptor_of_our_name_is_taken_if_it_is_meant_for_us() {
        let passed = |pid: &str, count: &str, names: &str| {
            let names = [
                ("LISTEN_PID", pid),
                ("LISTEN_FDS", count),
                ("LISTEN_FDNAMES", names),
            ];
            let found = |name: &str| names.iter().find(|(known, _)| *known == name);
            super::passed(|name| found(name).map(|(_, value)| (*value).to_owned()))
        };
        let us = std::process::id().to_string();
        assert_eq!(passed(&us, "1", "varlink"), Some(3));
        assert_eq!(passed(&us, "3", "a::varlink"), Some(5));
        for (pid, count, names) in [
            ("1", "1", "varlink"),
            ("", "1", "varlink"),
            (&us, "0", "varlink"),
            (&us, "2", "a:b:varlink"),
            (&us, "x", "varlink"),
            (&us, "1", ""),
            (&us, "1", "varlink2"),
        ] {
            assert_eq!(passed(pid, count, names), None, "{pid} {count} {names}");
        }
        assert_eq!(super::passed(|_| None), None);
    }

    #[test]
    fn a_socket_of_ours_is_for_everybody_and_goes_with_us() {
        let root = home("own");
        let reporter = Reporter::silent();
        let entrance = Entrance::bind(&root, &reporter).unwrap();
        let path = root.join(SOCKET_PATH);
        let link = root.join(REGISTRY_PATH);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, MODE);
        assert!(UnixStream::connect(&path).is_ok());
        assert_eq!(
            fs::canonicalize(&link).unwrap(),
            path.canonicalize().unwrap()
        );
        let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1);
        // Somebody is there.
        let second = Entrance::bind(&root, &reporter).err().unwrap();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        drop(entrance);
        assert!(!path.exists() && link.symlink_metadata().is_err());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_socket_that_was_left_is_replaced_and_other_things_are_not() {
        let root = home("left");
        let reporter = Reporter::silent();
        let path = root.join(SOCKET_PATH);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        let entrance = Entrance::bind(&root, &reporter).unwrap();
        assert!(UnixStream::connect(&path).is_ok());
        // Another one has come to its name meanwhile, and stays.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        drop(entrance);
        assert!(path.is_file());
        assert!(Entrance::bind(&root, &reporter).is_err());
        fs::remove_dir_all(root).unwrap();
    }
}
