//! Files beside an image: taken on a signature's word, kept, replaced and removed with it.

use std::fs;

use super::kit::{Case, Outcome, Reply, Signer, Snapshot, archive, image, need};

const RING: &str = "etc/systemd/import-pubring.pgp";
const FILES: [(&str, &str); 4] = [
    ("img.nspawn", "[Exec]\nBoot=yes\n"),
    ("img.roothash", "00112233"),
    ("img.roothash.p7s", "signature of the hash"),
    ("img.verity", "verity\0\0 and hashes"),
];

/// The image, what lies beside it, and a manifest of those names that is signed.
fn serve(case: Case, signer: &Signer, image_name: &str, body: &[u8], listed: &[&str]) -> Case {
    let tag = format!("\"{}\"", &importd::stream::sha256(body).to_string()[..8]);
    let case = case.serve_as(image_name, Reply::body(body).etag(&tag));
    let mut sums = vec![(image_name, body)];
    for (name, content) in FILES {
        case.server().put(&format!("/{name}"), Reply::body(content));
        if listed.contains(&name) {
            sums.push((name, content.as_bytes()));
        }
    }
    sign(case.serve_sums(&sums), signer, &sums)
}

/// Serves the manifest's signature.
fn sign(case: Case, signer: &Signer, sums: &[(&str, &[u8])]) -> Case {
    let line =
        |(name, bytes): &(&str, &[u8])| format!("{}  {name}\n", importd::stream::sha256(bytes));
    let text: String = sums.iter().map(line).collect();
    case.serve_as("SHA256SUMS.gpg", Reply::body(signer.sign(text.as_bytes())))
}

const ALL: [&str; 4] = [FILES[0].0, FILES[1].0, FILES[2].0, FILES[3].0];

/// A signed image with everything beside it.
fn signed() -> (Case, Signer) {
    let signer = Signer::new();
    let case = serve(Case::new(), &signer, "img.raw", &image(), &ALL);
    (case.root_file(RING, signer.ring()), signer)
}

/// The same for programs that look for no keyring below the case's root.
fn for_helpers(case: Case, signer: &Signer) -> Case {
    case.file("ring.pgp", signer.ring())
        .env("SYSTEMD_OPENPGP_KEYRING", "{dir}/ring.pgp")
}

#[track_caller]
fn pull(case: &Case, words: &[&str]) -> Outcome {
    let fixed = ["-m", "pull-raw", "{url}/img.raw"];
    case.importctl(fixed.into_iter().chain(words.iter().copied()))
}

/// The names beside an image, without those of kept copies.
fn beside(images: &Snapshot) -> Vec<&str> {
    let names = images.names().into_iter();
    names.filter(|name| !name.starts_with('.')).collect()
}

/// What was asked of the server but for the image and its manifest.
fn asked(case: &Case) -> Vec<String> {
    let lines = case.server().request_lines().into_iter();
    lines
        .filter(|line| !line.contains("SHA256") && !line.contains("img.raw"))
        .collect()
}

const WITH_ALL: [&str; 5] = [
    "one.nspawn",
    "one.raw",
    "one.roothash",
    "one.roothash.p7s",
    "one.verity",
];

#[test]
fn what_a_signed_manifest_lists_comes_with_the_image_and_is_kept_with_it() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    pull(&case, &["one"]).ok();
    let images = case.images("machine");
    assert_eq!(beside(&images), WITH_ALL);
    let kept: Vec<_> = images
        .names()
        .into_iter()
        .filter(|it| it.starts_with(".raw-"))
        .collect();
    assert_eq!(kept.len(), 5);
    let stem = kept.iter().find(|name| name.ends_with(".raw")).unwrap();
    let stem = stem.strip_suffix(".raw").unwrap();
    for (name, content) in FILES {
        let suffix = name.strip_prefix("img").unwrap();
        let digest = importd::stream::sha256(content.as_bytes()).to_string();
        for (path, mode) in [
            (format!("one{suffix}"), 0o644),
            (format!("{stem}{suffix}"), 0o444),
        ] {
            let entry = images.entry(&path);
            assert_eq!((&entry.content, entry.mode), (&digest, mode), "{path}");
            let url = case.fill(&format!("{{url}}/{name}"));
            assert_eq!(entry.xattr("user.source_url"), Some(&*url));
            let record = entry.xattr("user.importd.trust").unwrap();
            assert!(
                record.starts_with(&format!("1 signature {digest} ")),
                "{record}"
            );
        }
    }
    // The kept copy brings along what was kept with it, and nothing more is asked for.
    let before = asked(&case).len();
    pull(&case, &["two"]).ok().stderr_has("Using the kept copy");
    assert_eq!(asked(&case).len(), before);
    let images = case.images("machine");
    for suffix in [".nspawn", ".roothash", ".roothash.p7s", ".verity"] {
        let [one, two] = ["one", "two"].map(|name| images.entry(&format!("{name}{suffix}")));
        assert_eq!((&one.content, &one.xattrs), (&two.content, &two.xattrs));
    }
}

