//! Trees: from archives and directories into image directories, whole or not at all.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::kit::{
    Case, Outcome, Reply, Snapshot, archive, archive_of, directory, file, need, pack, tool,
};

/// What the archive holds, as a tree with nothing that it may not bring.
#[track_caller]
fn is_the_archive(tree: &Path) {
    let snapshot = Snapshot::of(tree);
    let names = [
        "bin",
        "bin/again",
        "bin/program",
        "lib",
        "pipe",
        "usr",
        "usr/lib",
        "usr/lib/file",
        "usr/lib/first",
    ];
    let paths: Vec<_> = snapshot
        .0
        .keys()
        .map(|path| path.to_str().unwrap())
        .collect();
    assert_eq!(paths, names);
    let program = snapshot.entry("bin/program");
    assert_eq!(
        (program.mode, program.links, program.modified),
        (0o4755, 2, (1_000_000_000, 123_456_789))
    );
    assert_eq!(program, snapshot.entry("bin/again"));
    assert_eq!(program.xattr("user.mine"), Some("program"));
    assert_eq!(snapshot.entry("lib").content, "usr/lib");
    assert_eq!(snapshot.entry("pipe").kind, 'p');
    assert_eq!(snapshot.entry("usr/lib").mode, 0o755);
    let parent = Snapshot::of(tree.parent().unwrap());
    let top = parent.entry(tree.file_name().unwrap().to_str().unwrap());
    assert_eq!((top.mode, top.xattr("user.mine")), (0o750, Some("top")));
    assert_eq!(top.modified, (1_000_000_000, 123_456_789));
    assert_ne!(top.xattr("user.importd.trust"), Some("1 signature 00"));
    assert_ne!(top.xattr("user.source_url"), Some("http://elsewhere/"));
}

fn serving() -> Case {
    Case::new().serve_as(
        "t.tar.xz",
        Reply::body(pack("t.tar.xz", &archive()))
            .etag("\"first\"")
            .header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
    )
}

#[track_caller]
fn pull(case: &Case, options: &[&str], name: &str) -> Outcome {
    let words = ["-m", "--verify=no", "pull-tar", "{url}/t.tar.xz", name];
    case.importctl(words.iter().chain(options).copied())
}

#[test]
fn archives_become_trees_in_each_class_however_they_are_packed() {
    for class in ["machine", "portable", "sysext", "confext"] {
        for name in [
            "t.tar",
            "t.tar.gz",
            "t.tar.xz",
            "t.tar.zst",
            "t.tar.bz2",
            "t.tar.lz4",
        ] {
            let packed = pack(name, &archive());
            let case = Case::new()
                .file(name, &packed)
                .serve_as(name, Reply::body(packed));
            let option = format!("--class={class}");
            case.importctl([&option, "import-tar", name]).ok();
            let url = format!("{{url}}/{name}");
            case.importctl([&option, "--verify=no", "-N", "pull-tar", &url, "pulled"])
                .ok();
            assert_eq!(case.images(class).names(), ["pulled", "t"]);
            is_the_archive(&case.image_dir(class).join("t"));
            is_the_archive(&case.image_dir(class).join("pulled"));
        }
    }
}

#[test]
fn an_archive_on_standard_input_needs_a_name() {
    let case = Case::new().stdin(pack("t.tar.gz", &archive()));
    case.importctl(["-m", "import-tar", "-", "t"]).ok();
    is_the_archive(&case.image_dir("machine").join("t"));
    case.importctl(["-m", "import-tar", "-"])
        .code(1)
        .stderr_has("standard input has no name");
}

#[test]
fn archives_that_cannot_be_used_leave_nothing() {
    let whole = archive();
    let broken: [(&str, Vec<u8>, &str); 6] = [
        ("t.tar", whole[..whole.len() - 2000].to_vec(), "ends"),
        (
            "t.tar.gz",
            pack("t.gz", &whole)[..400].to_vec(),
            "truncated",
        ),
        (
            "t.tar",
            b"no archive at all".repeat(100),
            "not a tar archive",
        ),
        ("t.tar", Vec::new(), "empty"),
        ("t.tar", [&whole[..], b"x"].concat(), "behind its end"),
        ("t.tar", archive_of([(file("../t"), "x")]), "`..`"),
    ];
    for (name, bytes, message) in broken {
        let case = Case::new()
            .file(name, &bytes)
            .serve_as("x.tar", Reply::body(bytes));
        for words in [["import-tar", name], ["pull-tar", "{url}/x.tar"]] {
            let outcome = case
                .importctl(["-m", "--verify=no"].into_iter().chain(words))
                .code(1);
            let said = outcome.stderr_text();
            assert!(
                said.contains("cannot be used") || said.contains("cannot be unpacked"),
                "{said}"
            );
            assert!(said.contains(message), "{message}: {said}");
            assert!(case.images("machine").names().is_empty());
        }
    }
}

