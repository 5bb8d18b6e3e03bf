//! The kit's servers behave, and misbehave, as told: what other tests conclude from them rests on this.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::kit::{Authority, Case, Dns, Identity, Proxy, Reply, Server, Snapshot};

/// Sends `head` and returns all that comes back until the other side closes.
fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    (stream.set_read_timeout(Some(Duration::from_secs(20)))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(server: &Server, headers: &str) -> String {
    let head = format!("GET /x HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    ask(server.address(), &head)
}

fn serving(reply: Reply) -> Server {
    let server = Server::http();
    server.put("/x", reply);
    server
}

#[test]
fn server_answers_conditions_and_ranges() {
    let server = serving(Reply::body("0123456789").etag("\"a\""));
    let whole = get(&server, "");
    assert!(whole.starts_with("HTTP/1.1 200 ") && whole.ends_with("\r\n\r\n0123456789"));
    assert!(whole.contains("Content-Length: 10\r\n") && whole.contains("ETag: \"a\"\r\n"));

    assert!(get(&server, "If-None-Match: \"b\", \"a\"\r\n").starts_with("HTTP/1.1 304 "));
    assert!(get(&server, "If-None-Match: \"b\"\r\n").starts_with("HTTP/1.1 200 "));

    let part = get(&server, "Range: bytes=4-\r\nIf-Range: \"a\"\r\n");
    assert!(part.starts_with("HTTP/1.1 206 ") && part.ends_with("\r\n\r\n456789"));
    assert!(part.contains("Content-Range: bytes 4-9/10\r\n"));
    assert!(get(&server, "Range: bytes=4-5\r\n").ends_with("\r\n\r\n45"));
    assert!(get(&server, "Range: bytes=4-\r\nIf-Range: \"b\"\r\n").starts_with("HTTP/1.1 200 "));
    assert!(get(&server, "Range: bytes=10-\r\n").starts_with("HTTP/1.1 416 "));

    let without = serving(Reply::body("0123456789").without_ranges());
    let whole = get(&without, "Range: bytes=4-\r\n");
    assert!(whole.starts_with("HTTP/1.1 200 ") && !whole.contains("Accept-Ranges"));

    let requests = server.requests();
    assert_eq!(server.request_lines()[0], "GET /x");
    assert_eq!(requests[3].header("range"), Some("bytes=4-"));
}

#[test]
fn server_keeps_a_connection_for_the_next_request() {
    let server = Server::http();
    server.script("/x", [Reply::status(503), Reply::body("at last")]);
    let head = "GET /x HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n\r\nHEAD /none HTTP/1.1\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let found: Vec<_> = answer
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &answer[at + 9..at + 12])
        .collect();
    assert_eq!(found, ["503", "200", "404"]);
    assert!(answer.contains("at last"));
}

#[test]
fn server_breaks_bodies_as_told() {
    let body = |reply: Reply| {
        let answer = get(&serving(reply), "");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.to_owned()
    };
    let ten = || Reply::body("0123456789");
    assert_eq!(body(ten().cut_after(4)), "0123");
    assert_eq!(body(ten().chunked()), "a\r\n0123456789\r\n0\r\n\r\n");
    assert_eq!(body(ten().chunked().cut_after(10)), "a\r\n0123456789\r\n");

    let lying = get(&serving(ten().header("Content-Length", "99")), "");
    assert!(lying.contains("\r\nContent-Length: 99\r\n") && !lying.contains(": 10\r\n"));
    assert!(!get(&serving(ten().without_header("Content-Length")), "").contains("Content-Length"));
    assert_eq!(get(&serving(Reply::raw("gibberish")), ""), "gibberish");
    assert!(get(&serving(ten().huge_headers(70_000)), "").len() > 70_000);
    let elsewhere = get(&serving(Reply::redirect(307, "ftp://x/")), "");
    assert!(elsewhere.starts_with("HTTP/1.1 307 ") && elsewhere.contains("Location: ftp://x/\r\n"));
}

#[test]
fn server_takes_its_time_as_told_and_lets_go_when_dropped() {
    let start = Instant::now();
    get(&serving(Reply::body("0123456789").trickle(100)), "");
    get(
        &serving(Reply::body("01").pause_after(1, Duration::from_millis(100))),
        "",
    );
    assert!(start.elapsed() >= Duration::from_millis(200));

    for server in [
        serving(Reply::body("0123").stall_after(2)),
        serving(Reply::silence()),
        Server::mute("http"),
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let mut answer = Vec::new();
        let still_open = stream.read_to_end(&mut answer).unwrap_err();
        assert_eq!(still_open.kind(), std::io::ErrorKind::WouldBlock);
        assert!(answer.is_empty() || answer.ends_with(b"\r\n\r\n01"));
        drop(server);
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let _ = stream.read_to_end(&mut answer);
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// What a TLS client that trusts `authority` and expects 127.0.0.1 gets to read.
fn ask_over_tls(authority: &Authority, identity: &Identity) -> std::io::Result<String> {
    let server = Server::https(identity);
    server.put("/x", Reply::body("secret"));
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    tls.write_all(b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    tls.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn certificates_are_good_or_bad_as_told() {
    let authority = Authority::new();
    let answer = ask_over_tls(&authority, &authority.identity()).unwrap();
    assert!(answer.ends_with("secret"));

    let complaint =
        |identity: &Identity| ask_over_tls(&authority, identity).unwrap_err().to_string();
    assert!(complaint(&authority.expired_identity()).contains("expired"));
    assert!(complaint(&authority.identity_for(&["other.example"])).contains("not valid for name"));
    assert!(complaint(&Authority::new().identity()).contains("certificate"));
}

#[test]
fn proxy_relays_requests_and_tunnels_and_asks_who_is_there() {
    let server = serving(Reply::body("beyond"));
    let proxy = Proxy::to(server.address());
    let head = "GET http://no.such.host/x HTTP/1.1\r\nHost: no.such.host\r\nProxy-X: 1\r\n\r\n";
    assert!(ask(proxy.address(), head).ends_with("beyond"));
    let request = server.requests().remove(0);
    assert_eq!(
        (request.line().as_str(), request.header("Proxy-X")),
        ("GET /x", None)
    );

    let tunnelled =
        "CONNECT no.such.host:443 HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert!(ask(proxy.address(), tunnelled).ends_with("beyond"));
    let lines: Vec<_> = proxy
        .requests()
        .iter()
        .map(|request| request.line())
        .collect();
    assert_eq!(
        lines,
        ["GET http://no.such.host/x", "CONNECT no.such.host:443"]
    );

    let proxy = Proxy::with_password(server.address(), "Basic dXNlcjpwYXNz");
    assert!(ask(proxy.address(), head).starts_with("HTTP/1.1 407 "));
    let known = head.replace("Proxy-X: 1", "Proxy-Authorization: Basic dXNlcjpwYXNz");
    assert!(ask(proxy.address(), &known).ends_with("beyond"));
}

/// A query for the A records of `alias.test`, and for something of another type.
const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x05alias\x04test\0\0\x01\0\x01";

#[test]
fn dns_server_answers_from_its_table_or_not_at_all() {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let dns = Dns::start()
        .host("img.test", address)
        .alias("alias.test", "img.test")
        .truncating();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(dns.address()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut buffer = [0; 512];
    socket.send(QUERY).unwrap();
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!((buffer[2] & 2, buffer[7], length), (2, 0, QUERY.len()));

    let mut stream = TcpStream::connect(dns.address()).unwrap();
    stream.write_all(&[0, QUERY.len() as u8]).unwrap();
    stream.write_all(QUERY).unwrap();
    let length = stream.read(&mut buffer).unwrap();
    assert_eq!(buffer[2 + 7], 2, "an alias and an address");
    assert!(buffer[..length].ends_with(&[0, 4, 192, 0, 2, 7]));

    dns.set_silent(true);
    socket.send(QUERY).unwrap();
    assert!(socket.recv(&mut buffer).is_err());
    assert_eq!(
        dns.queries(),
        ["udp A alias.test", "tcp A alias.test", "udp A alias.test"]
    );
}

#[test]
fn snapshots_differ_where_any_attribute_does() {
    let case = Case::new().file("a", "text");
    let path = case.dir().join("a");
    let before = Snapshot::of(&case.dir());
    assert_eq!(before.names(), ["a"]);
    assert_eq!(before, Snapshot::of(&case.dir()));

    let touch = |change: &dyn Fn()| {
        change();
        let after = Snapshot::of(&case.dir());
        let differs = before != after;
        std::fs::write(&path, "text").unwrap();
        assert!(differs, "{before:?} is not {after:?}");
    };
    touch(&|| std::fs::write(&path, "tixt").unwrap());
    touch(&|| std::fs::hard_link(&path, case.dir().join("b")).unwrap());
    touch(&|| {
        rustix::fs::setxattr(&path, "user.x", b"1", rustix::fs::XattrFlags::empty()).unwrap()
    });
}

#[test]
fn outcome_holds_what_a_program_said_and_how_it_ended() {
    let case = Case::new().env("PLACE", "{root}").stdin("in").through([
        "sh",
        "-c",
        "cat; echo $PLACE >&2; exit 3",
    ]);
    let outcome = case.importctl([]).fails().code(3).stdout_is("in");
    let root = case.root();
    outcome
        .stderr_has(root.to_str().unwrap())
        .stderr_lacks("{root}");
}
