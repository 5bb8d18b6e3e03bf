//! The settings of a fetcher.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{Proxies, Roots};

/// Everything a fetcher wants to know from outside. It looks at no environment itself.
#[derive(Clone)]
pub struct Config {
    /// The value of the `User-Agent` header.
    pub user_agent: String,
    pub proxies: Proxies,
    pub roots: Roots,
    /// For connecting to a server, all its addresses together.
    pub connect_timeout: Duration,
    /// A connection that moves less than 30 bytes per second for so long has stalled.
    pub stall: Duration,
    /// For how long failures that may pass are retried, counted from the first; zero for never.
    pub retry: Duration,
    /// hosts(5).
    pub hosts: PathBuf,
    /// resolv.conf(5).
    pub resolv_conf: PathBuf,
    /// The port of name servers.
    pub name_server_port: u16,
}

impl Config {
    /// The defaults, with what the environment says about proxies and TLS roots.
    pub fn new(user_agent: String, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // A proxy that is no text is none that can be used, but it is not absent either.
        let text = |name: &str| Some(variable(name)?.to_string_lossy().into_owned());
        Self {
            user_agent,
            proxies: Proxies::from_variables(text),
            roots: Roots::from_variables(&variable),
            connect_timeout: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            retry: Duration::from_secs(60),
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            name_server_port: 53,
        }
    }
}
