//! What strangers may do by Varlink, and how many there may be of them.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use importd::wire::varlink::{Client, Parameters, SOCKET_PATH};

use crate::kit::{Bus, Case, need, need_root, tool};

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
    let begun = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
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
    let client = ["-c", CLIENT, socket.to_str().unwrap(), "140"];
    let said = said.iter().map(String::as_str);
    let heard = tool("python3", client.into_iter().chain(said));
    let denied = "{\"error\":\"org.varlink.service.PermissionDenied\"}";
    let invalid = |name: &str| {
        let error = "{\"error\":\"org.varlink.service.InvalidParameter\"";
        format!("{error},\"parameters\":{{\"parameter\":\"{name}\"}}}}")
    };
    // Those before have been closed by then, but not long ago.
    let heard = String::from_utf8(heard).unwrap();
    let (answers, let_in) = heard.trim_end().rsplit_once('\n').unwrap();
    let answers: Vec<_> = answers.lines().collect();
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
    let let_in: usize = let_in.parse().unwrap();
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
