//! Verification: manifests and signatures in every form, each way in which they do not hold, and the keyrings.
//!
//! Invariant of every refusal here: its own message, and the image directory as before, attribute for attribute.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::kit::{Case, Outcome, Reply, fixture};

const RING: &str = "etc/systemd/import-pubring.pgp";

/// A file of the signed fixtures.
pub(super) fn signed(name: &str) -> Vec<u8> {
    fixture(&format!("signed/{name}"))
}

/// Serves a signed fixture under a name.
pub(super) fn serve(case: Case, name: &str, file: &str) -> Case {
    case.serve_as(name, Reply::body(signed(file)).etag("\"first\""))
}

/// A root that trusts every good key, and a server with both images, without manifests.
fn case() -> Case {
    unsigned().root_file(RING, signed("ring.pgp"))
}

/// The same without a keyring.
fn unsigned() -> Case {
    let case = serve(Case::new(), "image.raw.xz", "image.raw.xz");
    serve(case, "image.raw.zst", "image.raw.zst")
}

/// The same with `SHA256SUMS` and its signature by that key.
fn sums(case: Case, key: &str) -> Case {
    let case = serve(case, "SHA256SUMS", "SHA256SUMS");
    serve(case, "SHA256SUMS.gpg", &format!("SHA256SUMS.{key}.gpg"))
}

fn digest(name: &str) -> String {
    importd::stream::sha256(&signed(name)).to_string()
}

#[track_caller]
fn pull(case: &Case, file: &str, verify: &str) -> Outcome {
    let verify = format!("--verify={verify}");
    let url = format!("{{url}}/{file}");
    case.importctl(["-m", &verify, "pull-raw", &url, "image"])
}

/// The pull succeeds, and both copies bear this record.
#[track_caller]
fn accepted(case: &Case, file: &str, verify: &str, record: &str) {
    pull(case, file, verify).ok();
    let images = case.images("machine");
    assert_eq!(images.names().len(), 2);
    for entry in images.0.values() {
        let recorded = entry.xattr("user.importd.trust").unwrap();
        assert!(recorded.starts_with(&format!("1 {record}")), "{recorded}");
    }
}

/// The pull is refused with that message, and nothing has changed.
#[track_caller]
fn refused(case: Case, file: &str, verify: &str, message: &str) -> Case {
    let case = case
        .root_file("var/lib/machines/.raw-kept.raw", "kept")
        .root_file("var/lib/machines/other.raw", "other");
    let before = case.images("machine");
    pull(&case, file, verify).code(1).stderr_has(message);
    assert_eq!(case.images("machine"), before);
    case
}

/// The same with a manifest of this text, under the demand of a checksum.
#[track_caller]
fn refused_sums(text: &str, message: &str) {
    let case = unsigned().serve_as("SHA256SUMS", Reply::body(text));
    refused(case, "image.raw.xz", "checksum", message);
}

#[test]
fn signatures_by_keys_of_every_kind_hold_armored_or_not() {
    for key in ["rsa", "ed25519", "subkey"] {
        for form in ["gpg", "asc"] {
            let case = serve(case(), "SHA256SUMS", "SHA256SUMS");
            let file = format!("SHA256SUMS.{key}.{form}");
            let case = serve(case, &format!("SHA256SUMS.{form}"), &file);
            accepted(&case, "image.raw.xz", "signature", "signature");
        }
    }
    let case = sums(case(), "rsa");
    accepted(&case, "image.raw.zst", "signature", "signature");
}

#[test]
fn verification_by_signature_is_the_default_and_says_whose_it_is() {
    let case = sums(case(), "ed25519");
    let words = ["-m", "pull-raw", "{url}/image.raw.xz"];
    case.importctl(words)
        .ok()
        .stderr_has("is signed by ed25519 <ed25519@example.org>, key ");
}

