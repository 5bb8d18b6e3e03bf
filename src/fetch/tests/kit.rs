//! Servers that say what a test wants, and a fetcher that finds them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::fetch::{Answer, Config, Error, Fetcher, Found};
use crate::report::{Progress, Record, Reporter, Sink};
use crate::stream::Cancel;
use crate::terms::Url;

/// Either kind of connection.
pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A server that records the heads of requests and answers each connection once.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` gets the number of the connection and the request's head.
    pub(super) fn new(
        answer: impl Fn(usize, &str, &mut dyn Stream) + Send + Sync + 'static,
    ) -> Self {
        Self::wrapped(|stream, talk| talk(stream), answer)
    }

    /// As `new`, with something around the connection.
    pub(super) fn wrapped(
        wrap: impl Fn(&mut TcpStream, &dyn Fn(&mut dyn Stream)) + Send + Sync + 'static,
        answer: impl Fn(usize, &str, &mut dyn Stream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let record = requests.clone();
        let (wrap, answer) = (Arc::new(wrap), Arc::new(answer));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let (wrap, answer, record) = (wrap.clone(), answer.clone(), record.clone());
                thread::spawn(move || {
                    wrap(&mut stream, &|stream| {
                        let head = read_head(stream);
                        record.lock().unwrap().push(head.clone());
                        answer(number, &head, stream);
                    });
                });
            }
        });
        Self { address, requests }
    }

    /// One that always says the same.
    pub(super) fn saying(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::new(move |_, _, stream| drop(stream.write_all(&response)))
    }

    pub(super) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    pub(super) fn request(&self, index: usize) -> String {
        self.requests.lock().unwrap()[index].clone()
    }

    pub(super) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

pub(super) fn read_head(stream: &mut dyn Stream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

pub(super) fn say(stream: &mut dyn Stream, text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
    stream.flush().unwrap();
}

/// The room's failure inside an error of a body.
pub(super) fn failure(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// Keeps a connection open until the other side has had enough.
pub(super) fn hold(stream: &mut dyn Stream) {
    while stream.read(&mut [0; 64]).unwrap_or(0) > 0 {}
}

/// Log lines.
#[derive(Default)]
pub(super) struct Log(pub(super) Mutex<Vec<String>>);

impl Sink for Log {
    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.message.to_owned());
    }
    fn progress(&self, _: Progress) {}
}

/// A fetcher and what is around it. By default it does not retry, and no name server exists.
pub(super) struct Case {
    pub(super) fetcher: Fetcher,
    pub(super) cancel: Cancel,
    pub(super) log: Arc<Log>,
}

impl Case {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new("importd/test".to_owned(), |_| None);
        config.hosts = PathBuf::from("/nonexistent/hosts");
        config.resolv_conf = PathBuf::from("/nonexistent/resolv.conf");
        config.name_server_port = 1;
        config.retry = Duration::ZERO;
        change(&mut config);
        let (cancel, log) = (Cancel::new().unwrap(), Arc::new(Log::default()));
        let fetcher = Fetcher::new(config, cancel.clone(), Reporter::new(log.clone()));
        Self {
            fetcher,
            cancel,
            log,
        }
    }

    pub(super) fn found(&self, url: &Url) -> Found {
        match self.fetcher.get(url, &[]) {
            Ok(Answer::Found(found)) => found,
            Ok(_) => panic!("`{url}` was not found"),
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn error(&self, url: &Url) -> Error {
        self.fetcher.get(url, &[]).err().unwrap()
    }

    pub(super) fn read(&self, url: &Url) -> std::io::Result<String> {
        let mut text = String::new();
        self.found(url).body.read_to_string(&mut text)?;
        Ok(text)
    }
}
