//! Kept copies: hidden files that stand in for another download while the server says that they are the image still.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::kit::{Case, Outcome, Reply, Request, Snapshot, image};
use super::verify::{serve, signed};

const RING: &str = "etc/systemd/import-pubring.pgp";
const URL: &str = "{url}/img.raw";

/// Pulls a machine under that name, keeping a copy.
#[track_caller]
fn pull(case: &Case, verify: &str, name: &str) -> Outcome {
    let verify = format!("--verify={verify}");
    case.importctl(["-m", &verify, "pull-raw", URL, name])
}

/// What the last request for the image offered.
fn offered(case: &Case) -> Option<String> {
    let requests = case.server().requests();
    let images = requests.iter().filter(|it| it.target == "/img.raw");
    let tags = |request: &Request| request.header("If-None-Match").map(str::to_owned);
    images.filter_map(tags).next_back()
}

/// The names of kept copies.
fn kept(images: &Snapshot) -> Vec<&str> {
    let names = images.names().into_iter();
    names.filter(|name| name.starts_with(".raw-")).collect()
}

/// A server whose first answer is the image as `"first"`, whose next is something else, and one kept copy.
#[track_caller]
fn then(next: Reply) -> Case {
    let case = Case::new();
    let first = Reply::body(image()).etag("\"first\"");
    case.server().script("/img.raw", [first, next]);
    pull(&case, "no", "one").ok();
    case
}

/// The next pull uses the kept copy.
#[track_caller]
fn reuses(case: &Case) {
    let before = case.images("machine");
    pull(case, "no", "two")
        .ok()
        .stderr_has("Using the kept copy");
    assert_eq!(offered(case).as_deref(), Some("\"first\""));
    let images = case.images("machine");
    assert_eq!(images.names().len(), before.names().len() + 1);
    for (path, entry) in &before.0 {
        assert_eq!(&images.0[path], entry);
    }
    let (one, two) = (images.entry("one.raw"), images.entry("two.raw"));
    assert_eq!(one.content, two.content);
    assert_eq!(one.xattrs, two.xattrs);
}

#[test]
fn a_kept_copy_is_named_by_url_and_tag_and_cannot_be_written() {
    let case = then(Reply::status(500));
    let images = case.images("machine");
    let escaped = case.fill(URL).replace('/', "\\x2f").replace('.', "\\x2e");
    let name = format!(".raw-{escaped}.\\x22first\\x22.raw");
    assert_eq!(images.names(), [&*name, "one.raw"]);
    assert_eq!(images.entry(&name).mode, 0o444);
    assert_eq!(images.entry("one.raw").mode, 0o644);
}

#[test]
fn a_kept_copy_stands_in_while_the_server_says_so() {
    let image = || Reply::body(image()).etag("\"first\"");
    reuses(&then(image()));
    reuses(&then(image().without_header("ETag")));
    reuses(&then(Reply::status(304)));
    // A server that does not know the condition, but the tag.
    let unconditional = "HTTP/1.1 200 OK\r\nETag: \"first\"\r\nContent-Length: 5\r\n\r\nother";
    reuses(&then(Reply::raw(unconditional)));
}

#[test]
fn a_new_image_is_downloaded_and_kept_beside_the_old() {
    let case = then(Reply::body("other").etag("\"second\""));
    pull(&case, "no", "two").ok();
    assert_eq!(offered(&case).as_deref(), Some("\"first\""));
    let images = case.images("machine");
    assert_eq!(kept(&images).len(), 2);
    assert_eq!(images.entry("two.raw").size, 5);
}

#[test]
fn of_several_kept_copies_the_one_the_server_means_is_used() {
    let second = || Reply::body("other").etag("\"second\"");
    for next in [second(), second().without_header("ETag")] {
        let case = then(second());
        pull(&case, "no", "two").ok();
        case.server().put("/img.raw", next);
        pull(&case, "no", "three")
            .ok()
            .stderr_has("Using the kept copy");
        let requests = case.server().requests();
        let mut offered = requests.iter().filter_map(|it| it.header("If-None-Match"));
        let both = offered.find(|tags| tags.contains(", ")).unwrap();
        let mut tags: Vec<_> = both.split(", ").collect();
        tags.sort_unstable();
        assert_eq!(tags, ["\"first\"", "\"second\""]);
        let images = case.images("machine");
        let three = images.entry("three.raw");
        assert_eq!((three.size, kept(&images).len()), (5, 2));
        assert_eq!(three.xattr("user.source_etag"), Some("\"second\""));
    }
}