#[test]
fn an_images_own_manifest_is_asked_for_first_and_its_signature_in_either_form() {
    for form in ["asc", "gpg"] {
        let case = serve(
            sums(case(), "rsa"),
            "image.raw.xz.sha256",
            "image.raw.xz.sha256",
        );
        let file = format!("image.raw.xz.sha256.rsa.{form}");
        let case = serve(case, &format!("image.raw.xz.sha256.{form}"), &file);
        accepted(&case, "image.raw.xz", "signature", "signature");
        let asked = case.server().request_lines();
        assert!(!asked.iter().any(|line| line.contains("SHA256SUMS")));
        assert_eq!(asked.last().unwrap(), "GET /image.raw.xz");
    }
}

#[test]
fn files_are_asked_for_in_a_fixed_order_and_the_image_last() {
    let case = serve(case(), "SHA256SUMS", "SHA256SUMS");
    let case = serve(case, "SHA256SUMS.asc", "SHA256SUMS.rsa.asc");
    accepted(&case, "image.raw.xz", "signature", "signature");
    let asked = [
        "GET /image.raw.xz.sha256",
        "GET /SHA256SUMS",
        "GET /SHA256SUMS.gpg",
        "GET /SHA256SUMS.asc",
        "GET /image.raw.xz",
    ];
    assert_eq!(case.server().request_lines(), asked);
}

#[test]
fn an_own_manifest_without_signature_gives_way_to_a_signed_pair() {
    let forged = Reply::body(format!("{} *image.raw.xz\n", "0".repeat(64)));
    let case = sums(case(), "rsa").serve_as("image.raw.xz.sha256", forged);
    accepted(&case, "image.raw.xz", "signature", "signature");
}

#[test]
fn the_checksum_of_one_pair_is_not_taken_with_the_signature_of_the_other() {
    let case = serve(case(), "image.raw.xz.sha256", "image.raw.xz.sha256");
    let case = serve(case, "image.raw.xz.sha256.asc", "SHA256SUMS.rsa.asc");
    let case = sums(case, "rsa");
    refused(
        case,
        "image.raw.xz",
        "signature",
        "/image.raw.xz.sha256 cannot be trusted: failed to verify with key",
    );
}

#[test]
fn bad_signatures_are_refused_each_with_its_reason() {
    for (key, message) in [
        ("stranger", "no key"),
        ("revoked", "the key was revoked"),
        ("expired", "the key expired on 2026-01-31"),
        ("old", "uses SHA1, which is too weak"),
    ] {
        let case = refused(sums(case(), key), "image.raw.xz", "signature", message);
        let asked = case.server().request_lines();
        assert!(!asked.contains(&"GET /image.raw.xz".to_owned()));
    }
}

#[test]
fn a_signature_of_something_else_or_of_nothing_is_refused() {
    let junk = || vec![0; 100];
    for (signature, message) in [
        (
            signed("image.raw.xz.sha256.rsa.gpg"),
            "does not match the file",
        ),
        (junk(), "failed to read the signature"),
        (Vec::new(), "the file holds none"),
        (signed("rsa.pgp"), "failed to read the signature"),
        (vec![0; (1 << 20) + 1], "limit"),
    ] {
        let case = serve(case(), "SHA256SUMS", "SHA256SUMS");
        let case = case.serve_as("SHA256SUMS.gpg", Reply::body(signature));
        refused(case, "image.raw.xz", "signature", message);
    }
    let mut altered = signed("SHA256SUMS");
    altered.extend(b"# one line more\n");
    let case = sums(case(), "rsa").serve_as("SHA256SUMS", Reply::body(altered));
    refused(case, "image.raw.xz", "signature", "does not match the file");
}

#[test]
fn what_is_missing_beside_the_image_is_named() {
    for verify in ["signature", "checksum"] {
        let case = refused(
            case(),
            "image.raw.xz",
            verify,
            "no checksum manifest beside it",
        );
        let said = pull(&case, "image.raw.xz", verify).stderr_text();
        assert!(said.contains("/image.raw.xz.sha256 nor ") && said.contains("/SHA256SUMS"));
    }
    let case = serve(case(), "SHA256SUMS", "SHA256SUMS");
    refused(
        case,
        "image.raw.xz",
        "signature",
        "/SHA256SUMS has no signature beside it",
    );
}

