//! Exporting: to files that appear whole or not at all, to pipes, and never to a terminal.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;

use super::kit::{Case, Snapshot, allocated_bytes, archive, image, need, tool};

/// A machine of each form: `disk`, and `tree` from the archive.
fn case() -> Case {
    let case = Case::new()
        .root_file("var/lib/machines/disk.raw", image())
        .file("tree.tar", archive());
    case.importctl(["-m", "import-tar", "tree.tar"]).ok();
    case
}

#[test]
fn what_is_exported_is_imported_as_it_was_in_every_format() {
    let case = case();
    let trees = || Snapshot::of(&case.image_dir("machine").join("tree"));
    let before = trees();
    for (suffix, options) in [
        ("", &[][..]),
        (".gz", &[]),
        (".xz", &[]),
        (".zst", &[]),
        (".bz2", &[]),
        (".lz4", &[]),
        (".any", &["--format=zst"]),
        (".gz", &["--format=uncompressed"]),
    ] {
        let (disk, tree) = (format!("disk{suffix}"), format!("tree{suffix}"));
        let run = |words: &[&str]| {
            case.importctl(["-m"].iter().chain(options).chain(words).copied())
                .ok()
        };
        run(&["export-raw", "disk", &disk]);
        run(&["export-tar", "tree", &tree]);
        let first = fs::read(case.dir().join(&tree)).unwrap();
        run(&["--force", "import-raw", &disk, "disk2"]);
        run(&["--force", "import-tar", &tree, "tree"]);
        assert!(fs::read(case.image_dir("machine").join("disk2.raw")).unwrap() == image());
        assert_eq!(trees(), before, "{suffix} {options:?}");
        run(&["export-tar", "tree", &tree]);
        assert!(fs::read(case.dir().join(&tree)).unwrap() == first);
    }
}

#[test]
fn standard_output_gets_the_same_bytes_as_a_file() {
    let case = case();
    for (verb, name) in [("export-raw", "disk"), ("export-tar", "tree")] {
        case.importctl(["-m", verb, name, "file"])
            .ok()
            .stdout_is("");
        for dash in [&[][..], &["-"], &[""]] {
            let outcome = case
                .importctl(["-m", verb, name].iter().chain(dash).copied())
                .ok();
            assert!(outcome.stdout == fs::read(case.dir().join("file")).unwrap());
        }
    }
}

#[test]
fn a_disk_image_keeps_its_holes_times_and_attributes() {
    let case = Case::new().root_file("var/lib/machines/disk.raw", "begin");
    let disk = File::options()
        .write(true)
        .open(case.image_dir("machine").join("disk.raw"))
        .unwrap();
    disk.write_all_at(b"end", 6 << 20).unwrap();
    disk.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
    let words = ["-m", "export-raw", "disk", "out"];
    case.importctl(words).ok();
    let out = case.dir().join("out");
    assert!(allocated_bytes(&out) < 100_000);
    let modified = fs::metadata(&out).unwrap().modified().unwrap();
    assert_eq!(modified, disk.metadata().unwrap().modified().unwrap());
    assert_eq!(fs::metadata(&out).unwrap().len(), (6 << 20) + 3);
}

#[test]
fn an_export_that_fails_leaves_the_file_as_it_was() {
    let case = case().file("out", "precious");
    let before = Snapshot::of(&case.dir());
    for (words, message) in [
        (
            &["export-raw", "nothing", "out"][..],
            "there is no machine image `nothing`",
        ),
        (&["export-raw", "tree", "out"], "use export-tar"),
        (&["export-tar", "disk", "out"], "use export-raw"),
        (&["export-tar", "a/b", "out"], "a name holds no `/`"),
        (
            &["--format=rar", "export-tar", "tree", "out"],
            "unknown format `rar`",
        ),
        (
            &["export-tar", "tree", "no/such/out"],
            "failed to write `no/such/out`",
        ),
        (&["export-tar", "tree", "/"], "failed to write"),
        (&["export-tar"], "needs NAME"),
    ] {
        case.importctl(["-m"].iter().chain(words).copied())
            .code(1)
            .stderr_has(message);
        assert_eq!(Snapshot::of(&case.dir()), before, "{words:?}");
    }
    case.importctl(["export-tar", "tree", "out"])
        .code(1)
        .stderr_has("no image class was given");
}

