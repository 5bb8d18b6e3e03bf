//! Log lines, the bar and the help, as a person or a script gets them.

use crate::kit::{Case, Reply, image, need};

fn served() -> Case {
    Case::new().serve("img.raw")
}

const PULL: [&str; 5] = ["pull-raw", "-mN", "--verify=no", "--force", "{url}/img.raw"];

#[test]
fn standard_output_stays_empty_and_lines_go_to_standard_error() {
    let outcome = served().importctl(PULL).ok().stdout_is("");
    let text = outcome.stderr_text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[test]
fn levels_and_prefixes_are_those_asked_for() {
    served()
        .env("SYSTEMD_LOG_LEVEL", "err")
        .importctl(PULL)
        .ok()
        .stderr_is("");
    served()
        .env("SYSTEMD_LOG_LEVEL", "debug,console:err")
        .importctl(PULL)
        .ok()
        .stderr_is("");
    served()
        .env("SYSTEMD_LOG_LEVEL", "debug")
        .importctl(PULL)
        .ok()
        .stderr_has("unpacked");
    served()
        .env("SYSTEMD_LOG_TARGET", "null")
        .importctl(PULL)
        .ok()
        .stderr_is("");
    served()
        .env("SYSTEMD_LOG_TARGET", "console-prefixed")
        .importctl(PULL)
        .ok()
        .stderr_has("<30>Pulling");
    served()
        .env("SYSTEMD_LOG_LOCATION", "yes")
        .importctl(PULL)
        .ok()
        .stderr_has("src/transfer/pull.rs:");
    served()
        .env("SYSTEMD_LOG_LEVEL", "loud")
        .importctl(PULL)
        .ok()
        .stderr_has(", ignoring: ");
}

#[test]
fn what_a_server_says_cannot_write_to_the_terminal() {
    let case = Case::new();
    case.server().put(
        "/img.raw",
        Reply::redirect(302, "http://127.0.0.1:1/\x1b]0;owned\x07"),
    );
    let outcome = case
        .env("IMPORTD_RETRY_TIMEOUT", "0")
        .importctl(PULL)
        .fails();
    assert!(
        !outcome.stderr_text().contains(['\x1b', '\x07']),
        "{:?}",
        outcome.stderr_text()
    );
}

#[test]
fn a_terminal_gets_a_bar_with_percent_bytes_rate_and_time_left() {
    if !need("script") {
        return;
    }
    let case = Case::new();
    let body = image();
    let pace = body.len() as u64 / 2;
    case.server()
        .put("/img.raw", Reply::body(body).trickle(pace));
    // A terminal of its own; `script` shows what it was sent.
    let quoted = case.fill("pull-raw -mN --verify=no {url}/img.raw");
    let program = case.dir().join("../bin/importctl");
    let line = format!(
        "stty cols 120; {} --root={} {quoted}",
        program.display(),
        case.root().display()
    );
    let shown = crate::kit::tool("env", ["TERM=xterm", "script", "-qec", &line, "/dev/null"]);
    let shown = String::from_utf8_lossy(&shown);
    for part in [
        "Total:",
        "%",
        "/s",
        "left",
        "\x1b]9;4;1;",
        "\x1b]9;4;0;",
        "Created image",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in [["--help"], ["-h"], ["help"]] {
        Case::new()
            .importctl(arguments)
            .ok()
            .stdout_has("pull-raw URL [NAME]")
            .stderr_is("");
    }
    Case::new()
        .importctl(["--version"])
        .ok()
        .stdout_has(concat!("importd ", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        Case::new()
            .importctl([&*format!("--completion={shell}")])
            .ok()
            .stdout_has("importctl");
    }
    for (option, words) in [
        ("--verify=help", "no\nchecksum\nsignature\n"),
        ("--class=help", "machine\nportable\nsysext\nconfext\n"),
    ] {
        Case::new()
            .importctl([option, "no-such-verb"])
            .ok()
            .stdout_is(words)
            .stderr_is("");
    }
}
