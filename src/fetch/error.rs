//! What can go wrong between a URL and its bytes, and whether another try may help.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::lookup;
use super::tls;
use crate::stream::Cancelled;
use crate::terms::{InvalidUrl, Url};

/// Why a remote did not become a reader, or stopped being one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),

    // Before there is a connection.
    #[error("failed to look up `{host}`: {cause}")]
    LookUp {
        host: String,
        cause: lookup::Failure,
    },
    #[error("failed to connect to `{server}`: {cause}")]
    Connect { server: String, cause: io::Error },
    #[error("failed to wait: {0}")]
    Wait(io::Error),
    #[error(
        "${variable} names a {scheme}:// proxy, but only http:// proxies are supported: name one there, or list the host in $no_proxy"
    )]
    UnsupportedProxy {
        variable: &'static str,
        scheme: String,
    },
    #[error("${variable} holds no valid proxy: write http://HOST:PORT")]
    InvalidProxy { variable: &'static str },
    #[error("proxy `{proxy}` refused a tunnel to `{server}` with status {code}{}", Reason(*code))]
    TunnelRefused {
        proxy: String,
        server: String,
        code: u16,
    },
    #[error(
        "proxy `{proxy}` requires authentication: put user name and password into the proxy variable, as http://USER:PASSWORD@HOST:PORT"
    )]
    ProxyAuthentication { proxy: String },
    #[error("`{proxy}` does not answer as an HTTP proxy does: check the proxy variables")]
    NoProxy { proxy: String },

    // TLS.
    #[error("failed to read TLS roots from `{}`: {cause}", path.display())]
    ReadRoots { path: PathBuf, cause: io::Error },
    #[error("`{}` holds no certificates, but is named by $SSL_CERT_FILE or $SSL_CERT_DIR", .0.display())]
    EmptyRoots(PathBuf),
    #[error(
        "no TLS roots are known to check servers against: install the distribution's CA bundle or name one in $SSL_CERT_FILE"
    )]
    NoRoots,
    #[error("failed to set up TLS with `{server}`: {}", tls::explain(cause))]
    Tls {
        server: String,
        cause: rustls::Error,
    },

    // While a connection works.
    #[error("failed to ask for `{url}`: {cause}")]
    Request { url: Url, cause: ureq::http::Error },
    #[error("the connection to `{server}` broke: {cause}")]
    Broken { server: String, cause: io::Error },
    #[error("the connection to `{server}` stalled: hardly anything came for {}s", window.as_secs_f32())]
    Stalled { server: String, window: Duration },
    #[error("failed to understand what came from `{url}`: {cause}")]
    Protocol { url: Url, cause: Box<ureq::Error> },

    // What the server says.
    #[error(
        "`{url}` requires authentication: put user name and password into the URL, as https://USER:PASSWORD@HOST/…"
    )]
    AuthenticationRequired { url: Url },
    #[error("`{url}` refused the user name and password of the URL")]
    CredentialsRefused { url: Url },
    #[error("`{url}` was answered with status {code}{}", Reason(*code))]
    Status {
        url: Url,
        code: u16,
        /// How long the server asked to be left alone.
        retry_after: Option<Duration>,
    },
    #[error(
        "`{url}` comes encoded as `{encoding}` though that was not asked for: the server's configuration is broken"
    )]
    Encoded { url: Url, encoding: String },
    #[error("`{url}` redirects to nowhere: its answer has no valid Location")]
    NoLocation { url: Url },
    #[error("`{url}` redirects to a location that may not be followed: {cause}")]
    InvalidLocation { url: Url, cause: InvalidUrl },
    #[error(
        "`{from}` redirects to `{to}`, which is not followed: only http:// and https:// are, and never from https:// to http://"
    )]
    UnsafeRedirect { from: Url, to: Url },
    #[error("`{url}` redirects more than {limit} times")]
    TooManyRedirects { url: Url, limit: usize },
    #[error("the download of `{url}` ended early, after {received_bytes}{} bytes: {cause}", Of(*expected_bytes))]
    CutShort {
        url: Url,
        received_bytes: u64,
        expected_bytes: Option<u64>,
        cause: io::Error,
    },

    // Files.
    #[error("`{0}` names no file of this machine")]
    NotLocal(Url),
    #[error("`{}` is not a regular file", .0.display())]
    NotRegular(PathBuf),
    #[error("failed to read `{}`: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },

    #[error("{cause} (tried again for {}s)", tried.as_secs())]
    GaveUp { tried: Duration, cause: Box<Self> },
}

impl Error {
    /// Whether another try may end better.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::LookUp { cause, .. } => cause.is_transient(),
            Self::Connect { .. } | Self::Broken { .. } | Self::Stalled { .. } => true,
            Self::Tls { cause, .. } => tls::is_transient(cause),
            Self::TunnelRefused { code, .. } | Self::Status { code, .. } => {
                matches!(code, 408 | 429 | 500..=599)
            }
            // `CutShort` belongs here once a download continues where it ended.
            _ => false,
        }
    }

    /// Undoes the wrapping of this room's failures and of cancellations in I/O errors; any other becomes what `wrap`
    /// makes of it.
    pub(super) fn from_io(error: io::Error, wrap: impl FnOnce(io::Error) -> Self) -> Self {
        if Cancelled::is_cause_of(&error) {
            return Cancelled.into();
        }
        error.downcast().unwrap_or_else(wrap)
    }
}

impl From<Error> for io::Error {
    /// A cancellation stays recognisable as one.
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled(cancelled) => cancelled.into(),
            error => Self::other(error),
        }
    }
}

/// What a status is called.
struct Reason(u16);

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = ureq::http::StatusCode::from_u16(self.0).ok();
        status
            .and_then(|status| status.canonical_reason())
            .map_or(Ok(()), |reason| write!(f, " ({reason})"))
    }
}

/// How many bytes there should have been, where that is known.
struct Of(Option<u64>);

impl std::fmt::Display for Of {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |bytes| write!(f, " of {bytes}"))
    }
}
