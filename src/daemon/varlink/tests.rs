//! The server within its bounds: slow clients, silent ones, many of them, and ones that go.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::entrance::Entrance;
use super::server::{Limits, Server, serve_within};
use crate::daemon::activity::Activity;
use crate::daemon::authority::Authority;
use crate::daemon::log::ChangingLog;
use crate::daemon::service::Service;
use crate::report::{self, Reporter};
use crate::store::Roots;
use crate::stream::Cancel;
use crate::transfer::{Manager, Settings};
use crate::wire::varlink::{CallError, Client, Parameters, SOCKET_PATH};

/// A root of the test's own and what serves it.
struct Home {
    root: PathBuf,
    service: Arc<Service>,
    stop: Cancel,
    server: Option<Server>,
}

const PATIENCE: Duration = Duration::from_millis(300);
const PING: &[u8] = b"{\"method\":\"io.systemd.service.Ping\"}\0";

impl Home {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("importd-varlink-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir(&root).unwrap();
        let reporter = Reporter::silent();
        let roots = Roots::open(&root, None).unwrap();
        let settings = Settings::new(roots, "test", |_| None, &reporter);
        let service = Arc::new(Service {
            manager: Manager::new(settings, Vec::new()),
            authority: Authority::default(),
            activity: Activity::new(),
            log: Arc::new(ChangingLog::new(report::Settings::default(), "test")),
            reporter: reporter.clone(),
            environment: vec![b"A=b".to_vec()],
        });
        let entrance = Entrance::bind(&root, &reporter).unwrap();
        let limits = Limits {
            connections: 512,
            per_user: 128,
            patience: PATIENCE,
        };
        let stop = Cancel::new().unwrap();
        let server = serve_within(limits, entrance, Arc::clone(&service), stop.clone());
        Self {
            root,
            service,
            stop,
            server: Some(server.unwrap()),
        }
    }

    fn connect(&self) -> UnixStream {
        let socket = UnixStream::connect(self.root.join(SOCKET_PATH)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        socket
    }

    fn client(&self) -> Client<UnixStream> {
        Client::new(self.connect())
    }

    fn connections(&self) -> usize {
        self.server.as_ref().unwrap().connections()
    }

    #[track_caller]
    fn wait_for_connections(&self, count: usize) {
        until(|| self.connections() == count);
    }

    /// What pulls of that URL are asked with.
    fn pull(&self, url: &str, local: &str) -> Parameters {
        Parameters::new()
            .with("remote", url)
            .with("local", local)
            .with("type", "raw")
            .with("class", "machine")
            .with("verify", "no")
    }

    fn has(&self, image: &str) -> bool {
        self.root.join("var/lib/machines").join(image).exists()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            assert_eq!(server.wait(Duration::from_secs(20)), 0);
        }
        self.service.manager.stop(Duration::from_secs(20));
        assert!(!self.root.join(SOCKET_PATH).exists());
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[track_caller]
fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came");
        sleep(Duration::from_millis(5));
    }
}

/// A URL whose answer does not come, until it is sent.
fn hanging() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/slow.raw", listener.local_addr().unwrap());
    (listener, url)
}

/// Answers one request with those bytes.
fn answer(listener: &TcpListener, body: &[u8]) {
    let (mut socket, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body).unwrap();
}

#[test]
fn a_message_that_does_not_end_is_waited_for_so_long_and_a_silent_client_for_ever() {
    let home = Home::new();
    let (mut silent, mut slow, mut dripping) = (home.connect(), home.connect(), home.connect());
    home.wait_for_connections(3);
    let begun = Instant::now();
    slow.write_all(b"{\"method\":").unwrap();
    for byte in b"{\"method\":\"aaaaaaaaaaaaaaaaaaaaa" {
        if dripping.write_all(&[*byte]).is_err() {
            break;
        }
        sleep(Duration::from_millis(50));
    }
    let mut buffer = [0; 10];
    assert_eq!(slow.read(&mut buffer).unwrap_or(0), 0);
    assert_eq!(dripping.read(&mut buffer).unwrap_or(0), 0);
    assert!(begun.elapsed() >= PATIENCE);
    home.wait_for_connections(1);
    silent.write_all(PING).unwrap();
    silent.read_exact(&mut buffer[..3]).unwrap();
    assert_eq!(&buffer[..3], b"{}\0");
}