#[test]
fn a_file_is_replaced_with_its_permissions_and_through_links() {
    let case = case().file("out", "old");
    fs::set_permissions(case.dir().join("out"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("out", case.dir().join("link")).unwrap();
    case.importctl(["-m", "export-raw", "disk", "link"]).ok();
    assert!(
        fs::symlink_metadata(case.dir().join("link"))
            .unwrap()
            .is_symlink()
    );
    assert!(fs::read(case.dir().join("out")).unwrap() == image());
    let mode = fs::metadata(case.dir().join("out"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn nothing_is_written_to_a_terminal() {
    if !need("script") {
        return;
    }
    let case = case();
    for verb in ["export-raw disk", "export-tar tree"] {
        let program = case.dir().parent().unwrap().join("bin/importctl");
        let line = format!(
            "{} --root={} -m {verb}",
            program.display(),
            case.root().display()
        );
        let shown = tool(
            "script",
            ["-qc", &line, "/dev/null"]
                .map(str::to_owned)
                .to_vec()
                .as_slice(),
        );
        let shown = String::from_utf8_lossy(&shown);
        assert!(shown.contains("not written to a terminal"), "{shown}");
    }
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_it_up() {
    let case = Case::new().root_file("var/lib/machines/disk.raw", vec![7; 4 << 20]);
    let pipe = case.dir().join("pipe");
    tool("mkfifo", [&pipe]);
    let mut times = [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| {
        // Kept open, and not read.
        let reader = File::options().read(true).write(true).open(&pipe).unwrap();
        let running = case.start(["-m", "export-raw", "disk", "pipe"]);
        std::thread::sleep(Duration::from_millis(400));
        let start = Instant::now();
        running.signal(signal);
        running
            .wait()
            .code(1)
            .stderr_has("the transfer was cancelled");
        drop(reader);
        start.elapsed()
    });
    times.sort();
    assert!(times[1] < Duration::from_millis(500), "{times:?}");
}

#[test]
fn a_pipe_that_nobody_opens_is_waited_for() {
    let case = Case::new().root_file("var/lib/machines/disk.raw", vec![7; 4 << 20]);
    let pipe = case.dir().join("pipe");
    tool("mkfifo", [&pipe]);
    let start = || {
        let running = case.start(["-m", "export-raw", "disk", "pipe"]);
        std::thread::sleep(Duration::from_millis(400));
        running
    };
    let running = start();
    running.signal(Signal::INT);
    running
        .wait()
        .code(1)
        .stderr_has("the transfer was cancelled");
    let running = start();
    assert!(fs::read(&pipe).unwrap() == vec![7; 4 << 20]);
    running.wait().ok();
}

#[test]
fn a_reader_that_goes_away_is_an_error() {
    let case = Case::new().root_file("var/lib/machines/disk.raw", vec![7; 4 << 20]);
    let case = case.through([
        "sh",
        "-c",
        r#"{ "$@" || echo "it ended with $?" >&2; } | head -c 10"#,
        "sh",
    ]);
    case.importctl(["-m", "export-raw", "disk"])
        .ok()
        .stderr_has("failed to write `standard output`: Broken pipe")
        .stderr_has("it ended with 1");
    let mut rest = Vec::new();
    File::open(case.image_dir("machine").join("disk.raw"))
        .unwrap()
        .read_to_end(&mut rest)
        .unwrap();
    assert!(rest == vec![7; 4 << 20]);
}

#[test]
fn what_killed_exports_left_beside_the_file_is_swept_and_nothing_else() {
    let case = case();
    let left = ".#importd.export0123456789abcdef";
    let held = ".#importd.exportfedcba9876543210";
    let others = [
        "export0123456789abcdef",
        ".#export0123456789abcdef",
        ".#importd.x",
    ];
    for name in [left, held].into_iter().chain(others) {
        fs::write(case.dir().join(name), "half").unwrap();
    }
    let lock = File::open(case.dir().join(held)).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    case.importctl(["-m", "export-raw", "disk", "file"])
        .ok()
        .stderr_has("Unfinished exports of earlier runs, removed: 1");
    assert!(fs::read(case.dir().join("file")).unwrap() == image());
    assert!(!case.dir().join(left).exists());
    for name in [held].into_iter().chain(others) {
        assert_eq!(fs::read(case.dir().join(name)).unwrap(), b"half", "{name}");
    }
}

#[test]
fn an_archive_is_no_part_of_the_tree_that_it_lies_in() {
    let case = case();
    let tree = case.image_dir("machine").join("tree");
    let out = tree.join("out.tar");
    for _ in 0..2 {
        let _ = fs::remove_file(&out);
        let words = ["-m", "export-tar", "tree", out.to_str().unwrap()];
        case.importctl(words).ok();
        let list = String::from_utf8(tool("tar", ["-tf", out.to_str().unwrap()])).unwrap();
        assert!(list.lines().count() > 1 && !list.contains("out") && !list.contains(".#"));
    }
}
