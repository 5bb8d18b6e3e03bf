//! A DNS server with a table (RFC 1035), on UDP and TCP of the same port.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::service::Service;

/// Answers A, AAAA and CNAME from its table, the empty answer for a name that has other types, and NXDOMAIN for a name
/// it does not know. Queries of more than one question are not answered.
pub struct Dns {
    tcp: Service,
    udp: Option<JoinHandle<()>>,
    zone: Arc<Zone>,
}

#[derive(Default)]
struct Zone {
    addresses: Mutex<HashMap<String, Vec<IpAddr>>>,
    aliases: Mutex<HashMap<String, String>>,
    queries: Mutex<Vec<String>>,
    silent: AtomicBool,
    truncating: AtomicBool,
    ended: AtomicBool,
}

impl Dns {
    /// On a port of its own on 127.0.0.1.
    pub fn start() -> Self {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    pub fn bind(address: SocketAddr) -> Self {
        let zone = Arc::new(Zone::default());
        let tcp = Service::start(address, {
            let zone = zone.clone();
            move |mut stream, _| {
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                    let read = stream.read_exact(&mut query);
                    let Some(answer) = read.ok().and_then(|()| zone.answer(&query, false)) else {
                        return;
                    };
                    let mut message = (answer.len() as u16).to_be_bytes().to_vec();
                    message.extend(answer);
                    let _ = stream.write_all(&message);
                }
            }
        });
        let socket = UdpSocket::bind(tcp.address()).unwrap();
        let udp = thread::spawn({
            let zone = zone.clone();
            move || serve_udp(&socket, &zone)
        });
        Self {
            tcp,
            udp: Some(udp),
            zone,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.tcp.address()
    }

    /// Adds an address of a name; A or AAAA by its family.
    pub fn host(self, name: &str, address: IpAddr) -> Self {
        let mut addresses = self.zone.addresses.lock().unwrap();
        addresses.entry(name.to_owned()).or_default().push(address);
        drop(addresses);
        self
    }

    /// Makes `name` another name of `target`.
    pub fn alias(self, name: &str, target: &str) -> Self {
        let mut aliases = self.zone.aliases.lock().unwrap();
        aliases.insert(name.to_owned(), target.to_owned());
        drop(aliases);
        self
    }

    /// Whether queries are read but not answered. May change while it runs.
    pub fn set_silent(&self, silent: bool) {
        self.zone.silent.store(silent, Ordering::Relaxed);
    }

    /// Sends every answer over UDP without its records and marked as truncated, so that TCP has to be used.
    pub fn truncating(self) -> Self {
        self.zone.truncating.store(true, Ordering::Relaxed);
        self
    }

    /// Every question so far as `udp A name`.
    pub fn queries(&self) -> Vec<String> {
        self.zone.queries.lock().unwrap().clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.zone.ended.store(true, Ordering::Relaxed);
        if let Some(udp) = self.udp.take() {
            let _ = udp.join();
        }
    }
}

fn serve_udp(socket: &UdpSocket, zone: &Zone) {
    (socket.set_read_timeout(Some(Duration::from_millis(50)))).unwrap();
    let mut buffer = [0; 4096];
    while !zone.ended.load(Ordering::Relaxed) {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        if let Some(answer) = zone.answer(&buffer[..length], true) {
            let _ = socket.send_to(&answer, peer);
        }
    }
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

impl Zone {
    fn answer(&self, query: &[u8], over_udp: bool) -> Option<Vec<u8>> {
        let (name, end) = read_name(query, 12)?;
        let asked = u16::from_be_bytes(query.get(end..end + 2)?.try_into().unwrap());
        let kind = [(A, "A"), (AAAA, "AAAA")]
            .into_iter()
            .find(|known| known.0 == asked);
        let kind = kind.map_or_else(|| asked.to_string(), |known| known.1.to_owned());
        let via = if over_udp { "udp" } else { "tcp" };
        (self.queries.lock().unwrap()).push(format!("{via} {kind} {name}"));
        if self.silent.load(Ordering::Relaxed) {
            return None;
        }
        let (known, records) = self.records(&name, asked);
        let truncated = over_udp && self.truncating.load(Ordering::Relaxed);
        let records = if truncated { Vec::new() } else { records };

        // Header: the query's number; answer, authoritative, recursion; NXDOMAIN or not; one question.
        let mut message = query[..2].to_vec();
        message.push(0x85 | if truncated { 2 } else { 0 });
        message.push(if known { 0x80 } else { 0x83 });
        message.extend([0, 1]);
        message.extend((records.len() as u16).to_be_bytes());
        message.extend([0, 0, 0, 0]);
        message.extend(query.get(12..end + 4)?);
        records.iter().for_each(|record| message.extend(record));
        Some(message)
    }

    /// Whether the name exists, and its records of that type, with the aliases that lead there.
    fn records(&self, name: &str, asked: u16) -> (bool, Vec<Vec<u8>>) {
        let mut records = Vec::new();
        let mut name = name.to_owned();
        // A table with a loop in it is a fine test: it ends after 16 steps.
        for _ in 0..16 {
            let aliases = self.aliases.lock().unwrap();
            let Some(target) = aliases.get(&name) else {
                break;
            };
            records.push(record(&name, CNAME, &encode_name(target)));
            name = target.clone();
        }
        let addresses = self.addresses.lock().unwrap();
        let Some(addresses) = addresses.get(&name) else {
            return (!records.is_empty(), records);
        };
        for address in addresses {
            match address {
                IpAddr::V4(v4) if asked == A => records.push(record(&name, A, &v4.octets())),
                IpAddr::V6(v6) if asked == AAAA => records.push(record(&name, AAAA, &v6.octets())),
                _ => {}
            }
        }
        (true, records)
    }
}

/// The name at `position`, in lower case, and where it ends. Queries hold no compressed names.
fn read_name(message: &[u8], mut position: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*message.get(position)?);
        position += 1;
        if length == 0 {
            return Some((labels.join("."), position));
        }
        let label = message.get(position..position + length)?;
        labels.push(String::from_utf8_lossy(label).to_lowercase());
        position += length;
    }
}

fn encode_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// A record of class IN that may be kept for a second.
fn record(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = encode_name(name);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 0, 1]);
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}
