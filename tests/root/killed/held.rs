//! What is staged and held is nobody's to sweep: transfers at once, into one directory.

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::kinds::{KINDS, Kind};
use super::place::{Place, Started};
use super::visible::{staged, visible};
use super::{FILE_SYSTEMS, own_binary};
use crate::mount::Mount;

/// Longer than it takes until something is staged.
const PATIENCE: Duration = Duration::from_secs(20);

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).unwrap()
}

/// Whether the process has a BSD lock.
fn has_lock(child: &Child) -> bool {
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let id = child.id().to_string();
    let is_its =
        |line: &str| line.contains(" FLOCK ") && line.split_whitespace().any(|word| word == id);
    locks.lines().any(is_its)
}

/// A transfer of that kind which has been stopped where it has staged something and holds it.
fn stopped(place: &Place, kind: &Kind, what: &str) -> Started {
    let directory = place.path(kind.target());
    let start = Instant::now();
    'again: while start.elapsed() < PATIENCE {
        place.reset(kind, false);
        let mut started = place.start(kind, false, true);
        loop {
            if staged(&directory).is_empty() {
                if started.child.try_wait().unwrap().is_some() {
                    continue 'again;
                }
                continue;
            }
            signal(&started.child, Signal::STOP);
            let id = Pid::from_child(&started.child);
            let (_, status) = waitpid(Some(id), WaitOptions::UNTRACED).unwrap().unwrap();
            if !status.stopped() {
                continue 'again;
            }
            if has_lock(&started.child) && !staged(&directory).is_empty() {
                return started;
            }
            signal(&started.child, Signal::CONT);
        }
    }
    panic!("{what}: nothing is staged");
}

/// Stops a transfer where it has staged something, lets another one run meanwhile, then lets it go on.
fn one_beside_the_other(place: &Place, kind: &Kind, words: &[&str], what: &str) {
    let directory = place.path(kind.target());
    place.serve(true);
    let mut started = stopped(place, kind, what);
    let held = staged(&directory);
    let other = (place.command(words, kind.image_root()))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(other.status.success(), "{what}: {said}");
    assert!(!said.contains("removed"), "{what}: {said}");
    assert_eq!(staged(&directory), held, "{what}");
    signal(&started.child, Signal::CONT);
    let status = started.child.wait().unwrap();
    assert!(status.success(), "{what}: {status}");
    assert_eq!(staged(&directory), [""; 0], "{what}");
}

#[test]
fn transfers_and_exports_at_once_do_not_sweep_each_other() {
    let Some((_temp, binary)) = own_binary() else {
        return;
    };
    for (file_system, mount) in FILE_SYSTEMS {
        let place = Place::new(mount(), &binary);
        let import = ["import-tar", "{given}/tree.tar", "other"];
        let export = ["export-raw", "disk", "{out}/other.raw"];
        for (name, words, leaves) in [
            ("pull-raw", &import[..], ["img.raw", "other"]),
            ("import-tar", &import, ["img", "other"]),
            ("import-fs", &import, ["img", "other"]),
            ("export-raw", &export, ["disk.raw.bz2", "other.raw"]),
            ("export-tar", &export, ["other.raw", "tree.tar.bz2"]),
        ] {
            let what = format!("{file_system}: {name}");
            one_beside_the_other(&place, kind(name), words, &what);
            let visible = visible(&place.path(kind(name).target()));
            let names = visible.keys().filter(|name| !name.starts_with('.'));
            assert_eq!(names.collect::<Vec<_>>(), leaves, "{what}");
        }
    }
}

/// A name proves nothing where anybody may make one.
#[test]
fn what_belongs_to_somebody_else_is_left_alone() {
    let Some((_temp, binary)) = own_binary() else {
        return;
    };
    let place = Place::new(Mount::tmpfs(64 << 20), &binary);
    let out = place.path("out");
    let [own, open, other] =
        ["own", "open", "other"].map(|word| format!(".#importd.{word}0123456789abcdef"));
    for (name, mode) in [(&own, 0o700), (&open, 0o755), (&other, 0o700)] {
        std::fs::create_dir_all(out.join(name).join("tree")).unwrap();
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(out.join(name), mode).unwrap();
    }
    chown(out.join(&other), Some(65534), Some(65534)).unwrap();
    place.finish(kind("export-raw"), false, "an export");
    // A tree of ours nobody else can enter.
    let mut left = staged(&out);
    left.sort();
    assert_eq!(left, [open, other]);
}

/// So that sweeps come between the making of a staged entry and its lock: who loses it then makes another.
#[test]
fn transfers_and_exports_that_start_together_all_succeed() {
    const TIMES: usize = 4;
    let Some((_temp, binary)) = own_binary() else {
        return;
    };
    for (file_system, mount) in FILE_SYSTEMS {
        let place = Place::new(mount(), &binary);
        for _ in 0..TIMES {
            for (verb, from) in [
                ("import-raw", "{given}/disk.raw"),
                ("import-tar", "{given}/tree.tar"),
                ("import-fs", "{given}/tree"),
                ("export-raw", "disk"),
                ("export-tar", "tree"),
            ] {
                all_together(&place, verb, from, &format!("{file_system}: {verb}"));
            }
        }
    }
}

fn all_together(place: &Place, verb: &str, from: &str, what: &str) {
    const AT_ONCE: usize = 6;
    let (root, to, target) = match verb.starts_with("import") {
        true => ("images", "", "images"),
        false => ("stock", "{out}/", "out"),
    };
    let start = |number| {
        let to = format!("{to}{number}");
        let mut command = place.command(&[verb, from, &to], root);
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..AT_ONCE).map(start).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{what}: {said}");
    }
    for directory in ["images", "out", "stock"] {
        let staged = staged(&place.path(directory));
        assert_eq!(staged, [""; 0], "{what}: {directory}");
    }
    assert_eq!(visible(&place.path(target)).len(), AT_ONCE, "{what}");
    place.clear(target);
}
