//! The resolver against a name server of the tests' own.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// What the server says to one question: code, truncated, address records.
type Zone = fn(name: &str, kind: u16, tcp: bool) -> Option<(u8, bool, Vec<IpAddr>)>;

struct NameServer {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

fn reply(query: &[u8], zone: Zone, tcp: bool, asked: &Mutex<Vec<String>>) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    while query[at] > 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    let name = labels.join(".");
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    asked.lock().unwrap().push(name.clone());
    let (code, truncated, addresses) = zone(&name, kind, tcp)?;
    let mut message = query[..2].to_vec();
    message.extend([0x81 | if truncated { 2 } else { 0 }, 0x80 | code, 0, 1, 0]);
    message.extend([u8::try_from(addresses.len()).unwrap(), 0, 0, 0, 0]);
    message.extend(&query[12..at + 5]);
    for address in addresses {
        message.extend([0xc0, 12]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 0, 9, 0]);
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        message.push(u8::try_from(octets.len()).unwrap());
        message.extend(octets);
    }
    Some(message)
}

impl NameServer {
    fn new(zone: Zone) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
                break (udp, tcp);
            }
        };
        let port = udp.local_addr().unwrap().port();
        let record = asked.clone();
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((count, client)) = udp.recv_from(&mut buffer) {
                if let Some(message) = reply(&buffer[..count], zone, false, &record) {
                    // Junk first: it must not be taken for the answer.
                    let mut forged = message.clone();
                    forged[0] ^= 0xff;
                    for datagram in [&b"x"[..], &forged, &message] {
                        udp.send_to(datagram, client).unwrap();
                    }
                }
            }
        });
        let record = asked.clone();
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let mut stream = stream.unwrap();
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut query = vec![0; u16::from_be_bytes(length).into()];
                stream.read_exact(&mut query).unwrap();
                let message = reply(&query, zone, true, &record).unwrap();
                let length = u16::try_from(message.len()).unwrap();
                stream.write_all(&length.to_be_bytes()).unwrap();
                stream.write_all(&message).unwrap();
            }
        });
        Self { port, asked }
    }

    /// A resolver that asks this server, with further lines in resolv.conf.
    fn resolver(&self, lines: &str) -> Resolver {
        let file = format!("importd-lookup-{}-{}", std::process::id(), self.port);
        let path = std::env::temp_dir().join(file);
        let text = format!("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n{lines}\n");
        std::fs::write(&path, text).unwrap();
        Resolver {
            hosts: PathBuf::from("/nonexistent"),
            resolv_conf: path,
            port: self.port,
            cancel: Cancel::new().unwrap(),
        }
    }
}

fn look_up(zone: Zone, lines: &str, host: &str) -> (Result<Vec<String>, Failure>, Vec<String>) {
    let server = NameServer::new(zone);
    let resolver = server.resolver(lines);
    let result = match resolver.addresses(host) {
        Ok(addresses) => Ok(addresses.iter().map(ToString::to_string).collect()),
        Err(Error::LookUp { cause, .. }) => Err(cause),
        Err(error) => panic!("{error}"),
    };
    std::fs::remove_file(&resolver.resolv_conf).unwrap();
    let asked = server.asked.lock().unwrap().clone();
    (result, asked)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn both_kinds_of_address_come_in_turns() {
    let zone: Zone = |_, kind, _| {
        let addresses = match kind {
            1 => vec![ip("192.0.2.1"), ip("192.0.2.2")],
            _ => vec![ip("2001:db8::1")],
        };
        Some((0, false, addresses))
    };
    let (found, asked) = look_up(zone, "", "H.example");
    assert_eq!(found.unwrap(), ["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
    assert_eq!(asked, ["h.example", "h.example"]);
}

#[test]
fn one_kind_of_answer_is_enough() {
    let silent: Zone = |_, kind, _| (kind == 1).then(|| (0, false, vec![ip("192.0.2.1")]));
    assert_eq!(look_up(silent, "", "h.x").0.unwrap(), ["192.0.2.1"]);
    let broken: Zone = |_, kind, _| {
        Some(match kind {
            1 => (0, false, vec![ip("192.0.2.1")]),
            _ => (2, false, vec![]),
        })
    };
    assert_eq!(look_up(broken, "", "h.x").0.unwrap(), ["192.0.2.1"]);
}

#[test]
fn truncated_answers_are_asked_for_over_tcp() {
    let zone: Zone = |_, kind, tcp| {
        let addresses = if kind == 1 && tcp {
            vec![ip("192.0.2.9")]
        } else {
            vec![]
        };
        Some((0, kind == 1 && !tcp, addresses))
    };
    assert_eq!(look_up(zone, "", "h.x").0.unwrap(), ["192.0.2.9"]);
    let (found, asked) = look_up(zone, "options use-vc", "h.x");
    assert_eq!((found.unwrap().len(), asked.len()), (1, 2));
}

#[test]
fn unknown_names_are_looked_for_beneath_the_search_domains() {
    let zone: Zone = |name, kind, _| {
        Some(if name == "h.b.example" && kind == 1 {
            (0, false, vec![ip("192.0.2.3")])
        } else if name.ends_with("a.example") {
            (2, false, vec![])
        } else {
            (3, false, vec![])
        })
    };
    let search = "search a.example b.example";
    let (found, asked) = look_up(zone, search, "h");
    assert_eq!(found.unwrap(), ["192.0.2.3"]);
    assert_eq!(asked.first().unwrap(), "h.a.example");
    let unknown = look_up(zone, "", "h.").0.unwrap_err();
    assert!(matches!(unknown, Failure::Unknown { .. }) && unknown.is_transient());
    let refused = look_up(zone, search, "x").0.unwrap_err();
    assert!(
        matches!(refused, Failure::Refused { code: 2, .. }),
        "{refused}"
    );
}

#[test]
fn silence_and_nobody_there_are_failures() {
    let (found, asked) = look_up(|_, _, _| None, "search a.example", "h");
    assert!(matches!(found, Err(Failure::NoAnswer { .. })));
    assert_eq!(asked.len(), 2);
    let resolver = Resolver {
        hosts: PathBuf::from("/nonexistent"),
        resolv_conf: PathBuf::from("/nonexistent"),
        port: 1,
        cancel: Cancel::new().unwrap(),
    };
    let error = resolver.addresses("h.example").unwrap_err();
    assert!(error.is_transient(), "{error}");
    for bad in ["a..b", &"a".repeat(64), &"a.".repeat(128)] {
        assert!(!resolver.addresses(bad).unwrap_err().is_transient());
    }
}

#[test]
fn numbers_and_localhost_need_no_server() {
    let resolver = Resolver {
        hosts: PathBuf::from("/nonexistent"),
        resolv_conf: PathBuf::from("/nonexistent"),
        port: 1,
        cancel: Cancel::new().unwrap(),
    };
    for host in ["localhost", "LocalHost.", "a.localhost"] {
        assert_eq!(
            resolver.addresses(host).unwrap(),
            [ip("127.0.0.1"), ip("::1")]
        );
    }
    assert_eq!(resolver.addresses("::1").unwrap(), [ip("::1")]);
    assert_eq!(resolver.addresses("192.0.2.1").unwrap(), [ip("192.0.2.1")]);
}
