//! The server: a table of scripts, one per request target.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use super::super::service::{Gate, Service};
use super::reply::After;
use super::{Identity, Reply, Request, read_head};

/// A port that is free.
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An HTTP or HTTPS server on a port of its own. What no script covers is a 404. Ends when dropped, and with it every
/// connection it has, also those that stall.
pub struct Server {
    scheme: &'static str,
    service: Service,
    book: Arc<Book>,
}

/// What is to be answered and what was asked.
#[derive(Default)]
struct Book {
    scripts: Mutex<HashMap<String, Vec<Reply>>>,
    requests: Mutex<Vec<Request>>,
}

impl Server {
    pub fn http() -> Self {
        Self::http_at(LOCAL)
    }

    /// At another address of this machine; port 0 chooses one.
    pub fn http_at(address: SocketAddr) -> Self {
        Self::start("http", address, |book, stream, gate| {
            let _ = book.converse(stream, gate);
        })
    }

    /// On 127.0.0.1; `identity` says which names its certificate bears.
    pub fn https(identity: &Identity) -> Self {
        let config = identity.config();
        Self::start("https", LOCAL, move |book, stream, gate| {
            let mut stream = stream;
            let mut session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut tls = rustls::Stream::new(&mut session, &mut stream);
            let after = book.converse(&mut tls, gate);
            if after.is_ok_and(|after| after != After::Abort) {
                session.send_close_notify();
                let _ = session.write_tls(&mut stream);
            }
        })
    }

    /// Takes connections and says nothing at all on them, not even to a TLS greeting.
    pub fn mute(scheme: &'static str) -> Self {
        Self::start(scheme, LOCAL, |_, stream, _| {
            let mut stream = stream;
            let _ = io::copy(&mut stream, &mut io::sink());
        })
    }

    fn start(
        scheme: &'static str,
        address: SocketAddr,
        handler: impl Fn(&Book, &TcpStream, &Gate) + Send + Sync + 'static,
    ) -> Self {
        let book = Arc::new(Book::default());
        let service = Service::start(address, {
            let book = book.clone();
            move |stream, gate| handler(&book, stream, gate)
        });
        Self {
            scheme,
            service,
            book,
        }
    }

    /// Answers requests for that target, a path with its query, always the same way.
    pub fn put(&self, target: &str, reply: Reply) {
        self.script(target, [reply]);
    }

    /// Answers the first request for that target by the first reply, and so on; the last one stays.
    pub fn script(&self, target: &str, replies: impl Into<Vec<Reply>>) {
        let mut scripts = self.book.scripts.lock().unwrap();
        scripts.insert(target.to_owned(), replies.into());
    }

    pub fn address(&self) -> SocketAddr {
        self.service.address()
    }

    /// Without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address())
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.book.requests.lock().unwrap().clone()
    }

    /// The same as lines `GET /path`.
    pub fn request_lines(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }
}

impl Book {
    /// Answers requests until one side has enough.
    fn converse(&self, stream: impl Read + Write, gate: &Gate) -> io::Result<After> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_head(&mut stream)? {
            let reply = self.next_reply(&request);
            let after = reply.send(&request, stream.get_mut(), gate)?;
            if after != After::Reuse {
                return Ok(after);
            }
        }
        Ok(After::Close)
    }

    fn next_reply(&self, request: &Request) -> Reply {
        self.requests.lock().unwrap().push(request.clone());
        let mut scripts = self.scripts.lock().unwrap();
        match scripts.get_mut(&request.target).map(Vec::as_mut_slice) {
            None | Some([]) => Reply::status(404),
            Some([last]) => last.clone(),
            Some(_) => scripts.get_mut(&request.target).unwrap().remove(0),
        }
    }
}
