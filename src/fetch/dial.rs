//! From a URL to a connection: look-up, proxy, TCP, tunnel, TLS, in ureq's two traits.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver as UreqResolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};

use super::Error;
use super::connect::connect;
use super::lookup::Resolver;
use super::proxy::{Proxies, Proxy, server_name};
use super::socket::Socket;
use super::tls::Tls;
use super::transport::{Connection, Stream};
use crate::stream::Cancel;

/// ureq keeps no more addresses.
const MAX_ADDRESSES: usize = 16;
/// What a proxy may say before the tunnel begins.
const MAX_TUNNEL_HEAD_BYTES: usize = 64 * 1024;

/// Everything that is needed to reach a server.
pub(super) struct Network {
    pub(super) resolver: Resolver,
    pub(super) proxies: Proxies,
    pub(super) tls: Tls,
    pub(super) connect_timeout: Duration,
    pub(super) stall: Duration,
    pub(super) user_agent: String,
    pub(super) cancel: Cancel,
}

/// The network as ureq's resolver and as its connector.
#[derive(Clone)]
pub(super) struct Dial(pub(super) Arc<Network>);

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dial")
    }
}

/// A server of a URL.
struct Target {
    tls: bool,
    host: String,
    port: u16,
    /// Host and port as the request names them.
    authority: String,
}

impl Target {
    fn of(uri: &Uri) -> Self {
        let tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default();
        Self {
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
        }
    }

    fn name(&self) -> String {
        server_name(&self.host, self.port)
    }
}

impl Network {
    fn proxy(&self, target: &Target) -> Result<Option<Proxy>, Error> {
        self.proxies.find(target.tls, &target.host, target.port)
    }

    /// The addresses to connect to: the proxy's if there is one, which then looks the server up itself.
    fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Error> {
        let proxy = self.proxy(target)?;
        let (host, port) = match &proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (target.host.as_str(), target.port),
        };
        let addresses = self.resolver.addresses(host)?;
        Ok(addresses.into_iter().map(|it| (it, port).into()).collect())
    }

    fn connection(&self, target: &Target, addresses: &[SocketAddr]) -> Result<Connection, Error> {
        let proxy = self.proxy(target)?;
        let server = proxy
            .as_ref()
            .map_or_else(|| target.name(), Proxy::to_string);
        let stream = connect(addresses, self.connect_timeout, &self.cancel).map_err(|error| {
            Error::from_io(error, |cause| Error::Connect {
                server: server.clone(),
                cause,
            })
        })?;
        let mut socket = Socket::new(stream, server, self.cancel.clone(), self.stall);
        if !target.tls {
            let origin = proxy.map(|_| format!("http://{}", target.authority));
            return Ok(Connection::new(Stream::Plain(socket), origin));
        }
        if let Some(proxy) = &proxy {
            self.tunnel(&mut socket, proxy, target)?;
        }
        let tls = self.tls.wrap(socket, &target.host)?;
        Ok(Connection::new(Stream::Tls(Box::new(tls)), None))
    }

    /// Has a proxy connect the socket to the target (RFC 9110, 9.3.6).
    fn tunnel(&self, socket: &mut Socket, proxy: &Proxy, target: &Target) -> Result<(), Error> {
        let (server, agent) = (target.name(), &self.user_agent);
        let mut request =
            format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: {agent}\r\n");
        if let Some(authorization) = proxy.authorization() {
            request += &format!("Proxy-Authorization: {authorization}\r\n");
        }
        request += "\r\n";
        let code = socket
            .write_all(request.as_bytes())
            .and_then(|()| tunnel_status(socket))
            .map_err(|error| {
                Error::from_io(error, |_| Error::NoProxy {
                    proxy: proxy.to_string(),
                })
            })?;
        let proxy = proxy.to_string();
        match code {
            200..=299 => Ok(()),
            407 => Err(Error::ProxyAuthentication { proxy }),
            code => Err(Error::TunnelRefused {
                proxy,
                server,
                code,
            }),
        }
    }
}

/// Reads the head of a proxy's answer. Nothing may follow a 2xx head: the server waits to be spoken to.
fn tunnel_status(socket: &mut Socket) -> io::Result<u16> {
    const END: &[u8] = b"\r\n\r\n";
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    let end = loop {
        let count = socket.read(&mut buffer)?;
        let from = answer.len().saturating_sub(END.len() - 1);
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let mut windows = answer.windows(END.len()).skip(from);
        if let Some(start) = windows.position(|window| window == END) {
            break from + start + END.len();
        }
        if count == 0 || answer.len() > MAX_TUNNEL_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    let head = String::from_utf8_lossy(&answer);
    let mut words = head.split(' ');
    let version = words.next().filter(|word| word.starts_with("HTTP/1."));
    let code = words.next().and_then(|word| word.get(..3)?.parse().ok());
    version
        .and(code)
        .filter(|code| end == answer.len() || !(200..300).contains(code))
        .ok_or(io::ErrorKind::InvalidData.into())
}

fn to_ureq(error: Error) -> ureq::Error {
    ureq::Error::Io(error.into())
}

impl UreqResolver for Dial {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.addresses(&Target::of(uri)).map_err(to_ureq)?;
        let mut addresses = self.empty();
        for address in found.into_iter().take(MAX_ADDRESSES) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

impl Connector for Dial {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Connection>, ureq::Error> {
        let target = Target::of(details.uri);
        let connection = self.0.connection(&target, &details.addrs);
        connection.map(Some).map_err(to_ureq)
    }
}
