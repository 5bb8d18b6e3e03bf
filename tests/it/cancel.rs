//! A signal ends a transfer within half a second, in whatever it is doing, with exit status 1 and without a trace.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::kit::{Authority, Case, Reply, Server, image, need, tool};

const PULL: [&str; 4] = ["pull-raw", "-m", "--verify=no", "{url}/img.raw"];
const LIMIT: Duration = Duration::from_millis(500);

/// A case with an image that must stay as it is.
fn case() -> Case {
    Case::new().root_file("var/lib/machines/other.raw", "other")
}

/// Runs `arguments` three times and sends one of the signals once `reached` holds: it has to end as cancelled, with
/// everything as it was. The median of the times counts, since the machine may be busy.
#[track_caller]
fn ends_at_once(case: &Case, arguments: &[&str], reached: impl Fn(&Case) -> bool) {
    let before = case.images("machine");
    let mut times = [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| {
        let running = case.start(arguments.iter().copied());
        let start = Instant::now();
        while !reached(case) {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "it never came so far"
            );
            sleep(Duration::from_millis(1));
        }
        let signalled = Instant::now();
        running.signal(signal);
        let outcome = running.wait();
        let time = signalled.elapsed();
        outcome.code(1).stderr_has("the transfer was cancelled");
        // What is left of a tree may be on its way out still.
        let start = Instant::now();
        while case.images("machine") != before && start.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(10));
        }
        assert_eq!(case.images("machine"), before);
        time
    });
    times.sort();
    assert!(times[1] < LIMIT, "{times:?}");
}

/// Gives what comes after a request, or before it, time to begin.
fn a_moment(_: &Case) -> bool {
    sleep(Duration::from_millis(300));
    true
}

#[test]
fn unless_whoever_started_it_had_it_ignore_that_signal() {
    let reply = Reply::body(image()).pause_after(1_000, Duration::from_secs(1));
    for (name, signal) in [
        ("INT", Signal::INT),
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
    ] {
        let ignoring = format!(r#"trap '' {name}; exec "$0" "$@""#);
        let case = case().serve_as("img.raw", reply.clone());
        let case = case.through(["sh", "-c", &ignoring]);
        let running = case.start(PULL);
        a_moment(&case);
        running.signal(signal);
        running.wait().ok();
    }
}

/// The image that is being written.
fn staged(case: &Case) -> Option<PathBuf> {
    let entries = fs::read_dir(case.image_dir("machine")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(".#")
    })
}

/// Whether so much of the image was written.
fn written(case: &Case, bytes: u64) -> bool {
    let size = |path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    staged(case).map_or(0, size) >= bytes
}

#[test]
fn in_the_pause_before_another_try() {
    let reply = Reply::status(503).header("Retry-After", "30");
    let case = case().serve_as("img.raw", reply);
    ends_at_once(&case, &PULL, a_moment);
}

#[test]
fn while_a_server_says_nothing() {
    for server in [Server::mute("http"), Server::mute("https")] {
        ends_at_once(&case().over(server), &PULL, a_moment);
    }
}

#[test]
fn while_an_answer_does_not_come_or_stops_coming() {
    let authority = Authority::new();
    for reply in [
        Reply::silence(),
        Reply::body(image()).stall_after(0),
        Reply::body(image()).stall_after(200_000),
        Reply::body(image()).chunked().stall_after(200_000),
        Reply::body(image()).trickle(2_000),
    ] {
        let tls = case().over(Server::https(&authority.identity()));
        let tls = tls.file("roots.pem", authority.pem());
        for case in [case(), tls.env("SSL_CERT_FILE", "{dir}/roots.pem")] {
            ends_at_once(&case.serve_as("img.raw", reply.clone()), &PULL, a_moment);
        }
    }
}

#[test]
fn while_a_checksum_does_not_come() {
    let case = case()
        .serve("img.raw")
        .serve_as("SHA256SUMS", Reply::silence());
    let pull = ["pull-raw", "-m", "--verify=checksum", "{url}/img.raw"];
    ends_at_once(&case, &pull, a_moment);
}

