//! systemd-importd on a bus of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use importd::wire::bus::{
    INTROSPECTABLE, LOG_CONTROL, LOG_CONTROL_PATH, ListedImage, ListedTransferEx, MANAGER,
    MANAGER_PATH, NAME, PROPERTIES, TRANSFER, transfer_path,
};
use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use zbus::Fd;

use super::kit::{Bus, Case, Client, Reply, Running, archive, image, need, pack, tool};

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";

/// A case with its daemon, and a client of that.
fn served(case: &Case) -> Option<(Bus, Running, Client)> {
    need("dbus-daemon").then(|| {
        let bus = Bus::new();
        let daemon = case.daemon(&bus);
        let client = bus.client();
        (bus, daemon, client)
    })
}

fn fd(file: &impl AsFd) -> Fd<'_> {
    Fd::from(file.as_fd())
}

fn read_image(case: &Case, name: &str) -> Vec<u8> {
    fs::read(case.image_dir("machine").join(name)).unwrap()
}

/// A server's answer that does not come.
fn hanging(case: &Case) -> String {
    for name in ["/slow.raw", "/slow.raw.sha256"] {
        case.server().put(name, Reply::silence());
    }
    case.fill("{url}/slow.raw")
}

#[test]
fn a_pull_is_announced_answered_told_of_and_done() {
    let case = Case::new().serve("img.raw.xz");
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let url = case.fill("{url}/img.raw.xz");
    let id = client.begin("PullRaw", &(url.as_str(), "img", "no", false));
    assert_eq!(id, 1);
    let heard = client.until_over(id);
    assert_eq!(heard[..2], ["TransferNew", "reply"]);
    assert_eq!(heard.last().unwrap(), "done");
    assert!(heard.contains(&"LogMessage".to_owned()));
    assert!(heard.contains(&"ProgressUpdate".to_owned()));
    assert_eq!(read_image(&case, "img.raw"), image());
    // The old call keeps no copy, the new one if it is told to.
    assert_eq!(case.images("machine").names(), ["img.raw"]);
    let id = client.begin("PullRawEx", &(url.as_str(), "", "machine", "no", 4_u64));
    assert_eq!(client.result(id), "done");
    assert_eq!(case.images("machine").names().len(), 2);
    // It is gone by then.
    let (name, _) = client.property(id, "Progress").unwrap_err();
    assert_eq!(name, "org.freedesktop.DBus.Error.UnknownObject");
}

#[test]
fn images_come_from_files_pipes_sockets_and_directories() {
    let case = Case::new()
        .file("disk.raw.gz", pack("x.gz", &image()))
        .file("t.tar", archive());
    fs::create_dir(case.dir().join("tree")).unwrap();
    fs::write(case.dir().join("tree/file"), "content").unwrap();
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let open = |name: &str| File::open(case.dir().join(name)).unwrap();
    let disk = open("disk.raw.gz");
    let id = client.begin("ImportRaw", &(fd(&disk), "file", false, true));
    assert_eq!(client.result(id), "done");
    let image_file = case.images("machine");
    assert_eq!(image_file.entry("file.raw").mode, 0o444);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let id = client.begin("ImportRawEx", &(fd(&reader), "pipe", "sysext", 0_u64));
    assert_eq!(client.property(id, "Remote").unwrap(), "\"pipe\"");
    writer.write_all(&image()).unwrap();
    drop(writer);
    assert_eq!(client.result(id), "done");
    let (ours, theirs) = UnixStream::pair().unwrap();
    let id = client.begin("ImportTar", &(fd(&theirs), "socket", false, false));
    assert_eq!(client.property(id, "Type").unwrap(), "\"import-tar\"");
    drop(theirs);
    (&ours).write_all(&archive()).unwrap();
    drop(ours);
    assert_eq!(client.result(id), "done");
    let tree = open("tree");
    let id = client.begin("ImportFileSystem", &(fd(&tree), "tree", false, false));
    assert_eq!(client.result(id), "done");
    let names = case.images("machine");
    let names: Vec<_> = names
        .names()
        .into_iter()
        .filter(|name| !name.contains('/'))
        .collect();
    assert_eq!(names, ["file.raw", "socket", "tree"]);
    assert!(case.image_dir("sysext").join("pipe.raw").exists());
}

