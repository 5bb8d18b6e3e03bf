//! Pulling over each scheme: what is asked for, what appears where, and that a failure leaves no trace.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::kit::{Authority, Case, Outcome, Reply, Server, Snapshot, fixture, image};

/// Each class with its short option and its directory below `/var/lib`.
const CLASSES: [(&str, &str, &str); 4] = [
    ("-m", "machine", "machines"),
    ("-P", "portable", "portables"),
    ("-S", "sysext", "extensions"),
    ("-C", "confext", "confexts"),
];

/// What a snapshot shows of the kit's disk image.
fn content() -> String {
    importd::stream::sha256(&image()).to_string()
}

/// A server that speaks TLS, and a binary that trusts it.
fn https() -> Case {
    let authority = Authority::new();
    Case::new()
        .over(Server::https(&authority.identity()))
        .file("ca.pem", authority.pem())
        .env("SSL_CERT_FILE", "{dir}/ca.pem")
}

/// Pulls a machine without verification or a kept copy.
#[track_caller]
fn pull<'a>(case: &Case, words: impl IntoIterator<Item = &'a str>) -> Outcome {
    case.importctl(["-mN", "--verify=no", "pull-raw"].into_iter().chain(words))
}

#[test]
fn pull_puts_each_class_into_its_directory_below_the_root() {
    for (short, class, directory) in CLASSES {
        let case = Case::new().serve("img.raw.xz");
        let long = format!("--class={class}");
        for (option, name) in [(short, "a"), (&long, "b")] {
            let words = [option, "-N", "--verify=no", "pull-raw", "{url}/img.raw.xz"];
            case.importctl(words.into_iter().chain([name])).ok();
        }
        let images = Snapshot::of(&case.root().join("var/lib"));
        assert_eq!(images.names(), [directory]);
        assert_eq!(case.images(class).names(), ["a.raw", "b.raw"]);
        assert_eq!(case.images(class).entry("a.raw").content, content());
    }
}

#[test]
fn pull_fetches_over_tls_from_servers_the_given_roots_vouch_for() {
    let case = https().serve("img.raw.zst");
    pull(&case, ["{url}/img.raw.zst"]).ok();
    assert_eq!(case.images("machine").entry("img.raw").content, content());

    let stranger = Case::new().over(Server::https(&Authority::new().identity()));
    let stranger = stranger
        .file("ca.pem", Authority::new().pem())
        .env("SSL_CERT_FILE", "{dir}/ca.pem");
    pull(&stranger, ["{url}/img.raw"])
        .code(1)
        .stderr_has("failed to set up TLS with");
    assert!(stranger.server().requests().is_empty());
}

#[test]
fn pull_takes_files_of_this_machine_by_url() {
    let case = Case::new().file("a b.raw", image());
    pull(&case, ["file://{dir}/a%20b.raw", "img"]).ok();
    let images = case.images("machine");
    assert_eq!(images.entry("img.raw").content, content());
    let source = images.entry("img.raw").xattr("user.source_url");
    assert_eq!(source, Some(&*case.fill("file://{dir}/a%20b.raw")));

    pull(&case, ["file://{dir}/missing.raw"])
        .code(1)
        .stderr_has("there is nothing at file://");
    pull(&case, ["file://{dir}/", "directory"])
        .code(1)
        .stderr_has("is not a regular file");
}

#[test]
fn image_root_is_the_directory_itself_whatever_the_class() {
    for (short, ..) in CLASSES {
        let case = Case::new().serve("img.raw.gz");
        let url = "{url}/img.raw.gz";
        let words = [short, "-N", "--verify=no", "--image-root={dir}/a/b"];
        case.importctl(words.into_iter().chain(["pull-raw", url]))
            .ok();
        assert_eq!(Snapshot::of(&case.dir().join("a/b")).names(), ["img.raw"]);
        assert!(!case.root().join("var").exists());
    }
}

#[test]
fn without_a_name_only_the_pristine_copy_is_kept() {
    for name in ["-", ""] {
        let case = Case::new().serve("img.raw.xz");
        case.importctl(["-m", "--verify=no", "pull-raw", "{url}/img.raw.xz", name])
            .ok();
        let images = case.images("machine");
        let names = images.names();
        assert!(names.len() == 1 && names[0].starts_with(".raw-http:"));
        let entry = images.entry(names[0]);
        assert_eq!((entry.mode, &entry.content), (0o444, &content()));
    }
}

