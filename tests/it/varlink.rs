//! systemd-importd by Varlink, without any bus.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use importd::wire::varlink::{
    CallError, Client, DOCUMENTS, Parameters, REGISTRY_PATH, SOCKET_PATH, Value,
};
use rustix::process::Signal;

use super::kit::{Bus, Case, Reply, Running, image, need, tool};

/// Longer than anything takes.
const DEADLINE: Duration = Duration::from_secs(60);
const PULL: &str = "io.systemd.Import.Pull";
const LIST: &str = "io.systemd.Import.ListTransfers";
const PING: &str = "io.systemd.service.Ping";

/// A daemon that serves, and no bus far and wide.
#[track_caller]
fn served(case: &Case) -> Running {
    let daemon = case.daemon(&Bus::absent());
    until(|| UnixStream::connect(case.root().join(SOCKET_PATH)).is_ok());
    daemon
}

#[track_caller]
fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn connect(case: &Case) -> UnixStream {
    let socket = UnixStream::connect(case.root().join(SOCKET_PATH)).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

fn client(case: &Case) -> Client<UnixStream> {
    Client::new(connect(case))
}

/// What a method comes to: its values, or the name of its error with the values of that.
fn call(case: &Case, method: &str, parameters: Parameters) -> Result<Parameters, String> {
    client(case).call(method, parameters).map_err(told)
}

/// The same of a method that may answer more than once.
fn call_more(case: &Case, method: &str, parameters: Parameters) -> Vec<Result<Parameters, String>> {
    let replies = client(case).call_more(method, parameters).unwrap();
    replies.map(|reply| reply.map_err(told)).collect()
}

#[track_caller]
fn told(error: CallError) -> String {
    match error {
        CallError::Method(failure) if failure.parameters.is_empty() => failure.name,
        CallError::Method(failure) => {
            format!("{} {}", failure.name, Value::from(failure.parameters))
        }
        other => panic!("{other}"),
    }
}

fn none() -> Parameters {
    Parameters::new()
}

/// The least that a pull takes, with what must not be checked.
fn pull(url: &str) -> Parameters {
    none()
        .with("remote", url)
        .with("type", "raw")
        .with("class", "machine")
        .with("verify", "no")
}

/// What is sent is heard to the end of the connection.
fn raw(case: &Case, bytes: &[u8]) -> String {
    let mut socket = connect(case);
    // It may end before all is said.
    let _ = socket.write_all(bytes);
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    let _ = socket.read_to_end(&mut heard);
    String::from_utf8(heard).unwrap()
}

/// A server's answer that does not come.
fn hanging(case: &Case, name: &str) -> String {
    case.server().put(&format!("/{name}"), Reply::silence());
    format!("{}/{name}", case.server().url())
}

/// Ends the daemon, and says what it said. Without a bus there is no other way to end a transfer.
#[track_caller]
fn end(daemon: Running) -> String {
    daemon.signal(Signal::TERM);
    daemon.wait().ok().stderr_text()
}

#[test]
fn a_pull_is_told_of_from_its_number_to_its_end() {
    let case = Case::new().serve("img.raw.xz");
    let _daemon = served(&case);
    let url = case.fill("{url}/img.raw.xz");
    let replies = call_more(&case, PULL, pull(&url));
    let replies: Vec<_> = replies.into_iter().map(Result::unwrap).collect();
    assert_eq!(replies[0], none().with("id", 1));
    assert_eq!(replies.last().unwrap(), &none());
    let logs = replies.iter().filter_map(|reply| reply.value("log"));
    let logs: Vec<_> = logs.collect();
    assert!(logs.len() > 1);
    for log in logs {
        assert!(log["message"].is_string());
        assert!(matches!(log["priority"].as_i64(), Some(28..=30)), "{log}");
    }
    let progress = replies.iter().filter_map(|reply| reply.value("progress"));
    let progress: Vec<_> = progress.map(|value| value.as_f64().unwrap()).collect();
    assert!(progress.is_sorted() && progress.iter().all(|it| (0.0..=1.0).contains(it)));
    assert!(!progress.is_empty());
    let path = case.image_dir("machine").join("img.raw");
    assert_eq!(fs::read(path).unwrap(), image());
    // By itself no copy is kept.
    assert_eq!(case.images("machine").names(), ["img.raw"]);
}

#[test]
fn without_more_the_number_is_all_and_the_transfer_goes_on() {
    let case = Case::new().serve("img.raw").serve("other.raw");
    let daemon = served(&case);
    let mut client = client(&case);
    let parameters = pull(&case.fill("{url}/img.raw"))
        .with("local", "a")
        .with("readOnly", true);
    let reply = client.call(PULL, parameters).unwrap();
    assert_eq!(reply, none().with("id", 1));
    // Who wants no answer gets none; what comes next is the answer to the next.
    let parameters = none()
        .with("remote", case.fill("{url}/other.raw"))
        .with("type", "raw")
        .with("class", "sysext")
        .with("verify", "no")
        .with("local", "-");
    client.call_oneway(PULL, parameters).unwrap();
    assert_eq!(client.call(PING, none()).unwrap(), none());
    drop(client);
    until(|| case.image_dir("machine").join("a.raw").exists());
    assert_eq!(case.images("machine").entry("a.raw").mode, 0o444);
    until(|| {
        let images = fs::read_dir(case.image_dir("sysext"));
        let names = images.into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().into_string().unwrap())
            .any(|name| name.starts_with(".raw-"))
    });
    until(|| connections(&daemon) == 0);
    end(daemon);
}

