//! A cancellation ends every kind of wait at once.

use std::io::Read;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, mknodat};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::kit::{Case, Server, hold, say};
use crate::fetch::{Answer, Error, Proxies};
use crate::stream::Cancelled;
use crate::terms::Url;

/// Gets and reads the URL, cancels after a while, and expects the end soon after.
fn assert_cancelled_at_once(case: &Case, url: &str) {
    let url: Url = url.parse().unwrap();
    let cancel = case.cancel.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        let now = Instant::now();
        cancel.cancel();
        now
    });
    match case.fetcher.get(&url, &[]) {
        Ok(Answer::Found(mut found)) => {
            let error = found.body.read_to_end(&mut Vec::new()).unwrap_err();
            assert!(Cancelled::is_cause_of(&error), "{error}");
        }
        Ok(_) => panic!("not found"),
        Err(error) => assert!(matches!(error, Error::Cancelled(_)), "{error}"),
    }
    let end = Instant::now();
    let cancelled = canceller.join().unwrap();
    assert!(end > cancelled, "ended by itself");
    let latency = end - cancelled;
    assert!(latency < Duration::from_millis(500), "took {latency:?}");
}

fn silent() -> Server {
    Server::wrapped(|stream, _| hold(stream), |_, _, _| {})
}

/// A listener that accepts no connection any more; the sockets keep it so.
fn black_hole() -> (SocketAddr, Vec<std::os::fd::OwnedFd>) {
    let flags = SocketFlags::NONBLOCK;
    let socket =
        || rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
    let listener = socket();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    rustix::net::bind(&listener, &any).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = rustix::net::getsockname(&listener).unwrap();
    let address = SocketAddr::try_from(address).unwrap();
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let client = socket();
        let _ = rustix::net::connect(&client, &address);
        sockets.push(client);
    }
    (address, sockets)
}

/// A resolv.conf that names 127.0.0.1, as a missing one does, with a server at this port.
fn asking(port: u16) -> Case {
    Case::with(|config| config.name_server_port = port)
}

#[test]
fn while_a_name_server_is_silent() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    assert_cancelled_at_once(&asking(port), "http://h.example/");
}

#[test]
fn while_a_connection_is_not_accepted() {
    let (address, _sockets) = black_hole();
    assert_cancelled_at_once(&Case::new(), &format!("http://{address}/"));
}

#[test]
fn while_tls_is_not_answered() {
    let address = silent().address;
    assert_cancelled_at_once(&Case::new(), &format!("https://{address}/"));
}

#[test]
fn while_nobody_writes_the_roots() {
    let fifo = std::env::temp_dir().join(format!("importd-roots-{}", std::process::id()));
    mknodat(CWD, &fifo, FileType::Fifo, 0o600.into(), 0).unwrap();
    let case = Case::with(|config| config.roots.file = Some(fifo.clone()));
    assert_cancelled_at_once(&case, &format!("https://{}/", silent().address));
    std::fs::remove_file(&fifo).unwrap();
}

#[test]
fn while_a_proxy_opens_no_tunnel() {
    let address = silent().address;
    let case = Case::with(|config| {
        let proxy = |name: &str| (name == "https_proxy").then(|| address.to_string());
        config.proxies = Proxies::from_variables(proxy);
    });
    assert_cancelled_at_once(&case, "https://h.example/");
}

#[test]
fn while_no_response_comes() {
    let address = silent().address;
    assert_cancelled_at_once(&Case::new(), &format!("http://{address}/"));
}

#[test]
fn while_a_body_pauses_or_never_ends() {
    let pausing = Server::new(|_, _, stream| {
        say(stream, "HTTP/1.1 200 OK\r\n\r\nabc");
        hold(stream);
    });
    assert_cancelled_at_once(&Case::new(), pausing.url("/").as_str());
    let endless = Server::new(|_, _, stream| {
        say(stream, "HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[0; 4096]).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert_cancelled_at_once(&Case::new(), endless.url("/").as_str());
}

#[test]
fn while_pausing_before_another_try() {
    let server = Server::saying("HTTP/1.1 503 X\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n");
    let case = Case::with(|config| config.retry = Duration::from_secs(60));
    assert_cancelled_at_once(&case, server.url("/").as_str());
    assert_eq!(server.count(), 1);
}

#[test]
fn before_anything_was_begun() {
    let case = Case::new();
    case.cancel.cancel();
    let url = "file:///dev/null".parse().unwrap();
    assert!(matches!(case.error(&url), Error::Cancelled(_)));
}

#[test]
fn connecting_is_given_up_after_its_timeout() {
    let (address, _sockets) = black_hole();
    let case = Case::with(|config| config.connect_timeout = Duration::from_millis(300));
    let error = case.error(&format!("http://{address}/").parse().unwrap());
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    drop(TcpStream::connect_timeout(
        &address,
        Duration::from_millis(1),
    ));
}
