//! A file system with images on it, a server and a pipe that are slow or not, and nothing else.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::kinds::{Kind, Makes};
use crate::kit::{Reply, Server, TempDir, archive_of, clear, directory, file, pack};
use crate::mount::Mount;
use crate::places::noise;

const DISK_BYTES: usize = 1 << 20;
/// Enough that it takes a moment to copy them.
const DIRECTORIES: usize = 6;
const FILES_EACH: usize = 50;

/// What comes slowly comes in so many pieces.
const PIECES: usize = 4;
const BETWEEN: Duration = Duration::from_millis(30);

/// How soon a process ends that a transfer has left behind.
const LEAVING: Duration = Duration::from_secs(5);

pub struct Place {
    mount: Mount,
    binary: PathBuf,
    /// Sources, not on the file system in question.
    given: TempDir,
    server: Server,
}

/// A transfer that runs, and who feeds it.
pub struct Started {
    pub child: Child,
    feeding: Option<JoinHandle<()>>,
}

impl Place {
    pub fn new(mount: Mount, binary: &Path) -> Self {
        let given = TempDir::new();
        let disk = noise(DISK_BYTES);
        let tree = tree_archive();
        for (name, bytes) in [
            ("disk.raw", &disk),
            ("disk.raw.gz", &disk),
            ("tree.tar", &tree),
            ("tree.tar.zst", &tree),
        ] {
            fs::write(given.path().join(name), pack(name, bytes)).unwrap();
        }
        let place = Self {
            mount,
            binary: binary.to_owned(),
            given,
            server: Server::http(),
        };
        for directory in ["images", "stock", "out"] {
            fs::create_dir(place.path(directory)).unwrap();
        }
        place.serve(false);
        let stock = place.path("stock");
        place.stock(&["import-raw", "{given}/disk.raw", "disk"]);
        place.stock(&["import-tar", "{given}/tree.tar", "tree"]);
        // The files of a tree, for those that take one as it is.
        let tree = place.given.path().join("tree");
        crate::kit::tool(
            "cp",
            [
                "-a".as_ref(),
                stock.join("tree").as_os_str(),
                tree.as_os_str(),
            ],
        );
        place
    }

    pub fn path(&self, directory: &str) -> PathBuf {
        self.mount.path().join(directory)
    }

    fn stock(&self, words: &[&str]) {
        let status = self.command(words, "stock").status().unwrap();
        assert!(status.success(), "{words:?}: {status}");
    }

    /// Serves the sources, in pieces or at once.
    pub fn serve(&self, slow: bool) {
        for name in ["disk.raw", "disk.raw.gz", "tree.tar", "tree.tar.zst"] {
            let bytes = fs::read(self.given.path().join(name)).unwrap();
            let sum = format!("{}  {name}\n", importd::stream::sha256(&bytes));
            (self.server).put(&format!("/{name}.sha256"), Reply::body(sum));
            // A second has twenty pieces.
            let rate = (bytes.len() / (PIECES - 1)) as u64 * 20;
            let reply = Reply::body(bytes).etag("\"first\"");
            let reply = if slow { reply.trickle(rate) } else { reply };
            self.server.put(&format!("/{name}"), reply);
        }
    }