#[test]
fn force_replaces_the_image_and_leaves_its_readers_theirs() {
    let case = Case::new()
        .serve("img.raw")
        .root_file("var/lib/machines/img.raw", "old");
    let mut old = File::open(case.image_dir("machine").join("img.raw")).unwrap();
    pull(&case, ["--force", "{url}/img.raw"]).ok();
    let images = case.images("machine");
    assert_eq!(images.names(), ["img.raw"]);
    assert_eq!(images.entry("img.raw").content, content());
    let mut text = String::new();
    old.read_to_string(&mut text).unwrap();
    assert_eq!(text, "old");
}

#[test]
fn force_does_not_hide_a_file_behind_a_directory() {
    let case = Case::new()
        .serve("img.raw")
        .root_file("var/lib/machines/img/etc/os-release", "");
    let before = case.images("machine");
    pull(&case, ["--force", "{url}/img.raw"])
        .code(1)
        .stderr_has("one of the two would stay hidden");
    assert_eq!(case.images("machine"), before);
    assert!(case.server().requests().is_empty());
}

#[test]
fn images_are_writable_unless_that_is_not_wanted() {
    let case = Case::new().serve("img.raw");
    pull(&case, ["{url}/img.raw", "a"]).ok();
    pull(&case, ["--read-only", "{url}/img.raw", "b"]).ok();
    let images = case.images("machine");
    assert_eq!(images.entry("a.raw").mode, 0o644);
    assert_eq!(images.entry("b.raw").mode, 0o444);
}

#[test]
fn a_name_that_is_taken_is_refused_before_anything_is_asked() {
    for place in [
        "var/lib/machines/img.raw",
        "run/machines/img.raw",
        "usr/lib/machines/img/etc/os-release",
    ] {
        let case = Case::new().serve("img.raw").root_file(place, "");
        let before = Snapshot::of(&case.root());
        let found = place.split("/etc/").next().unwrap();
        let said = format!("image `img` exists already as `{{root}}/{found}`");
        pull(&case, ["{url}/img.raw"])
            .code(1)
            .stderr_has(&case.fill(&said))
            .stderr_has("--force");
        assert!(case.server().requests().is_empty());
        let after = Snapshot::of(&case.root());
        assert_eq!(after.entry(found), before.entry(found));
    }
    let case = Case::new().serve("img.raw");
    pull(&case, ["{url}/img.raw", ".host"])
        .code(1)
        .stderr_has("it is the running system itself");
    assert!(case.server().requests().is_empty());
}

#[test]
fn an_image_of_another_class_does_not_take_the_name() {
    let case = Case::new()
        .serve("img.raw")
        .root_file("var/lib/portables/img.raw", "");
    pull(&case, ["{url}/img.raw"]).ok();
}

#[test]
fn the_servers_dates_and_tags_are_recorded_with_the_address_as_given() {
    let body = Reply::body(image())
        .etag("W/\"a.b\"")
        .last_modified("Sun, 06 Nov 1994 08:49:37 GMT");
    let case = Case::new()
        .serve_as("elsewhere/b.raw", body)
        .serve_as("img.raw?x=1", Reply::redirect(302, "/elsewhere/b.raw"));
    let words = ["-m", "--verify=no", "pull-raw", "{url}/img.raw?x=1"];
    case.importctl(words).ok();

    let images = case.images("machine");
    assert_eq!(images.names().len(), 2);
    for entry in images.0.values() {
        assert_eq!(entry.modified, (784_111_777, 0));
        let created = 784_111_777_000_000_u64.to_le_bytes();
        assert_eq!(entry.xattrs["user.crtime_usec"], created);
        let url = case.fill("{url}/img.raw?x=1");
        assert_eq!(entry.xattr("user.source_url"), Some(&*url));
        assert_eq!(entry.xattr("user.source_etag"), Some("W/\"a.b\""));
        let trust = format!("1 no {}", content());
        assert_eq!(entry.xattr("user.importd.trust"), Some(&*trust));
    }
}

#[test]
fn redirects_of_every_code_are_followed_also_to_other_servers() {
    let other = Server::http();
    other.put("/b.raw", Reply::body(image()));
    for code in [301, 302, 303, 307, 308] {
        let case = Case::new()
            .serve_as("img.raw", Reply::redirect(code, "a/./../c.raw"))
            .serve_as("c.raw", Reply::redirect(code, &(other.url() + "/b.raw")));
        pull(&case, ["{url}/img.raw"]).ok();
        assert_eq!(
            case.server().request_lines(),
            ["GET /img.raw", "GET /c.raw"]
        );
        assert_eq!(case.images("machine").entry("img.raw").content, content());
    }
}

