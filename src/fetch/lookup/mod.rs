//! Names become addresses: numeric ones, `localhost`, the hosts file, then DNS as resolv.conf(5) says.
//!
//! This is a stub resolver: it believes the name servers it is told about. Deliberately absent: nsswitch.conf and its
//! plug-ins (a static program cannot load them), mDNS, DNSSEC, EDNS, caching, and a search domain guessed from the
//! host's own name.

mod exchange;
mod failure;
mod hosts;
mod message;
mod settings;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

pub use failure::Failure;

use exchange::{Reply, ask};
use settings::Settings;

use super::Error;
use crate::stream::{Cancel, Cancelled, read_to_limit};

/// Larger hosts and resolv.conf files are an error.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Where names are looked up. Both files are read afresh each time.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    pub(super) hosts: PathBuf,
    pub(super) resolv_conf: PathBuf,
    /// The port name servers listen on.
    pub(super) port: u16,
    pub(super) cancel: Cancel,
}

impl Resolver {
    /// The addresses of a host, at least one, those of IPv6 and IPv4 in turns.
    pub(super) fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        if is_localhost(host) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let listed = hosts::addresses(&self.read(&self.hosts, host)?, host);
        if !listed.is_empty() {
            return Ok(listed);
        }
        self.search(host)
    }

    /// A missing file is an empty one.
    fn read(&self, path: &PathBuf, host: &str) -> Result<String, Error> {
        match std::fs::File::open(path).and_then(|file| read_to_limit(file, MAX_FILE_BYTES)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(cause) => {
                let path = path.clone();
                Err(failed(host, Failure::Read { path, cause }))
            }
        }
    }

    /// Asks for the name as it is and beneath the search domains, in the order resolv.conf(5) describes.
    fn search(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let settings = Settings::parse(&self.read(&self.resolv_conf, host)?, self.port);
        let mut first_failure = None;
        for name in settings.candidates(host) {
            match ask(&settings, &name, &self.cancel) {
                Ok(Reply::Addresses(addresses)) => return Ok(addresses),
                Ok(Reply::Unknown { server }) => {
                    first_failure.get_or_insert(Failure::Unknown { server });
                }
                // The fault of a search domain, unless there is nothing else.
                Err(Failure::Invalid) => {}
                // A server that has trouble with one domain may know the next; silence concerns them all.
                Err(refused @ Failure::Refused { .. }) => {
                    first_failure = Some(refused);
                }
                Err(failure) => return Err(failed(host, failure)),
            }
        }
        Err(failed(host, first_failure.unwrap_or(Failure::Invalid)))
    }
}

fn failed(host: &str, cause: Failure) -> Error {
    match cause {
        Failure::Ask { cause, .. } if Cancelled::is_cause_of(&cause) => Error::Cancelled(Cancelled),
        cause => Error::LookUp {
            host: host.to_owned(),
            cause,
        },
    }
}

/// RFC 6761, 6.3: such a name is this machine, whatever files and servers say.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
