//! Tests that cannot run here say so, in a file that the runner reads.
//!
//! ```ignore
//! if !kit::need("qemu-img") { return; }
//! ```

use std::fs::OpenOptions;
use std::io::Write;

use super::run::find;

/// Whether `program` is in `$PATH`; where it is not, the calling test is recorded as skipped and has to return.
pub fn need(program: &str) -> bool {
    find(program).is_some() || skipped(&format!("{program} is not installed"))
}

/// Whether this process is root; where it is not, the calling test is recorded as skipped and has to return.
pub fn need_root() -> bool {
    rustix::process::geteuid().is_root() || skipped("not run as root")
}

/// Appends `skipped: TEST: REASON` to `$IMPORTD_SKIPS_FILE`. The name is the thread's, as libtest gives it.
pub fn skipped(reason: &str) -> bool {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {reason}\n", thread.name().unwrap_or("?"));
    eprint!("{line}");
    if let Some(path) = std::env::var_os("IMPORTD_SKIPS_FILE") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
    false
}
