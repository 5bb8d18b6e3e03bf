//! TLS over a connection, and what its failures mean.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::SigningKey;
use rustls::{CertificateError, ClientConfig, ClientConnection, StreamOwned};

use super::socket::Socket;
use super::{Error, Roots};
use crate::stream::Cancel;

/// TLS 1.2 and 1.3 as a client. The roots are loaded at the first handshake.
pub(super) struct Tls {
    roots: Roots,
    cancel: Cancel,
    config: Mutex<Option<Arc<ClientConfig>>>,
}

/// A connection after its handshake.
pub(super) type TlsStream = StreamOwned<ClientConnection, Socket>;

impl Tls {
    pub(super) fn new(roots: Roots, cancel: Cancel) -> Self {
        Self {
            roots,
            cancel,
            config: Mutex::new(None),
        }
    }

    fn config(&self, host: &str) -> Result<Arc<ClientConfig>, Error> {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = &*config {
            return Ok(config.clone());
        }
        let fresh = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .map_err(|cause| failed(host, cause))?
            .with_root_certificates(self.roots.load(&self.cancel)?)
            .with_no_client_auth();
        Ok(config.insert(Arc::new(fresh)).clone())
    }

    /// Shakes hands with `host`, which has to prove that it is.
    pub(super) fn wrap(&self, mut socket: Socket, host: &str) -> Result<TlsStream, Error> {
        let config = self.config(host)?;
        let name = host.strip_suffix('.').unwrap_or(host).to_owned();
        let mut connection = ServerName::try_from(name)
            .map_err(|_| rustls::Error::General("no certificate can hold such a name".into()))
            .and_then(|name| ClientConnection::new(config, name))
            .map_err(|cause| failed(host, cause))?;
        match connection.complete_io(&mut socket) {
            Ok(_) => Ok(StreamOwned::new(connection, socket)),
            Err(error) => Err(explain_end(explain_io(error, host))),
        }
    }
}

/// How rustls encrypts with ring, but for private keys, which would bring all along that signs with them.
fn provider() -> CryptoProvider {
    CryptoProvider {
        key_provider: &NoKeys,
        ..rustls::crypto::ring::default_provider()
    }
}

/// This client has no certificate, and so no key.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("there are no keys here".into()))
    }
}

/// Many a server that expects something else than TLS just hangs up.
fn explain_end(error: Error) -> Error {
    match error {
        Error::Broken { server, cause } if cause.kind() == io::ErrorKind::UnexpectedEof => {
            let what = "the server ended it before TLS was set up; check port and scheme";
            let cause = io::Error::new(cause.kind(), what);
            Error::Broken { server, cause }
        }
        error => error,
    }
}

fn failed(server: &str, cause: rustls::Error) -> Error {
    let server = server.to_owned();
    Error::Tls { server, cause }
}

/// An I/O error of a TLS stream; rustls packs its own into them.
pub(super) fn explain_io(error: io::Error, server: &str) -> Error {
    match error.downcast::<rustls::Error>() {
        Ok(cause) => failed(server, cause),
        Err(error) => Error::from_io(error, |cause| Error::Broken {
            server: server.to_owned(),
            cause,
        }),
    }
}

/// Whether another handshake may end better. It does not where the peers do not fit or the certificate is refused.
pub(super) fn is_transient(error: &rustls::Error) -> bool {
    use rustls::Error as Tls;
    !matches!(
        error,
        Tls::InvalidCertificate(_)
            | Tls::NoCertificatesPresented
            | Tls::PeerIncompatible(_)
            | Tls::InvalidMessage(_)
            | Tls::General(_)
    )
}

/// What is wrong and what to try.
pub(super) fn explain(error: &rustls::Error) -> String {
    use CertificateError as Bad;
    let rustls::Error::InvalidCertificate(problem) = error else {
        return match error {
            rustls::Error::InvalidMessage(_) => {
                "the server does not speak TLS there; check port and scheme".to_owned()
            }
            other => other.to_string(),
        };
    };
    match problem {
        Bad::UnknownIssuer | Bad::BadSignature => {
            "its certificate is from an issuer that is not trusted here; \
             if it should be, name a file with the issuer's certificate in $SSL_CERT_FILE"
        }
        Bad::Expired | Bad::ExpiredContext { .. } => {
            "its certificate has expired; check the clock of this machine"
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check the clock of this machine"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "its certificate is for another name; check the host in the URL"
        }
        Bad::Revoked => "its certificate was revoked",
        // webpki's own error, whose text is all that can be seen of it from here.
        Bad::Other(cause) if cause.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is a certificate authority's, which may not stand for a server; \
             issue one to the server, or make a self-signed one with basicConstraints=CA:FALSE"
        }
        other => return format!("its certificate is refused: {other}"),
    }
    .to_owned()
}
