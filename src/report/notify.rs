//! Telling whoever started this program how it fares: `sd_notify(3)`, spoken without its library.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A connection to the socket that `$NOTIFY_SOCKET` names.
#[derive(Debug)]
pub struct Notifier(UnixDatagram);

impl Notifier {
    /// Connects to an absolute path, or to an abstract name behind an `@`.
    pub fn new(address: &OsStr) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // Whoever does not listen holds nobody up.
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Says lines of the form `NAME=VALUE`. Who has stopped listening misses nothing that matters to the work.
    pub fn say(&self, state: &str) {
        let _ = self.0.send(state.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_found_by_path_and_by_abstract_name() {
        let number = std::process::id();
        let path = std::env::temp_dir().join(format!("importd-notify-{number}"));
        let name = format!("importd-notify-{number}");
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let listeners = [
            UnixDatagram::bind(&path).unwrap(),
            UnixDatagram::bind_addr(&address).unwrap(),
        ];
        let addresses = [path.clone().into_os_string(), format!("@{name}").into()];
        for (listener, address) in listeners.iter().zip(addresses) {
            Notifier::new(&address).unwrap().say("X=1");
            let mut said = [0; 8];
            let count = listener.recv(&mut said).unwrap();
            assert_eq!(&said[..count], b"X=1");
        }
        std::fs::remove_file(path).unwrap();
        for nowhere in ["", "relative", "/nonexistent/socket"] {
            assert!(Notifier::new(OsStr::new(nowhere)).is_err(), "{nowhere}");
        }
    }
}