    /// `importctl` for these words.
    pub fn command(&self, words: &[&str], image_root: &str) -> Command {
        let fill = |word: &str| {
            word.replace("{url}", &self.server.url())
                .replace("{given}", self.given.path().to_str().unwrap())
                .replace("{out}", self.path("out").to_str().unwrap())
        };
        let mut command = Command::new(&self.binary);
        let root = format!("--image-root={}", self.path(image_root).display());
        command
            .args(["-m", "--verify=checksum", "--keep-download=yes", &root])
            .args(words.iter().map(|word| fill(word)))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts a transfer of that kind; `slow` feeds it in pieces.
    pub fn start(&self, kind: &Kind, force: bool, slow: bool) -> Started {
        let mut command = self.command(kind.words, kind.image_root());
        if force && !matches!(kind.makes, Makes::Export(_)) {
            command.arg("--force");
        }
        command.stderr(if slow { Stdio::null() } else { Stdio::piped() });
        let Some(input) = kind.input else {
            let child = command.spawn().unwrap();
            return Started {
                child,
                feeding: None,
            };
        };
        let bytes = fs::read(self.given.path().join(input)).unwrap();
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let feeding = thread::spawn(move || {
            for piece in bytes.chunks(bytes.len().div_ceil(PIECES)) {
                // Whoever was to read it may be dead.
                if pipe.write_all(piece).is_err() {
                    return;
                }
                if slow {
                    thread::sleep(BETWEEN);
                }
            }
        });
        Started {
            child,
            feeding: Some(feeding),
        }
    }

    /// Runs one to its end, as fast as it goes, and gives what it said.
    #[track_caller]
    pub fn finish(&self, kind: &Kind, force: bool, what: &str) -> String {
        let started = self.start(kind, force, false);
        let output = started.child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{what}: {}\n{text}", output.status);
        join(started.feeding);
        text
    }

    /// Removes what is in that directory.
    pub fn clear(&self, directory: &str) {
        clear(&self.path(directory));
    }

    /// Removes what there is of images or exports, and puts something old in the way of the next, if told.
    pub fn reset(&self, kind: &Kind, old: bool) {
        self.clear(kind.target());
        let target = self.path(kind.target());
        if !old {
            return;
        }
        match kind.makes {
            Makes::Disk => fs::write(target.join("img.raw"), "old"),
            Makes::Tree => fs::create_dir_all(target.join("img/old")),
            Makes::Export(name) => fs::write(target.join(name), "old"),
        }
        .unwrap();
    }

    /// Nobody runs our binary any more: neither who sweeps nor who frees a file.
    #[track_caller]
    pub fn assert_nobody_is_left(&self, what: &str) {
        let start = Instant::now();
        while self.is_running() {
            assert!(start.elapsed() < LEAVING, "{what}: a process is left");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn is_running(&self) -> bool {
        let processes = fs::read_dir("/proc").unwrap();
        let exe = |entry: fs::DirEntry| fs::read_link(entry.path().join("exe")).ok();
        (processes.filter_map(Result::ok)).any(|entry| exe(entry).as_ref() == Some(&self.binary))
    }

    /// No file here is the back of a loop device.
    #[track_caller]
    pub fn assert_no_loop_device(&self, what: &str) {
        for device in fs::read_dir("/sys/block").unwrap() {
            let file = device.unwrap().path().join("loop/backing_file");
            let file = fs::read_to_string(file).unwrap_or_default();
            assert!(
                !Path::new(&file).starts_with(self.mount.path()),
                "{what}: {file}"
            );
        }
    }
}

impl Started {
    /// Kills it, as nothing can be killed more. Says whether that came before its end.
    pub fn kill(mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let _ = self.child.kill();
        let status = self.child.wait().unwrap();
        join(self.feeding);
        match status.signal() {
            Some(9) => true,
            _ => {
                assert!(status.success(), "{status}");
                false
            }
        }
    }
}

fn join(feeding: Option<JoinHandle<()>>) {
    if let Some(feeding) = feeding {
        feeding.join().unwrap();
    }
}

/// Many small files, and one of noise.
fn tree_archive() -> Vec<u8> {
    let mut members = vec![(directory("."), "")];
    for place in 0..DIRECTORIES {
        members.push((directory(&format!("./d{place}")), ""));
        let small = |number| (file(&format!("./d{place}/f{number}")), "content");
        members.extend((0..FILES_EACH).map(small));
    }
    // Text of hexadecimal digits packs to the half of it.
    let noise: String = noise(DISK_BYTES / 2)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let noise: &'static str = noise.leak();
    members.push((file("./noise"), noise));
    archive_of(members)
}