#[test]
fn an_image_that_is_not_the_one_listed_is_refused() {
    for verify in ["signature", "checksum"] {
        let case = sums(case(), "rsa");
        let case = serve(case, "image.raw.xz", "image.raw.zst");
        refused(case, "image.raw.xz", verify, "says otherwise");
        let case = serve(sums(self::case(), "rsa"), "other.raw.xz", "image.raw.xz");
        let unlisted = "it does not list `other.raw.xz`";
        refused(case, "other.raw.xz", verify, unlisted);
    }
}

#[test]
fn manifests_that_vouch_for_nothing_are_refused_with_the_reason() {
    let good = digest("image.raw.xz");
    let other = digest("image.raw.zst");
    refused_sums("", "vouches for nothing, it is empty");
    refused_sums("<html>Not here</html>\n", "it does not list");
    refused_sums(&format!("{good} *image.raw.xz.old\n"), "it does not list");
    refused_sums(
        &format!("{} *image.raw.xz\n", &good[1..]),
        "it does not list",
    );
    refused_sums(
        &format!("{good} *image.raw.xz\n{other} *image.raw.xz\n"),
        "it lists `image.raw.xz` twice, with different checksums",
    );
    refused_sums(&format!("{other} *image.raw.xz\n"), "says otherwise");
    refused_sums(&"x".repeat((1 << 20) + 1), "limit");
}

#[test]
fn manifests_are_read_with_the_tolerance_that_people_need() {
    let good = digest("image.raw.xz");
    for text in [
        format!("{} *image.raw.xz\n", good.to_uppercase()),
        format!("# a comment\n{good}  image.raw.xz"),
        format!("{good} *image.raw.xz\r\n"),
        format!("{good} *image.raw.xz\n{good}  image.raw.xz\n"),
    ] {
        let case = unsigned().serve_as("SHA256SUMS", Reply::body(text));
        accepted(&case, "image.raw.xz", "checksum", "checksum");
        assert!(
            !case
                .server()
                .request_lines()
                .contains(&"GET /SHA256SUMS.gpg".to_owned())
        );
    }
}

#[test]
fn a_pin_is_all_that_counts_where_there_is_one() {
    let pin = digest("image.raw.xz");
    for pin in [pin.to_uppercase(), pin.clone()] {
        let case = unsigned();
        accepted(&case, "image.raw.xz", &pin, "pinned");
        assert_eq!(case.server().request_lines(), ["GET /image.raw.xz"]);
    }
    let wrong = "a".repeat(64);
    let said = format!("is {pin}, and {wrong} was asked for");
    refused(sums(case(), "rsa"), "image.raw.xz", &wrong, &said);
}

#[test]
fn demands_that_make_no_sense_are_refused_before_anything_is_asked() {
    for (demand, message) in [
        ("", "unknown verification mode"),
        ("yes", "unknown verification mode `yes`"),
        (&"a".repeat(63), "has 63 hexadecimal digits"),
        (&"a".repeat(128), "has 128 hexadecimal digits"),
        (&"g".repeat(64), "unknown verification mode"),
    ] {
        let case = refused(unsigned(), "image.raw.xz", demand, message);
        assert!(case.server().requests().is_empty());
    }
}

#[test]
fn without_verification_nothing_but_the_image_is_asked_for() {
    let case = unsigned();
    accepted(&case, "image.raw.xz", "no", "no");
    assert_eq!(case.server().request_lines(), ["GET /image.raw.xz"]);
}

#[test]
fn a_manifest_is_vouched_for_by_its_own_signature_and_by_nothing_else() {
    let said = "is itself what images are verified with";
    refused(sums(case(), "rsa"), "SHA256SUMS", "checksum", said);
    refused(sums(case(), "rsa"), "SHA256SUMS.gpg", "signature", said);
    refused(
        sums(case(), "stranger"),
        "SHA256SUMS",
        "signature",
        "no key",
    );
    let case = serve(case(), "SHA256SUMS", "SHA256SUMS");
    let case = refused(
        case,
        "SHA256SUMS",
        "signature",
        "has no signature beside it",
    );
    let case = serve(case, "SHA256SUMS.asc", "SHA256SUMS.rsa.asc");
    pull(&case, "SHA256SUMS", "signature").ok();
    let images = case.images("machine");
    let manifest = images.entry("image.raw");
    let digest = digest("SHA256SUMS");
    assert_eq!(manifest.content, digest);
    let record = manifest.xattr("user.importd.trust").unwrap();
    assert!(
        record.starts_with(&format!("1 signature {digest} ")),
        "{record}"
    );
}

