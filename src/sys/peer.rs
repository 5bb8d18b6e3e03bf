//! Sockets between processes: who is at the other end (`unix(7)`), and those that the service manager has opened
//! (`sd_listen_fds(3)`).

#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// The process that has opened the other end of a socket, as it was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerProcess {
    /// 0 for one that has no number here: it lives in a space of processes that we do not see.
    pub pid: u32,
    pub uid: u32,
}

/// Who is at the other end. That rustix has too, but it takes for granted that every process has a number.
pub fn peer_of(socket: impl AsFd) -> io::Result<PeerProcess> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = size_of_val(&peer) as libc::socklen_t;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open as long as `socket` lives; the call writes at most `length` bytes, which is how many
    // `peer` has, and any bytes are a `struct ucred`.
    let result = unsafe {
        let peer = (&raw mut peer).cast();
        libc::getsockopt(fd, level, option, peer, &raw mut length)
    };
    match result {
        0 => Ok(PeerProcess {
            pid: peer.pid.cast_unsigned(),
            uid: peer.uid,
        }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// When a process was started, in clock ticks since boot (`proc_pid_stat(5)`): what tells it from a later one of the same
/// number.
pub fn started(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    start_time(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The 22nd field. The second is the program's name, in which there may be anything.
fn start_time(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    behind_name.split(' ').nth(22 - 3)?.parse().ok()
}

/// Takes over a descriptor that this process was started with. Whoever calls this does it once for each, before others
/// open any, and only for those that were promised to be there; one that is not open is refused.
pub fn passed_descriptor(number: u32) -> io::Result<OwnedFd> {
    let number = number.cast_signed();
    // SAFETY: F_GETFD takes no third argument and only tells whether the descriptor is open.
    if number < 3 || unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: it is open, and nobody else owns it: it was passed to this process for this purpose, and is taken once.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_other_end_is_known() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = peer_of(&ours).unwrap();
        assert_eq!(peer.pid, std::process::id());
        assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
        assert!(started(peer.pid).unwrap() > 0);
        assert!(started(0).is_err());
    }

    #[test]
    fn a_programs_name_does_not_hide_when_it_was_started() {
        let numbers: Vec<_> = (4..=30).map(|number| number.to_string()).collect();
        let stat = format!("1 (a ) b) S {}\n", numbers.join(" "));
        assert_eq!(start_time(&stat), Some(22));
        assert_eq!(start_time("1 (a) S 4"), None);
    }

    #[test]
    fn a_descriptor_that_was_not_passed_is_refused() {
        assert!(passed_descriptor(0).is_err());
        assert!(passed_descriptor(1_000_000).is_err());
        assert!(passed_descriptor(u32::MAX).is_err());
    }
}
