//! One test's world: a temporary root, a server, and the built binary between them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use importd::terms::ImageClass;

use super::run::{Outcome, Running, find};
use super::snapshot::Snapshot;
use super::temp::TempDir;
use super::{Bus, Reply, Server, image, pack};

/// The names by which tests call the binary.
const PROGRAMS: [&str; 6] = [
    "systemd-importd",
    "importctl",
    "systemd-pull",
    "systemd-import",
    "systemd-import-fs",
    "systemd-export",
];

/// The one variable that what is run inherits.
const THREADS: &str = "IMPORTD_THREADS";

/// A builder first, then a thing to run programs in.
///
/// In arguments and values of variables `{url}` stands for the server's URL without a slash at the end, `{dir}` for the
/// scratch directory, `{root}` for the root given to the binary. All of it vanishes on drop.
pub struct Case {
    temp: TempDir,
    server: OnceLock<Server>,
    env: Vec<(OsString, String)>,
    wrapper: Vec<String>,
    stdin: Option<Vec<u8>>,
    with_root: bool,
}

impl Case {
    pub fn new() -> Self {
        let temp = TempDir::new();
        for name in ["root", "bin", "dir"] {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        for name in PROGRAMS {
            symlink(built_binary(), temp.path().join("bin").join(name)).unwrap();
        }
        Self {
            temp,
            server: OnceLock::new(),
            env: Vec::new(),
            wrapper: Vec::new(),
            stdin: None,
            with_root: true,
        }
    }

    /// Runs another binary than the one that cargo builds for the tests.
    pub fn of_binary(self, binary: &Path) -> Self {
        for name in PROGRAMS {
            let link = self.temp.path().join("bin").join(name);
            fs::remove_file(&link).unwrap();
            symlink(binary, link).unwrap();
        }
        self
    }

    /// Uses that server instead of a plain HTTP one; say so before anything is served.
    pub fn over(self, server: Server) -> Self {
        assert!(self.server.set(server).is_ok(), "the case has a server");
        self
    }

    /// Serves the kit's disk image under that name at the server's top, packed as the name says, with an ETag.
    pub fn serve(self, name: &str) -> Self {
        let body = pack(name, &image());
        self.serve_as(name, Reply::body(body).etag("\"first\""))
    }

    /// Serves something else under that name.
    pub fn serve_as(self, name: &str, reply: Reply) -> Self {
        self.server().put(&format!("/{name}"), reply);
        self
    }

    /// Serves `SHA256SUMS` of these names and bytes.
    pub fn serve_sums(self, files: &[(&str, &[u8])]) -> Self {
        let line =
            |(name, bytes): &(&str, &[u8])| format!("{}  {name}\n", importd::stream::sha256(bytes));
        let sums: String = files.iter().map(line).collect();
        self.serve_as("SHA256SUMS", Reply::body(sums))
    }

    /// Sets a variable in the otherwise empty environment of what is run.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.to_owned()));
        self
    }