#[test]
fn images_go_to_files_pipes_and_sockets() {
    let case = Case::new()
        .root_file("var/lib/machines/disk.raw", image())
        .root_file("var/lib/machines/tree/file", "content")
        .file("out", "");
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let out = File::options()
        .write(true)
        .open(case.dir().join("out"))
        .unwrap();
    let id = client.begin("ExportRaw", &("disk", fd(&out), ""));
    assert_eq!(client.result(id), "done");
    assert_eq!(fs::read(case.dir().join("out")).unwrap(), image());
    let (mut reader, writer) = std::io::pipe().unwrap();
    client.begin(
        "ExportRawEx",
        &("disk", "machine", fd(&writer), "uncompressed", 0_u64),
    );
    drop(writer);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, image());
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let id = client.begin("ExportTar", &("tree", fd(&theirs), "gzip"));
    drop(theirs);
    bytes.clear();
    ours.read_to_end(&mut bytes).unwrap();
    assert_eq!(client.result(id), "done");
    assert!(bytes.starts_with(&[0x1f, 0x8b]));
    // What is not there fails, and is not refused.
    let id = client.begin("ExportTar", &("missing", fd(&out), ""));
    assert_eq!(client.result(id), "failed");
}

#[test]
fn what_makes_no_sense_is_refused_by_the_name_that_programs_know() {
    let case = Case::new().file("disk.raw", image());
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let file = File::open(case.dir().join("disk.raw")).unwrap();
    let url = "http://127.0.0.1:1/a.raw";
    let raw =
        |file: &File, name: &str| client.refused("ImportRaw", &(fd(file), name, false, false));
    let import = |name: &str, class: &str, flags: u64| {
        client.refused("ImportRawEx", &(fd(&file), name, class, flags))
    };
    let pull = |url: &str, name: &str, class: &str, mode: &str| {
        client.refused("PullTarEx", &(url, name, class, mode, 0_u64))
    };
    for refusal in [
        raw(&file, "a/b"),
        raw(&file, ""),
        import("a", "bogus", 0),
        import("a", "", 0),
        import("a", "machine", 4),
        import("a", "machine", 1 << 40),
        client.refused("ExportRaw", &("..", fd(&file), "")),
        client.refused("ExportRaw", &("a", fd(&file), "bogus")),
        client.refused("ExportRawEx", &("a", "machine", fd(&file), "", 1_u64)),
        pull("notaurl", "a", "machine", "no"),
        pull(url, "a/b", "machine", "no"),
        pull(url, "a", "bogus", "no"),
        pull(url, "a", "machine", "bogus"),
        client.refused("PullRawEx", &(url, "a", "machine", "no", 8_u64)),
        client.refused("PullOci", &("ref", "a", "bogus", 0_u64)),
        client.refused("CancelTransfer", &0_u32),
        client.refused("ListImages", &("bogus", 0_u64)),
        client.refused("ListImages", &("", 1_u64)),
        client.refused("ListTransfersEx", &("machine", 1_u64)),
        client.refused("PullRaw", &(url, "a")),
    ] {
        assert_eq!(refusal, INVALID);
    }
    assert!(!case.image_dir("machine").exists());
}

#[test]
fn descriptors_that_will_not_do_are_refused() {
    let case = Case::new().file("disk.raw", image());
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let path = case.dir().join("disk.raw");
    let open = |flags| File::from(rustix::fs::open(&path, flags, Mode::empty()).unwrap());
    let raw = |file: &File| client.refused("ImportRaw", &(fd(file), "a", false, false));
    for flags in [
        OFlags::PATH,
        OFlags::NONBLOCK,
        OFlags::WRONLY | OFlags::APPEND,
    ] {
        assert_eq!(raw(&open(flags)), "System.Error.EREMOTEIO", "{flags:?}");
    }
    assert_eq!(raw(&File::open(case.dir()).unwrap()), INVALID);
    assert_eq!(raw(&File::open("/dev/null").unwrap()), INVALID);
    let file = open(OFlags::RDONLY);
    let tree = client.refused("ImportFileSystem", &(fd(&file), "a", false, false));
    assert_eq!(tree, "System.Error.ENOTDIR");
    assert!(!case.image_dir("machine").exists());
}