#[test]
fn without_a_verified_signature_nothing_but_the_image_is_asked_for() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    let pin = importd::stream::sha256(&image()).to_string();
    for verify in ["no", "checksum", &pin] {
        let verify = format!("--verify={verify}");
        pull(&case, &[&verify, "--force", "one"])
            .ok()
            .stderr_has("were left out: no signature vouches for them");
        assert_eq!(beside(&case.images("machine")), ["one.raw"]);
    }
    assert_eq!(asked(&case), Vec::<String>::new());
    // Nor does a copy that was fetched under a weaker demand bring any, nor one that was signed under a weaker demand.
    pull(&case, &["--force", "one"]).ok();
    assert_eq!(beside(&case.images("machine")), WITH_ALL);
    pull(&case, &["--verify=no", "two"])
        .ok()
        .stderr_has("Using the kept copy");
    assert!(!beside(&case.images("machine")).contains(&"two.nspawn"));
}

#[test]
fn a_kept_copy_gets_what_is_asked_for_by_name_and_was_not_kept_with_it() {
    if !need("gpg") {
        return;
    }
    let (case, signer) = signed();
    let case = for_helpers(case, &signer);
    let none = ["--settings=no", "--roothash=no", "--verity=no"];
    let none = [none[0], none[1], none[2], "--roothash-signature=no"];
    let helper = |words: &[&str]| {
        let fixed = ["raw", "{url}/img.raw"].into_iter();
        case.helper("systemd-pull", fixed.chain(words.iter().copied()))
    };
    helper(&[&["one"], &none[..]].concat()).ok();
    assert_eq!(
        beside(&Snapshot::of(&case.dir().join("images"))),
        ["one.raw"]
    );
    let words = [&["two"], &none[1..], &["--settings=yes"]].concat();
    helper(&words).ok().stderr_has("Using the kept copy");
    assert_eq!(
        beside(&Snapshot::of(&case.dir().join("images"))),
        ["one.raw", "two.nspawn", "two.raw"]
    );
}

#[test]
fn a_kept_copy_gets_nothing_that_belongs_to_another_image() {
    if !need("gpg") {
        return;
    }
    let (case, signer) = signed();
    let case = for_helpers(case, &signer);
    let pull = |case: &Case, name, option| {
        case.helper("systemd-pull", ["raw", option, "{url}/img.raw", name])
    };
    pull(&case, "one", "--settings=no").ok();
    // The image is still the old one, and what lies beside it of the next one already.
    let sums = [
        ("img.raw", &b"next"[..]),
        (FILES[0].0, FILES[0].1.as_bytes()),
    ];
    let case = sign(case.serve_sums(&sums), &signer, &sums);
    let before = Snapshot::of(&case.dir().join("images"));
    pull(&case, "two", "--settings=yes")
        .code(1)
        .stderr_has("is not what the server's manifest speaks of by now")
        .stderr_has("the image was tampered with");
    assert_eq!(Snapshot::of(&case.dir().join("images")), before);
    let case = case.serve_as("img.raw", Reply::body("next"));
    pull(&case, "two", "--settings=yes").ok();
    let next = fs::read(case.dir().join("images/two.raw"));
    assert_eq!(next.unwrap(), b"next");
}

#[test]
fn what_no_file_replaces_stays_and_so_does_the_image_that_it_is_beside() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    let case = case
        .root_file("var/lib/machines/one.raw", "old")
        .root_file("var/lib/machines/one.nspawn/somebody's", "work");
    let before = case.images("machine");
    pull(&case, &["--force", "one"])
        .code(1)
        .stderr_has("one.nspawn` is in the way");
    assert_eq!(case.images("machine"), before);
    let lines = case.server().request_lines();
    assert!(
        !lines.iter().any(|line| line.contains("img.raw ")),
        "{lines:?}"
    );
}