#[test]
fn while_a_pipe_is_silent() {
    let case = case().through(["sh", "-c", r#"exec "$0" "$@" <pipe"#]);
    let pipe = case.dir().join("pipe");
    tool("mkfifo", [&pipe]);
    // Somebody could write to it, so there is no end.
    let _writer = File::options().read(true).write(true).open(&pipe).unwrap();
    let import = ["import-raw", "-m", "-", "img"];
    ends_at_once(&case, &import, a_moment);
}

#[test]
fn while_a_keyring_is_a_pipe_that_is_silent() {
    let case = case().env("SYSTEMD_OPENPGP_KEYRING", "{dir}/pipe");
    tool("mkfifo", [&case.dir().join("pipe")]);
    ends_at_once(&case, &["pull-raw", "-m", "{url}/img.raw"], a_moment);
}

/// An image that is small when packed: `zero`, eight gigabytes of holes, or `yes`, one of data.
fn large(content: &str) -> Vec<u8> {
    let source = match content {
        "zero" => "head -c 8G /dev/zero",
        _ => "yes | head -c 1G",
    };
    tool("sh", ["-c", &format!("{source} | zstd -1 -c")])
}

#[test]
fn while_a_large_image_is_unpacked() {
    if !need("zstd") {
        return;
    }
    let zeros = case().serve_as("img.raw", Reply::body(large("zero")));
    ends_at_once(&zeros, &PULL, a_moment);
    let data = case().serve_as("img.raw", Reply::body(large("yes")));
    ends_at_once(&data, &PULL, |case| written(case, 100 << 20));

    let file = case().file("img.raw.zst", large("yes"));
    let import = ["import-raw", "-m", "{dir}/img.raw.zst"];
    ends_at_once(&file, &import, |case| written(case, 100 << 20));
}

#[test]
fn while_a_large_file_is_copied() {
    if !need("strace") {
        return;
    }
    let case = case().through([
        "strace",
        "-Dfqo/dev/null",
        // Nor is there a file system that shares extents.
        "--inject=ioctl:error=EOPNOTSUPP",
        "--inject=copy_file_range:delay_enter=20000",
    ]);
    let path = case.dir().join("img.raw");
    tool(
        "sh",
        ["-c", &format!("yes | head -c 1G >{}", path.display())],
    );
    let import = ["import-raw", "-m", "{dir}/img.raw"];
    ends_at_once(&case, &import, |case| written(case, 100 << 20));
}

#[test]
fn while_a_large_image_is_brought_to_the_disk() {
    if !need("zstd") || !need("strace") {
        return;
    }
    let case = case()
        .serve_as("img.raw", Reply::body(large("yes")))
        .through([
            "strace",
            "-Dfqo/dev/null",
            "--inject=sync_file_range:delay_enter=20000",
        ]);
    let pull = PULL.into_iter().chain(["--keep-download=no"]);
    // It gets its permissions when all is written, and is synced then.
    let complete =
        |path| fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o777 == 0o644);
    let reached = |case: &Case| staged(case).is_some_and(complete);
    ends_at_once(&case, &pull.collect::<Vec<_>>(), reached);
}

/// A tree of so many small files.
fn many_files(case: &Case, count: u32) -> PathBuf {
    let tree = case.dir().join("tree");
    for number in 0..count {
        let directory = tree.join((number / 100).to_string());
        if number % 100 == 0 {
            fs::create_dir_all(&directory).unwrap();
        }
        fs::write(directory.join(number.to_string()), "small").unwrap();
    }
    tree
}

#[test]
fn while_a_tree_is_copied_or_unpacked() {
    if !need("strace") {
        return;
    }
    let case = case().through([
        "strace",
        "-Dfqo/dev/null",
        "--inject=utimensat:delay_enter=2000",
    ]);
    let tree = many_files(&case, 2000);
    let archive = case.dir().join("tree.tar");
    tool(
        "tar",
        [
            "-cf".as_ref(),
            archive.as_os_str(),
            "-C".as_ref(),
            tree.as_os_str(),
            ".".as_ref(),
        ],
    );
    let some = |case: &Case| staged(case).is_some_and(|shell| shell.join("tree/3").exists());
    ends_at_once(&case, &["import-fs", "-m", "tree"], some);
    ends_at_once(&case, &["import-tar", "-m", "tree.tar"], some);
}

#[test]
fn while_an_image_is_exported() {
    if !need("strace") {
        return;
    }
    let case = case().through([
        "strace",
        "-Dfqo/dev/null",
        "--inject=read,pread64:delay_enter=2000",
    ]);
    let images = case.image_dir("machine");
    fs::rename(many_files(&case, 2000), images.join("tree")).unwrap();
    tool(
        "sh",
        [
            "-c",
            &format!("yes | head -c 1G >{}/disk.raw", images.display()),
        ],
    );
    // What is packed small comes late.
    for [verb, name, out] in [
        ["export-tar", "tree", "out"],
        ["export-raw", "disk", "out.gz"],
    ] {
        let begun = |case: &Case| {
            let mut entries = fs::read_dir(case.dir()).unwrap();
            entries.any(|entry| entry.unwrap().metadata().is_ok_and(|it| it.len() > 0))
        };
        ends_at_once(&case, &[verb, "-m", name, out], begun);
        assert_eq!(fs::read_dir(case.dir()).unwrap().count(), 0);
    }
}