/// How many threads the daemon has whose names begin so. A thread has its starter's name at first.
fn threads(daemon: &Running, what: &str) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
    let names = tasks.flatten().map(|task| {
        let name = fs::read_to_string(task.path().join("comm"));
        name.unwrap_or_default()
    });
    names.filter(|name| name.starts_with(what)).count()
}

/// How many connections it serves, beside the thread that lets them in.
fn connections(daemon: &Running) -> usize {
    threads(daemon, "varlink") - 1
}

/// A pull with these parameters in place of the usual ones or beside them.
fn pull_with(changes: &[(&str, Value)]) -> Parameters {
    let mut all = none();
    for (name, usual) in [
        ("remote", "http://127.0.0.1:1/a.raw"),
        ("type", "raw"),
        ("class", "machine"),
    ] {
        if !changes.iter().any(|(changed, _)| *changed == name) {
            all = all.with(name, usual);
        }
    }
    changes
        .iter()
        .fold(all, |all, (name, value)| all.with(name, value.clone()))
}

fn invalid(name: &str) -> Result<Parameters, String> {
    Err(format!(
        "org.varlink.service.InvalidParameter {{\"parameter\":\"{name}\"}}"
    ))
}

fn values<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Vec<Value> {
    values.into_iter().map(Into::into).collect()
}

#[test]
fn what_makes_no_sense_is_refused_by_its_name() {
    let case = Case::new();
    let _daemon = served(&case);
    let hash = "a".repeat(64);
    for (name, words) in [
        ("remote", values(["", "nope", "ftp://h/a.raw"])),
        ("local", values(["", "a/b", "..", ".host"])),
        ("type", values(["oci", ""])),
        ("class", values(["vm", ""])),
        ("verify", values(["yes", "", &hash])),
        ("force", values(["yes"])),
        ("readOnly", values(["x"])),
        ("keepDownload", values(["no"])),
        ("imageRoot", values(["rel", "", "/a/../b", "/a//b"])),
        ("allowInteractiveAuthentication", values(["x"])),
        ("checksum", values(["abc", &"g".repeat(64)])),
        ("bogus", values(["x"])),
    ] {
        for value in [words, values([5])].concat() {
            let told = call(&case, PULL, pull_with(&[(name, value.clone())]));
            assert_eq!(told, invalid(name), "{value}");
        }
    }
    // `null` is as none where there need be none.
    for name in ["remote", "type", "class", "bogus"] {
        let told = call(&case, PULL, pull_with(&[(name, Value::Null)]));
        assert_eq!(told, invalid(name));
    }
    assert!(!case.image_dir("machine").exists());
}

