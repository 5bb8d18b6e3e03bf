//! Locks of images between processes: a reader's, a device's, and ours while it is held.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::kit::{Case, NOBODY, Snapshot, need, need_root, tool};
use crate::mount::LoopDevice;

/// Locks a file as whoever reads an image does, and says whether it could. It holds the lock until its input ends.
const READER: &str = "
import fcntl, sys
file = open(sys.argv[1], 'a+')
try:
    fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
except OSError:
    print('busy')
    sys.exit()
print('locked', flush=True)
sys.stdin.read()
";

struct Reader {
    child: Child,
    answer: String,
}

impl Reader {
    fn of(path: &Path) -> Self {
        use std::io::{BufRead, BufReader};
        let mut child = Command::new("python3")
            .args(["-c", READER, path.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answer = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut answer)
            .unwrap();
        Self { child, answer }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

const IMPORT: [&str; 5] = ["import-raw", "-m", "--force", "{dir}/new", "a"];

#[test]
fn an_image_that_is_only_read_is_in_use_too() {
    if !need_root() || !need("python3") {
        return;
    }
    let case = Case::new()
        .file("new", "new")
        .root_file("var/lib/machines/a.raw", "old");
    let lock = case.image_dir("machine").join(".#a.raw.lck");
    let reader = Reader::of(&lock);
    assert_eq!(reader.answer, "locked\n");
    case.importctl(IMPORT)
        .code(1)
        .stderr_has("a.raw` is in use");
    drop(reader);
    // What it has left is nobody's any more.
    case.importctl(IMPORT).ok();
    assert_eq!(case.images("machine").names(), ["a.raw"]);
}

#[test]
fn a_device_is_locked_by_its_number() {
    if !need_root() || !need("losetup") || !need("python3") {
        return;
    }
    let case = Case::new()
        .file("new", "new")
        .root_file("var/lib/machines/other.raw", "x");
    let device = LoopDevice::new(1 << 20);
    let number = fs::metadata(device.path()).unwrap().rdev();
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    let node = case.image_dir("machine").join("a.raw");
    let numbers = [major.to_string(), minor.to_string()];
    tool(
        "mknod",
        [node.to_str().unwrap(), "b", &numbers[0], &numbers[1]],
    );
    let locks = case.root().join("run/systemd/nspawn/locks");
    fs::create_dir_all(&locks).unwrap();
    let reader = Reader::of(&locks.join(format!("block-{major}:{minor}")));
    case.importctl(IMPORT)
        .code(1)
        .stderr_has("a.raw` is in use");
    drop(reader);
    case.importctl(IMPORT).ok();
    assert!(node.symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read_dir(&locks).unwrap().count(), 0);
}

#[test]
fn an_ordinary_user_locks_what_is_theirs_to_lock() {
    if !need_root() || !need("setpriv") || !need("python3") {
        return;
    }
    let case = Case::new()
        .without_root()
        .file("new", "new")
        .through(NOBODY);
    let own = case.dir().join("own");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(65534), Some(65534)).unwrap();
    let place = format!("--image-root={}", own.display());
    let import = ["import-raw", "-m", "--force", &place, "{dir}/new", "a"];
    case.importctl(import).ok();
    let lock = own.join(".#a.raw.lck");
    fs::write(&lock, "").unwrap();
    chown(&lock, Some(65534), Some(65534)).unwrap();
    let reader = Reader::of(&lock);
    case.importctl(import)
        .code(1)
        .stderr_has("a.raw` is in use");
    drop(reader);
    case.importctl(import).ok();
    assert_eq!(Snapshot::of(&own).names(), ["a.raw"]);
    // A lock of root's may be held or not: there is no telling.
    drop(Reader::of(&lock));
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o600)).unwrap();
    case.importctl(import)
        .code(1)
        .stderr_has("failed to lock `")
        .stderr_has("Permission denied");
}

#[test]
fn nobody_else_gets_at_an_image_while_it_is_replaced() {
    if !need_root() || !need("strace") || !need("python3") {
        return;
    }
    // The rename waits before it is done.
    let slowly = "inject=rename,renameat,renameat2:delay_enter=3000000";
    let case = Case::new()
        .file("new", "new")
        .root_file("var/lib/machines/a.raw", "old")
        .through(["strace", "-f", "-o", "/dev/null", "-e", slowly]);
    fs::create_dir_all(case.root().join("run/systemd/nspawn/locks")).unwrap();
    let image = case.image_dir("machine").join("a.raw");
    let inode = fs::metadata(&image).unwrap();
    let locks = [
        case.image_dir("machine").join(".#a.raw.lck"),
        case.root().join(format!(
            "run/systemd/nspawn/locks/inode-{}:{}",
            inode.dev(),
            inode.ino()
        )),
    ];
    let running = case.start(IMPORT);
    let begun = Instant::now();
    // At the beginning it is locked for a moment only; once the new one is written, until that has taken its place.
    let written = || {
        let entries = fs::read_dir(case.image_dir("machine")).unwrap().flatten();
        let mut staged = entries.filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with(".#importd.")
        });
        staged.any(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() > 0))
    };
    while !(written() && locks.iter().all(|lock| lock.exists())) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    for lock in &locks {
        assert_eq!(Reader::of(lock).answer, "busy\n");
    }
    assert_eq!(fs::read(&image).unwrap(), b"old");
    running.wait().ok();
    assert_eq!(fs::read(&image).unwrap(), b"new");
    assert!(locks.iter().all(|lock| !lock.exists()));
}
