//! Programs run with an empty environment and a deadline, and what came of them.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes, a debug build on a busy machine included.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs a program as a user who owns nothing.
pub const NOBODY: [&str; 5] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--no-new-privs",
];

/// The full path of a program in `$PATH`.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path).map(|directory| directory.join(program));
    candidates.find(|candidate| candidate.is_file())
}

/// Runs one of the host's tools, which must succeed, and returns what it printed.
#[track_caller]
pub fn tool<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Vec<u8> {
    tool_with_input(program, arguments, Vec::new())
}

/// The same with `input` on its standard input.
#[track_caller]
pub(super) fn tool_with_input<S: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = S>,
    input: Vec<u8>,
) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(arguments);
    Running::start(command, Some(input)).wait().ok().stdout
}

/// A program that runs. Killed when dropped.
pub struct Running {
    child: Child,
    what: String,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Without `input`, standard input is what the command says, `/dev/null` unless told.
    pub(super) fn start(mut command: Command, input: Option<Vec<u8>>) -> Self {
        let what = format!("{command:?}");
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = (child.spawn()).unwrap_or_else(|error| panic!("{what}: {error}"));
        if let Some((mut pipe, bytes)) = child.stdin.take().zip(input) {
            // A program may end without reading all of it.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        Self {
            stdout: child.stdout.take().map(collect),
            stderr: child.stderr.take().map(collect),
            child,
            what,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end. A program that outlives the deadline is killed, and the test with it.
    #[track_caller]
    pub fn wait(mut self) -> Outcome {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > DEADLINE {
                let _ = self.child.kill();
                let stderr = self.stderr.take().unwrap().join().unwrap();
                let stderr = String::from_utf8_lossy(&stderr);
                panic!("{} did not end within {DEADLINE:?}:\n{stderr}", self.what);
            }
            thread::sleep(Duration::from_millis(5));
        };
        Outcome {
            what: self.what.clone(),
            status,
            stdout: self.stdout.take().unwrap().join().unwrap(),
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// How a program ended. Each expectation returns the outcome, so that they chain; a broken one shows all of it.
pub struct Outcome {
    what: String,
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Outcome {
    #[track_caller]
    pub fn ok(self) -> Self {
        let success = self.status.success();
        self.expect("exit with 0", success)
    }

    /// It ended by itself, but not with 0.
    #[track_caller]
    pub fn fails(self) -> Self {
        let failed = self.status.code().is_some_and(|code| code != 0);
        self.expect("fail", failed)
    }

    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        let same = self.status.code() == Some(code);
        self.expect(&format!("exit with {code}"), same)
    }

    #[track_caller]
    pub fn stdout_is(self, text: &str) -> Self {
        let same = self.stdout == text.as_bytes();
        self.expect(&format!("print exactly\n{text}"), same)
    }

    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Self {
        let has = self.stdout_text().contains(text);
        self.expect(&format!("print `{text}`"), has)
    }

    #[track_caller]
    pub fn stderr_is(self, text: &str) -> Self {
        let same = self.stderr == text.as_bytes();
        self.expect(&format!("say exactly\n{text}"), same)
    }

    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Self {
        let has = self.stderr_text().contains(text);
        self.expect(&format!("say `{text}`"), has)
    }

    #[track_caller]
    pub fn stderr_lacks(self, text: &str) -> Self {
        let lacks = !self.stderr_text().contains(text);
        self.expect(&format!("not say `{text}`"), lacks)
    }

    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    #[track_caller]
    fn expect(self, what: &str, holds: bool) -> Self {
        assert!(
            holds,
            "{}\nwas to {what}\nended with {}\n--- stdout\n{}\n--- stderr\n{}",
            self.what,
            self.status,
            self.stdout_text(),
            self.stderr_text()
        );
        self
    }
}