#[test]
fn what_there_is_not_has_errors_of_its_own() {
    let case = Case::new();
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    assert_eq!(
        client.refused("CancelTransfer", &12345_u32),
        "org.freedesktop.import1.NoSuchTransfer"
    );
    let oci = client.refused("PullOci", &("docker.io/a", "a", "machine", 0_u64));
    assert_eq!(oci, "org.freedesktop.DBus.Error.NotSupported");
    let at = |path: &str, interface: &str, method: &str| {
        client
            .call((NAME, path, interface), method, &())
            .unwrap_err()
            .0
    };
    let unknown = "org.freedesktop.DBus.Error.Unknown";
    for (path, interface, method, what) in [
        ("/nowhere", MANAGER, "ListTransfers", "Object"),
        (
            "/org/freedesktop/import1/transfer/_7",
            TRANSFER,
            "Cancel",
            "Object",
        ),
        (MANAGER_PATH, TRANSFER, "Cancel", "Method"),
        (MANAGER_PATH, MANAGER, "Bogus", "Method"),
    ] {
        assert_eq!(at(path, interface, method), format!("{unknown}{what}"));
    }
}

#[test]
fn transfers_are_listed_described_and_cancelled() {
    let case = Case::new();
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let url = hanging(&case);
    let pull = (url.as_str(), "slow", "sysext", "checksum", 1_u64);
    let id = client.begin("PullRawEx", &pull);
    let list = |class: &str| -> Vec<ListedTransferEx> {
        let reply = client.manager("ListTransfersEx", &(class, 0_u64)).unwrap();
        reply.body().deserialize().unwrap()
    };
    let rows = list("");
    let (number, kind, remote, local, class, progress, path) = &rows[0];
    assert_eq!(
        (
            *number,
            kind.as_str(),
            remote,
            local.as_str(),
            class.as_str()
        ),
        (id, "pull-raw", &url, "slow", "sysext")
    );
    assert!(*progress <= 1.0 && path.as_str() == transfer_path(id));
    assert_eq!((list("sysext").len(), list("machine").len()), (1, 0));
    for (name, value) in [
        ("Id", format!("{id}")),
        ("Local", "\"slow\"".to_owned()),
        ("Remote", format!("\"{url}\"")),
        ("Type", "\"pull-raw\"".to_owned()),
        ("Verify", "\"checksum\"".to_owned()),
    ] {
        let shown = client.property(id, name).unwrap();
        assert!(shown.ends_with(&value), "{name} is {shown}");
    }
    let again = client.refused("PullRawEx", &pull);
    assert_eq!(again, "org.freedesktop.import1.TransferInProgress");
    client.manager("CancelTransfer", &id).unwrap();
    assert_eq!(client.result(id), "canceled");
    let id = client.begin("PullRawEx", &pull);
    let path = transfer_path(id);
    client.call((NAME, &path, TRANSFER), "Cancel", &()).unwrap();
    assert_eq!(client.result(id), "canceled");
    assert!(list("").is_empty() && case.images("sysext").names().is_empty());
}

#[test]
fn so_many_transfers_go_on_at_once_and_no_more() {
    let case = Case::new();
    let Some((_bus, daemon, client)) = served(&case) else {
        return;
    };
    let mut pipes = Vec::new();
    let mut import = |number: u32| {
        let (reader, writer) = std::io::pipe().unwrap();
        pipes.push(writer);
        let name = format!("image{number}");
        let reply = client.manager("ImportRaw", &(fd(&reader), name.as_str(), false, false));
        reply.map(drop)
    };
    for number in 0..64 {
        import(number).unwrap();
    }
    let (name, _) = import(64).unwrap_err();
    assert_eq!(name, "System.Error.E2BIG");
    // Whatever goes on, a call that only looks something up is answered at once.
    let begun = Instant::now();
    client.manager("ListTransfers", &()).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    daemon.wait().ok();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(client.result(1), "canceled");
    assert!(case.images("machine").names().is_empty());
}

#[test]
fn images_are_listed_with_all_that_is_known_of_them() {
    let case = Case::new()
        .root_file("var/lib/machines/disk.raw", image())
        .root_file("var/lib/extensions/tools.sysext.raw", "x");
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let list = |class: &str| -> Vec<ListedImage> {
        let reply = client.manager("ListImages", &(class, 0_u64)).unwrap();
        reply.body().deserialize().unwrap()
    };
    let names = |class: &str| -> Vec<String> { list(class).into_iter().map(|row| row.1).collect() };
    assert_eq!(names("machine"), [".host", "disk"]);
    assert_eq!(names("sysext"), ["tools"]);
    assert_eq!(names("").len(), 3);
    let disk = list("machine").pop().unwrap();
    let path = case.image_dir("machine").join("disk.raw");
    assert_eq!(
        (disk.2.as_str(), disk.3.as_str()),
        ("raw", path.to_str().unwrap())
    );
    assert_eq!((disk.4, disk.9), (false, image().len() as u64));
}