#[test]
fn only_what_the_manifest_lists_is_asked_for() {
    if !need("gpg") {
        return;
    }
    let signer = Signer::new();
    let case = serve(Case::new(), &signer, "img.raw", &image(), &["img.roothash"]);
    let case = case.root_file(RING, signer.ring());
    pull(&case, &["-N", "one"]).ok();
    assert_eq!(beside(&case.images("machine")), ["one.raw", "one.roothash"]);
    assert_eq!(asked(&case), ["GET /img.roothash"]);
}

#[test]
fn settings_are_for_machines_and_hashes_for_disk_images() {
    if !need("gpg") {
        return;
    }
    let (case, signer) = signed();
    case.importctl(["-S", "pull-raw", "{url}/img.raw", "one"])
        .ok();
    assert_eq!(case.images("sysext").names(), WITH_ALL[1..].to_vec());
    let case = serve(case, &signer, "img.tar", &archive(), &ALL);
    case.importctl(["-m", "pull-tar", "{url}/img.tar", "tree"])
        .ok();
    assert_eq!(
        beside(&case.images("machine"))[..2],
        ["tree", "tree.nspawn"]
    );
    let top = case.images("machine");
    assert!(!top.names().contains(&"tree.roothash"));
    assert!(
        top.names()
            .iter()
            .any(|name| name.starts_with(".tar-") && name.ends_with(".nspawn"))
    );
}

#[test]
fn a_file_beside_an_image_that_is_not_the_one_listed_fails_the_pull() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    let case = case.serve_as("img.verity", Reply::body("forged"));
    pull(&case, &["one"]).code(1).stderr_has("img.verity is ");
    assert_eq!(case.images("machine").names(), Vec::<&str>::new());
    let large = "x".repeat((1 << 20) + 1);
    let case = case.serve_as("img.verity", Reply::body(FILES[3].1));
    let case = case.serve_as("img.nspawn", Reply::body(large));
    pull(&case, &["one"])
        .code(1)
        .stderr_has("larger than the limit of 1M");
    assert_eq!(case.images("machine").names(), Vec::<&str>::new());
}

#[test]
fn what_is_listed_but_missing_is_told_and_the_image_comes_without() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    let case = case.serve_as("img.verity", Reply::status(404));
    pull(&case, &["-N", "one"])
        .ok()
        .stderr_has("img.verity is in the manifest but not on the server");
    assert_eq!(beside(&case.images("machine")), WITH_ALL[..4].to_vec());
}

#[test]
fn what_is_there_already_stays_unless_the_image_is_forced() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    let case = case.root_file("var/lib/machines/one.nspawn", "mine");
    pull(&case, &["-N", "one"])
        .ok()
        .stderr_has("one.nspawn` is there already and stays as it is");
    let read = |name: &str| fs::read_to_string(case.image_dir("machine").join(name)).unwrap();
    assert_eq!(
        (read("one.nspawn"), read("one.roothash")),
        ("mine".into(), "00112233".into())
    );
    pull(&case, &["-N", "--force", "one"]).ok();
    assert_eq!(read("one.nspawn"), FILES[0].1);
}

#[test]
fn what_was_there_comes_back_also_where_two_names_cannot_be_exchanged() {
    if !need("gpg") || !need("strace") {
        return;
    }
    let (case, _signer) = signed();
    // Three to change the names of two files, and the one that is the image's.
    let inject = [
        "strace",
        "-Dfqo/dev/null",
        "--inject=renameat2:error=EINVAL",
        "--inject=renameat:error=EIO:when=4",
    ];
    let case = case
        .root_file("var/lib/machines/one.raw", "old")
        .root_file("var/lib/machines/one.nspawn", "mine")
        .through(inject);
    let before = case.images("machine");
    pull(&case, &["-N", "--force", "one"])
        .code(1)
        .stderr_has("Input/output error");
    assert_eq!(case.images("machine"), before);
    let case = case.through(inject[..3].iter().copied());
    pull(&case, &["-N", "--force", "one"]).ok();
    assert_eq!(beside(&case.images("machine")), WITH_ALL);
    let settings = fs::read_to_string(case.image_dir("machine").join("one.nspawn"));
    assert_eq!(settings.unwrap(), FILES[0].1);
}

