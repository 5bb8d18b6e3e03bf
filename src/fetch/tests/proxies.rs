//! Requests through proxies.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::kit::{Case, Server, hold, read_head, say};
use super::tls::Authority;
use crate::fetch::{Error, Proxies};

fn through(variable: &'static str, proxy: SocketAddr) -> impl Fn(&str) -> Option<String> {
    move |name| (name == variable).then(|| format!("http://u:p@{proxy}/"))
}

#[test]
fn plain_requests_name_the_whole_url_to_the_proxy() {
    let proxy = Server::saying("HTTP/1.1 200 OK\r\n\r\nok");
    let case = Case::with(|config| {
        config.proxies = Proxies::from_variables(through("http_proxy", proxy.address));
    });
    let url = "http://h.example:81/a?b".parse().unwrap();
    assert_eq!(case.read(&url).unwrap(), "ok");
    let request = proxy.request(0);
    assert!(
        request.starts_with("GET http://h.example:81/a?b HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.to_lowercase().contains("host: h.example:81\r\n"));
    assert!(request.contains("Basic dTpw"));
}

#[test]
fn tls_goes_through_a_tunnel() {
    let authority = Authority::new();
    let server = authority.serve("localhost", "HTTP/1.1 200 OK\r\n\r\nok");
    let target = server.address;
    let proxy = Server::wrapped(
        move |stream, talk| {
            talk(stream);
            relay(stream, TcpStream::connect(target).unwrap());
        },
        |_, _, stream| say(stream, "HTTP/1.1 200 Connected\r\nX: y\r\n\r\n"),
    );
    let case = authority.case(|config| {
        config.proxies = Proxies::from_variables(through("https_proxy", proxy.address));
    });
    let url = format!("https://localhost:{}/", target.port());
    assert_eq!(case.read(&url.parse().unwrap()).unwrap(), "ok");
    let request = proxy.request(0);
    let connect = format!("CONNECT localhost:{} HTTP/1.1\r\n", target.port());
    assert!(request.starts_with(&connect) && request.contains("Basic dTpw"));
    assert!(!server.request(0).contains("Basic"));
}

fn relay(client: &mut TcpStream, mut server: TcpStream) {
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        if client.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let refused = |answer: &'static str| {
        let proxy = Server::wrapped(
            move |stream, _| {
                read_head(stream);
                say(stream, answer);
            },
            |_, _, _| {},
        );
        let case = Case::with(|config| {
            config.proxies = Proxies::from_variables(through("all_proxy", proxy.address));
        });
        case.error(&"https://h.example/".parse().unwrap())
    };
    let error = refused("HTTP/1.1 407 X\r\n\r\n");
    assert!(matches!(error, Error::ProxyAuthentication { .. }));
    let error = refused("HTTP/1.1 502 X\r\n\r\n");
    assert!(matches!(error, Error::TunnelRefused { code: 502, .. }) && error.is_transient());
    let error = refused("HTTP/1.1 403 X\r\n\r\n");
    assert!(!error.is_transient());
    let proxy = Server::saying("HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n");
    let case = Case::with(|config| {
        config.proxies = Proxies::from_variables(through("http_proxy", proxy.address));
    });
    let error = case.error(&"http://h.example/".parse().unwrap());
    assert!(
        error.to_string().contains(&proxy.address.to_string()),
        "{error}"
    );
    for garbage in [
        "",
        "hello\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 X\r\n\r\nthe server has not been spoken to",
    ] {
        assert!(matches!(refused(garbage), Error::NoProxy { .. }));
    }
}

#[test]
fn a_refusal_is_understood_without_waiting_for_its_page() {
    for (code, reason) in [
        (407, "requires authentication"),
        (403, "with status 403 (Forbidden)"),
        (502, "with status 502 (Bad Gateway)"),
    ] {
        for stays_open in [false, true] {
            let answer = format!("HTTP/1.1 {code} X\r\nContent-Length: 9\r\n\r\n<p>no</p>");
            let proxy = Server::wrapped(
                move |stream, _| {
                    read_head(stream);
                    say(stream, &answer);
                    if stays_open {
                        hold(stream);
                    }
                },
                |_, _, _| {},
            );
            let case = Case::with(|config| {
                config.proxies = Proxies::from_variables(through("all_proxy", proxy.address));
            });
            let error = case.error(&"https://h.example/".parse().unwrap());
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