#[test]
fn of_several_mistakes_the_first_is_told() {
    let case = Case::new();
    let _daemon = served(&case);
    let bad = || "a/b".into();
    for (parameters, name) in [
        (none(), "remote"),
        (none().with("bogus", 1).with("type", "x"), "remote"),
        // Each field first, then what the URL says, then the name.
        (pull_with(&[("bogus", 1.into()), ("force", bad())]), "force"),
        (
            pull_with(&[("remote", bad()), ("local", bad()), ("force", bad())]),
            "force",
        ),
        (pull_with(&[("remote", bad()), ("local", bad())]), "remote"),
        (pull_with(&[("local", bad())]), "local"),
    ] {
        assert_eq!(call(&case, PULL, parameters), invalid(name));
    }
}

#[test]
fn the_log_level_is_told_and_set() {
    let case = Case::new();
    let _daemon = served(&case);
    let level = || call(&case, "io.systemd.service.GetLogLevel", none());
    let set = |value: Value| {
        let parameters = none().with("level", value);
        call(&case, "io.systemd.service.SetLogLevel", parameters)
    };
    assert_eq!(level(), Ok(none().with("level", 6)));
    for (value, number) in [
        (7.into(), 7),
        ("5".into(), 5),
        (3.0.into(), 3),
        (Value::Null, 6),
        (0.into(), 0),
    ] {
        assert_eq!(set(value), Ok(none()));
        assert_eq!(level(), Ok(none().with("level", number)));
    }
    let numbers = [values([8, -1]), values([3.5, 1e30])].concat();
    for value in [numbers, values(["debug", "", "+5"]), values([true])].concat() {
        assert_eq!(set(value.clone()), invalid("level"), "{value}");
    }
    let none_given = call(&case, "io.systemd.service.SetLogLevel", none());
    assert_eq!(none_given, invalid("level"));
}

#[test]
fn the_service_tells_what_it_is_and_has() {
    let case = Case::new().env("TEXT", "value");
    let _daemon = served(&case);
    let call = |method: &str, parameters| call(&case, method, parameters);
    assert_eq!(call(PING, none()), Ok(none()));
    assert_eq!(call(PING, none().with("x", 1)), invalid("x"));
    let environment = call("io.systemd.service.GetEnvironment", none()).unwrap();
    let environment = environment.value("environment").unwrap();
    assert!(
        environment
            .as_array()
            .unwrap()
            .contains(&"TEXT=value".into())
    );
    let info = call("org.varlink.service.GetInfo", none()).unwrap();
    let product = info.value("product").unwrap().as_str().unwrap();
    assert!(product.contains("systemd-importd"));
    let interfaces: Vec<_> = DOCUMENTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(info.value("interfaces"), Some(&interfaces.into()));
    let describe = "org.varlink.service.GetInterfaceDescription";
    for (name, document) in DOCUMENTS {
        let described = call(describe, none().with("interface", name));
        assert_eq!(described, Ok(none().with("description", document)));
    }
    assert_eq!(
        call(describe, none().with("interface", "x.y")).unwrap_err(),
        "org.varlink.service.InterfaceNotFound {\"interface\":\"x.y\"}"
    );
    assert_eq!(call(describe, none()), invalid("interface"));
}

#[test]
fn what_is_not_there_cannot_be_called() {
    let case = Case::new();
    let _daemon = served(&case);
    for method in [
        "io.systemd.service.Reload",
        "io.systemd.X",
        "no.such.Method",
        "Ping",
        "",
        ".",
    ] {
        let unknown = format!("org.varlink.service.MethodNotFound {{\"method\":\"{method}\"}}");
        assert_eq!(call(&case, method, none()), Err(unknown));
    }
    assert_eq!(
        call(&case, LIST, none().with("bogus", 1)).unwrap_err(),
        "org.varlink.service.ExpectedMore"
    );
    let listed = call_more(&case, LIST, none());
    assert_eq!(listed, [Err("io.systemd.Import.NoTransfers".to_owned())]);
    let listed = call_more(&case, LIST, none().with("class", "vm"));
    assert_eq!(listed, [invalid("class")]);
}

