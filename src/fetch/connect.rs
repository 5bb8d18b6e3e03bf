//! One TCP connection to whichever of several addresses answers first (a simple form of RFC 8305).

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect as start_connect, sockopt};

use super::wait::wait;
use crate::stream::Cancel;

/// How long one address has before the next is tried beside it (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the first address that accepts, within `timeout` for all of them. The stream does not block.
pub(super) fn connect(
    addresses: &[SocketAddr],
    timeout: Duration,
    cancel: &Cancel,
) -> io::Result<TcpStream> {
    let start = Instant::now();
    let mut untried = addresses.iter();
    let mut pending: Vec<OwnedFd> = Vec::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match untried.next().map(begin) {
            Some(Ok(Attempt::Connected(socket))) => return Ok(socket.into()),
            Some(Ok(Attempt::Pending(socket))) => pending.push(socket),
            Some(Err(error)) => {
                last_error = error;
                continue;
            }
            None if pending.is_empty() => return Err(last_error),
            None => {}
        }
        // Until the next address may start, or to the end when there is none.
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let more = untried.len() > 0;
            let patience = if more { left.min(HEAD_START) } else { left };
            let fds: Vec<_> = pending.iter().map(AsFd::as_fd).collect();
            let ready = wait(cancel, &fds, PollFlags::OUT, patience)?;
            for index in ready.iter().rev() {
                let socket = pending.swap_remove(*index);
                match sockopt::socket_error(&socket)? {
                    Ok(()) => return Ok(socket.into()),
                    Err(error) => last_error = error.into(),
                }
            }
            if more || pending.is_empty() {
                break;
            }
        }
    }
}

enum Attempt {
    Connected(OwnedFd),
    Pending(OwnedFd),
}

fn begin(address: &SocketAddr) -> io::Result<Attempt> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match start_connect(&socket, address) {
        Ok(()) => Ok(Attempt::Connected(socket)),
        Err(Errno::INPROGRESS | Errno::INTR) => Ok(Attempt::Pending(socket)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_first_address_that_accepts_wins() {
        let cancel = Cancel::new().unwrap();
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let second = Duration::from_secs(1);
        let stream = connect(&[closed, open], second, &cancel).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let error = connect(&[closed], second, &cancel).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(connect(&[], second, &cancel).is_err());
    }
}