#[test]
fn objects_describe_themselves_and_what_lies_below() {
    let case = Case::new();
    let Some((_bus, _daemon, client)) = served(&case) else {
        return;
    };
    let url = hanging(&case);
    let id = client.begin("PullRaw", &(url.as_str(), "slow", "no", false));
    let describe = |path: &str| -> String {
        let reply = client.call((NAME, path, INTROSPECTABLE), "Introspect", &());
        reply.unwrap().body().deserialize().unwrap()
    };
    assert!(describe("/").contains("<node name=\"org\"/>"));
    let below = describe("/org/freedesktop");
    assert!(below.contains("LogControl1") && below.contains("import1"));
    assert!(describe(MANAGER_PATH).contains("<method name=\"PullRawEx\">"));
    let transfers = describe("/org/freedesktop/import1/transfer");
    assert!(transfers.contains(&format!("<node name=\"_{id}\"/>")));
    assert!(describe(&transfer_path(id)).contains("ProgressUpdate"));
    // Without a bus it is the same.
    let shown = case.importd([
        "systemd-importd",
        &format!("--bus-introspect={MANAGER_PATH}"),
    ]);
    let shown = shown.ok().stdout_text();
    assert_eq!(
        describe(MANAGER_PATH).replace(" <node name=\"transfer\"/>\n", ""),
        shown
    );
    case.importd(["systemd-importd", "--bus-introspect=list"])
        .ok()
        .stdout_has("/org/freedesktop/LogControl1\torg.freedesktop.LogControl1\n");
    case.importd(["systemd-importd", "--bus-introspect=/x"])
        .code(1);
    case.importd(["systemd-importd", "word"])
        .code(1)
        .stderr_has("`word` is more than this takes");
}

#[test]
fn the_log_is_changed_while_it_runs() {
    let case = Case::new().serve("img.raw");
    let Some((_bus, daemon, client)) = served(&case) else {
        return;
    };
    let get = |name: &str| {
        let reply = client.call(
            (NAME, LOG_CONTROL_PATH, PROPERTIES),
            "Get",
            &(LOG_CONTROL, name),
        );
        let value: zbus::OwnedVariant = reply.unwrap().body().deserialize().unwrap();
        value.to_string()
    };
    let set = |name: &str, value: &str| {
        let values = (LOG_CONTROL, name, zbus::Variant::from(value));
        let reply = client.call((NAME, LOG_CONTROL_PATH, PROPERTIES), "Set", &values);
        reply.map(drop).map_err(|(name, _)| name)
    };
    assert_eq!(get("LogLevel"), "\"info\"");
    assert_eq!(get("SyslogIdentifier"), "\"systemd-importd\"");
    set("LogLevel", "debug").unwrap();
    assert_eq!(get("LogLevel"), "\"debug\"");
    set("LogTarget", "console-prefixed").unwrap();
    assert_eq!(get("LogTarget"), "\"console-prefixed\"");
    assert_eq!(set("LogLevel", "bogus").unwrap_err(), INVALID);
    assert_eq!(
        set("SyslogIdentifier", "x").unwrap_err(),
        "org.freedesktop.DBus.Error.PropertyReadOnly"
    );
    let url = case.fill("{url}/img.raw");
    let id = client.begin("PullRaw", &(url.as_str(), "img", "no", false));
    client.result(id);
    daemon.signal(Signal::INT);
    daemon
        .wait()
        .ok()
        .stderr_has("<30>(transfer1) Pulling http")
        .stderr_has("<31>(transfer1) The transfer is done");
}

#[test]
fn a_bus_may_come_late_and_go() {
    if !need("dbus-daemon") {
        return;
    }
    let case = Case::new().serve("img.raw");
    let mut bus = Bus::absent();
    let daemon = case.daemon(&bus);
    std::thread::sleep(Duration::from_millis(300));
    for name in ["first", "second"] {
        bus.start();
        bus.wait_for_name();
        let client = bus.client();
        let url = case.fill("{url}/img.raw");
        let id = client.begin("PullRaw", &(url.as_str(), name, "no", false));
        assert_eq!(client.result(id), "done");
        bus.stop();
    }
    daemon.signal(Signal::TERM);
    daemon.wait().ok();
    assert_eq!(case.images("machine").names(), ["first.raw", "second.raw"]);
}

