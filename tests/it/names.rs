//! Names of images: derived from addresses and files, given in words, and refused.

use super::kit::{Case, Outcome, Reply};

/// Pulls what lies at that target, under a name if there is one.
#[track_caller]
fn pull(case: &Case, target: &str, name: &[&str]) -> Outcome {
    let url = format!("{{url}}/{target}");
    let words = ["-mN", "--verify=no", "pull-raw", &url];
    case.importctl(words.into_iter().chain(name.iter().copied()))
}

#[test]
fn a_name_is_the_last_component_of_the_url_without_its_suffixes() {
    for (target, file) in [
        ("a.raw", "a.raw"),
        ("d/e/a.raw.xz", "a.raw"),
        ("a.raw.raw.xz", "a.raw"),
        ("a.img.gz", "a.raw"),
        ("a.bin.zst", "a.raw"),
        ("a.qcow2.bz2", "a.raw"),
        ("a.iso", "a.iso.raw"),
        ("a", "a.raw"),
        ("a.sysext.raw.zst", "a.raw"),
        ("a_1.2~rc1+b.raw", "a_1.2~rc1+b.raw"),
        ("a/", "a.raw"),
        ("..%2fa.raw", "..%2fa.raw"),
        ("a.raw?x=b.raw", "a.raw"),
    ] {
        let case = Case::new().serve_as(target, Reply::body("x"));
        pull(&case, target, &[]).ok();
        assert_eq!(case.images("machine").names(), [file], "{target}");
    }
}

#[test]
fn a_name_given_in_words_loses_its_suffixes_too() {
    for (name, file) in [
        ("b", "b.raw"),
        ("b.raw", "b.raw"),
        ("b.confext.raw.xz", "b.raw"),
        (".hidden", ".hidden.raw"),
        ("ü b", "ü b.raw"),
        ("-b", "-b.raw"),
        (&"n".repeat(248), &format!("{}.raw", "n".repeat(248))),
    ] {
        let case = Case::new().serve_as("a.raw", Reply::body("x"));
        pull(&case, "a.raw", &["--", name]).ok();
        assert_eq!(case.images("machine").names(), [file]);
    }
}

#[test]
fn names_that_cannot_be_are_refused_before_anything_happens() {
    for (name, message) in [
        (".raw-x", "`.raw-x` is reserved"),
        (".tar-x", "`.tar-x` is reserved"),
        (".oci-x", "belong to kept downloads"),
        ("a/b", "`a/b` is no image name: a name holds no `/`"),
        ("/a", "a name holds no `/`"),
        (".#x", "names beginning with `.#` are temporary files"),
        ("..", "`..` is no image name: it is the directory itself"),
        (".", "`.` is no image name"),
        (".host", "it is the running system itself"),
        (
            "a\nb",
            "`a\\nb` is no image name: a name holds no control characters",
        ),
        ("a\u{1b}[31m", "a name holds no control characters"),
        (".raw", "this one is empty"),
        (&"n".repeat(249), "249 bytes is too long"),
        (&"n".repeat(256), "256 bytes is too long"),
    ] {
        let case = Case::new().file("a.raw", "x");
        let import = ["-m", "import-raw", "{dir}/a.raw", name];
        for outcome in [pull(&case, "a.raw", &[name]), case.importctl(import)] {
            let said = outcome.code(1).stderr_has(message).stderr_text();
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        assert!(case.server().requests().is_empty());
        assert!(!case.root().join("var").exists());
    }
}

#[test]
fn names_that_cannot_be_derived_are_asked_for() {
    for (target, message) in [
        ("", "no image name can be derived from"),
        (".raw.xz", "no image name can be derived from"),
        (".raw-x.raw", "`.raw-x` is reserved"),
    ] {
        let case = Case::new();
        let outcome = pull(&case, target, &[]);
        outcome.code(1).stderr_has(message);
        assert!(case.server().requests().is_empty());
    }
}