#[test]
fn keyrings_are_found_in_each_of_their_places() {
    for place in [
        "etc/systemd/import-pubring.pgp",
        "etc/systemd/import-pubring.gpg",
        "usr/lib/systemd/import-pubring.pgp",
        "usr/lib/systemd/import-pubring.gpg",
    ] {
        let case = sums(unsigned(), "rsa").root_file(place, signed("rsa.pgp"));
        accepted(&case, "image.raw.xz", "signature", "signature");
    }
}

#[test]
fn the_administrators_ring_and_the_vendors_count_together() {
    for key in ["rsa", "ed25519"] {
        let case = sums(unsigned(), key)
            .root_file("usr/lib/systemd/import-pubring.pgp", signed("rsa.pgp"))
            .root_file("etc/systemd/import-pubring.gpg", signed("ed25519.pgp"));
        accepted(&case, "image.raw.xz", "signature", "signature");
    }
    // Of two names of one ring the first counts alone.
    let case = sums(unsigned(), "rsa")
        .root_file("etc/systemd/import-pubring.gpg", signed("rsa.pgp"))
        .root_file("etc/systemd/import-pubring.pgp", signed("ed25519.pgp"));
    refused(case, "image.raw.xz", "signature", "no key");
}

#[test]
fn a_keyring_of_the_environment_counts_alone() {
    let case = sums(unsigned(), "rsa")
        .file("ring", signed("rsa.pgp"))
        .env("SYSTEMD_OPENPGP_KEYRING", "{dir}/ring");
    accepted(&case, "image.raw.xz", "signature", "signature");

    let case = sums(self::case(), "rsa")
        .file("ring", signed("ed25519.pgp"))
        .env("SYSTEMD_OPENPGP_KEYRING", "{dir}/ring");
    refused(case, "image.raw.xz", "signature", "no key");

    for path in ["ring", "{dir}/../dir/ring"] {
        let case = sums(self::case(), "rsa")
            .file("ring", signed("rsa.pgp"))
            .env("SYSTEMD_OPENPGP_KEYRING", path);
        let said = "$SYSTEMD_OPENPGP_KEYRING must be an absolute path";
        let case = refused(case, "image.raw.xz", "signature", said);
        assert!(case.server().requests().is_empty());
    }
}

#[test]
fn a_keyring_of_the_environment_counts_alone_whatever_its_name() {
    // No text in any encoding of Unicode.
    let named = r#"export SYSTEMD_OPENPGP_KEYRING="$(printf '%s/\377' "$PWD")"; exec "$0" "$@""#;
    let with_ring = |case: Case, ring| {
        let case = sums(case, "rsa").through(["sh", "-c", named]);
        let path = case.dir().join(OsStr::from_bytes(b"\xff"));
        fs::write(path, signed(ring)).unwrap();
        case
    };
    let case = with_ring(unsigned(), "rsa.pgp");
    accepted(&case, "image.raw.xz", "signature", "signature");
    let case = with_ring(self::case(), "ed25519.pgp");
    refused(case, "image.raw.xz", "signature", "no key");
}

#[test]
fn a_broken_keyring_is_named_and_the_other_one_used() {
    for broken in [&b"gibberish"[..], b"", &[0x99; 3000]] {
        let case = sums(unsigned(), "rsa")
            .root_file(RING, broken)
            .root_file("usr/lib/systemd/import-pubring.pgp", signed("rsa.pgp"));
        pull(&case, "image.raw.xz", "signature")
            .ok()
            .stderr_has("import-pubring.pgp cannot be used, ignoring: ");
    }
}

