//! resolv.conf(5): which name servers are asked, how patiently, and for which names.
//!
//! Of its options `ndots`, `timeout`, `attempts` and `use-vc` are followed; the rest tune what this resolver does not do.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

/// The limits resolv.conf(5) names, except for the number of search domains, which has none there.
const MAX_SERVERS: usize = 3;
const MAX_DOMAINS: usize = 32;
const MAX_NDOTS: usize = 15;
const MAX_TIMEOUT_SECONDS: u64 = 30;
const MAX_ATTEMPTS: u32 = 5;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// Invariant: not empty.
    pub(super) servers: Vec<SocketAddr>,
    domains: Vec<String>,
    /// Names with fewer dots are first looked for beneath the search domains.
    ndots: usize,
    /// For one server to answer.
    pub(super) timeout: Duration,
    /// Rounds through the servers.
    pub(super) attempts: u32,
    /// Ask over TCP from the start.
    pub(super) tcp_only: bool,
}

impl Settings {
    /// From the file's text; what is not understood is skipped. Without a server this machine itself is asked.
    pub(super) fn parse(text: &str, port: u16) -> Self {
        let mut settings = Self {
            servers: Vec::new(),
            domains: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            tcp_only: false,
        };
        for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let server = words.next().and_then(|word| server(word, port));
                    settings.servers.extend(server);
                }
                Some("search" | "domain") => {
                    settings.domains = words.take(MAX_DOMAINS).map(str::to_owned).collect();
                }
                Some("options") => words.for_each(|word| settings.set(word)),
                _ => {}
            }
        }
        settings.servers.truncate(MAX_SERVERS);
        if settings.servers.is_empty() {
            let local = (Ipv4Addr::LOCALHOST, port).into();
            settings.servers.push(local);
        }
        settings
    }

    fn set(&mut self, option: &str) {
        if option == "use-vc" {
            self.tcp_only = true;
        }
        let Some((name, Ok(value))) = option
            .split_once(':')
            .map(|(name, value)| (name, value.parse::<u32>()))
        else {
            return;
        };
        match name {
            "ndots" => self.ndots = (value as usize).min(MAX_NDOTS),
            "timeout" => {
                self.timeout = Duration::from_secs(u64::from(value).clamp(1, MAX_TIMEOUT_SECONDS));
            }
            "attempts" => self.attempts = value.clamp(1, MAX_ATTEMPTS),
            _ => {}
        }
    }

    /// The names to ask for, in order. A name that ends in a dot is complete.
    pub(super) fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(complete) = host.strip_suffix('.') {
            return vec![complete.to_owned()];
        }
        let mut names: Vec<String> = self
            .domains
            .iter()
            .map(|domain| format!("{host}.{}", domain.trim_matches('.')))
            .map(|name| name.trim_end_matches('.').to_owned())
            .collect();
        let dots = host.bytes().filter(|byte| *byte == b'.').count();
        let position = if dots >= self.ndots { 0 } else { names.len() };
        names.insert(position, host.to_owned());
        names
    }
}

/// A server's address; one of IPv6 may name the interface it is reached through (`fe80::1%eth0`).
fn server(word: &str, port: u16) -> Option<SocketAddr> {
    let Some((address, scope)) = word.split_once('%') else {
        return Some(SocketAddr::new(word.parse().ok()?, port));
    };
    let IpAddr::V6(address) = address.parse().ok()? else {
        return None;
    };
    let scope = scope.parse().ok().or_else(|| interface_index(scope))?;
    Some(SocketAddrV6::new(address, port, 0, scope).into())
}

fn interface_index(name: &str) -> Option<u32> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET6, SocketType::DGRAM, flags, None).ok()?;
    netdevice::name_to_index(&socket, name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_domains_and_options_are_read() {
        let text = "# c\nnameserver 192.0.2.1\nnameserver fe80::1%7\nnameserver x\nnameserver ::1\nnameserver ::2\n\
            domain old.example\nsearch a.example b.example.\noptions ndots:2 timeout:0 attempts:99 rotate use-vc x:y\n";
        let settings = Settings::parse(text, 53);
        let servers: Vec<String> = settings.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[fe80::1%7]:53", "[::1]:53"]);
        assert_eq!(settings.timeout, Duration::from_secs(1));
        assert_eq!((settings.attempts, settings.tcp_only), (5, true));
        assert_eq!(
            settings.candidates("h.x"),
            ["h.x.a.example", "h.x.b.example", "h.x"]
        );
        assert_eq!(settings.candidates("h.x.y")[0], "h.x.y");
        assert_eq!(settings.candidates("h."), ["h"]);
    }

    #[test]
    fn without_a_file_this_machine_is_asked() {
        let settings = Settings::parse("", 5353);
        assert_eq!(settings.servers, ["127.0.0.1:5353".parse().unwrap()]);
        assert_eq!(settings.candidates("h"), ["h"]);
    }
}
