//! importctl as a client of the daemon, on a bus of its own.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::kit::{Bus, Case, Reply, Running, archive, image, need, pack};

/// A bus with the case's daemon on it.
fn served(case: &Case) -> Option<(Bus, Running)> {
    need("dbus-daemon").then(|| {
        let bus = Bus::new();
        let daemon = case.daemon(&bus);
        (bus, daemon)
    })
}

/// Waits until the daemon lists so many transfers, and returns the list.
#[track_caller]
fn until_listed(case: &Case, bus: &Bus, count: usize) -> String {
    let begun = Instant::now();
    loop {
        let list = case.client(bus, ["list-transfers", "--no-legend"]).wait();
        let list = list.ok().stdout_text();
        let rows = list.lines().filter(|line| line.contains("pull-raw"));
        if rows.count() == count {
            return list;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{list}");
    }
}

const SLOW: [&str; 4] = ["-m", "pull-raw", "--verify=no", "{url}/slow.raw"];

fn with_slow() -> Case {
    Case::new().serve_as("slow.raw", Reply::silence())
}

#[test]
fn a_pull_is_done_by_the_daemon_and_what_that_says_is_shown() {
    let case = Case::new().serve("img.raw.gz");
    let Some((bus, daemon)) = served(&case) else {
        return;
    };
    let pull = ["-m", "pull-raw", "--verify=no", "{url}/img.raw.gz", "img"];
    case.client(&bus, pull)
        .wait()
        .ok()
        .stderr_has("The daemon does it as transfer 1")
        .stderr_has("Pulling http")
        .stderr_has("Created image");
    let path = case.image_dir("machine").join("img.raw");
    assert_eq!(fs::read(&path).unwrap(), image());
    // It is there, so what the daemon says of that is what we fail with.
    case.client(&bus, pull)
        .wait()
        .code(1)
        .stderr_has("exists already")
        .stderr_has("the transfer failed");
    let quiet = [
        "-q",
        "-P",
        "-N",
        "pull-raw",
        "--verify=no",
        "{url}/img.raw.gz",
        "--force",
    ];
    case.client(&bus, quiet).wait().ok().stderr_is("");
    assert!(case.image_dir("portable").join("img.raw").exists());
    case.client(
        &bus,
        ["-m", "pull-raw", "--verify=no", "{url}/img.raw.gz", "-"],
    )
    .wait()
    .ok();
    assert!(
        case.images("machine")
            .names()
            .iter()
            .any(|name| name.starts_with(".raw-"))
    );
    daemon.signal(Signal::TERM);
    daemon.wait().ok();
}

#[test]
fn images_are_imported_and_exported_through_the_daemon() {
    let case = Case::new()
        .stdin(archive())
        .file("disk.raw.xz", pack("x.xz", &image()))
        .file("out.raw", "precious");
    fs::create_dir(case.dir().join("tree")).unwrap();
    fs::write(case.dir().join("tree/file"), "content").unwrap();
    let Some((bus, _daemon)) = served(&case) else {
        return;
    };
    let run = |words: &[&str]| case.client(&bus, words.iter().copied()).wait();
    run(&["-m", "import-raw", "{dir}/disk.raw.xz"]).ok();
    run(&["-S", "import-tar", "--read-only", "-", "ext"]).ok();
    run(&["-m", "import-fs", "{dir}/tree"]).ok();
    assert!(case.image_dir("sysext").join("ext").is_dir());
    assert!(case.image_dir("machine").join("tree/file").exists());
    // What fails leaves the file as it was.
    run(&["-m", "export-raw", "missing", "{dir}/out.raw"]).code(1);
    assert_eq!(fs::read(case.dir().join("out.raw")).unwrap(), b"precious");
    run(&["-m", "export-raw", "disk", "{dir}/out.raw"]).ok();
    assert_eq!(fs::read(case.dir().join("out.raw")).unwrap(), image());
    assert!(run(&["-m", "export-raw", "disk"]).ok().stdout == image());
    run(&["-S", "export-tar", "ext", "{dir}/out.tar.gz"]).ok();
    assert!(
        fs::read(case.dir().join("out.tar.gz"))
            .unwrap()
            .starts_with(&[0x1f, 0x8b])
    );
    // The list is the same whoever makes it.
    let ours = case.importctl(["list-images", "-j"]).ok();
    let theirs = run(&["list-images", "-j"]).ok();
    assert_eq!(ours.stdout_text(), theirs.stdout_text());
    run(&["list-images", "-P"]).ok().stdout_is("No images.\n");
}

#[test]
fn transfers_are_listed_and_cancelled() {
    let case = with_slow();
    let Some((bus, _daemon)) = served(&case) else {
        return;
    };
    let run = |words: &[&str]| case.client(&bus, words.iter().copied()).wait();
    run(&[]).ok().stdout_is("No transfers.\n");
    run(&["list-transfers", "-j"]).ok().stdout_is("[]\n");
    let pull = case.client(&bus, SLOW);
    let list = until_listed(&case, &bus, 1);
    let words: Vec<_> = list.split_whitespace().collect();
    assert_eq!(words[..5], ["1", "-", "pull-raw", "machine", "slow"]);
    run(&["list-transfer"])
        .ok()
        .stdout_has("ID PROGRESS TYPE")
        .stdout_has("1 transfers listed.");
    run(&["list-transfers", "-S"])
        .ok()
        .stdout_is("No transfers.\n");
    run(&["list-transfers", "--json=short"])
        .ok()
        .stdout_has("{\"id\":1,\"progress\":null,\"type\":\"pull-raw\",\"class\":\"machine\",\"local\":\"slow\",\"remote\":\"http");
    run(&["cancel-transfer", "x"])
        .code(1)
        .stderr_has("`x` is no number");
    run(&["cancel-transfer", "7"])
        .code(1)
        .stderr_has("no transfer 7");
    run(&["cancel-transfer", "1"]).ok();
    pull.wait().code(1).stderr_has("the transfer was cancelled");
    until_listed(&case, &bus, 0);
}

#[test]
fn control_c_leaves_a_transfer_to_go_on() {
    let case = with_slow();
    let Some((bus, _daemon)) = served(&case) else {
        return;
    };
    let pull = case.client(&bus, SLOW);
    until_listed(&case, &bus, 1);
    pull.signal(Signal::INT);
    pull.wait()
        .code(1)
        .stderr_has("`importctl cancel-transfer 1`");
    until_listed(&case, &bus, 1);
}

#[test]
fn a_daemon_or_a_bus_that_dies_is_noticed_at_once() {
    let case = with_slow();
    let Some((mut bus, daemon)) = served(&case) else {
        return;
    };
    let pull = case.client(&bus, SLOW);
    until_listed(&case, &bus, 1);
    let begun = Instant::now();
    daemon.signal(Signal::KILL);
    pull.wait().code(1).stderr_has("the daemon has ended");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let _daemon = case.daemon(&bus);
    let pull = case.client(&bus, SLOW);
    until_listed(&case, &bus, 1);
    bus.stop();
    pull.wait().code(1).stderr_has("the bus has gone away");
}

#[test]
fn without_a_daemon_it_is_done_here() {
    if !need("dbus-daemon") {
        return;
    }
    let case = Case::new().serve("img.raw");
    let root = "--image-root={dir}/images";
    for bus in [Bus::absent(), Bus::new()] {
        let run = |words: &[&str]| case.client(&bus, words.iter().copied()).wait();
        run(&["list-transfers"]).ok().stdout_is("No transfers.\n");
        run(&["cancel-transfer", "1"])
            .code(1)
            .stderr_has("no daemon here");
        run(&[
            "-m",
            root,
            "pull-raw",
            "--verify=no",
            "{url}/img.raw",
            "--force",
        ])
        .ok()
        .stderr_lacks("daemon");
        run(&["-m", "pull-raw", "ftp://x/y", "--no-daemon"])
            .code(1)
            .stderr_lacks("daemon");
        run(&["-H", "host", root, "-m", "pull-raw", "{url}/img.raw"])
            .code(1)
            .stderr_has("do not go with --no-daemon");
        run(&["-H", "[::1", "list-transfers"])
            .code(1)
            .stderr_has("`[::1` is no host");
        run(&["--user", "list-transfers"])
            .code(1)
            .stderr_has("leave out --user");
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_an_error_at_once() {
    if !need("ssh") {
        return;
    }
    let case = Case::new();
    let begun = Instant::now();
    // Nobody listens there.
    case.importctl_alone(["-H", "127.0.0.1:1", "list-transfers"])
        .code(1)
        .stderr_has("failed to get at the bus of 127.0.0.1:1");
    assert!(begun.elapsed() < Duration::from_secs(20));
}
