//! One binary, several names, and words that make no sense to it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::kit::{Case, Outcome, Snapshot, tool};

/// What was said is one line, and says this.
#[track_caller]
fn complains(outcome: Outcome, message: &str) {
    let said = outcome.code(1).stdout_is("").stderr_has(message);
    assert_eq!(said.stderr_text().lines().count(), 1);
}

#[test]
fn a_program_is_chosen_by_the_first_word_or_by_the_name_called() {
    let case = Case::new();
    let as_word = case.importd(["importctl", "--version"]).ok();
    let as_name = case.without_root().importctl(["--version"]).ok();
    assert_eq!(as_word.stdout_text(), as_name.stdout_text());
    as_name.stdout_has(env!("CARGO_PKG_VERSION")).stderr_is("");
}

#[test]
fn the_binary_lists_its_programs_and_says_what_it_is() {
    let case = Case::new();
    let listed = case.importd(["--list"]).ok().stdout_text();
    assert!(listed.lines().any(|line| line == "importctl"));
    case.importd(["--version"])
        .ok()
        .stdout_has(&format!("importd {} (", env!("CARGO_PKG_VERSION")));
    for words in [&[][..], &["--help"], &["-h"]] {
        case.importd(words.iter().copied())
            .ok()
            .stdout_has("importd --list");
    }
}

#[test]
fn unknown_programs_are_refused() {
    let case = Case::new();
    for name in [
        "importcti",
        "importctl.bak",
        "/usr/bin/importctl",
        "--nonsense",
    ] {
        let said = format!("importd: there is no program `{name}` in here");
        complains(case.importd([name]), &said);
    }
}

#[test]
fn install_makes_links_that_work_and_makes_them_again() {
    let case = Case::new();
    symlink("/nowhere", case.dir().join("importctl")).unwrap();
    for _ in 0..2 {
        case.importd(["--install", "{dir}"]).ok().stdout_is("");
        let listed = case.importd(["--list"]).stdout_text();
        let installed = Snapshot::of(&case.dir());
        let mut listed: Vec<_> = listed.lines().collect();
        listed.sort_unstable();
        assert_eq!(installed.names(), listed);
    }
    let version = tool(
        case.dir().join("importctl").to_str().unwrap(),
        ["--version"],
    );
    assert_eq!(version, case.importctl(["--version"]).stdout);
}

#[test]
fn install_replaces_nothing_but_links() {
    let case = Case::new().file("importctl", "mine");
    let before = Snapshot::of(&case.dir());
    let said = case.fill("`{dir}/importctl` exists already and is no link: move it away first");
    complains(case.importd(["--install", "{dir}"]), &said);
    fs::remove_file(case.dir().join("importctl")).unwrap();
    complains(
        case.importd(["--install", "{dir}/missing"]),
        "failed to create link",
    );
    complains(case.importd(["--install"]), "--install takes one directory");
    complains(
        case.importd(["--install", "a", "b"]),
        "--install takes one directory",
    );
    assert_eq!(before.names(), ["importctl"]);
}

#[test]
fn words_that_make_no_sense_get_one_clear_line() {
    let case = Case::new();
    for (words, message) in [
        (
            &["pull-rwa"][..],
            "there is no command `pull-rwa`, did you mean `pull-raw`?",
        ),
        (&["frobnicate"], "there is no command `frobnicate`: see"),
        (
            &["--verfy=no"],
            "there is no option `--verfy`, did you mean `--verify`?",
        ),
        (&["--frobnicate"], "there is no option `--frobnicate`: see"),
        (&["-x"], "there is no option `-x`"),
        (&["pull-raw"], "`pull-raw` needs URL"),
        (
            &["pull-raw", "a", "b", "c"],
            "`pull-raw` takes at most 2 arguments, and `c` is one more",
        ),
        (&["import-raw"], "`import-raw` needs FILE"),
        (
            &["--class=vm", "pull-raw"],
            "unknown image class `vm`: it is one of machine, portable, sysext and confext",
        ),
        (&["--class"], "--class"),
        (&["--keep-download=maybe", "pull-raw"], "maybe"),
        (
            &["--image-root=", "pull-raw"],
            "--image-root=: a directory is needed",
        ),
        (&["--force=yes", "pull-raw"], "--force"),
        (
            &["pull-raw", "http://h/a"],
            "no image class was given: choose one",
        ),
        (&["import-raw", "a"], "no image class was given: choose one"),
    ] {
        complains(case.importctl(words.iter().copied()), message);
    }
    assert!(Snapshot::of(&case.root()).0.is_empty());
}

#[test]
fn what_crashed_transfers_left_is_swept_on_request() {
    let left = "var/lib/machines/.#importd.tar0123456789abcdef/tree/file";
    let case = Case::new()
        .root_file(left, "x")
        .root_file("var/lib/machines/other/file", "x");
    let shell = case.root().join(left);
    let shell = shell.ancestors().nth(2).unwrap();
    fs::set_permissions(shell, fs::Permissions::from_mode(0o700)).unwrap();
    let line = r#"exec "$0" "$@" <var/lib/machines"#;
    let root = case.root().display().to_string();
    let case = case.through(["env", "-C", &root, "sh", "-c", line]);
    case.importd(["--sweep"]).ok().stdout_is("");
    assert_eq!(case.images("machine").names(), ["other"]);
    let case = Case::new();
    case.importd(["--sweep"])
        .code(1)
        .stderr_has("failed to sweep");
}
