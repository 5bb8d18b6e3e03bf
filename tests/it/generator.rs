//! systemd-import-generator, and what its units run. Each directory of `tests/generator` is a boot, `in` what it asks for,
//! `expected` what comes of that.

use std::fmt::Write;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use importd::wire::varlink::SOCKET_PATH;
use rustix::process::Signal;

use super::kit::{Bus, Case, Outcome, Reply, image, tool};

const BOOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generator");

/// Runs it over what a boot has, and tells what it says and writes.
fn told(boot: &Path) -> String {
    let given = |name: &str| boot.join("in").join(name);
    let line = fs::read_to_string(given("cmdline")).unwrap_or_default();
    let initrd = if given("initrd").exists() { "1" } else { "0" };
    let case = Case::new()
        .env("SYSTEMD_PROC_CMDLINE", &line)
        .env("SYSTEMD_IN_INITRD", initrd)
        .env("CREDENTIALS_DIRECTORY", given("").to_str().unwrap())
        .env("SYSTEMD_LOG_TARGET", "console");
    fs::create_dir(case.dir().join("units")).unwrap();
    let outcome = case
        .importd(["systemd-import-generator", "{dir}/units", "{dir}", "{dir}"])
        .ok();
    let binary = fs::canonicalize(case.dir().join("../bin/importctl")).unwrap();
    let mut told = String::new();
    for line in outcome.stderr_text().lines() {
        writeln!(told, "said: {line}").unwrap();
    }
    let top = case.dir().join("units");
    for path in files(&top) {
        let name = path.strip_prefix(&top).unwrap().display();
        if let Ok(target) = fs::read_link(&path) {
            writeln!(told, "link: {name} -> {}", target.display()).unwrap();
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.replace(binary.to_str().unwrap(), "/usr/bin/importd");
            writeln!(told, "unit: {name}").unwrap();
            text.lines()
                .for_each(|line| writeln!(told, "  {line}").unwrap());
        }
    }
    told
}

/// Everything in a directory that is none, by name.
fn files(top: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(top)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (directories, mut files): (Vec<_>, Vec<_>) =
        entries.partition(|path| path.is_dir() && !path.is_symlink());
    files.extend(
        directories
            .iter()
            .flat_map(|directory| self::files(directory)),
    );
    files.sort();
    files
}

#[test]
fn what_a_boot_asks_for_becomes_units() {
    let bless = std::env::var_os("IMPORTD_BLESS").is_some();
    let mut count = 0;
    for boot in fs::read_dir(BOOTS).unwrap() {
        let boot = boot.unwrap().path();
        let told = told(&boot);
        count += 1;
        if bless {
            fs::write(boot.join("expected"), told).unwrap();
        } else {
            let expected = fs::read_to_string(boot.join("expected")).unwrap();
            assert_eq!(told, expected, "{}", boot.display());
        }
    }
    assert!(count >= 40, "{count}");
}

/// Pulls as a unit does: what it finds no daemon for into the case's own directory.
fn pull(case: &Case, words: &[&str]) -> Outcome {
    let common = [
        "systemd-pull",
        "--daemon={root}/run/systemd/io.systemd.Import",
        "--verify=no",
        "--keep-download=no",
    ];
    case.importd(common.iter().chain(words).copied())
}

#[test]
fn whoever_waits_tries_again_until_there_is_an_answer() {
    let here = "--image-root={root}/var/lib/machines";
    let case = Case::new().env("IMPORTD_RETRY_TIMEOUT", "0");
    let replies = [503, 429, 500].map(Reply::status);
    let served = replies.into_iter().chain([Reply::body(image())]);
    case.server().script("/a.raw", served.collect::<Vec<_>>());
    pull(&case, &[here, "raw", "{url}/a.raw"])
        .code(1)
        .stderr_lacks("trying again");
    pull(&case, &["--wait", here, "raw", "{url}/a.raw"])
        .ok()
        .stderr_has("was answered with status 500")
        .stderr_has("trying again in ");
    assert_eq!(case.images("machine").names(), ["a.raw"]);
    // What is said is final.
    pull(&case, &["--wait", here, "raw", "{url}/b.raw"])
        .code(1)
        .stderr_lacks("trying again");
}

#[test]
fn a_daemon_that_listens_does_it_and_what_it_says_is_told() {
    let case = Case::new().serve("img.raw.xz");
    let daemon = case.daemon(&Bus::absent());
    let socket = case.root().join(SOCKET_PATH);
    while UnixStream::connect(&socket).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let there = ["--image-root=/var/lib/portables", "raw", "{url}/img.raw.xz"];
    pull(&case, &there).ok().stderr_has("Created image");
    assert_eq!(case.images("portable").names(), ["img.raw"]);
    // It is there by now, which the daemon says.
    pull(&case, &there)
        .code(1)
        .stderr_has("exists already")
        .stderr_has("the daemon");
    // Another of the same is waited for.
    case.server()
        .put("/slow.raw", Reply::body(image()).trickle(1 << 20));
    let words = |name: &'static str| ["--wait", "raw", "{url}/slow.raw", name];
    std::thread::scope(|scope| {
        for name in ["one", "two"] {
            let case = &case;
            scope.spawn(move || pull(case, &words(name)).ok());
        }
    });
    assert_eq!(case.images("machine").names(), ["one.raw", "two.raw"]);
    daemon.signal(Signal::TERM);
    daemon.wait().ok();
}

/// mkinitcpio is no package of Debian's: its functions tell what they are asked for.
#[test]
fn what_mkinitcpio_is_asked_for_is_what_is_installed() {
    let hook = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/data/lib/initcpio/install/importd"
    );
    let script = format!(
        "for name in module binary symlink systemd_unit file; do
           eval \"add_$name() {{ echo $name \\\"\\$@\\\"; }}\"
         done
         source {hook}; set -eu; build; help >&2"
    );
    let told = String::from_utf8(tool("bash", ["-c", script.as_str()])).unwrap();
    let asked = |kind: &str| -> Vec<String> {
        let lines = told.lines().filter_map(|line| line.strip_prefix(kind));
        lines.map(|rest| rest.trim().to_owned()).collect()
    };
    assert_eq!(asked("module "), ["loop"]);
    assert_eq!(asked("binary "), ["importd", "systemd-dissect"]);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/lib/systemd/system");
    for unit in asked("systemd_unit ") {
        assert!(
            unit == "systemd-loop@.service" || ours.join(&unit).is_file(),
            "{unit}"
        );
    }
    let links = asked("symlink ");
    assert_eq!(links.len(), 4);
    for link in links {
        let (path, target) = link.split_once(' ').unwrap();
        let there = Path::new(path).parent().unwrap().join(target);
        let there = there.to_str().unwrap();
        assert!(
            there.ends_with("/bin/importd") || there.contains("/../"),
            "{link}"
        );
    }
}
