//! The outside world in one value: arguments, environment, standard streams. Nobody else looks for them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::terms::parse_boolean;

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

/// How it was booted.
impl World {
    /// Whether this is an initrd. The service manager tells its generators (`systemd.generator(7)`).
    pub fn in_initrd(&self) -> bool {
        match self.variable("SYSTEMD_IN_INITRD") {
            Some(value) => parse_boolean(&value).unwrap_or(false),
            None => Path::new("/etc/initrd-release").exists(),
        }
    }

    /// The kernel's command line, words that are quoted where they hold blanks; in a container, what its first process was
    /// given, whom such options are for there. Both may be replaced by `$SYSTEMD_PROC_CMDLINE`.
    pub fn kernel_command_line(&self) -> io::Result<Vec<u8>> {
        if let Some(line) = self.variable_os("SYSTEMD_PROC_CMDLINE") {
            return Ok(line.into_encoded_bytes());
        }
        let in_container = match self.variable("SYSTEMD_VIRTUALIZATION") {
            Some(what) => what.starts_with("container:"),
            None => Path::new("/run/systemd/container").exists(),
        };
        match in_container {
            true => Ok(quoted(&read_limited(Path::new("/proc/1/cmdline"))?)),
            false => read_limited(Path::new("/proc/cmdline")),
        }
    }

    /// The URL that the boot loader was downloaded from, as `systemd-stub(7)` has left it with the firmware.
    pub fn boot_origin(&self) -> Option<String> {
        let variable = "StubDeviceURL-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
        let path = Path::new("/sys/firmware/efi/efivars").join(variable);
        read_limited(&path).ok().map(|bytes| efi_text(&bytes))
    }
}

/// More than a kernel or a service manager hands over.
pub const INPUT_LIMIT_BYTES: u64 = 1 << 20;

/// Reads what one of these hands over.
pub fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(INPUT_LIMIT_BYTES);
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The words after a process's name as a line of words, in which quotes keep them apart.
fn quoted(arguments: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    for word in arguments.split(|byte| *byte == 0).skip(1) {
        for byte in word {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => line.extend([b'"', *byte, b'"']),
                b'"' => line.extend(b"'\"'"),
                b'\'' => line.extend(b"\"'\""),
                byte => line.push(*byte),
            }
        }
        line.push(b' ');
    }
    line
}

/// A variable of the firmware's that holds text: four bytes of attributes, then UTF-16 up to a zero.
fn efi_text(bytes: &[u8]) -> String {
    let units = bytes.get(4..).unwrap_or_default().chunks_exact(2);
    let units = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
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
    use super::{efi_text, quoted, session_owner};

    #[test]
    fn arguments_of_a_process_stay_the_words_that_they_are() {
        let line = b"/sbin/init\0a=b c\0d'e\"f\0\tg\0";
        let expected = b"a=b\" \"c d\"'\"e'\"'f \"\t\"g  ";
        assert_eq!(quoted(line), expected);
    }

    #[test]
    fn text_of_the_firmware_ends_with_a_zero() {
        assert_eq!(efi_text(b"\x07\0\0\0h\0t\0\0\0x\0"), "ht");
        assert_eq!(efi_text(b"\x07"), "");
    }

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