#[test]
fn an_environment_that_is_no_text_is_not_told() {
    let case = Case::new().through(["sh", "-c", "X=$(printf '\\377') exec \"$@\"", "sh"]);
    let _daemon = served(&case);
    let told = call(&case, "io.systemd.service.GetEnvironment", none());
    let name = "io.systemd.service.InconsistentEnvironment";
    assert_eq!(told, Err(name.to_owned()));
}

#[test]
fn transfers_are_listed_and_none_is_started_twice() {
    let case = Case::new();
    let daemon = served(&case);
    let url = hanging(&case, "slow.raw");
    let begin = |parameters| call(&case, PULL, parameters);
    assert_eq!(begin(pull(&url)), Ok(none().with("id", 1)));
    let again = format!("io.systemd.Import.AlreadyInProgress {{\"remote\":\"{url}\"}}");
    assert_eq!(begin(pull(&url).with("local", "other")), Err(again.clone()));
    // Names are looked at before, and the other form is another thing.
    assert!(
        begin(pull(&url).with("local", "a/b"))
            .unwrap_err()
            .contains("local")
    );
    let tree = none()
        .with("remote", url.as_str())
        .with("type", "tar")
        .with("class", "sysext")
        .with("verify", "no")
        .with("local", "-");
    assert_eq!(begin(tree), Ok(none().with("id", 2)));
    let row = |id: u32, kind: &str, local: &str, class: &str| {
        none()
            .with("id", id)
            .with("type", kind)
            .with("remote", url.as_str())
            .with("local", local)
            .with("class", class)
    };
    // How far they have come is another matter.
    let list = |parameters| {
        let replies = call_more(&case, LIST, parameters);
        let replies = replies.into_iter().map(Result::unwrap);
        let without = |reply: Parameters| {
            let percent = reply.value("percent").unwrap().as_f64().unwrap();
            assert!(percent == -f64::MAX || (0.0..=1.0).contains(&percent));
            let Value::Object(fields) = Value::from(reply) else {
                panic!("no object")
            };
            let fields = fields.into_iter().filter(|(name, _)| name != "percent");
            fields.fold(none(), |all, (name, value)| all.with(&name, value))
        };
        replies.map(without).collect::<Vec<_>>()
    };
    let (first, second) = (
        row(1, "pull_raw", "slow", "machine"),
        row(2, "pull_tar", "", "sysext"),
    );
    assert_eq!(list(none()), [first.clone(), second.clone()]);
    assert_eq!(list(none().with("class", "sysext")), [second]);
    assert_eq!(list(none().with("class", Value::Null)).len(), 2);
    let none_left = call_more(&case, LIST, none().with("class", "confext"));
    assert_eq!(none_left, [Err("io.systemd.Import.NoTransfers".to_owned())]);
    end(daemon);
}

#[test]
fn a_pull_that_fails_or_is_cancelled_says_so_last() {
    let case = Case::new().serve_as("gone.raw", Reply::status(404));
    let daemon = served(&case);
    let failed = call_more(&case, PULL, pull(&case.fill("{url}/gone.raw")));
    let last = failed.last().unwrap();
    assert_eq!(last, &Err("io.systemd.Import.TransferFailed".to_owned()));
    let reason = failed[failed.len() - 2].as_ref().unwrap();
    assert_eq!(reason.value("log").unwrap()["priority"], 27);
    let url = hanging(&case, "slow.raw");
    let mut replies = client(&case).call_more(PULL, pull(&url)).unwrap();
    replies.next().unwrap().unwrap();
    let _idle = connect(&case);
    let begun = Instant::now();
    let said = end(daemon);
    assert!(begun.elapsed() < Duration::from_secs(10), "{said}");
    let last = replies.last().unwrap().unwrap_err();
    assert_eq!(told(last), "io.systemd.Import.TransferCancelled");
    for path in [SOCKET_PATH, REGISTRY_PATH] {
        assert!(case.root().join(path).symlink_metadata().is_err(), "{path}");
    }
    assert!(case.images("machine").names().is_empty());
}

