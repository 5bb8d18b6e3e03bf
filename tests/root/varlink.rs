//! What strangers may do by Varlink, and how many there may be of them.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use importd::wire::varlink::{Client, Parameters, SOCKET_PATH};

use crate::kit::{Bus, Case, Polkit, Reply, need, need_root, tool};

/// As a user who owns nothing: prints what is answered to each message, then opens so many connections at once, and prints
/// how many were let in. It becomes that user by itself, since the interpreter may lie where only root gets at it.
const CLIENT: &str = r#"
import os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
path, count, *messages = sys.argv[1:]
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(path)
    return s
def ask(s, message):
    s.sendall(message.encode() + b'\0')
    heard = b''
    while not heard.endswith(b'\0'):
        part = s.recv(65536)
        if not part:
            return None
        heard += part
    return heard[:-1].decode()
for message in messages:
    print(ask(connect(), message))
let_in, sockets = 0, []
for _ in range(int(count)):
    s = connect()
    sockets.append(s)
    try:
        let_in += ask(s, '{"method":"io.systemd.service.Ping"}') is not None
    except OSError:
        pass
print(let_in)
"#;

#[track_caller]
fn wait_for_socket(socket: &Path) {
    let begun = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a stranger hears who says that, and how many connections they are let have.
#[track_caller]
fn stranger(socket: &Path, count: &str, said: &[String]) -> (Vec<String>, usize) {
    let client = ["-c", CLIENT, socket.to_str().unwrap(), count];
    let said = said.iter().map(String::as_str);
    let heard = tool("python3", client.into_iter().chain(said));
    let mut lines: Vec<_> = String::from_utf8(heard)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let let_in = lines.pop().unwrap().parse().unwrap();
    (lines, let_in)
}

fn call(method: &str, parameters: &str) -> String {
    format!("{{\"method\":\"{method}\",\"parameters\":{{{parameters}}}}}")
}

#[test]
fn strangers_may_look_but_not_do_and_are_only_so_many() {
    if !need_root() || !need("python3") {
        return;
    }
    let case = Case::new();
    let daemon = case.daemon(&Bus::absent());
    let socket = case.root().join(SOCKET_PATH);
    wait_for_socket(&socket);
    let pull = "\"remote\":\"http://127.0.0.1:1/a.raw\",\"type\":\"raw\",\"class\":\"machine\"";
    let interactive = format!("{pull},\"allowInteractiveAuthentication\":true");
    let said = [
        call("io.systemd.service.SetLogLevel", "\"level\":3"),
        call("io.systemd.service.SetLogLevel", "\"level\":99"),
        call("io.systemd.service.GetLogLevel", ""),
        call("io.systemd.service.GetEnvironment", ""),
        call("io.systemd.Import.Pull", pull),
        call("io.systemd.Import.Pull", &interactive),
        call("io.systemd.Import.Pull", "\"remote\":5"),
    ];
    let denied = "{\"error\":\"org.varlink.service.PermissionDenied\"}";
    let invalid = |name: &str| {
        let error = "{\"error\":\"org.varlink.service.InvalidParameter\"";
        format!("{error},\"parameters\":{{\"parameter\":\"{name}\"}}}}")
    };
    let (answers, let_in) = stranger(&socket, "140", &said);
    assert_eq!(
        answers,
        [
            denied,
            &invalid("level"),
            "{\"parameters\":{\"level\":6}}",
            denied,
            denied,
            denied,
            &invalid("remote"),
        ]
    );
    // Those before have been closed by then, but not long ago.
    assert!((120..=128).contains(&let_in), "{let_in}");
    // Root is let in meanwhile and afterwards, however many there are.
    let sockets: Vec<_> = (0..300)
        .map(|_| UnixStream::connect(&socket).unwrap())
        .collect();
    for socket in sockets.iter().rev() {
        let mut client = Client::new(socket.try_clone().unwrap());
        let reply = client.call("io.systemd.service.Ping", Parameters::new());
        assert_eq!(reply.unwrap(), Parameters::new());
    }
    drop(daemon);
}

#[test]
fn polkit_is_asked_about_strangers_and_told_what_they_want() {
    if !need_root() || !need("python3") || !need("dbus-daemon") {
        return;
    }
    let case = Case::new().serve_as("a.raw", Reply::silence());
    let bus = Bus::new();
    let polkit = Polkit::new(&bus);
    let _daemon = case.daemon(&bus);
    let socket = case.root().join(SOCKET_PATH);
    wait_for_socket(&socket);
    let url = case.fill("{url}/a.raw");
    let pull = |more: &str| {
        let parameters = format!(
            "\"remote\":\"{url}\",\"local\":\"b\",\"type\":\"raw\",\"class\":\"sysext\",\"verify\":\"no\"{more}"
        );
        call("io.systemd.Import.Pull", &parameters)
    };
    let (answers, _) = stranger(&socket, "0", &[pull("")]);
    let needed = "{\"error\":\"io.systemd.InteractiveAuthenticationRequired\"}";
    assert_eq!(answers, [needed]);
    let asked = polkit.asked();
    assert_eq!(asked.action, "org.freedesktop.import1.pull");
    assert!(!asked.interactive);
    let details = [
        ("remote", url.as_str()),
        ("local", "b"),
        ("class", "sysext"),
        ("type", "raw"),
        ("verify", "no"),
    ];
    let details = details.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(asked.details, details.into());
    let (kind, what) = &asked.subject;
    assert_eq!(kind, "unix-process");
    assert_eq!(what["uid"].to_string(), "65534");
    // With their types before them.
    for (name, kind) in [("pid", "uint32"), ("start-time", "uint64")] {
        let shown = what[name].to_string();
        let number: Option<u64> = shown
            .strip_prefix(kind)
            .and_then(|number| number.trim().parse().ok());
        assert!(number.is_some_and(|number| number > 1), "{name}: {shown}");
    }
    let agreed = pull(",\"allowInteractiveAuthentication\":true");
    let (answers, _) = stranger(&socket, "0", &[agreed.clone(), agreed]);
    assert_eq!(answers[0], "{\"parameters\":{\"id\":1}}");
    assert!(polkit.asked().interactive);
    // The second is refused before anybody is asked.
    assert!(answers[1].contains("AlreadyInProgress"));
}
