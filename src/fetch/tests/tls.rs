//! TLS, with an authority of the tests' own.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::kit::{Case, Server, Stream, failure, hold, say};
use crate::fetch::{Config, Error, Roots};

pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("importd-fetch-{}-{number}.pem", std::process::id());
        let file = std::env::temp_dir().join(name);
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&file, format!("junk\n{junk}{}", issuer.pem())).unwrap();
        Self { issuer, file }
    }

    /// A case that trusts this authority.
    pub(super) fn case(&self, change: impl FnOnce(&mut Config)) -> Case {
        Case::with(|config| {
            config.roots.file = Some(self.file.clone());
            change(config);
        })
    }

    pub(super) fn serve(&self, name: &str, response: &'static str) -> Server {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        self.serve_with(params, true, move |stream| say(stream, response))
    }

    fn serve_with(
        &self,
        params: CertificateParams,
        farewell: bool,
        answer: impl Fn(&mut dyn Stream) + Send + Sync + 'static,
    ) -> Server {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let wrap = move |stream: &mut TcpStream, talk: &dyn Fn(&mut dyn Stream)| {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut tls = StreamOwned::new(connection, stream);
            talk(&mut tls);
            if farewell {
                tls.conn.send_close_notify();
            }
            while tls.conn.wants_write() && tls.conn.write_tls(&mut tls.sock).is_ok() {}
        };
        Server::wrapped(wrap, move |_, head, stream| {
            if !head.is_empty() {
                answer(stream);
            }
        })
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

fn url(server: &Server) -> crate::terms::Url {
    let text = format!("https://localhost:{}/", server.address.port());
    text.parse().unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\n\r\nok";

#[test]
fn a_trusted_server_is_read() {
    let authority = Authority::new();
    let server = authority.serve("localhost", OK);
    let case = authority.case(|_| {});
    assert_eq!(case.read(&url(&server)).unwrap(), "ok");
    assert_eq!(case.read(&url(&server)).unwrap(), "ok");
}

#[test]
fn roots_are_named_by_paths_of_any_bytes() {
    let roots = Roots::from_variables(|name| {
        let value: &[u8] = match name {
            "SSL_CERT_FILE" => b"/\xff",
            _ => b"/\xfe::/b",
        };
        Some(OsString::from_vec(value.to_vec()))
    });
    let path = |bytes| PathBuf::from(OsStr::from_bytes(bytes));
    assert_eq!(roots.file, Some(path(b"/\xff")));
    assert_eq!(roots.directories, [path(b"/\xfe"), path(b"/b")]);
}

#[test]
fn roots_may_come_through_a_pipe() {
    let authority = Authority::new();
    let server = authority.serve("localhost", OK);
    // What a shell makes of `<(cat roots.pem)`; cat(1) has ended already.
    let (pipe, mut writer) = std::io::pipe().unwrap();
    let pem = std::fs::read(&authority.file).unwrap();
    writer.write_all(&pem).unwrap();
    drop(writer);
    let case = Case::with(|config| {
        config.roots.file = Some(format!("/proc/self/fd/{}", pipe.as_raw_fd()).into());
    });
    assert_eq!(case.read(&url(&server)).unwrap(), "ok");
}

#[test]
fn roots_come_from_directories_and_bundles_too() {
    let authority = Authority::new();
    let server = authority.serve("localhost", OK);
    let case = Case::with(|config| {
        config.roots.bundles = vec!["/nonexistent".into(), authority.file.clone()];
    });
    assert_eq!(case.read(&url(&server)).unwrap(), "ok");
    let directory = authority.file.with_extension("d");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(&authority.file, directory.join("a.pem")).unwrap();
    let case = Case::with(|config| {
        config.roots.bundles = Vec::new();
        config.roots.directories = vec!["/nonexistent".into(), directory.clone()];
    });
    assert_eq!(case.read(&url(&server)).unwrap(), "ok");
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn roots_that_were_named_must_be_there() {
    let file = |path: &str| Case::with(|config| config.roots.file = Some(path.into()));
    let server = Authority::new().serve("localhost", OK);
    let error = file("/nonexistent").error(&url(&server));
    assert!(matches!(error, Error::ReadRoots { .. }));
    let error = file("/dev/null").error(&url(&server));
    assert!(matches!(error, Error::EmptyRoots(_)));
    let case = Case::with(|config| config.roots.directories = vec!["/nonexistent".into()]);
    assert!(matches!(case.error(&url(&server)), Error::ReadRoots { .. }));
}

#[test]
fn certificates_are_refused_with_the_reason() {
    let authority = Authority::new();
    let mut expired = CertificateParams::new(["localhost".to_owned()]).unwrap();
    expired.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let other = Server::wrapped(|stream, _| say(stream, "SSH-2.0-OpenSSH\r\n"), |_, _, _| {});
    let cases = [
        (Authority::new().serve("localhost", OK), "$SSL_CERT_FILE"),
        (authority.serve("other.example", OK), "another name"),
        (authority.serve_with(expired, true, |_| {}), "expired"),
        (other, "does not speak TLS"),
    ];
    for (server, reason) in cases {
        let error = authority.case(|_| {}).error(&url(&server));
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.is_transient());
    }
}

#[test]
fn without_a_farewell_a_body_of_unknown_length_is_cut_short() {
    let authority = Authority::new();
    let params = || CertificateParams::new(["localhost".to_owned()]).unwrap();
    let case = authority.case(|_| {});
    let server = authority.serve_with(params(), false, |stream| say(stream, OK));
    let error = case.read(&url(&server)).unwrap_err();
    assert!(
        matches!(failure(&error), Some(Error::CutShort { .. })),
        "{error}"
    );
    let known = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = authority.serve_with(params(), false, move |stream| say(stream, known));
    assert_eq!(case.read(&url(&server)).unwrap(), "ok");
}

#[test]
fn https_never_continues_over_http() {
    let authority = Authority::new();
    let server = authority.serve(
        "localhost",
        "HTTP/1.1 302 X\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n",
    );
    let error = authority.case(|_| {}).error(&url(&server));
    assert!(matches!(error, Error::UnsafeRedirect { .. }), "{error}");
}

#[test]
fn a_silent_handshake_is_a_stall() {
    let server = Server::wrapped(|stream, _| hold(stream), |_, _, _| {});
    let case = Case::with(|config| config.stall = std::time::Duration::from_millis(200));
    let error = case.error(&url(&server));
    assert!(matches!(error, Error::Stalled { .. }), "{error}");
}