#[test]
fn an_image_that_replaces_a_kept_one_is_asked_for_after_its_manifest() {
    let other = Reply::body("other").etag("\"second\"");
    let case = Case::new();
    let first = Reply::body(image()).etag("\"first\"");
    case.server().script("/img.raw", [first, other]);
    for content in [&image()[..], b"other"] {
        let sums = format!("{}  img.raw\n", importd::stream::sha256(content));
        case.server().put("/SHA256SUMS", Reply::body(sums));
        let name = format!("image{}", content.len());
        pull(&case, "checksum", &name).ok();
    }
    let requests = case.server().requests();
    let targets = requests
        .iter()
        .map(|it| (&*it.target, it.header("If-None-Match")));
    let sums = [("/img.raw.sha256", None), ("/SHA256SUMS", None)];
    let first = [sums[0], sums[1], ("/img.raw", None)];
    let second = [
        ("/img.raw", Some("\"first\"")),
        sums[0],
        sums[1],
        ("/img.raw", None),
    ];
    let expected = first.into_iter().chain(second);
    assert_eq!(targets.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn what_others_may_write_is_no_kept_copy() {
    for mode in [0o464, 0o446] {
        let case = then(Reply::body(image()).etag("\"first\""));
        let images = case.images("machine");
        let copy = case.image_dir("machine").join(kept(&images)[0]);
        fs::set_permissions(&copy, Permissions::from_mode(mode)).unwrap();
        pull(&case, "no", "two")
            .ok()
            .stderr_lacks("Using the kept copy");
        assert_eq!(offered(&case), None);
    }
}

#[test]
fn a_pull_that_keeps_nothing_uses_the_kept_copy_and_leaves_it() {
    let case = then(Reply::body(image()).etag("\"first\""));
    let before = case.images("machine");
    let words = ["-m", "--verify=no", "--keep-download=no", "pull-raw", URL];
    case.importctl(words.into_iter().chain(["two"]))
        .ok()
        .stderr_has("Using the kept copy");
    assert_eq!(case.images("machine").entry("two.raw").mode, 0o644);
    // Whatever is shared on the disk, what is written to one is not seen in the other.
    let two = case.image_dir("machine").join("two.raw");
    fs::write(&two, "mine").unwrap();
    fs::remove_file(&two).unwrap();
    assert_eq!(case.images("machine"), before);
}

#[test]
fn only_machines_are_kept_unless_asked_for() {
    for (class, words, count) in [
        ("machine", ["--verify=no", "--verify=no"], 2),
        ("machine", ["--verify=no", "-N"], 1),
        ("sysext", ["--verify=no", "--verify=no"], 1),
        ("sysext", ["--verify=no", "--keep-download=yes"], 2),
    ] {
        let case = Case::new().serve("img.raw");
        let class_option = format!("--class={class}");
        let words = words.into_iter().chain([&*class_option, "pull-raw", URL]);
        case.importctl(words).ok();
        assert_eq!(case.images(class).names().len(), count);
    }
}

#[test]
fn a_pristine_copy_alone_is_not_fetched_twice() {
    let case = Case::new().serve("img.raw");
    pull(&case, "no", "-").ok();
    let before = case.images("machine");
    pull(&case, "no", "-")
        .ok()
        .stderr_has("Using the kept copy");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn without_a_tag_the_copy_is_fetched_anew_and_replaced() {
    let case = Case::new().serve_as("img.raw", Reply::body("one"));
    pull(&case, "no", "one").ok();
    case.server().put("/img.raw", Reply::body("other"));
    pull(&case, "no", "two").ok();
    assert_eq!(offered(&case), None);
    let images = case.images("machine");
    let kept = kept(&images);
    assert_eq!((kept.len(), images.entry(kept[0]).size), (1, 5));
    assert_eq!(images.entry("one.raw").size, 3);
}

#[test]
fn a_long_url_is_kept_under_its_hash_and_found_again() {
    let long = format!("{}.raw", "x".repeat(300));
    let case = Case::new().serve(&long);
    let url = format!("{{url}}/{long}");
    for name in ["one", "two"] {
        let words = ["-m", "--verify=no", "pull-raw", &url, name];
        case.importctl(words).ok();
    }
    let images = case.images("machine");
    let kept = kept(&images);
    assert!(kept.len() == 1 && kept[0].len() < 60, "{kept:?}");
    let requests = case.server().requests();
    assert_eq!(requests[1].header("If-None-Match"), Some("\"first\""));
    let source = images.entry("two.raw").xattr("user.source_url");
    assert_eq!(source, Some(&*case.fill(&url)));
}

#[test]
fn a_tag_too_long_for_a_name_is_recorded_but_not_offered() {
    let tag = format!("\"{}\"", "e".repeat(300));
    let case = Case::new().serve_as("img.raw", Reply::body(image()).etag(&tag));
    for name in ["one", "two"] {
        pull(&case, "no", name).ok();
    }
    let images = case.images("machine");
    assert_eq!((kept(&images).len(), offered(&case)), (1, None));
    let recorded = images.entry("two.raw").xattr("user.source_etag");
    assert_eq!(recorded, Some(&*tag));
}

#[test]
fn a_kept_copy_serves_only_the_url_it_came_from() {
    let case = Case::new().serve("img.raw").serve("img.raw?x");
    pull(&case, "no", "one").ok();
    let words = ["-m", "--verify=no", "pull-raw", "{url}/img.raw?x", "two"];
    case.importctl(words).ok();
    let requests = case.server().requests();
    assert_eq!(requests[1].header("If-None-Match"), None);
    assert_eq!(kept(&case.images("machine")).len(), 2);
}

/// The signed image, its manifest, the signature of that by a key, and a keyring.
fn trusting(ring: &str, key: &str) -> Case {
    let case = serve(Case::new(), "image.raw.xz", "image.raw.xz");
    signed_by(case, ring, key)
}

/// Replaces the keyring and the signature.
fn signed_by(case: Case, ring: &str, key: &str) -> Case {
    let case = serve(case, "SHA256SUMS", "SHA256SUMS");
    let case = serve(case, "SHA256SUMS.gpg", &format!("SHA256SUMS.{key}.gpg"));
    case.root_file(RING, signed(ring))
}

/// Pulls the signed image, and says whether a kept copy was used.
#[track_caller]
fn pull_signed(case: &Case, verify: &str, name: &str) -> (Outcome, bool) {
    let verify = format!("--verify={verify}");
    let url = "{url}/image.raw.xz";
    let outcome = case.importctl(["-m", &verify, "pull-raw", url, name]);
    let reused = outcome.stderr_text().contains("Using the kept copy");
    let requests = case.server().requests();
    let image = requests.iter().rfind(|it| it.target == "/image.raw.xz");
    let offered = image.is_some_and(|it| it.header("If-None-Match").is_some());
    assert_eq!(offered, reused, "only what will do is offered");
    (outcome, reused)
}

#[test]
fn a_kept_copy_answers_demands_up_to_its_own_verification() {
    let digest = importd::stream::sha256(&signed("image.raw.xz")).to_string();
    let pin = digest.as_str();
    for (first, second, reused) in [
        ("no", "no", true),
        ("no", "checksum", false),
        ("no", "signature", false),
        ("no", pin, true),
        ("checksum", "no", true),
        ("checksum", "checksum", true),
        ("checksum", "signature", false),
        ("signature", "no", true),
        ("signature", "checksum", true),
        ("signature", "signature", true),
        ("signature", pin, true),
        (pin, "checksum", false),
        (pin, "signature", false),
        (pin, pin, true),
    ] {
        let case = trusting("ring.pgp", "rsa");
        pull_signed(&case, first, "one").0.ok();
        let (outcome, was) = pull_signed(&case, second, "two");
        outcome.ok();
        assert_eq!(was, reused, "{first}, then {second}");
        // The copy that was used hands on its own record, not the demand's.
        let level = match if reused { first } else { second } {
            level if level == pin => "pinned",
            level => level,
        };
        let images = case.images("machine");
        for name in [kept(&images)[0], "two.raw"] {
            let record = images.entry(name).xattr("user.importd.trust").unwrap();
            assert!(
                record.starts_with(&format!("1 {level} {digest}")),
                "{record}"
            );
        }
    }
}

#[test]
fn a_kept_copy_of_other_bytes_does_not_answer_a_pin() {
    let case = trusting("ring.pgp", "rsa");
    pull_signed(&case, "signature", "one").0.ok();
    let before = case.images("machine");
    let (outcome, _) = pull_signed(&case, &"a".repeat(64), "two");
    outcome.code(1).stderr_has("was asked for");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn a_kept_copy_is_worth_what_its_key_is_worth_today() {
    for (ring, later, key, message) in [
        ("rsa.pgp", "ed25519.pgp", "rsa", "no key"),
        (
            "revoked-before.pgp",
            "revoked.pgp",
            "revoked",
            "the key was revoked",
        ),
        (
            "subkey.pgp",
            "subkey-revoked.pgp",
            "subkey",
            "was revoked (no reason was given)",
        ),
    ] {
        let case = trusting(ring, key);
        pull_signed(&case, "signature", "one").0.ok();
        assert!(pull_signed(&case, "signature", "two").1);
        let case = signed_by(case, later, key);
        let before = case.images("machine");
        let asked = case.server().requests().len();
        let words = ["-m", "pull-raw", "{url}/image.raw.xz", "three"];
        case.importctl(words).code(1).stderr_has(message);
        assert_eq!(case.images("machine"), before);
        // The image itself was neither offered nor asked for.
        let lines = case.server().request_lines();
        assert!(!lines[asked..].contains(&"GET /image.raw.xz".to_owned()));
    }
}

#[test]
fn a_record_that_names_a_primary_key_alone_is_no_word_for_a_signature() {
    let case = trusting("ring.pgp", "subkey");
    pull_signed(&case, "signature", "one").0.ok();
    let images = case.images("machine");
    let name = kept(&images)[0];
    let record = images.entry(name).xattr("user.importd.trust").unwrap();
    let (shorter, _) = record.rsplit_once(' ').unwrap();
    let copy = case.image_dir("machine").join(name);
    fs::set_permissions(&copy, Permissions::from_mode(0o644)).unwrap();
    let replace = rustix::fs::XattrFlags::REPLACE;
    rustix::fs::setxattr(&copy, "user.importd.trust", shorter.as_bytes(), replace).unwrap();
    let (outcome, reused) = pull_signed(&case, "signature", "two");
    outcome.ok();
    assert!(!reused);
}

#[test]
fn a_copy_whose_key_has_left_is_replaced_by_one_of_a_key_that_is_there() {
    let case = trusting("rsa.pgp", "rsa");
    pull_signed(&case, "signature", "one").0.ok();
    let case = signed_by(case, "ed25519.pgp", "ed25519");
    let (outcome, reused) = pull_signed(&case, "signature", "two");
    outcome.ok();
    assert!(!reused);
    let images = case.images("machine");
    let record = |name| images.entry(name).xattr("user.importd.trust");
    assert_eq!(kept(&images).len(), 1);
    assert_eq!(record(kept(&images)[0]), record("two.raw"));
    assert_ne!(record("one.raw"), record("two.raw"));
}

#[test]
fn hostile_tags_and_addresses_make_harmless_names() {
    for (tag, is_one) in [
        ("\"../../../x\"", true),
        ("\"a#b'\\c\"", true),
        ("W/\"\"", true),
        ("unquoted", false),
        ("\"a\"b\"", false),
        ("", false),
    ] {
        let case = Case::new().serve_as("img.raw", Reply::body("x").etag(tag));
        pull(&case, "no", "one").ok();
        pull(&case, "no", "two").ok();
        let images = case.images("machine");
        assert_eq!((kept(&images).len(), images.names().len()), (1, 3), "{tag}");
        assert_eq!(images.0.len(), 3);
        assert_eq!(offered(&case).as_deref(), is_one.then_some(tag));
    }
}

#[test]
fn an_address_that_no_attribute_can_hold_is_pulled_all_the_same() {
    let long = format!("img.raw?{}", "x".repeat(4_000));
    let case = Case::new().serve(&long);
    let url = format!("{{url}}/{long}");
    for name in ["one", "two"] {
        let words = ["-m", "--verify=no", "pull-raw", &url, name];
        case.importctl(words).ok();
    }
    assert_eq!(kept(&case.images("machine")).len(), 1);
}

#[test]
fn a_kept_copy_becomes_what_the_pull_asks_for() {
    let case = Case::new()
        .serve("img.raw")
        .root_file("var/lib/machines/one.raw", "old");
    pull(&case, "no", "-").ok();
    for name in ["one", "two"] {
        let words = ["-m", "--verify=no", "--force", "--read-only", "pull-raw"];
        case.importctl(words.into_iter().chain([URL, name])).ok();
        let images = case.images("machine");
        let entry = images.entry(&format!("{name}.raw"));
        assert_eq!((entry.mode, entry.size), (0o444, image().len() as u64));
    }
}

#[test]
fn a_kept_copy_is_found_in_the_directory_of_choice() {
    let case = Case::new().serve("img.raw");
    let words = [
        "-m",
        "--verify=no",
        "--image-root={dir}/images",
        "pull-raw",
        URL,
    ];
    for name in ["one", "two"] {
        case.importctl(words.into_iter().chain([name])).ok();
    }
    assert_eq!(offered(&case).as_deref(), Some("\"first\""));
    assert_eq!(Snapshot::of(&case.dir().join("images")).names().len(), 3);
}

#[test]
fn an_image_that_is_gone_is_not_made_from_its_kept_copy() {
    let case = then(Reply::status(404));
    let before = case.images("machine");
    pull(&case, "no", "two")
        .code(1)
        .stderr_has("there is nothing at http://");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn a_file_under_a_kept_name_that_is_no_file_is_passed_over() {
    let case = then(Reply::body(image()).etag("\"second\""));
    let name = kept(&case.images("machine"))[0].to_owned();
    let path = case.image_dir("machine").join(name);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("one.raw", &path).unwrap();
    pull(&case, "no", "two").ok();
    assert_eq!(offered(&case), None);
}