#[test]
fn without_a_keyring_nothing_is_asked_for() {
    for ring in [None, Some("gibberish")] {
        let mut case = sums(unsigned(), "rsa");
        if let Some(bytes) = ring {
            case = case.root_file(RING, bytes);
        }
        let said = case.fill("no OpenPGP keyring can be used");
        let case = refused(case, "image.raw.xz", "signature", &said);
        assert!(case.server().requests().is_empty());
    }
}

#[test]
fn what_a_server_cannot_say_is_not_taken_for_missing() {
    for name in ["image.raw.xz.sha256", "SHA256SUMS", "SHA256SUMS.gpg"] {
        let case = sums(case(), "rsa").env("IMPORTD_RETRY_TIMEOUT", "0");
        let case = serve(case, "SHA256SUMS.asc", "SHA256SUMS.rsa.asc");
        let case = case.serve_as(name, Reply::status(500));
        let said = format!("/{name}` was answered with status 500");
        refused(case, "image.raw.xz", "signature", &said);
    }
}

#[test]
fn what_vouches_for_an_image_lies_beside_the_address_as_given() {
    let case = sums(case(), "rsa")
        .serve_as("image.raw.xz", Reply::redirect(302, "/mirror/blob?x"))
        .serve_as("SHA256SUMS.gpg", Reply::redirect(302, "/mirror/signature"))
        .serve_as("mirror/blob?x", Reply::body(signed("image.raw.xz")));
    let case = serve(case, "mirror/signature", "SHA256SUMS.rsa.gpg");
    accepted(&case, "image.raw.xz", "signature", "signature");
    let lines = case.server().request_lines();
    let mirrored = lines.iter().filter(|line| line.contains("mirror"));
    assert_eq!(mirrored.count(), 2);

    let case = serve(
        sums(self::case(), "rsa"),
        "image.raw.xz?token=x",
        "image.raw.xz",
    );
    accepted(&case, "image.raw.xz?token=x", "signature", "signature");
    assert!(
        case.server()
            .request_lines()
            .contains(&"GET /SHA256SUMS".to_owned())
    );
}

#[test]
fn images_in_directories_are_verified_as_those_on_servers_are() {
    let mut case = Case::new().root_file(RING, signed("ring.pgp"));
    for (name, file) in [
        ("image.raw.xz", "image.raw.xz"),
        ("SHA256SUMS", "SHA256SUMS"),
        ("SHA256SUMS.asc", "SHA256SUMS.subkey.asc"),
    ] {
        case = case.file(name, signed(file));
    }
    let words = ["-m", "pull-raw", "file://{dir}/image.raw.xz"];
    case.importctl(words).ok();
    let case = case.file("SHA256SUMS.asc", signed("SHA256SUMS.stranger.asc"));
    let before = case.images("machine");
    case.importctl(words.into_iter().chain(["other"]))
        .code(1)
        .stderr_has("no key");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn a_keyring_that_is_not_there_or_lies_outside_the_root_is_none() {
    let missing = sums(self::case(), "rsa").env("SYSTEMD_OPENPGP_KEYRING", "{dir}/missing");
    let said = missing.fill("can be verified: looked at `{dir}/missing`");
    refused(missing, "image.raw.xz", "signature", &said);

    let case = sums(unsigned(), "rsa").file("ring", signed("ring.pgp"));
    let link = case.root().join(RING);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(case.dir().join("ring"), link).unwrap();
    let said = "no OpenPGP keyring can be used";
    let case = refused(case, "image.raw.xz", "signature", said);
    assert!(case.server().requests().is_empty());
}

#[test]
fn a_keyring_in_a_form_that_only_gnupg_reads_is_explained() {
    let keybox = b"\0\0\0\x20\x01\x01\0\x02KBXf\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let case = sums(unsigned(), "rsa").root_file(RING, keybox);
    let case = refused(case, "image.raw.xz", "signature", "`gpg --export`");
    assert!(case.server().requests().is_empty());
}

#[test]
fn an_armored_keyring_is_as_good_as_a_binary_one() {
    for place in [RING, "etc/systemd/import-pubring.gpg"] {
        let case = sums(unsigned(), "ed25519").root_file(place, signed("ring.asc"));
        accepted(&case, "image.raw.xz", "signature", "signature");
    }
}
