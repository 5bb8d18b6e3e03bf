//! `make demo`: serves the signed images of `tests/fixtures/demo/` from loopback, pulls them into `./demo/` with the
//! binary that is named as the argument, and lists them.

#![allow(unreachable_pub, clippy::print_stdout)] // the kit is public to the tests, and this is a program

use std::path::Path;
use std::process::{Command, ExitCode};

#[path = "../tests/kit/mod.rs"]
mod kit;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/demo");

fn main() -> ExitCode {
    let Some(binary) = std::env::args().nth(1) else {
        eprintln!("usage: demo BINARY");
        return ExitCode::FAILURE;
    };
    let root = Path::new("demo");
    let server = kit::Server::http();
    for name in [
        "hello.raw.xz",
        "world.raw.zst",
        "SHA256SUMS",
        "SHA256SUMS.gpg",
    ] {
        match std::fs::read(format!("{FIXTURES}/{name}")) {
            Ok(bytes) => server.put(&format!("/{name}"), kit::Reply::body(bytes)),
            Err(error) => eprintln!("{FIXTURES}/{name}: {error}"),
        }
    }
    if let Err(error) = std::fs::create_dir_all(root) {
        eprintln!("demo: {error}");
        return ExitCode::FAILURE;
    }
    let [hello, world] =
        ["hello.raw.xz", "world.raw.zst"].map(|name| format!("{}/{name}", server.url()));
    let pull = [
        "pull-raw",
        "--class=machine",
        "--root=demo",
        "--verify=signature",
        "--force",
    ];
    let runs = [
        [&pull[..], &[hello.as_str()]].concat(),
        [&pull[..], &[world.as_str()]].concat(),
        vec!["list-images", "--class=machine", "--root=demo"],
    ];
    for arguments in runs {
        println!("\n$ importctl {}", arguments.join(" "));
        let mut command = Command::new(&binary);
        command.arg("importctl").args(&arguments);
        command.env("SYSTEMD_OPENPGP_KEYRING", format!("{FIXTURES}/keyring.pgp"));
        match command.status() {
            Ok(status) if status.success() => {}
            result => {
                eprintln!("{binary}: {result:?}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