/// Pulls over an image that is there already, in vain: the failure has its own message and changes nothing.
#[track_caller]
fn fails(case: Case, reply: Reply, message: &str) {
    let case = case
        .env("IMPORTD_RETRY_TIMEOUT", "0")
        .serve_as("img.raw", reply)
        .root_file("var/lib/machines/img.raw", "old")
        .root_file("var/lib/machines/.raw-kept.raw", "kept");
    let before = case.images("machine");
    let outcome = pull(&case, ["--force", "{url}/img.raw"]).code(1);
    let said = outcome.stderr_has(message).stderr_text();
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn redirects_that_go_round_or_give_up_safety_are_refused() {
    let nowhere = Reply::status(301);
    for (case, reply, message) in [
        (
            Case::new(),
            Reply::redirect(301, "img.raw"),
            "redirects more than 10 times",
        ),
        (Case::new(), nowhere, "redirects to nowhere"),
        (
            Case::new(),
            Reply::redirect(302, "file:///etc/passwd"),
            "redirects to `file:///etc/passwd`, which is not followed",
        ),
        (
            Case::new(),
            Reply::redirect(302, "ftp://127.0.0.1/img.raw"),
            "redirects to a location that may not be followed",
        ),
        (
            https(),
            Reply::redirect(302, "http://127.0.0.1:1/img.raw"),
            "never from https:// to http://",
        ),
    ] {
        fails(case, reply, message);
    }
}

#[test]
fn an_image_that_breaks_off_is_no_image() {
    let whole = || Reply::body(image());
    let length = image().len();
    for (reply, message) in [
        (whole().cut_after(100_000), "ended early, after "),
        (whole().cut_after(0), "ended early, after 0 of"),
        (
            whole().header("Content-Length", &(length + 1).to_string()),
            "ended early",
        ),
        (whole().chunked().cut_after(length), "ended early"),
    ] {
        fails(Case::new(), reply.clone(), message);
        fails(https(), reply, message);
    }
    // Over TLS the end of a body without a length has to be said.
    let endless = whole().without_header("Content-Length").cut_after(length);
    fails(https(), endless, "ended early");
}

#[test]
fn answers_that_are_no_image_are_told_apart() {
    for (reply, message) in [
        (Reply::status(404), "there is nothing at http://"),
        (Reply::status(410), "check the address"),
        (Reply::status(401), "requires authentication"),
        (Reply::status(403), "with status 403 (Forbidden)"),
        (
            Reply::status(500),
            "with status 500 (Internal Server Error)",
        ),
        (Reply::status(503), "with status 503 (Service Unavailable)"),
        (
            Reply::raw("no such thing as HTTP\r\n\r\n"),
            "failed to understand",
        ),
        (Reply::raw(""), "the server closed it without an answer"),
        (Reply::body("x").huge_headers(70_000), "header"),
        (
            Reply::body(image()).header("Content-Encoding", "gzip"),
            "comes encoded as `gzip`",
        ),
    ] {
        fails(Case::new(), reply, message);
    }
}

#[test]
fn formats_that_are_not_supported_are_named() {
    let body = fixture("codec/refused.legacy.lz4");
    fails(Case::new(), Reply::body(body), "in the legacy format");
}

#[test]
fn a_failed_pull_into_an_empty_directory_leaves_it_empty() {
    let case = Case::new().serve_as("img.raw", Reply::body(image()).cut_after(200_000));
    pull(&case, ["{url}/img.raw"]).code(1);
    assert!(
        fs::read_dir(case.image_dir("machine"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    let case = Case::new();
    let recovered = [Reply::status(503), Reply::body(image())];
    case.server().script("/img.raw", recovered);
    pull(&case, ["{url}/img.raw"])
        .ok()
        .stderr_has("trying again in");
    assert_eq!(case.images("machine").entry("img.raw").content, content());
}

#[test]
fn addresses_that_make_no_sense_are_refused() {
    let case = Case::new();
    for url in [
        "img.raw",
        "ftp://h/img.raw",
        "http://",
        "http:///img.raw",
        "",
    ] {
        let said = pull(&case, [url, "img"]).code(1).stderr_text();
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert!(Snapshot::of(&case.root()).0.is_empty());
}

#[test]
fn a_name_taken_during_the_download_is_not_overwritten() {
    let body = Reply::body(image()).pause_after(1000, Duration::from_secs(1));
    let case = Case::new().serve_as("img.raw", body);
    let running = case.start(["-m", "--verify=no", "pull-raw", "{url}/img.raw"]);
    while case.server().requests().is_empty() {
        sleep(Duration::from_millis(5));
    }
    let case = case.root_file("var/lib/machines/img.raw", "faster");
    running
        .wait()
        .code(1)
        .stderr_has("image `img` exists already as");
    let images = case.images("machine");
    assert_eq!(images.names(), ["img.raw"]);
    assert_eq!(images.entry("img.raw").size, 6);
}

#[test]
fn links_lead_nowhere_outside_the_root() {
    let case = Case::new().serve("img.raw");
    fs::create_dir_all(case.root().join("var/lib")).unwrap();
    symlink(case.dir(), case.root().join("var/lib/machines")).unwrap();
    pull(&case, ["{url}/img.raw"]).code(1);
    assert!(Snapshot::of(&case.dir()).0.is_empty());
    assert!(case.server().requests().is_empty());

    let case = Case::new().serve("img.raw");
    fs::create_dir_all(case.image_dir("machine")).unwrap();
    let link = case.image_dir("machine").join("img.raw");
    symlink(case.dir().join("target"), &link).unwrap();
    pull(&case, ["{url}/img.raw"])
        .code(1)
        .stderr_has("image `img` exists already as");
    assert!(case.server().requests().is_empty());
    pull(&case, ["--force", "{url}/img.raw"]).ok();
    assert_eq!(case.images("machine").entry("img.raw").kind, 'f');
    assert!(Snapshot::of(&case.dir()).0.is_empty());
}

#[test]
fn passwords_of_the_address_are_neither_shown_nor_recorded() {
    let case = Case::new().serve("img.raw");
    let url = case.fill("{url}/img.raw").replace("://", "://me:secret@");
    let words = ["-m", "--verify=no", "pull-raw", &url];
    for name in ["a", "b", "-"] {
        let words = words.into_iter().chain([name]);
        case.importctl(words).ok().stderr_lacks("secret");
    }
    for (path, entry) in &case.images("machine").0 {
        assert!(!path.to_str().unwrap().contains("secret"));
        let mut values = entry.xattrs.values();
        assert!(!values.any(|value| value.windows(6).any(|part| part == b"secret")));
    }
    let asked = case.server().requests();
    assert!(asked[0].header("Authorization").is_some());
}

#[test]
fn dates_that_make_no_sense_do_no_harm() {
    for date in [
        "yesterday",
        "",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
    ] {
        let body = Reply::body(image()).last_modified(date);
        let case = Case::new().serve_as("img.raw", body);
        pull(&case, ["{url}/img.raw"]).ok();
    }
}

#[test]
fn a_root_that_is_none_is_named() {
    let case = Case::new().serve("img.raw").without_root();
    pull(&case, ["--root={dir}/missing", "{url}/img.raw"])
        .code(1)
        .stderr_has(&case.fill("failed to open directory `{dir}/missing`"));
    let case = Case::new()
        .serve("img.raw")
        .root_file("var/lib/machines", "");
    pull(&case, ["{url}/img.raw"])
        .code(1)
        .stderr_has("var/lib/machines`: Not a directory");
    assert!(case.server().requests().is_empty());
}

#[test]
fn names_with_the_suffix_of_their_class_are_taken_too() {
    for place in [
        "etc/extensions/img.sysext.raw",
        "var/lib/extensions/img.raw",
    ] {
        let case = Case::new().serve("img.raw").root_file(place, "");
        let words = ["-S", "--verify=no", "pull-raw", "{url}/img.raw"];
        case.importctl(words)
            .code(1)
            .stderr_has(&format!("{place}`: choose another name"));
        assert!(case.server().requests().is_empty());
    }
}

#[test]
fn force_is_refused_where_another_image_would_be_found_first() {
    for (class, other) in [
        ("machine", "etc/machines/img.raw"),
        ("sysext", "var/lib/extensions/img.sysext.raw"),
        ("sysext", "run/extensions/img/usr/x"),
    ] {
        let case = Case::new().serve("img.raw").root_file(other, "other");
        let directory = case.root().join(Path::new(other).parent().unwrap());
        let before = Snapshot::of(&directory);
        let words = ["--verify=no", "--force", "pull-raw", "{url}/img.raw"];
        case.importctl(words.into_iter().chain([&*format!("--class={class}")]))
            .code(1)
            .stderr_has("one of the two would stay hidden");
        assert_eq!(Snapshot::of(&directory), before);
        assert!(case.server().requests().is_empty());
    }
}

#[test]
fn the_suffix_of_the_class_makes_no_other_image() {
    let case = Case::new()
        .serve("img.raw")
        .root_file("var/lib/extensions/a.raw", "first");
    let pull = ["-S", "--verify=no", "pull-raw", "{url}/img.raw", "a.sysext"];
    case.importctl(pull).code(1).stderr_has("exists already");
    case.importctl(pull.into_iter().chain(["--force"])).ok();
    assert_eq!(case.images("sysext").names(), ["a.raw"]);
}

#[test]
fn force_leaves_images_of_other_directories_alone() {
    let case = Case::new()
        .serve("img.raw")
        .root_file("usr/lib/machines/img.raw", "vendor");
    let before = Snapshot::of(&case.root().join("usr"));
    pull(&case, ["--force", "{url}/img.raw"]).ok();
    assert_eq!(Snapshot::of(&case.root().join("usr")), before);
    assert_eq!(case.images("machine").entry("img.raw").content, content());
}

#[test]
fn modes_do_not_depend_on_who_runs_it() {
    let case = Case::new()
        .serve("img.raw")
        .through(["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    case.importctl(["-m", "--verify=no", "pull-raw", "{url}/img.raw"])
        .ok();
    let images = case.images("machine");
    let modes: Vec<_> = images.0.values().map(|entry| entry.mode).collect();
    assert_eq!(modes, [0o444, 0o644]);
}

#[test]
fn two_pulls_at_once_make_two_images_and_one_kept_copy() {
    let body = Reply::body(image()).etag("\"first\"").trickle(1_000_000);
    let case = Case::new().serve_as("img.raw", body);
    let words = ["-m", "--verify=no", "pull-raw", "{url}/img.raw"];
    let running = ["a", "b"].map(|name| case.start(words.into_iter().chain([name])));
    for one in running {
        one.wait().ok();
    }
    let images = case.images("machine");
    assert_eq!(images.names().len(), 3);
    for entry in images.0.values() {
        assert_eq!(entry.content, content());
    }
}

#[test]
fn a_quiet_pull_says_nothing_but_what_went_wrong() {
    let case = Case::new().serve("img.raw");
    pull(&case, ["-q", "{url}/img.raw"])
        .ok()
        .stdout_is("")
        .stderr_is("");
    let said = pull(&case, ["-q", "{url}/img.raw"]).code(1).stderr_text();
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn settings_of_the_environment_that_make_no_sense_are_named() {
    for name in [
        "SYSTEMD_IMPORT_SYNC",
        "IMPORTD_RETRY_TIMEOUT",
        "IMPORTD_STALL_TIMEOUT",
    ] {
        let case = Case::new().serve("img.raw").env(name, "maybe");
        pull(&case, ["{url}/img.raw"])
            .ok()
            .stderr_has(&format!("${name} makes no sense, ignoring: "));
    }
}

#[test]
fn directories_that_are_missing_are_made_for_their_owner_alone() {
    let case = Case::new().serve("img.raw");
    case.importctl(["pull-raw", "-mN", "--verify=no", "{url}/img.raw"])
        .ok();
    for directory in ["var", "var/lib", "var/lib/machines"] {
        let mode = fs::metadata(case.root().join(directory))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o700, "{directory}");
    }
}

#[test]
fn directories_on_the_way_need_not_be_readable() {
    let case = Case::new().serve("img.raw");
    let own = case.dir().join("closed/own");
    fs::create_dir_all(&own).unwrap();
    fs::set_permissions(own.parent().unwrap(), fs::Permissions::from_mode(0o111)).unwrap();
    let arguments = [
        "pull-raw",
        "-mN",
        "--verify=no",
        "--image-root={dir}/closed/own",
        "{url}/img.raw",
    ];
    case.importctl(arguments).ok();
    fs::set_permissions(own.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(own.join("img.raw").is_file());
}
