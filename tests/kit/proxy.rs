//! A forward proxy: `GET` of whole URLs, `CONNECT`, and Basic authentication where asked for.

use std::io::{self, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::http::{Request, read_head};
use super::service::{Gate, Service};

/// Whatever host it is asked for, it connects to one server: names in tests need not resolve.
pub struct Proxy {
    service: Service,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Proxy {
    pub fn to(server: SocketAddr) -> Self {
        Self::start(server, None)
    }

    /// One that asks for this value in `Proxy-Authorization`, such as `Basic dXNlcjpwYXNz` for user:pass.
    pub fn with_password(server: SocketAddr, authorization: &'static str) -> Self {
        Self::start(server, Some(authorization))
    }

    fn start(server: SocketAddr, authorization: Option<&'static str>) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let service = Service::start(SocketAddr::from(([127, 0, 0, 1], 0)), {
            let requests = requests.clone();
            move |client, gate| {
                let mut client = BufReader::new(client);
                let Ok(Some(request)) = read_head(&mut client) else {
                    return;
                };
                requests.lock().unwrap().push(request.clone());
                let _ = if authorization != request.header("Proxy-Authorization") {
                    refuse(client.get_ref())
                } else {
                    relay(&client, &request, server, gate)
                };
            }
        });
        Self { service, requests }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.service.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.service.address()
    }

    /// Every request so far, those refused included.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn refuse(mut client: &TcpStream) -> io::Result<()> {
    client.write_all(
        b"HTTP/1.1 407 Who Are You\r\nProxy-Authenticate: Basic realm=\"kit\"\r\n\
          Content-Length: 0\r\nConnection: close\r\n\r\n",
    )
}

fn relay(
    client: &BufReader<&TcpStream>,
    request: &Request,
    server: SocketAddr,
    gate: &Gate,
) -> io::Result<()> {
    let upstream = TcpStream::connect(server)?;
    if !gate.admit(&upstream) {
        return Ok(());
    }
    let mut client_out = *client.get_ref();
    if request.method == "CONNECT" {
        client_out.write_all(b"HTTP/1.1 200 Go Ahead\r\n\r\n")?;
    } else {
        (&upstream).write_all(origin_form(request).as_bytes())?;
    }
    // What came in one packet with the head.
    (&upstream).write_all(client.buffer())?;
    let mut client_in = client_out;
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut client_in, &mut &upstream);
            let _ = upstream.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut &upstream, &mut client_out);
        let _ = client_out.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// The head as the server wants it: path instead of URL, one request per connection, nothing meant for the proxy.
fn origin_form(request: &Request) -> String {
    let (_, after_scheme) = request
        .target
        .split_once("//")
        .unwrap_or(("", &request.target));
    let path = after_scheme
        .find('/')
        .map_or("/", |slash| &after_scheme[slash..]);
    let mut head = format!(
        "{} {path} HTTP/1.1\r\nConnection: close\r\n",
        request.method
    );
    for (name, value) in &request.headers {
        let lower = name.to_lowercase();
        if !lower.starts_with("proxy-") && lower != "connection" {
            head += &format!("{name}: {value}\r\n");
        }
    }
    head + "\r\n"
}