#[test]
fn images_go_where_they_are_told_to_and_must_be_what_was_promised() {
    let case = Case::new().serve("img.raw").root_file("srv/x", "");
    let _daemon = served(&case);
    let url = case.fill("{url}/img.raw");
    let last = |parameters| call_more(&case, PULL, parameters).pop().unwrap();
    let failed = Err("io.systemd.Import.TransferFailed".to_owned());
    let digest = importd::stream::sha256(&image()).to_string();
    let into_srv = |name: &str| {
        let parameters = none().with("remote", url.as_str()).with("type", "raw");
        parameters
            .with("class", "machine")
            .with("local", name)
            .with("imageRoot", "/srv/images")
    };
    assert_eq!(
        last(into_srv("a").with("checksum", digest.as_str())),
        Ok(none())
    );
    let wrong = "0".repeat(64);
    assert_eq!(last(into_srv("b").with("checksum", wrong)), failed);
    // By itself a signature is asked for, of which there is none.
    assert_eq!(last(into_srv("b")), failed);
    assert_eq!(last(into_srv("a").with("verify", "no")), failed);
    let again = into_srv("a").with("verify", "no").with("force", true);
    assert_eq!(last(again), Ok(none()));
    // The root is that of what is served.
    assert!(case.root().join("srv/images/a.raw").exists());
    assert!(!Path::new("/srv/images").exists() && !case.image_dir("machine").exists());
}

#[test]
fn so_many_transfers_go_on_at_once_and_no_more() {
    let case = Case::new();
    let daemon = served(&case);
    let mut client = client(&case);
    for number in 1..=65 {
        let url = hanging(&case, &format!("{number}.raw"));
        let begun = client.call(PULL, pull(&url));
        match number {
            65 => assert_eq!(
                told(begun.unwrap_err()),
                "io.systemd.System {\"origin\":\"linux\",\"errno\":7,\"errnoName\":\"E2BIG\"}"
            ),
            _ => assert_eq!(begun.unwrap(), none().with("id", number)),
        }
    }
    end(daemon);
    assert!(case.images("machine").names().is_empty());
}

#[test]
fn what_is_no_call_ends_its_connection_alone() {
    let case = Case::new();
    let daemon = served(&case);
    let mut bystander = client(&case);
    bystander.call(PING, none()).unwrap();
    let ping = "{\"method\":\"io.systemd.service.Ping\"}\0";
    assert_eq!(raw(&case, ping.repeat(3).as_bytes()), "{}\0{}\0{}\0");
    // Also by a client that speaks another language, and one that never comes to an end.
    let long = vec![b' '; 4 << 20];
    let deep = "[".repeat(100_000) + "\0";
    for bytes in [
        &b"garbage\0"[..],
        b"\0",
        b"[]\0",
        b"{}\0",
        b"{\"method\":\"io.systemd.service.Ping\",\"more\":\"yes\"}\0",
        b"{\"method\":\"io.systemd.service.Ping\",\"parameters\":{\"x\":\"\xff\"}}\0",
        b"GET / HTTP/1.1\r\n\r\n\0",
        b"{\"method\":",
        deep.as_bytes(),
        &long,
    ] {
        let said = [ping.as_bytes(), bytes, ping.as_bytes()].concat();
        let heard = raw(&case, &said);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        // A connection that is closed with something unread takes along what was on its way.
        assert!(matches!(heard.as_str(), "{}\0" | ""), "{shown}: {heard}");
    }
    assert_eq!(
        raw(
            &case,
            b"{\"method\":\"io.systemd.service.Ping\",\"parameters\":{\"x\":1,\"x\":1}}\0"
        ),
        "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"x\"}}\0"
    );
    bystander.call(PING, none()).unwrap();
    drop(bystander);
    until(|| connections(&daemon) == 0);
}