/// Text that does not pack small.
fn noise(bytes: usize) -> &'static str {
    let mut state = 1_u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'0' + (state >> 26) as u8)
    };
    (0..bytes).map(|_| letter()).collect::<String>().leak()
}

#[test]
fn a_server_is_not_waited_for_once_an_archive_is_refused() {
    let large = noise(3 << 20);
    let bad = archive_of([
        (file("first"), large),
        (file("../x"), ""),
        (file("last"), large),
    ]);
    for name in ["t.tar", "t.tar.gz"] {
        let packed = pack(name, &bad);
        let stall = packed.len() * 3 / 4;
        let case = Case::new().serve_as("t", Reply::body(packed).stall_after(stall));
        let start = Instant::now();
        case.importctl(["-m", "--verify=no", "pull-tar", "{url}/t", "t"])
            .code(1)
            .stderr_has("cannot be unpacked");
        assert!(start.elapsed() < Duration::from_secs(30), "{name}");
    }
}

#[test]
fn a_tree_that_is_not_the_one_listed_is_never_seen() {
    let case = serving();
    let sums = format!("{}  t.tar.xz\n", importd::stream::sha256(b"something else"));
    case.server().put("/SHA256SUMS", Reply::body(sums));
    case.importctl(["-m", "--verify=checksum", "pull-tar", "{url}/t.tar.xz"])
        .code(1)
        .stderr_has("tampered with");
    assert!(case.images("machine").names().is_empty());
}

