//! Which daemon is meant, and the way to it: this machine's, or another's by ssh.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zbus::{Connection, block_on, connection};

use super::agent::Agent;
use super::machine::{bus_of, is_machine_name};
use super::{Client, Error};
use crate::sys::SignalFd;
use crate::wire::bus::{DBUS, NAME, SYSTEM_BUS_SOCKET};

/// Where to look for a daemon.
pub(in crate::ctl) struct Way<'a> {
    /// `--host=`
    pub(in crate::ctl) host: Option<&'a str>,
    /// `--machine=`, and the program that we are.
    pub(in crate::ctl) machine: Option<(&'a str, PathBuf)>,
    /// `$DBUS_SYSTEM_BUS_ADDRESS`
    pub(in crate::ctl) address: Option<String>,
    /// Whether somebody may be asked for a password.
    pub(in crate::ctl) ask: bool,
    /// Whether we are who may do everything.
    pub(in crate::ctl) privileged: bool,
}

/// A client of the daemon; none where this machine has no bus, or no daemon on it that is there or would be started.
pub(in crate::ctl) fn reach(way: &Way<'_>) -> Result<Option<Client>, Error> {
    // Before the first thread, which inherits the mask.
    let signals = SignalFd::stop_signals().map_err(Error::Signals)?;
    let container = match &way.machine {
        Some((name, program)) => bus_of(name, program)?,
        None => None,
    };
    let local = way.host.is_none() && container.is_none();
    let bus = match (way.host, container) {
        (Some(host), _) => over_ssh(host)?,
        (None, Some(socket)) => connect(socket)?,
        (None, None) => match on_this_machine(way.address.as_deref()) {
            Some(bus) => bus,
            None => return Ok(None),
        },
    };
    if local && !is_there(&bus) {
        return Ok(None);
    }
    let agent = match local && way.ask && !way.privileged {
        true => Agent::start(),
        false => None,
    };
    Client::new(bus, signals, (way.ask, agent)).map(Some)
}

fn connect(socket: UnixStream) -> Result<Connection, Error> {
    let bus = block_on(connection::Builder::unix_stream(socket).build());
    bus.map_err(Error::Connect)
}

fn on_this_machine(address: Option<&str>) -> Option<Connection> {
    let builder = match address {
        Some(address) => connection::Builder::address(address),
        None => {
            let socket = UnixStream::connect(system_bus()).ok()?;
            connection::Builder::unix_stream(socket)
        }
    };
    block_on(builder.build()).ok()
}

pub(super) fn system_bus() -> PathBuf {
    Path::new("/").join(SYSTEM_BUS_SOCKET)
}

/// Whether the daemon runs, or would be started by a call.
fn is_there(bus: &Connection) -> bool {
    let ask = |method: &str| {
        let (service, path, interface) = DBUS;
        let reply = block_on(bus.call_method(Some(service), path, Some(interface), method, &()));
        let names = reply.and_then(|reply| reply.body().deserialize::<Vec<String>>());
        names.is_ok_and(|names| names.iter().any(|name| name == NAME))
    };
    ask("ListNames") || ask("ListActivatableNames")
}

/// Another machine, as `--host=` names it.
#[derive(Debug, PartialEq, Eq)]
struct Host<'a> {
    /// What ssh connects to: USER@HOST.
    destination: String,
    port: Option<&'a str>,
    container: Option<&'a str>,
}

impl<'a> Host<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (place, container) = match text.split_once('/') {
            Some((place, container)) => (place, Some(container)),
            None => (text, None),
        };
        let (user, place) = match place.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, place),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                match rest.strip_prefix(':') {
                    Some(port) => (address, Some(port)),
                    None if rest.is_empty() => (address, None),
                    None => return None,
                }
            }
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        let holds = !host.is_empty()
            && user.is_none_or(|user| !user.is_empty())
            && port.is_none_or(is_port)
            && container.is_none_or(is_machine_name)
            // To ssh it would be an option.
            && !text.starts_with('-');
        let destination = match user {
            Some(user) => format!("{user}@{host}"),
            None => host.to_owned(),
        };
        holds.then_some(Self {
            destination,
            port,
            container,
        })
    }
}

/// The bus of another machine, whose other end is `systemd-stdio-bridge(1)` there.
fn over_ssh(text: &str) -> Result<Connection, Error> {
    let host = Host::parse(text).ok_or_else(|| Error::Host(text.to_owned()))?;
    let failed = |cause| Error::Program {
        program: "ssh",
        cause,
    };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let theirs = std::os::fd::OwnedFd::from(theirs);
    let mut ssh = Command::new("ssh");
    ssh.arg("-xT");
    if let Some(port) = host.port {
        ssh.args(["-p", port]);
    }
    ssh.args(["--", &host.destination, "systemd-stdio-bridge"]);
    if let Some(container) = host.container {
        ssh.arg(format!("--machine={container}"));
    }
    ssh.stdin(Stdio::from(theirs.try_clone().map_err(failed)?))
        .stdout(Stdio::from(theirs))
        .spawn()
        .map_err(failed)?;
    // With it goes our copy of the other end, so that we hear when ssh ends.
    drop(ssh);
    let bus = block_on(connection::Builder::unix_stream(ours).build());
    bus.map_err(|cause| Error::Remote {
        host: text.to_owned(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_users_ports_and_containers() {
        let parsed = |text| {
            let host = Host::parse(text).unwrap();
            let part = |part: Option<&str>| part.unwrap_or("-").to_owned();
            format!(
                "{} {} {}",
                host.destination,
                part(host.port),
                part(host.container)
            )
        };
        for (text, expected) in [
            ("host", "host - -"),
            ("user@host:22", "user@host 22 -"),
            ("host/box", "host - box"),
            ("u@[2001:db8::1]:2222/box", "u@2001:db8::1 2222 box"),
            ("[::1]", "::1 - -"),
        ] {
            assert_eq!(parsed(text), expected);
        }
        for text in [
            "",
            "@h",
            "h:",
            "h:0",
            "h:x",
            "h/",
            "h/a b",
            "-oProxyCommand=x",
            "[::1",
            "[::1]x",
        ] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }
}
