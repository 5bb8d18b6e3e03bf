//! A signal in the middle of a large archive: it ends at once and leaves nothing, or what the next import sweeps.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::archive::{Header, members, whole};
use super::world::{DATA_BYTES, World};
use crate::kit::{need, need_root};
use crate::mount::Mount;
use crate::static_binary::binary;

/// How soon it has to end.
const LIMIT: Duration = Duration::from_millis(500);

/// So many files are gone soon enough on a busy machine too. To remove one takes ext4 some six microseconds.
const DIRECTORIES: u32 = 200;
const FILES_EACH: u32 = 100;

/// A root on a disk, since memory is quick to forget.
fn with_world(test: impl FnOnce(&World)) {
    let tools = || need("prlimit") && need("mkfs.ext4");
    let Some(binary) = binary().filter(|_| need_root() && tools()) else {
        return;
    };
    let options = ["-q", "-E", "root_owner=0:0", "-N", "100000"];
    let mount = Mount::formatted(1 << 30, "mkfs.ext4", &options);
    test(&World::new(mount.path(), &binary));
}

/// The only entry of the image directory whose name is a temporary one.
fn staged(world: &World) -> Option<std::path::PathBuf> {
    let entries = fs::read_dir(world.images()).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(".#")
    })
}

/// An import that has unpacked so many files and waits for more.
fn in_the_middle(world: &World) -> (Child, ChildStdin) {
    let mut command = world.import(DATA_BYTES);
    let command = command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut archive = child.stdin.take().unwrap();
    for directory in 0..DIRECTORIES {
        let file = |number| members(&format!("f d{directory}/f{number}"));
        let files: Vec<u8> = (0..FILES_EACH).flat_map(file).collect();
        archive.write_all(&files).unwrap();
    }
    // Behind them enough that none of them stays in a buffer.
    archive
        .write_all(&Header::new("more", b'0').size(1 << 30).block())
        .unwrap();
    archive.write_all(&vec![b'x'; 16 << 20]).unwrap();
    let last = format!("tree/d{}/f{}", DIRECTORIES - 1, FILES_EACH - 1);
    assert!(staged(world).unwrap().join(last).exists());
    (child, archive)
}

#[test]
fn a_signal_leaves_nothing_and_is_heard_at_once() {
    with_world(|world| {
        let mut times = [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| {
            let (child, _archive) = in_the_middle(world);
            let signalled = Instant::now();
            kill_process(Pid::from_child(&child), signal).unwrap();
            let output = child.wait_with_output().unwrap();
            let time = signalled.elapsed();
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(text.contains("the transfer was cancelled"), "{text}");
            assert_eq!(output.status.code(), Some(1));
            world.assert_untouched("a signal");
            time
        });
        times.sort();
        assert!(times[1] < LIMIT, "{times:?}");
    });
}

#[test]
fn what_a_killed_import_leaves_is_swept_by_the_next() {
    with_world(|world| {
        let (mut child, _archive) = in_the_middle(world);
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert!(staged(world).is_some());
        let output = world.import_all(&whole(&[members("f a")]));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("of earlier runs, removed: 1"), "{text}");
        assert_eq!(world.take(), "f0644 a");
        world.assert_untouched("a killed import");
        world.forget();
    });
}