#[test]
fn nobody_else_gets_at_a_tree_before_it_is_whole() {
    let large: &str = "large".repeat(1 << 20).leak();
    let archive = archive_of([(file("bin/program"), "first"), (file("large"), large)]);
    let case = Case::new().serve_as("t.tar.xz", Reply::body(archive).stall_after(2 << 20));
    let running = case.start(["-m", "--verify=no", "pull-tar", "{url}/t.tar.xz", "t"]);
    let start = Instant::now();
    let shell = loop {
        let entries = fs::read_dir(case.image_dir("machine"))
            .into_iter()
            .flatten();
        let shell = entries.map(|entry| entry.unwrap().path()).next();
        if let Some(shell) = shell.filter(|shell| shell.join("tree/bin/program").exists()) {
            break shell;
        }
        assert!(start.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(5));
    };
    assert_eq!(
        fs::metadata(&shell).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let start = Instant::now();
    running.signal(Signal::INT);
    running
        .wait()
        .code(1)
        .stderr_has("the transfer was cancelled");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(case.images("machine").names().is_empty());
}

#[test]
fn a_kept_tree_stands_in_for_another_download() {
    let case = serving();
    pull(&case, &[], "one").ok();
    pull(&case, &[], "two")
        .ok()
        .stderr_has("Using the kept copy");
    is_the_archive(&case.image_dir("machine").join("one"));
    is_the_archive(&case.image_dir("machine").join("two"));
    let images = case.images("machine");
    let names = images.names();
    assert!(
        names[0].starts_with(".tar-http:\\x2f\\x2f127") && names[0].ends_with("\\x22first\\x22")
    );
    assert_eq!(names[1..], ["one", "two"]);
    for name in names {
        let tree = images.entry(name);
        assert_eq!(tree.xattr("user.source_etag"), Some("\"first\""));
        assert!(
            tree.xattr("user.importd.trust")
                .unwrap()
                .starts_with("1 no ")
        );
    }
    // What is written to one is not seen in the other.
    fs::write(case.image_dir("machine").join("two/bin/program"), "changed").unwrap();
    pull(&case, &[], "three")
        .ok()
        .stderr_has("Using the kept copy");
    is_the_archive(&case.image_dir("machine").join("three"));
    pull(&case, &["--keep-download=no"], "-").ok();
}

#[test]
fn force_replaces_a_tree_also_one_that_may_not_be_changed() {
    let case = serving().root_file("var/lib/machines/t/old", "old");
    pull(&case, &[], "t").code(1).stderr_has("exists already");
    assert_eq!(case.images("machine").names(), ["t"]);
    pull(&case, &["-N", "--force", "--read-only"], "t").ok();
    is_the_archive(&case.image_dir("machine").join("t"));
    pull(&case, &["-N", "--force"], "t").ok();
    is_the_archive(&case.image_dir("machine").join("t"));
    assert_eq!(case.images("machine").names(), ["t"]);
    assert!(fs::write(case.image_dir("machine").join("t/new"), "").is_ok());
}

#[test]
fn trees_are_placed_and_replaced_also_where_two_names_cannot_be_exchanged() {
    if !need("strace") {
        return;
    }
    let inject = "--inject=renameat2:error=EINVAL";
    let case = serving().through(["strace", "-Dfqo/dev/null", inject]);
    pull(&case, &["-N"], "t").ok();
    is_the_archive(&case.image_dir("machine").join("t"));
    pull(&case, &["-N"], "t")
        .code(1)
        .stderr_has("exists already");
    fs::write(case.image_dir("machine").join("t/old"), "").unwrap();
    pull(&case, &["-N", "--force"], "t").ok();
    is_the_archive(&case.image_dir("machine").join("t"));
    assert_eq!(case.images("machine").names(), ["t"]);
}

#[test]
fn a_tree_that_was_to_be_replaced_comes_back_if_its_successor_does_not_come() {
    if !need("strace") {
        return;
    }
    let words = ["import-tar", "-m", "{dir}/t.tar.xz"];
    let inject = [
        "strace",
        "-Dfqo/dev/null",
        "--inject=renameat2:error=EINVAL",
        "--inject=renameat:signal=KILL:when=2",
    ];
    let case = serving()
        .root_file("var/lib/machines/t/old", "old")
        .file("t.tar.xz", pack("t.tar.xz", &archive()));
    let case = case.through(inject);
    let killed = case.importctl(words.into_iter().chain(["--force", "t"]));
    assert_eq!(killed.status.signal(), Some(Signal::KILL.as_raw()));
    assert!(!case.images("machine").names().contains(&"t"));
    let case = case.through([]);
    case.importctl(words.into_iter().chain(["other"])).ok();
    assert_eq!(case.images("machine").names(), ["other", "t"]);
    let old = fs::read(case.image_dir("machine").join("t/old"));
    assert_eq!(old.unwrap(), b"old");
}

#[test]
fn a_tree_and_a_disk_image_do_not_share_a_name() {
    let case = serving().root_file("var/lib/machines/t.raw", "disk");
    let before = case.images("machine");
    pull(&case, &[], "t").code(1).stderr_has("exists already");
    pull(&case, &["--force"], "t")
        .code(1)
        .stderr_has("one of the two would stay hidden");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn an_operating_system_alone_in_its_directory_moves_up() {
    let case = Case::new().file(
        "t.tar",
        archive_of([
            (directory("debian-13"), ""),
            (file("debian-13/usr/lib/os-release"), "ID=debian\n"),
            (file("debian-13/etc/hostname"), "h\n"),
        ]),
    );
    let say = "moved that one up";
    case.importctl(["-m", "import-tar", "t.tar"])
        .ok()
        .stderr_has(say);
    assert_eq!(
        Snapshot::of(&case.image_dir("machine").join("t")).names(),
        ["etc", "usr"]
    );
    let other = archive_of([(directory("only"), ""), (file("only/file"), "")]);
    fs::write(case.dir().join("t.tar"), other).unwrap();
    case.importctl(["-m", "--force", "import-tar", "t.tar"])
        .ok()
        .stderr_lacks(say);
    assert_eq!(
        Snapshot::of(&case.image_dir("machine").join("t")).names(),
        ["only"]
    );
}

#[test]
fn a_directory_is_imported_with_all_that_is_in_it() {
    let case = Case::new().file("t.tar", archive());
    let source = case.dir().join("source");
    fs::create_dir(&source).unwrap();
    tool(
        "tar",
        [
            "-xpf",
            case.dir().join("t.tar").to_str().unwrap(),
            "-C",
            source.to_str().unwrap(),
            "--xattrs",
        ],
    );
    fs::write(source.join("bin/hollow"), "").unwrap();
    fs::File::options()
        .write(true)
        .open(source.join("bin/hollow"))
        .unwrap()
        .set_len(5 << 20)
        .unwrap();
    let before = Snapshot::of(&source);
    for (words, name) in [
        (&["import-fs", "source"][..], "source"),
        (&["import-fs", "source/"], "source"),
        (&["import-fs", "{dir}/source", "named.tar"], "named.tar"),
    ] {
        case.importctl(["-m", "--force"].iter().chain(words).copied())
            .ok();
        let tree = case.image_dir("machine").join(name);
        assert_eq!(Snapshot::of(&tree), before);
        assert!(fs::metadata(tree.join("bin/hollow")).unwrap().blocks() < 100);
    }
    let through = Case::new()
        .through(["sh", "-c", r#"exec "$@" <."#, "sh"])
        .file("x", "");
    through.importctl(["-m", "import-fs", "-", "t"]).ok();
    assert_eq!(
        Snapshot::of(&through.image_dir("machine").join("t")).names(),
        ["x"]
    );
}

#[test]
fn what_is_no_directory_is_no_tree() {
    let case = Case::new().file("file", "x");
    symlink("nowhere", case.dir().join("link")).unwrap();
    for (words, message) in [
        (
            &["import-fs", "file"][..],
            "failed to open `file`: Not a directory",
        ),
        (&["import-fs", "link"], "failed to open `link`"),
        (
            &["import-fs", "missing"],
            "failed to open `missing`: No such file",
        ),
        (&["import-fs", "."], "no image name can be derived"),
        (&["import-fs", "-"], "standard input has no name"),
        (
            &["import-tar", "{dir}", "t"],
            "use import-fs for directories",
        ),
    ] {
        case.importctl(["-m"].iter().chain(words).copied())
            .code(1)
            .stderr_has(message);
        assert!(case.images("machine").names().is_empty());
    }
}
