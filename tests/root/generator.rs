//! systemd-import-generator where there is no service manager.

use std::fs;
use std::path::Path;

use crate::kit::{Case, Reply, Snapshot, archive, need, need_root, tool};

/// An initrd's `/run` is a directory of the case's.
fn case(line: &str) -> Case {
    let case = Case::new().without_root();
    fs::create_dir(case.dir().join("run")).unwrap();
    let mounted = case.fill("mount --bind {dir}/run /run || exit 9; exec \"$0\" \"$@\"");
    case.env("SYSTEMD_IN_INITRD", "1")
        .env("SYSTEMD_PROC_CMDLINE", line)
        .through(["unshare", "--mount", "sh", "-c", &mounted])
}

/// The loop device of a file. Detached on drop.
struct Attached(String);

impl Attached {
    #[track_caller]
    fn of(file: &Path) -> Self {
        let told = tool("losetup", ["-nO", "NAME", "-j", file.to_str().unwrap()]);
        let path = String::from_utf8(told).unwrap().trim().to_owned();
        assert!(path.starts_with("/dev/loop"), "{path:?}");
        Self(path)
    }

    fn fact(&self, name: &str) -> String {
        let device = self.0.strip_prefix("/dev/").unwrap();
        let path = Path::new("/sys/block").join(device).join(name);
        fs::read_to_string(path).unwrap().trim().to_owned()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let _ = std::process::Command::new("losetup")
            .args(["-d", &self.0])
            .status();
    }
}

/// One whose sectors are of 4 KiB, as far as that is looked at.
fn disk_of_large_sectors() -> Vec<u8> {
    let mut disk = vec![0; 1 << 20];
    disk[4096..4104].copy_from_slice(b"EFI PART");
    disk
}

#[test]
fn what_a_boot_asks_for_is_there_without_a_service_manager() {
    if !need_root() || !need("losetup") {
        return;
    }
    let asked = "root=x rd.systemd.pull=raw,machine,verify=no,blockdev:disk:{url}/disk.raw \
        rd.systemd.pull=raw,machine,verify=no,blockdev,ro:large:{url}/large.raw \
        rd.systemd.pull=tar,sysext,verify=no,runtime=yes:tree:{url}/tree.tar \
        rd.systemd.pull=raw,machine,verify=no:missing:{url}/missing.raw \
        rd.systemd.pull=nonsense systemd.pull=raw,machine:other:{url}/other.raw \
        rd.systemd.pull.success_action=reboot";
    let case = case(asked)
        .serve_as("disk.raw", Reply::body(vec![1; 1 << 20]))
        .serve_as("large.raw", Reply::body(disk_of_large_sectors()))
        .serve_as("tree.tar", Reply::body(archive()));
    let outcome = case
        .importd(["systemd-import-generator", "--now"])
        .code(1)
        .stderr_has("Nothing is fetched for `nonsense`")
        .stderr_has("An action after a download is the service manager's to take, ignoring")
        .stderr_has(
            "`/run/machines/missing.raw` is not ready: its download ended with exit status: 1",
        )
        .stderr_has("`/run/machines/disk.raw` is the block device /dev/loop");
    let run = case.dir().join("run");
    let machines = run.join("machines");
    let disk = Attached::of(&machines.join("disk.raw"));
    let large = Attached::of(&machines.join("large.raw"));
    assert_eq!(
        Snapshot::of(&machines).names(),
        ["disk.raw", "large.raw"],
        "{}",
        outcome.stderr_text()
    );
    assert!(run.join("extensions/tree").is_dir());
    let facts = |device: &Attached| {
        let fact = |name| device.fact(name);
        [
            fact("ro"),
            fact("queue/logical_block_size"),
            fact("loop/partscan"),
        ]
    };
    assert_eq!(facts(&disk), ["0", "512", "1"]);
    assert_eq!(facts(&large), ["1", "4096", "1"]);
    // And again: the disks are there, which is all that can be said.
    case.importd(["systemd-import-generator", "--now"])
        .code(1)
        .stderr_has("exists already");
}

#[test]
fn without_a_word_nothing_is_done_at_once() {
    if !need_root() {
        return;
    }
    let case = case("quiet systemd.pull=raw,machine:a:http://h/a.raw");
    case.importd(["systemd-import-generator", "--now"])
        .ok()
        .stderr_is("");
    assert_eq!(fs::read_dir(case.dir().join("run")).unwrap().count(), 0);
}
