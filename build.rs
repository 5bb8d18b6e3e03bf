//! Renders the completion scripts from the options table, and finds out which commit this is.

#[path = "src/ctl/completions.rs"]
mod completions;
#[allow(dead_code, reason = "the program needs more of it than the scripts")]
#[path = "src/ctl/options.rs"]
mod options;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "so it is with the form of tables"
)]
#[path = "src/usage/table.rs"]
mod usage;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/ctl/completions.rs");
    println!("cargo::rerun-if-changed=src/ctl/options.rs");
    println!("cargo::rerun-if-changed=src/usage/table.rs");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    for (shell, script) in [
        ("bash", completions::bash()),
        ("zsh", completions::zsh()),
        ("fish", completions::fish()),
    ] {
        fs::write(Path::new(&out).join(shell), script).expect("cargo made the directory for this");
    }
    let commit = commit().unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=IMPORTD_COMMIT={commit}");
}

/// The checked-out commit, if this directory itself is a checkout and does not merely lie in somebody else's.
fn commit() -> Option<String> {
    let top = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if top != fs::canonicalize(env::var_os("CARGO_MANIFEST_DIR")?).ok()? {
        return None;
    }
    for name in ["HEAD", "refs", "packed-refs"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        // A path that is not there would have cargo build anew each time.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
