//! systemd-pull, systemd-import, systemd-import-fs and systemd-export, as other programs start them.

use std::fs::{self, Permissions};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use super::kit::{Case, Reply, Snapshot, allocated_bytes, archive, image, pack, tool};
use super::verify::{serve, signed};

fn images(case: &Case) -> Snapshot {
    Snapshot::of(&case.dir().join("images"))
}

fn read(case: &Case, name: &str) -> Vec<u8> {
    fs::read(case.dir().join(name)).unwrap()
}

const RAW: &str = "{url}/img.raw";
const NO: &str = "--verify=no";

/// The signed fixtures on a server, and a keyring for them.
fn trusting(key: &str) -> Case {
    let case = Case::new().file("ring.pgp", signed("ring.pgp"));
    let case = serve(case, "image.raw.xz", "image.raw.xz");
    let case = serve(case, "SHA256SUMS", "SHA256SUMS");
    serve(case, "SHA256SUMS.gpg", &format!("SHA256SUMS.{key}.gpg"))
        .env("SYSTEMD_OPENPGP_KEYRING", "{dir}/ring.pgp")
}

#[test]
fn each_program_says_what_it_is_and_refuses_what_it_is_not_for() {
    let case = Case::new();
    for (name, words, complaint) in [
        ("systemd-pull", &["fly", "x"][..], "no command `fly`"),
        (
            "systemd-pull",
            &["oci", "busybox"],
            "cannot be downloaded yet",
        ),
        (
            "systemd-pull",
            &["raw", "{url}/x", "--user"],
            "not managed yet",
        ),
        (
            "systemd-pull",
            &["raw", "ftp://h/x"],
            "does not begin with http://",
        ),
        (
            "systemd-pull",
            &["raw", RAW, ".host", NO],
            "`.host` is taken",
        ),
        ("systemd-import", &["raw"], "needs FILE"),
        (
            "systemd-import",
            &["raw", "missing"],
            "failed to open `missing`",
        ),
        (
            "systemd-import-fs",
            &["run", "missing"],
            "failed to open `missing`",
        ),
        (
            "systemd-export",
            &["tar", "missing"],
            "there is no machine image",
        ),
        (
            "systemd-export",
            &["raw", "./missing"],
            "failed to look at `./missing`",
        ),
    ] {
        let outcome = case.helper(name, words.iter().copied()).code(1);
        let outcome = outcome.stdout_is("").stderr_has(complaint);
        assert_eq!(outcome.stderr_text().lines().count(), 1, "{name} {words:?}");
        case.helper(name, ["--help"]).ok().stdout_has(name);
        case.helper(name, ["--version"]).ok().stdout_has("importd ");
    }
    assert!(case.server().requests().is_empty() && images(&case).names().is_empty());
    assert_eq!(Snapshot::of(&case.dir()).names(), Vec::<&str>::new());
    case.helper("systemd-pull", ["--verify=help"])
        .ok()
        .stdout_is("no\nchecksum\nsignature\n");
}

#[test]
fn names_are_taken_as_they_stand_and_derived_only_where_none_is_given() {
    let case = Case::new()
        .serve("img.raw.xz")
        .file("disk.img", image())
        .stdin(image());
    let url = "{url}/img.raw.xz";
    for (name, words) in [
        ("systemd-pull", &["raw", url][..]),
        ("systemd-pull", &["raw", url, "given.raw"]),
        ("systemd-import", &["raw", "disk.img"]),
        ("systemd-import", &["raw", "-"]),
        ("systemd-import", &["raw", "", "-"]),
    ] {
        let no = (name == "systemd-pull").then_some(NO);
        let keep = no.map(|_| "--keep-download=no");
        let words = words
            .iter()
            .copied()
            .chain(no)
            .chain(keep)
            .chain(["--force"]);
        case.helper(name, words).ok();
    }
    let names = ["disk.raw", "given.raw.raw", "img.raw", "imported.raw"];
    assert_eq!(images(&case).names(), names);
    assert_eq!(
        images(&case).entry("imported.raw").size,
        image().len() as u64
    );
}