#[test]
fn a_client_that_does_not_read_is_left() {
    let home = Home::new();
    let mut socket = home.connect();
    let call = b"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"io.systemd.Import\"}}\0";
    // In the end nobody reads ours either.
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    while socket.write_all(call).is_ok() {}
    home.wait_for_connections(0);
}

#[test]
fn a_hundred_clients_are_served_at_once() {
    let home = Home::new();
    let mut sockets: Vec<_> = (0..100).map(|_| home.connect()).collect();
    for socket in &mut sockets {
        socket.write_all(PING).unwrap();
    }
    for socket in &mut sockets {
        let mut reply = [0; 3];
        socket.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"{}\0");
    }
    assert_eq!(home.connections(), 100);
    assert_eq!(home.service.activity.idle_for(), None);
    drop(sockets);
    home.wait_for_connections(0);
    assert!(home.service.activity.idle_for().is_some());
}

#[test]
fn a_client_that_goes_leaves_its_transfer_and_no_thread() {
    let home = Home::new();
    let (listener, url) = hanging();
    let replies = home
        .client()
        .call_more("io.systemd.Import.Pull", home.pull(&url, "slow"));
    let mut replies = replies.unwrap();
    let first = replies.next().unwrap().unwrap();
    assert_eq!(first, Parameters::new().with("id", 1));
    drop(replies);
    home.wait_for_connections(0);
    assert_eq!(home.service.manager.transfers().len(), 1);
    answer(&listener, &[7; 4096]);
    until(|| home.service.manager.transfers().is_empty());
    assert!(home.has("slow.raw"));
}

#[test]
fn a_client_that_only_says_no_more_is_answered_to_the_last() {
    let home = Home::new();
    let (listener, url) = hanging();
    let mut socket = home.connect();
    let call = format!(
        "{{\"method\":\"io.systemd.Import.Pull\",\"more\":true,\"parameters\":{{\"remote\":\"{url}\",\"type\":\"raw\",\"class\":\"machine\",\"verify\":\"no\"}}}}\0"
    );
    socket.write_all(call.as_bytes()).unwrap();
    socket.write_all(PING).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    answer(&listener, &[7; 4096]);
    let mut heard = String::new();
    socket.read_to_string(&mut heard).unwrap();
    assert!(heard.starts_with("{\"parameters\":{\"id\":1},\"continues\":true}\0"));
    // The pull's last reply, and that to the call behind it.
    assert!(heard.ends_with("}\0{}\0{}\0"), "{heard}");
    assert!(home.has("slow.raw"));
}

#[test]
fn whoever_waits_is_told_of_a_cancellation_and_of_our_end() {
    let home = Home::new();
    let (_first, url) = hanging();
    let replies = home
        .client()
        .call_more("io.systemd.Import.Pull", home.pull(&url, "a"));
    let mut replies = replies.unwrap();
    replies.next().unwrap().unwrap();
    // As the daemon ends: transfers first.
    home.service.manager.stop(Duration::from_secs(20));
    home.stop.cancel();
    let last = replies.last().unwrap().unwrap_err();
    let CallError::Method(failure) = last else {
        panic!("{last}");
    };
    assert_eq!(failure.name, "io.systemd.Import.TransferCancelled");
    assert!(!home.has("a.raw"));
}

#[test]
fn nobody_is_kept_from_stopping_by_who_does_not_read_or_write() {
    let home = Home::new();
    let _silent = home.connect();
    let mut deaf = home.connect();
    let call = b"{\"method\":\"org.varlink.service.GetInfo\"}\0".repeat(20_000);
    deaf.set_write_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let _ = deaf.write_all(&call);
    let begun = Instant::now();
    drop(home);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