    /// What is run reads these bytes, instead of nothing, from standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Runs everything through another program, such as `prlimit --fsize=4096`.
    pub fn through<'a>(mut self, wrapper: impl IntoIterator<Item = &'a str>) -> Self {
        self.wrapper = wrapper.into_iter().map(str::to_owned).collect();
        self
    }

    /// Does not pass `--root`.
    pub fn without_root(mut self) -> Self {
        self.with_root = false;
        self
    }

    /// Writes a file below the root, with the directories that lead there.
    pub fn root_file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.root().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Writes a file into the scratch directory.
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.dir().join(name), bytes).unwrap();
        self
    }

    pub fn server(&self) -> &Server {
        self.server.get_or_init(Server::http)
    }

    /// What `--root` says.
    pub fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    /// Room for a test's own files.
    pub fn dir(&self) -> PathBuf {
        self.temp.path().join("dir")
    }

    /// The image directory of that class below the root.
    pub fn image_dir(&self, class: &str) -> PathBuf {
        let class: ImageClass = class.parse().unwrap();
        self.root().join("var/lib").join(class.directory())
    }

    /// The same, attribute for attribute.
    #[track_caller]
    pub fn images(&self, class: &str) -> Snapshot {
        Snapshot::of(&self.image_dir(class))
    }

    /// Runs `importctl`, called by that name, to its end.
    #[track_caller]
    pub fn importctl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        self.start(arguments).wait()
    }

    /// Starts `importctl`, to be signalled or waited for.
    pub fn start<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Running {
        let program = self.temp.path().join("bin/importctl");
        let root = self.with_root.then_some("--root={root}");
        self.launch(&program, root.into_iter().chain(arguments))
    }

    /// Starts the daemon, and waits until it serves on that bus if there is one.
    #[track_caller]
    pub fn daemon(&self, bus: &Bus) -> Running {
        let daemon = self.on_bus(bus, "systemd-importd", ["--root={root}"]);
        bus.wait_for_name();
        daemon
    }

    /// Runs `importctl` without a root and without a bus, with the host's `$PATH`.
    #[track_caller]
    pub fn importctl_alone<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        let program = self.temp.path().join("bin/importctl");
        let path = format!("PATH={}", std::env::var("PATH").unwrap());
        let words = [path, program.to_str().unwrap().to_owned()].into_iter();
        let words: Vec<_> = words
            .chain(arguments.into_iter().map(str::to_owned))
            .collect();
        let env = Path::new("/usr/bin/env");
        self.launch(env, words.iter().map(String::as_str)).wait()
    }

    /// Starts `importctl` without a root, so that it talks to whoever is on that bus.
    pub fn client<'a>(&self, bus: &Bus, arguments: impl IntoIterator<Item = &'a str>) -> Running {
        self.on_bus(bus, "importctl", arguments)
    }

    fn on_bus<'a>(
        &self,
        bus: &Bus,
        program: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Running {
        let program = self.temp.path().join("bin").join(program);
        let address = format!("DBUS_SYSTEM_BUS_ADDRESS={}", bus.address());
        let words = [address, program.to_str().unwrap().to_owned()].into_iter();
        let words: Vec<_> = words
            .chain(arguments.into_iter().map(str::to_owned))
            .collect();
        self.launch(Path::new("/usr/bin/env"), words.iter().map(String::as_str))
    }

    /// Runs one of the helpers, called by that name, to its end; images go into the scratch directory's `images`.
    #[track_caller]
    pub fn helper<'a>(&self, name: &str, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        let program = self.temp.path().join("bin").join(name);
        let root = ["--image-root={dir}/images"];
        let verbless = name == "systemd-export";
        let root = root.into_iter().filter(|_| !verbless);
        self.launch(&program, root.chain(arguments)).wait()
    }

    /// Runs the binary under its own name with these arguments alone, to its end.
    #[track_caller]
    pub fn importd<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        let program = Path::new(built_binary());
        self.launch(program, arguments).wait()
    }

    fn launch<'a>(&self, program: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Running {
        let mut command = match self.wrapper.split_first() {
            None => Command::new(program),
            Some((wrapper, rest)) => {
                // The child has no $PATH to find it by.
                let mut command = Command::new(find(wrapper).unwrap());
                command.args(rest).arg(program);
                command
            }
        };
        command.args(arguments.into_iter().map(|argument| self.fill(argument)));
        command
            .env_clear()
            .current_dir(self.dir())
            .stdin(Stdio::null());
        // Whoever runs the tests may say on how many threads.
        command.envs(std::env::var_os(THREADS).map(|count| (THREADS, count)));
        command.envs(
            self.env
                .iter()
                .map(|(name, value)| (name, self.fill(value))),
        );
        Running::start(command, self.stdin.clone())
    }

    /// Puts this case's places into a text.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, place) in [("{root}", self.root()), ("{dir}", self.dir())] {
            text = text.replace(word, place.to_str().unwrap());
        }
        if text.contains("{url}") {
            text = text.replace("{url}", &self.server().url());
        }
        text
    }
}

/// The binary that cargo builds for the tests. Examples share the kit and run none through it.
fn built_binary() -> &'static str {
    option_env!("CARGO_BIN_EXE_importd").unwrap_or("importd")
}