#[test]
fn a_machines_download_is_kept_and_a_name_that_is_none_keeps_it_alone() {
    let case = Case::new().serve("img.raw");
    for name in ["-", ""] {
        case.helper("systemd-pull", [NO, "raw", RAW, name]).ok();
        let images = images(&case);
        assert_eq!(images.names().len(), 1);
        assert!(images.names()[0].starts_with(".raw-"));
    }
    case.helper("systemd-pull", [NO, "--class=sysext", "raw", RAW, "x"])
        .ok();
    assert_eq!(images(&case).names().len(), 2);
    let again = case.helper("systemd-pull", [NO, "raw", RAW, "x"]);
    again.code(1).stderr_has("image `x` exists already");
    case.helper(
        "systemd-pull",
        [NO, "--force", "--read-only", "raw", RAW, "x"],
    )
    .ok();
    assert_eq!(images(&case).entry("x.raw").mode, 0o444);
}

#[test]
fn the_server_is_told_which_program_asks() {
    let case = Case::new().serve("img.raw");
    case.helper("systemd-pull", [NO, "raw", RAW]).ok();
    let requests = case.server().requests();
    let agent = requests[0].header("User-Agent").unwrap();
    assert_eq!(agent, concat!("systemd-pull/", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_direct_file_appears_whole_under_its_path_or_not_at_all() {
    let case = Case::new()
        .serve("img.raw.gz")
        .file("out", "old and longer than nothing");
    let url = "{url}/img.raw.gz";
    let wrong = format!("--verify={}", "0".repeat(64));
    for name in ["{dir}/out", "{dir}/new"] {
        let words = ["raw", "--direct", &wrong, url, name];
        case.helper("systemd-pull", words)
            .code(1)
            .stderr_has("was asked for");
    }
    assert_eq!(read(&case, "out"), b"old and longer than nothing");
    let pin = importd::stream::sha256(&pack("img.raw.gz", &image())).to_string();
    let pin = format!("--verify={pin}");
    for name in ["{dir}/out", "{dir}/new", "relative"] {
        case.helper("systemd-pull", ["raw", "--direct", &pin, url, name])
            .ok();
    }
    for name in ["out", "new", "images/relative"] {
        assert_eq!(read(&case, name), image());
        assert!(allocated_bytes(&case.dir().join(name)) < image().len() as u64);
        let top = Snapshot::of(&case.dir());
        let entry = top.entry(name);
        assert_eq!(entry.xattr("user.source_url"), Some(&*case.fill(url)));
        assert_eq!(entry.mode, 0o644);
    }
    assert_eq!(Snapshot::of(&case.dir()).names(), ["images", "new", "out"]);
    // A link leads to what is written.
    symlink("new", case.dir().join("link")).unwrap();
    fs::write(case.dir().join("new"), "").unwrap();
    case.helper("systemd-pull", ["raw", "--direct", NO, url, "{dir}/link"])
        .ok();
    assert_eq!(read(&case, "new"), image());
    assert!(case.dir().join("link").is_symlink());
    let words = ["raw", "--direct", NO, url, "{dir}/images"];
    case.helper("systemd-pull", words)
        .code(1)
        .stderr_has("in the way");
}

#[test]
fn a_direct_file_has_the_rights_of_the_one_it_replaces_or_of_any_new_one() {
    let case = Case::new()
        .file("disk.raw", image())
        .file("old", "")
        .through(["sh", "-c", "umask 027; exec \"$@\"", "sh"]);
    let path = |name: &str| case.dir().join(name);
    let mode = |name: &str| fs::metadata(path(name)).unwrap().mode() & 0o7777;
    fs::set_permissions(path("old"), Permissions::from_mode(0o604)).unwrap();
    for (option, name, expected) in [
        ("--sync=no", "new", 0o640),
        ("--read-only", "marked", 0o440),
        ("--offset=0", "part", 0o640),
        ("--sync=no", "old", 0o604),
        ("--force", "old", 0o604),
        ("--read-only", "old", 0o404),
    ] {
        let target = format!("{{dir}}/{name}");
        let words = ["raw", "--direct", option, "disk.raw", &target];
        case.helper("systemd-import", words).ok();
        assert_eq!(mode(name), expected, "{option} {name}");
        assert_eq!(read(&case, name), image());
    }
    case.helper("systemd-import", ["raw", "{dir}/disk.raw", "image"])
        .ok();
    assert_eq!(mode("images/image.raw"), 0o644);
    for name in ["new", "exported"] {
        let target = format!("{{dir}}/{name}");
        case.helper("systemd-export", ["raw", "{dir}/disk.raw", &target])
            .ok();
        assert_eq!(mode(name), 0o640, "{name}");
    }
}

#[test]
fn what_a_path_names_and_no_file_replaces_stays() {
    let case = Case::new().serve("img.raw");
    fs::create_dir(case.dir().join("directory")).unwrap();
    tool("mkfifo", [case.dir().join("pipe")]);
    for name in ["pipe", "directory"] {
        for force in [&[][..], &["--force"]] {
            let target = format!("{{dir}}/{name}");
            let words = ["raw", "--direct", NO, "{url}/img.raw", &target];
            let words = words.into_iter().chain(force.iter().copied());
            case.helper("systemd-pull", words)
                .code(1)
                .stderr_has(&format!("{name}` is in the way"));
        }
    }
    assert_eq!(case.server().request_lines(), Vec::<String>::new());
}

#[test]
fn a_closed_standard_stream_is_an_error() {
    for (closed, words) in [
        (">&-", ["systemd-import", "--direct", "disk.raw", "-"]),
        ("<&-", ["systemd-import", "--class=machine", "-", "img"]),
    ] {
        let case = Case::new().file("disk.raw", image());
        let script = format!(r#"exec "$0" "$@" {closed}"#);
        let case = case.through(["sh", "-c", &script]);
        let [program, option, from, to] = words;
        case.helper(program, ["raw", option, from, to])
            .code(1)
            .stderr_has("Bad file descriptor");
    }
}

#[test]
fn a_pipe_has_no_part_to_write_to() {
    let case = Case::new().file("disk.raw", image());
    case.helper(
        "systemd-import",
        ["raw", "--direct", "--offset=512", "disk.raw", "-"],
    )
    .code(1)
    .stdout_is("")
    .stderr_has("a pipe has one beginning");
}

#[test]
fn an_image_is_not_written_over_itself() {
    let case = Case::new().file("disk", image());
    symlink("disk", case.dir().join("link")).unwrap();
    let words = ["raw", "--direct", "--offset=1", "{dir}/disk", "{dir}/link"];
    case.helper("systemd-import", words)
        .code(1)
        .stderr_has("which it is read from");
    assert_eq!(read(&case, "disk"), image());
}

#[test]
fn a_part_of_a_file_is_written_and_the_rest_of_it_stays() {
    let case = Case::new()
        .serve("img.raw.xz")
        .file("disk", vec![b'z'; 400_000])
        .file("source.raw", image());
    let size = image().len();
    let words = ["raw", "--direct", NO, "--offset=5000", "--size-max=390000"];
    let pulled = |fill: &str| {
        let words = words
            .into_iter()
            .chain([fill, "{url}/img.raw.xz", "{dir}/disk"]);
        case.helper("systemd-pull", words).ok();
        read(&case, "disk")
    };
    let disk = pulled("--zero-fill=no");
    assert_eq!(disk.len(), 400_000);
    assert!(disk[..5000].iter().all(|byte| *byte == b'z'));
    assert!(disk[5000..5000 + size] == image());
    assert!(disk[5000 + size..].iter().all(|byte| *byte == b'z'));
    let disk = pulled("--zero-fill=yes");
    assert!(disk[5000..5000 + size] == image());
    assert!(disk[5000 + size..395_000].iter().all(|byte| *byte == 0));
    assert!(disk[395_000..].iter().all(|byte| *byte == b'z'));
    // The same from a file.
    fs::write(case.dir().join("disk"), vec![b'z'; 400_000]).unwrap();
    let words = ["raw", "--direct", "--offset=7", "source.raw", "{dir}/disk"];
    case.helper("systemd-import", words).ok();
    let disk = read(&case, "disk");
    assert!(disk[..7] == *b"zzzzzzz" && disk[7..7 + size] == image() && disk[7 + size] == b'z');
}

#[test]
fn a_file_that_a_part_was_to_be_written_to_is_there_only_if_it_was() {
    let case = Case::new().serve("img.raw").file("old", vec![b'z'; 10]);
    let wrong = format!("--verify={}", "0".repeat(64));
    for name in ["new", "old"] {
        let path = format!("{{dir}}/{name}");
        let words = ["raw", "--direct", "--offset=10", RAW, &path];
        case.helper(
            "systemd-pull",
            [&wrong].into_iter().map(|it| &**it).chain(words),
        )
        .code(1)
        .stderr_has("was asked for");
    }
    let names = Snapshot::of(&case.dir());
    assert_eq!(names.names(), ["old"]);
    assert!(read(&case, "old").starts_with(b"zzzzzzzzzz"));
    symlink("behind", case.dir().join("link")).unwrap();
    let words = ["raw", "--direct", "--offset=10", NO, RAW, "{dir}/link"];
    case.helper("systemd-pull", words).ok();
    assert!(read(&case, "behind")[10..] == image());
    let words = ["raw", "--direct", "--offset=0", NO, RAW, "{dir}/old"];
    case.helper("systemd-pull", ["--read-only"].into_iter().chain(words))
        .ok();
    let mode = fs::metadata(case.dir().join("old")).unwrap().mode();
    assert_eq!(mode & 0o222, 0);
}

#[test]
fn what_is_larger_than_it_may_be_is_refused() {
    let case = Case::new()
        .serve("img.raw")
        .serve("img.raw.xz")
        .file("disk", vec![b'z'; 1000])
        .file("source.raw", image());
    let limit = "it is larger than the limit of 100K";
    for file in ["img.raw", "img.raw.xz"] {
        let url = format!("{{url}}/{file}");
        let part = ["--offset=0", "--size-max=100K", "raw", &url, "{dir}/disk"];
        let words = ["--direct", NO].into_iter().chain(part);
        case.helper("systemd-pull", words).code(1).stderr_has(limit);
        // What is told beforehand not to fit is not begun.
        assert!(file != "img.raw" || read(&case, "disk") == vec![b'z'; 1000]);
        let words = ["--direct", NO, "--size-max=100K", "raw", &url, "{dir}/new"];
        case.helper("systemd-pull", words).code(1).stderr_has(limit);
        let words = [NO, "--size-max=100K", "raw", &url, "new"];
        case.helper("systemd-pull", words).code(1).stderr_has(limit);
    }
    let words = ["--size-max=100K", "raw", "source.raw", "new"];
    case.helper("systemd-import", words)
        .code(1)
        .stderr_has(limit);
    assert!(!case.dir().join("new").exists());
    assert_eq!(images(&case).names(), Vec::<&str>::new());
    let exactly = format!("--size-max={}", image().len());
    case.helper("systemd-import", [&exactly, "raw", "source.raw", "new"])
        .ok();
}

#[test]
fn standard_output_gets_the_image_and_nothing_else() {
    let case = Case::new()
        .serve("img.raw.xz")
        .file("source.raw.gz", pack("x.gz", &image()));
    let words = ["raw", "--direct", NO, "{url}/img.raw.xz", "-"];
    let outcome = case.helper("systemd-pull", words).ok();
    assert!(outcome.stdout == image());
    let words = ["raw", "--direct", "source.raw.gz", "-"];
    assert!(case.helper("systemd-import", words).ok().stdout == image());
    let words = ["tar", "--direct", NO, "{url}/img.raw.xz", "-"];
    case.helper("systemd-pull", words)
        .code(1)
        .stderr_has("a tree goes into a directory");
    assert!(!case.dir().join("images").exists());
}

#[test]
fn output_that_began_is_not_begun_again_after_a_stall() {
    let body = image();
    let stalled = Reply::body(&body[..]).stall_after(290_000);
    let case = Case::new().env("IMPORTD_STALL_TIMEOUT", "300ms");
    case.server()
        .script("/img.raw", [stalled, Reply::body(&body[..])]);
    let words = ["raw", "--direct", NO, RAW, "-"];
    let outcome = case.helper("systemd-pull", words).code(1);
    outcome.stderr_has("stalled");
    // A file is.
    let stalled = Reply::body(&body[..]).stall_after(290_000);
    case.server()
        .script("/img.raw", [stalled, Reply::body(&body[..])]);
    case.helper("systemd-pull", ["raw", "--direct", NO, RAW, "{dir}/out"])
        .ok();
    assert_eq!(read(&case, "out"), body);
}

#[test]
fn a_manifest_is_written_only_once_its_signature_held() {
    let pull = |case: &Case, verify: &str| {
        case.helper(
            "systemd-pull",
            ["raw", "--direct", verify, "{url}/SHA256SUMS", "-"],
        )
    };
    let case = trusting("rsa");
    let outcome = pull(&case, "--verify=signature").ok();
    assert!(outcome.stdout == signed("SHA256SUMS"));
    for key in ["stranger", "revoked", "expired"] {
        pull(&trusting(key), "--verify=signature")
            .code(1)
            .stdout_is("");
    }
    let case = trusting("rsa").serve_as("SHA256SUMS", Reply::body("something else"));
    pull(&case, "--verify=signature").code(1).stdout_is("");
    pull(&case, "--verify=no").ok().stdout_is("something else");
    let case = trusting("rsa").serve_as("SHA256SUMS.gpg", Reply::status(404));
    pull(&case, "--verify=signature")
        .code(1)
        .stdout_is("")
        .stderr_has("has no signature beside it");
}

#[test]
fn a_direct_tree_appears_whole_where_nothing_or_an_empty_directory_is() {
    let case = Case::new()
        .serve_as("t.tar.gz", Reply::body(pack("x.gz", &archive())))
        .file("t.tar", archive());
    fs::create_dir(case.dir().join("empty")).unwrap();
    fs::create_dir(case.dir().join("full")).unwrap();
    fs::write(case.dir().join("full/file"), "old").unwrap();
    let url = "{url}/t.tar.gz";
    for name in ["{dir}/new", "{dir}/empty"] {
        case.helper("systemd-pull", ["tar", "--direct", NO, url, name])
            .ok();
    }
    let tree = Snapshot::of(&case.dir().join("new"));
    assert_eq!(tree.names(), ["bin", "lib", "pipe", "usr"]);
    let filled = Snapshot::of(&case.dir().join("empty"));
    assert_eq!(filled.entry("bin"), tree.entry("bin"));
    let words = ["tar", "--direct", "t.tar", "{dir}/full"];
    case.helper("systemd-import", words)
        .code(1)
        .stderr_has("exists already");
    assert_eq!(read(&case, "full/file"), b"old");
    case.helper("systemd-import", ["--force"].into_iter().chain(words))
        .ok();
    let tree = Snapshot::of(&case.dir().join("full"));
    assert_eq!(tree.names(), filled.names());
    let words = ["run", "--direct", "{dir}/full", "{dir}/copy"];
    case.helper("systemd-import-fs", words).ok();
    assert_eq!(Snapshot::of(&case.dir().join("copy")), tree);
    // Somebody's file is in the way of a tree, forced or not.
    for force in [None, Some("--force")] {
        let words = ["tar", "--direct", "t.tar", "{dir}/t.tar"].into_iter();
        case.helper("systemd-import", words.chain(force)).code(1);
        assert_eq!(read(&case, "t.tar"), archive());
    }
}

#[test]
fn files_beside_an_image_are_taken_unsigned_only_if_they_are_asked_for_by_name() {
    let case = Case::new()
        .serve("img.raw")
        .serve_as("img.nspawn", Reply::body("[Exec]\n"));
    let keep = "--keep-download=no";
    let pull = |words: &[&str]| {
        let fixed = ["raw", RAW, keep, "--force"].into_iter();
        case.helper("systemd-pull", fixed.chain(words.iter().copied()))
    };
    pull(&[NO]).ok();
    assert_eq!(images(&case).names(), ["img.raw"]);
    pull(&[NO, "--settings=yes", "--verity=yes"])
        .ok()
        .stderr_has("Nobody vouches for http")
        .stderr_has("There is no http");
    assert_eq!(images(&case).names(), ["img.nspawn", "img.raw"]);
    // A manifest that is there must speak of it.
    let case = case.serve_sums(&[("img.raw", &image())]);
    let before = images(&case);
    let words = [
        "raw",
        RAW,
        keep,
        "--force",
        "--verify=checksum",
        "--settings=yes",
    ];
    case.helper("systemd-pull", words)
        .code(1)
        .stderr_has("img.nspawn");
    assert_eq!(images(&case), before);
}

#[test]
fn exports_name_an_image_or_a_path() {
    let case = Case::new()
        .file("disk.raw", image())
        .file("t.tar", archive());
    let outcome = case.helper("systemd-export", ["raw", "./disk.raw"]).ok();
    assert!(outcome.stdout == image());
    let words = ["raw", "{dir}/disk.raw", "out.raw.xz"];
    case.helper("systemd-export", words).ok();
    case.helper("systemd-import", ["raw", "out.raw.xz"]).ok();
    assert_eq!(read(&case, "images/out.raw"), image());
    case.helper("systemd-import", ["tar", "t.tar"]).ok();
    let words = ["tar", "./images/t", "--format=zstd", "t.tar.zst"];
    case.helper("systemd-export", words).ok();
    case.helper("systemd-import", ["tar", "t.tar.zst", "again"])
        .ok();
    let of = |name| Snapshot::of(&case.dir().join("images").join(name));
    assert_eq!(of("t"), of("again"));
    let words = ["tar", "./disk.raw"];
    case.helper("systemd-export", words)
        .code(1)
        .stderr_has("use export-raw");
}

/// What a notification socket hears, whoever it belongs to.
fn heard(listener: &UnixDatagram) -> Vec<String> {
    listener
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut said = Vec::new();
    let mut buffer = [0; 256];
    while let Ok(count) = listener.recv(&mut buffer) {
        said.push(String::from_utf8(buffer[..count].to_vec()).unwrap());
    }
    said
}

#[test]
fn progress_goes_to_the_notification_socket() {
    let name = format!("importd-it-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let abstract_one = UnixDatagram::bind_addr(&address).unwrap();
    let case = Case::new().serve("img.raw.xz").serve("missing");
    let path = case.dir().join("socket");
    let by_path = UnixDatagram::bind(&path).unwrap();
    for (listener, address) in [
        (&by_path, "{dir}/socket"),
        (&abstract_one, &format!("@{name}")),
    ] {
        let case = Case::new().serve("img.raw.xz").env(
            "NOTIFY_SOCKET",
            &address.replace("{dir}", case.dir().to_str().unwrap()),
        );
        case.helper("systemd-pull", [NO, "raw", "{url}/img.raw.xz"])
            .ok();
        let said = heard(listener);
        let (last, progress) = said.split_last().unwrap();
        assert_eq!(last, "EXIT_STATUS=0");
        let percents = progress.iter().map(|line| {
            let value = line.strip_prefix("X_IMPORT_PROGRESS=").unwrap();
            value.strip_suffix('%').unwrap().parse::<u8>().unwrap()
        });
        let percents: Vec<_> = percents.collect();
        assert!(
            percents.is_sorted() && percents.contains(&90),
            "{percents:?}"
        );
        case.helper("systemd-pull", [NO, "raw", "{url}/nothing"])
            .code(1);
        assert_eq!(heard(listener).last().unwrap(), "EXIT_STATUS=1");
    }
    // Nobody there: no reason to stop.
    let case = case.env("NOTIFY_SOCKET", "/nonexistent/socket");
    case.helper("systemd-pull", [NO, "raw", "{url}/img.raw.xz"])
        .ok();
}

#[test]
fn lines_bear_their_priority_where_that_is_asked_for() {
    let case = Case::new()
        .serve("img.raw")
        .env("SYSTEMD_LOG_TARGET", "console-prefixed");
    let text = case
        .helper("systemd-pull", [NO, "raw", RAW])
        .ok()
        .stderr_text();
    assert!(text.lines().all(|line| line.starts_with("<30>")), "{text}");
    let text = case
        .helper("systemd-pull", [NO, "raw", RAW])
        .code(1)
        .stderr_text();
    assert!(text.lines().any(|line| line.starts_with("<27>")), "{text}");
}

#[test]
fn options_come_before_the_environment() {
    let case = Case::new()
        .serve("img.raw")
        .env("SYSTEMD_IMPORT_SYNC", "maybe")
        .through(["strace", "-f", "-o", "trace", "-e", "trace=fsync,syncfs"]);
    if !super::kit::need("strace") {
        return;
    }
    let synced = |words: &[&str]| {
        let words = [NO, "--force", "raw", RAW].iter().chain(words).copied();
        let outcome = case.helper("systemd-pull", words).ok();
        let trace = fs::read_to_string(case.dir().join("trace")).unwrap();
        (trace.contains("fsync("), outcome)
    };
    let (did, outcome) = synced(&[]);
    assert!(did);
    outcome.stderr_has("$SYSTEMD_IMPORT_SYNC makes no sense, ignoring");
    assert!(!synced(&["--sync=no"]).0 && synced(&["--sync=yes"]).0);
    let mode = fs::metadata(case.dir().join("images/img.raw"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o644);
    assert!(Path::new(&case.dir()).join("images").is_dir());
}

#[test]
fn a_keyring_that_makes_no_sense_stops_only_what_needs_one() {
    let case = Case::new()
        .serve("img.raw")
        .env("SYSTEMD_OPENPGP_KEYRING", "relative");
    case.helper("systemd-pull", ["raw", NO, RAW]).ok();
    case.helper("systemd-export", ["raw", "{dir}/images/img.raw"])
        .ok();
    case.helper("systemd-pull", ["raw", RAW, "other"])
        .code(1)
        .stderr_has("$SYSTEMD_OPENPGP_KEYRING must be an absolute path");
}