#[test]
fn the_socket_may_be_the_service_managers() {
    if !need("python3") {
        return;
    }
    let case = Case::new().serve("img.raw");
    let path = case.dir().join("socket");
    let script = format!(
        "import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind({:?})
s.listen()
os.dup2(s.fileno(), 4)
os.environ.update(LISTEN_FDS='2', LISTEN_FDNAMES='other:varlink', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])",
        path.to_str().unwrap()
    );
    let case = case.through(["python3", "-c", &script]);
    let daemon = case.daemon(&Bus::absent());
    until(|| UnixStream::connect(&path).is_ok());
    let mut client = Client::new(UnixStream::connect(&path).unwrap());
    client.call(PING, none()).unwrap();
    let url = case.fill("{url}/img.raw");
    let replies = client.call_more(PULL, pull(&url)).unwrap();
    assert!(replies.last().unwrap().is_ok());
    // Nothing of our own is made beside it, and nothing of others is removed.
    assert!(!case.root().join("run").exists());
    end(daemon);
    assert!(path.exists());
}

#[test]
fn the_real_client_takes_what_is_said() {
    if !need("varlinkctl") {
        return;
    }
    let case = Case::new().serve("img.raw");
    let _daemon = served(&case);
    let socket = case.root().join(REGISTRY_PATH);
    let socket = socket.to_str().unwrap();
    for (name, _) in DOCUMENTS {
        let shown = tool("varlinkctl", ["introspect", socket, name]);
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains(&format!("interface {name}")), "{shown}");
    }
    let info = tool("varlinkctl", ["-j", "info", socket]);
    assert!(
        String::from_utf8(info)
            .unwrap()
            .contains("io.systemd.Import")
    );
    let url = case.fill("{url}/img.raw");
    let parameters = Value::from(pull(&url)).to_string();
    let replies = tool(
        "varlinkctl",
        ["-j", "--more", "call", socket, PULL, &parameters],
    );
    let replies = String::from_utf8(replies).unwrap();
    assert!(replies.contains("\"id\":1"), "{replies}");
    assert!(case.image_dir("machine").join("img.raw").exists());
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let case = Case::new();
    let daemon = served(&case);
    let opened = || {
        let fds = fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap();
        let mut names: Vec<_> = fds
            .flatten()
            .filter_map(|fd| fs::read_link(fd.path()).ok())
            .collect();
        names.sort();
        names
    };
    let all_gone = || connections(&daemon) == 0 && threads(&daemon, "transfer") == 0;
    // Whoever has waited for the socket came before.
    client(&case).call(PING, none()).unwrap();
    until(all_gone);
    let before = opened();
    let file = |number: u32| {
        let path = case.dir().join(format!("{number}.raw"));
        fs::write(&path, image()).unwrap();
        format!("file://{}", path.display())
    };
    for number in 0..100 {
        let url = file(number);
        if number % 5 == 0 {
            client(&case).call_oneway(PULL, pull(&url)).unwrap();
            continue;
        }
        let mut replies = client(&case).call_more(PULL, pull(&url)).unwrap();
        match number % 4 {
            // As soon as it is heard, in the middle, and at the end.
            0 => {}
            1 => drop(replies.next().unwrap().unwrap()),
            2 => drop(replies.by_ref().take(3).count()),
            _ => assert!(replies.last().unwrap().is_ok()),
        }
    }
    let complete = || {
        let images = fs::read_dir(case.image_dir("machine"));
        let names = images.into_iter().flatten().flatten();
        let names = names.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with('.')).count()
    };
    until(|| complete() == 100);
    until(all_gone);
    until(|| opened() == before);
}
