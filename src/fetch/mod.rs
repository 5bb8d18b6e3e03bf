//! A remote becomes a reader: look-up, connection, HTTP or file, entity tags, another try.
//!
//! Everything blocks, nothing starts a thread, and every wait (an answer of a name server, a connection, a TLS handshake,
//! a body, the pause before another try) ends within milliseconds when the transfer is cancelled. Deliberately absent:
//! HTTP/2, content codings (bytes arrive as they are served), connections kept for a second request, `getaddrinfo`
//! (which loads plug-ins a static program cannot have) and any look at the environment: see
//! [`Config`](crate::fetch::Config).

mod basic;
mod body;
mod config;
mod connect;
mod date;
mod dial;
mod error;
mod fetcher;
mod file;
mod http;
mod lookup;
mod patience;
mod proxy;
mod roots;
mod socket;
mod tls;
mod transport;
mod wait;

pub use body::Body;
pub use config::Config;
pub use error::Error;
pub use fetcher::{Answer, Fetcher, Found};
pub use lookup::Failure as LookUpFailure;
pub use proxy::Proxies;
pub use roots::Roots;

#[cfg(test)]
mod tests;