#[test]
fn the_service_manager_is_told_how_it_fares() {
    if !need("dbus-daemon") {
        return;
    }
    let case = Case::new()
        .env("NOTIFY_SOCKET", "{dir}/notify")
        .env("WATCHDOG_USEC", "100000");
    let socket = std::os::unix::net::UnixDatagram::bind(case.dir().join("notify")).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let heard = || {
        let mut buffer = [0; 256];
        let count = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    };
    let until = |what: &str| while !heard().contains(what) {};
    let Some((_bus, daemon, client)) = served(&case) else {
        return;
    };
    assert!(heard().starts_with("READY=1\nSTATUS="));
    until("WATCHDOG=1");
    // systemd's own daemons hear this as a wish to give memory back.
    tool("sh", ["-c", &format!("kill -52 {}", daemon.pid())]);
    until("WATCHDOG=1");
    let url = hanging(&case);
    let id = client.begin("PullRaw", &(url.as_str(), "slow", "no", false));
    until("STATUS=1 transfer is under way");
    client.manager("CancelTransfer", &id).unwrap();
    until("STATUS=Waiting for calls");
    daemon.signal(Signal::TERM);
    until("STOPPING=1");
    daemon.wait().ok();
}

#[test]
fn a_thousand_transfers_and_clients_that_vanish_leave_nothing_behind() {
    let case = Case::new();
    let Some((bus, daemon, client)) = served(&case) else {
        return;
    };
    let count = |what: &str| {
        let path = format!("/proc/{}/{what}", daemon.pid());
        fs::read_dir(path).unwrap().count()
    };
    let cycle = |client: &Client, number: u32| {
        let (reader, _writer) = std::io::pipe().unwrap();
        let name = format!("image{number}");
        let id = client.begin("ImportRaw", &(fd(&reader), name.as_str(), false, false));
        client.manager("CancelTransfer", &id).unwrap();
        id
    };
    for number in 0..10 {
        let id = cycle(&client, number);
        client.result(id);
    }
    let settled = |limit: (usize, usize)| {
        let begun = Instant::now();
        while count("task") > limit.0 || count("fd") > limit.1 {
            let now = (count("task"), count("fd"));
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{now:?} of {limit:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    std::thread::sleep(Duration::from_millis(200));
    let before = (count("task"), count("fd"));
    for number in 0..1000 {
        let id = cycle(&client, number);
        assert!(["canceled", "done"].contains(&&*client.result(id)));
    }
    settled(before);
    // Whoever has asked is gone before the answer comes, or before the end.
    for number in 0..50 {
        let other = bus.client();
        let (reader, _writer) = std::io::pipe().unwrap();
        let name = format!("other{number}");
        other.begin("ImportRaw", &(fd(&reader), name.as_str(), false, false));
    }
    settled(before);
    for entry in fs::read_dir(case.image_dir("machine")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with(".#"), "{name}");
    }
}

#[test]
fn what_a_killed_daemon_left_is_swept_by_the_next_at_whatever_moment_it_was_killed() {
    if !need("dbus-daemon") {
        return;
    }
    let body = pack("x.xz", &vec![7; 24 << 20]);
    let case = Case::new()
        .serve_as("img.raw.xz", Reply::body(body.clone()))
        .serve_as("slow.raw", Reply::body(image()).trickle(400_000))
        .file("disk.raw", image());
    let bus = Bus::new();
    let disk = File::open(case.dir().join("disk.raw")).unwrap();
    let mut begun = 0;
    for moment in 0..12 {
        let daemon = case.daemon(&bus);
        let client = bus.client();
        for (name, kept) in [("img.raw.xz", 4_u64), ("slow.raw", 0)] {
            let url = case.fill(&format!("{{url}}/{name}"));
            let local = format!("killed{moment}{}", &name[..3]);
            let pull = (url.as_str(), local.as_str(), "machine", "no", kept | 1);
            client.begin("PullRawEx", &pull);
        }
        std::thread::sleep(Duration::from_millis(moment * 15));
        daemon.signal(Signal::KILL);
        drop(daemon.wait());
        let names = case.images("machine");
        begun += usize::from(
            names
                .names()
                .iter()
                .any(|name| name.starts_with(".#importd.")),
        );
        let _next = case.daemon(&bus);
        let client = bus.client();
        let id = client.begin("ImportRaw", &(fd(&disk), "next", true, false));
        assert_eq!(client.result(id), "done");
        for name in case.images("machine").names() {
            assert!(!name.starts_with(".#"), "{name} after {moment}");
            if name.starts_with("killed") && name.contains("img") {
                assert_eq!(read_image(&case, name).len(), 24 << 20);
            }
        }
    }
    assert!(begun >= 6, "{begun}");
}
