//! The outside world in one value: arguments, environment, standard streams. Nobody else looks for them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a face is given of the world.
pub struct World {
    /// The name the program was called by, without directories.
    pub name: String,
    /// What follows the name.
    pub args: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
}

impl World {
    /// The process's own.
    pub fn of_process() -> Self {
        let mut args = std::env::args_os();
        let called = args.next().unwrap_or_default();
        let name = Path::new(&called).file_name().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            args: args.collect(),
            environment: std::env::vars_os().collect(),
        }
    }

    /// A variable's value as text, in which U+FFFD stands for whatever is not UTF-8.
    pub fn variable(&self, name: &str) -> Option<String> {
        let value = self.variable_os(name)?;
        Some(value.to_string_lossy().into_owned())
    }

    /// A variable's value as it is, for those that name files.
    pub fn variable_os(&self, name: &str) -> Option<OsString> {
        self.environment.get(OsStr::new(name)).cloned()
    }

    /// All variables, `NAME=VALUE`.
    pub fn environment(&self) -> Vec<Vec<u8>> {
        let line = |(name, value): (&OsString, &OsString)| {
            [name.as_bytes(), b"=", value.as_bytes()].concat()
        };
        self.environment.iter().map(line).collect()
    }

    /// Whether labels of SELinux mean anything here.
    pub fn has_selinux(&self) -> bool {
        Path::new("/sys/fs/selinux/enforce").exists()
    }

    /// Whether we act with other rights than whoever has logged in has: under sudo(8), su(1) and the like.
    ///
    /// Who that is, the control group tells in which systemd has put the session, as `sd_pid_get_owner_uid(3)` has it, or
    /// else the kernel's audit (`proc_pid_loginuid(5)`). Where nobody can tell, the answer is yes.
    pub fn is_elevated(&self) -> bool {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let owner = session_owner(&read("/proc/self/cgroup"), &read("/proc/self/loginuid"));
        self.variable_os("SUDO_UID").is_some() || owner != Some(rustix::process::geteuid().as_raw())
    }

    /// Where the running binary lies.
    pub fn program(&self) -> io::Result<PathBuf> {
        std::env::current_exe()
    }

    /// Drops the first argument and goes by its name: `importd importctl …` is `importctl …`.
    pub fn shifted(mut self) -> Self {
        let name = self.args.drain(..1.min(self.args.len())).next();
        self.name = name.unwrap_or_default().to_string_lossy().into_owned();
        self
    }

    /// Writes to standard output. A reader that has gone away has had enough, which is no error.
    pub fn print(&self, text: &str) -> io::Result<()> {
        let mut output = io::stdout().lock();
        match output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush())
        {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Writes to standard error, as far as that is there.
    pub fn complain(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    pub fn output_is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether standard error leads to the journal, as `$JOURNAL_STREAM` has it (`systemd.exec(5)`).
    pub fn errors_are_journal(&self) -> bool {
        let Some(stream) = self.variable("JOURNAL_STREAM") else {
            return false;
        };
        rustix::fs::fstat(io::stderr())
            .is_ok_and(|status| stream == format!("{}:{}", status.st_dev, status.st_ino))
    }

    pub fn errors_are_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }
}

/// The user in whose slice a control group is, else the one whom the audit subsystem has seen log in.
fn session_owner(groups: &str, login: &str) -> Option<u32> {
    let slice = |name: &str| {
        name.strip_prefix("user-")?
            .strip_suffix(".slice")?
            .parse()
            .ok()
    };
    // Of several hierarchies only systemd's has slices.
    let owner = groups.split(['/', '\n']).find_map(slice);
    owner.or_else(|| login.trim().parse().ok().filter(|uid| *uid != u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::session_owner;

    #[test]
    fn who_has_logged_in_is_told_by_the_slice_or_else_by_the_audit() {
        let unset = "4294967295";
        let slice = "0::/user.slice/user-1000.slice/session-2.scope\n";
        let old = "4:memory:/\n1:name=systemd:/user.slice/user-7.slice/user@7.service/app.slice\n";
        let service = "0::/system.slice/ssh.service\n";
        for (groups, login, owner) in [
            (slice, "0", Some(1000)),
            (old, unset, Some(7)),
            (service, "1001\n", Some(1001)),
            (service, unset, None),
            ("0::/user-x.slice/\n", "", None),
            ("", "", None),
        ] {
            assert_eq!(session_owner(groups, login), owner, "{groups}");
        }
    }
}
