//! Which proxy a server is reached through, by the variables curl(1) reads.

use std::net::IpAddr;

use super::Error;
use super::basic::basic;
use crate::terms::Url;

/// The port of a proxy that names none, as curl has it.
const DEFAULT_PORT: u16 = 1080;

/// The proxy variables. What they hold is only looked at when a request would use it.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Setting>,
    https: Option<Setting>,
    /// Entries of `no_proxy`.
    exempt: Vec<String>,
}

#[derive(Clone)]
struct Setting {
    variable: &'static str,
    value: String,
}

/// A proxy to speak HTTP with.
pub(super) struct Proxy(Url);

impl Proxies {
    /// From whatever knows the environment. Lower case wins over upper case; `HTTP_PROXY` is not read, because a web
    /// server sets it from a client's header (RFC 3875); a variable that is set to nothing means "no proxy".
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            let setting = |name: &&'static str| {
                variable(name).map(|value| Setting {
                    variable: name,
                    value,
                })
            };
            names.iter().find_map(setting)
        };
        let used = |names| first(names).filter(|setting| !setting.value.is_empty());
        let exempt = first(&["no_proxy", "NO_PROXY"]).map_or_else(String::new, |it| it.value);
        Self {
            http: used(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            https: used(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            exempt: exempt
                .split([',', ' '])
                .filter(|entry| !entry.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
        }
    }

    /// The proxy for a server, none for a direct connection. An IPv6 host comes without brackets.
    pub(super) fn find(&self, tls: bool, host: &str, port: u16) -> Result<Option<Proxy>, Error> {
        let setting = if tls { &self.https } else { &self.http };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        match setting {
            Some(setting) if !self.exempt.iter().any(|entry| exempts(entry, &host, port)) => {
                setting.parse().map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl Setting {
    fn parse(&self) -> Result<Proxy, Error> {
        let variable = self.variable;
        let (scheme, rest) = self
            .value
            .split_once("://")
            .unwrap_or(("http", &self.value));
        if !scheme.eq_ignore_ascii_case("http") {
            let scheme = scheme.to_owned();
            return Err(Error::UnsupportedProxy { variable, scheme });
        }
        let authority = rest.split('/').next().unwrap_or(rest);
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let text = if has_port && !authority.ends_with(']') {
            format!("http://{authority}")
        } else {
            format!("http://{authority}:{DEFAULT_PORT}")
        };
        let url = text.parse().map_err(|_| Error::InvalidProxy { variable })?;
        Ok(Proxy(url))
    }
}

impl Proxy {
    pub(super) fn host(&self) -> &str {
        self.0.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port()
    }

    /// The value of `Proxy-Authorization`.
    pub(super) fn authorization(&self) -> Option<String> {
        self.0.credentials().map(basic)
    }
}

impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&server_name(self.host(), self.port()))
    }
}

/// `host:port`, with the brackets an IPv6 address needs.
pub(super) fn server_name(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Whether an entry of `no_proxy` means this server: `*`, a host, a domain with or without a dot before it, an address,
/// a network as `ADDRESS/BITS`; each but the first with an optional `:PORT`.
fn exempts(entry: &str, host: &str, port: u16) -> bool {
    let (pattern, wanted_port) = split_port(entry);
    if wanted_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return in_network(pattern, address);
    }
    let domain = pattern.trim_matches('.');
    let prefix = host.strip_suffix(domain);
    pattern == "*"
        || (!domain.is_empty() && prefix.is_some_and(|it| it.is_empty() || it.ends_with('.')))
}

/// An entry's host and port; the colons of a bare IPv6 address are none before a port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry
        .strip_prefix('[')
        .and_then(|entry| entry.split_once(']'))
    {
        return (
            address,
            rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port.parse().ok()),
        _ => (entry, None),
    }
}

fn in_network(pattern: &str, address: IpAddr) -> bool {
    let (network, bits) = match pattern.split_once('/') {
        Some((network, bits)) => (network, bits.parse().ok()),
        None => (pattern, Some(u32::MAX)),
    };
    let same = |differing: u128, width: u32, bits: u32| {
        differing
            .checked_shr(width.saturating_sub(bits))
            .unwrap_or(0)
            == 0
    };
    match (network.parse(), address, bits) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address), Some(bits)) => {
            same((network.to_bits() ^ address.to_bits()).into(), 32, bits)
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address), Some(bits)) => {
            same(network.to_bits() ^ address.to_bits(), 128, bits)
        }
        _ => pattern == "*",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Proxies::from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn no_proxy_exempts_hosts_domains_addresses_and_networks() {
        for (entry, host, port, exempt) in [
            ("*", "h.example", 80, true),
            ("*", "192.0.2.1", 80, true),
            ("h.example", "h.example", 80, true),
            ("h.example", "H.Example.", 80, true),
            (".example", "h.example", 80, true),
            ("example", "h.example", 80, true),
            ("ample", "h.example", 80, false),
            (".", "h.example", 80, false),
            ("h.example:81", "h.example", 80, false),
            ("h.example:80", "h.example", 80, true),
            ("192.0.2.1", "192.0.2.1", 80, true),
            ("192.0.2.0/24", "192.0.2.77", 80, true),
            ("192.0.2.0/24", "192.0.3.1", 80, false),
            ("0.0.0.0/0", "192.0.3.1", 80, true),
            ("192.0.2.0/x", "192.0.2.1", 80, false),
            ("2001:db8::/32", "2001:db8:1::1", 80, true),
            ("2001:db8::/32", "2001:db9::1", 80, false),
            ("[::1]:80", "::1", 80, true),
            ("[::1]:81", "::1", 80, false),
            ("::1", "::1", 80, true),
            ("2.1", "192.0.2.1", 80, false),
        ] {
            let proxies = proxies(&[("http_proxy", "p:1"), ("no_proxy", &format!("x, {entry}"))]);
            let found = proxies.find(false, host, port).unwrap();
            assert_eq!(found.is_none(), exempt, "{entry} {host}:{port}");
        }
    }

    #[test]
    fn each_scheme_has_its_variables() {
        let found = |variables: &[(&str, &str)], tls| {
            let found = proxies(variables).find(tls, "h", 1).unwrap();
            found.map(|proxy| proxy.to_string())
        };
        assert_eq!(found(&[("HTTP_PROXY", "p:1")], false), None);
        assert_eq!(found(&[("http_proxy", "p:1")], true), None);
        assert_eq!(found(&[("ALL_PROXY", "p:1")], true).unwrap(), "p:1");
        let both = [("https_proxy", "HTTP://u:p@p/"), ("HTTPS_PROXY", "q:1")];
        assert_eq!(found(&both, true).unwrap(), "p:1080");
        assert_eq!(
            found(&[("http_proxy", ""), ("all_proxy", "p:1")], false),
            None
        );
        assert_eq!(
            found(&[("http_proxy", "[::1]")], false).unwrap(),
            "[::1]:1080"
        );
    }

    #[test]
    fn other_kinds_of_proxy_are_refused_by_name() {
        let socks = proxies(&[("all_proxy", "socks5h://p:1")]);
        let message = socks.find(true, "h", 1).err().unwrap().to_string();
        assert!(message.contains("$all_proxy") && message.contains("socks5h://"));
        let broken = proxies(&[("http_proxy", "http://u:secret@p:x y/")]);
        let message = broken.find(false, "h", 1).err().unwrap().to_string();
        assert!(message.contains("$http_proxy") && !message.contains("secret"));
    }
}