#[test]
fn what_a_pull_brought_beside_a_replaced_image_goes_with_it() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    let case = case.file("plain.raw", "another image");
    let import = ["-m", "--force", "import-raw", "plain.raw", "one"];
    pull(&case, &["-N", "one"]).ok();
    case.importctl(import)
        .ok()
        .stderr_has("which belonged to the image that was replaced");
    assert_eq!(beside(&case.images("machine")), ["one.raw"]);
    let case = case
        .root_file("var/lib/machines/one.nspawn", "mine")
        .root_file("var/lib/machines/one.usrhash", "0011");
    case.importctl(import)
        .ok()
        .stderr_has("one.usrhash` stays, which no pull has brought");
    let left = ["one.nspawn", "one.raw", "one.usrhash"];
    assert_eq!(beside(&case.images("machine")), left);
    // Others record where a file came from, and nothing else.
    let hash = case.image_dir("machine").join("one.usrhash");
    let url = b"http://h/one.usrhash";
    rustix::fs::setxattr(
        &hash,
        "user.source_url",
        url,
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    case.importctl(import).ok();
    assert_eq!(beside(&case.images("machine")), ["one.nspawn", "one.raw"]);
    // An image that replaces nothing takes nothing away.
    let case = case.root_file("var/lib/machines/new.roothash", "0011");
    case.importctl(["-m", "--force", "import-raw", "plain.raw", "new"])
        .ok();
    assert!(beside(&case.images("machine")).contains(&"new.roothash"));
}

#[test]
fn a_kept_copy_that_is_replaced_leaves_nothing_beside_the_new_one() {
    if !need("gpg") {
        return;
    }
    let (case, signer) = signed();
    let without_tag = |case: Case, body: &[u8], listed: &[&str]| {
        let case = serve(case, &signer, "img.raw", body, listed);
        case.serve_as("img.raw", Reply::body(body))
    };
    let case = without_tag(case, b"first", &ALL);
    pull(&case, &["one"]).ok();
    let case = without_tag(case, b"second", &["img.nspawn"]);
    pull(&case, &["two"]).ok();
    let images = case.images("machine");
    let kept = images
        .names()
        .into_iter()
        .filter(|it| it.starts_with(".raw-"));
    let kept: Vec<_> = kept.map(|name| name.rsplit('.').next().unwrap()).collect();
    assert_eq!(kept, ["nspawn", "raw"]);
}

#[test]
fn an_image_that_does_not_come_brings_nothing_and_takes_nothing_away() {
    if !need("gpg") {
        return;
    }
    let (case, _signer) = signed();
    let case = case.serve_as("img.raw", Reply::body("other bytes"));
    let case = case
        .root_file("var/lib/machines/one.raw", "old")
        .root_file("var/lib/machines/one.nspawn", "mine");
    let before = case.images("machine");
    pull(&case, &["--force", "one"])
        .code(1)
        .stderr_has("the image was tampered with");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn whichever_write_to_disk_fails_image_and_files_are_all_old_or_all_new() {
    if !need("gpg") || !need("strace") {
        return;
    }
    let (case, _signer) = signed();
    let mut case = case
        .root_file("var/lib/machines/one.raw", "old")
        .root_file("var/lib/machines/one.nspawn", "mine");
    let old = case.images("machine");
    let mut failures = 0;
    for count in 1.. {
        let inject = format!("--inject=fsync,fdatasync:error=EIO:when={count}");
        case = case.through(["strace", "-Dfqo/dev/null", &inject]);
        let outcome = pull(&case, &["-N", "--force", "one"]);
        let new = case.images("machine");
        let content = |name: &str| fs::read(case.image_dir("machine").join(name)).unwrap();
        let all_new = || {
            beside(&new) == WITH_ALL
                && content("one.raw") == image()
                && content("one.nspawn") == FILES[0].1.as_bytes()
        };
        if outcome.status.success() {
            assert!(all_new());
            break;
        }
        failures += 1;
        outcome.code(1).stderr_has("Input/output error");
        if new == old {
            continue;
        }
        // All that is missing is that the names are on disk.
        assert!(all_new(), "{count}");
        case = case
            .root_file("var/lib/machines/one.raw", "old")
            .root_file("var/lib/machines/one.nspawn", "mine");
        for name in &WITH_ALL[2..] {
            fs::remove_file(case.image_dir("machine").join(name)).unwrap();
        }
    }
    assert!(failures > WITH_ALL.len(), "{failures}");
}
