//! Lines that go to the journal or to the kernel, and which of them do.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::kit::{Case, need_root};

/// What the program sees as the kernel's log is a file of the case's, as the journal's socket one that is here or is not.
fn case() -> Case {
    let line = "mount --bind {dir}/kmsg /dev/kmsg && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal || exit 9
        if [ -e {dir}/journal ]; then
            : >/run/systemd/journal/socket && mount --bind {dir}/journal /run/systemd/journal/socket || exit 9
        fi
        if [ \"$JOURNAL_STREAM\" = stderr ]; then JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2); export JOURNAL_STREAM; fi
        exec \"$0\" \"$@\"";
    let case = Case::new().file("kmsg", "");
    let line = case.fill(line);
    case.through(["unshare", "--mount", "sh", "-c", &line])
}

fn kmsg(case: &Case) -> String {
    fs::read_to_string(case.dir().join("kmsg")).unwrap()
}

/// A journal that takes what it is sent.
fn journal(case: &Case) -> UnixDatagram {
    let socket = UnixDatagram::bind(case.dir().join("journal")).unwrap();
    let patience = Duration::from_millis(200);
    socket.set_read_timeout(Some(patience)).unwrap();
    socket
}

/// What it has been sent up to now.
fn entries(journal: &UnixDatagram) -> Vec<String> {
    let mut entry = vec![0; 64 * 1024];
    let next = || {
        journal
            .recv(&mut entry)
            .ok()
            .map(|end| String::from_utf8_lossy(&entry[..end]).into_owned())
    };
    std::iter::from_fn(next).collect()
}

const FAILS: [&str; 4] = ["export-raw", "-m", "missing", "image"];

#[test]
fn the_kernel_gets_the_lines_of_its_level() {
    if !need_root() {
        return;
    }
    let case = case().env("SYSTEMD_LOG_TARGET", "kmsg");
    case.importctl(FAILS).code(1).stderr_is("");
    let said = kmsg(&case);
    assert!(said.starts_with("<27>importctl["), "{said}");
    assert!(
        said.contains("]: there is no machine image `missing`"),
        "{said}"
    );
    let case = case.env("SYSTEMD_LOG_LEVEL", "debug,kmsg:crit");
    case.importctl(FAILS).code(1).stderr_is("");
    assert_eq!(kmsg(&case), said);
}

#[test]
fn the_kernel_is_spared_a_flood_unless_that_is_wanted() {
    if !need_root() {
        return;
    }
    // A message of as many lines as the name has.
    let name = "x\n".repeat(300);
    for (value, lines) in [("", 200), ("yes", 200), ("no", 300)] {
        let case = case()
            .env("SYSTEMD_LOG_TARGET", "kmsg")
            .env("SYSTEMD_LOG_RATELIMIT_KMSG", value);
        case.importctl(["import-raw", "-m", &name, "image"]).code(1);
        let said = kmsg(&case).lines().count();
        assert!((lines..=lines + 1).contains(&said), "{value}: {said}");
    }
}

#[test]
fn the_journal_gets_lines_with_their_priority_and_place() {
    if !need_root() {
        return;
    }
    let case = case().env("SYSTEMD_LOG_TARGET", "journal");
    let journal = journal(&case);
    case.importctl(FAILS).code(1).stderr_is("");
    let entries_of_it = entries(&journal);
    let [entry] = &entries_of_it[..] else {
        panic!("{entries_of_it:?}")
    };
    for field in [
        "MESSAGE=there is no machine image `missing`",
        "PRIORITY=3\n",
        "SYSLOG_IDENTIFIER=importctl\n",
        "CODE_FILE=src/",
    ] {
        assert!(entry.contains(field), "no {field} in {entry}");
    }
    let case = case.env("SYSTEMD_LOG_LEVEL", "journal:crit");
    case.importctl(FAILS).code(1).stderr_is("");
    assert!(entries(&journal).is_empty());
}

#[test]
fn without_a_word_lines_go_to_the_journal_where_standard_error_does() {
    if !need_root() {
        return;
    }
    for target in ["", "auto"] {
        let case = case().env("SYSTEMD_LOG_TARGET", target);
        let journal = journal(&case);
        case.importctl(FAILS).code(1).stderr_has("missing");
        assert!(entries(&journal).is_empty());
        let case = case.env("JOURNAL_STREAM", "stderr");
        case.importctl(FAILS).code(1).stderr_is("");
        assert_eq!(entries(&journal).len(), 1);
        let case = case.env("SYSTEMD_LOG_TARGET", "console");
        case.importctl(FAILS).code(1).stderr_has("missing");
        assert!(entries(&journal).is_empty());
    }
}

#[test]
fn the_kernel_stands_in_for_a_journal_that_is_not_there() {
    if !need_root() {
        return;
    }
    let case = case().env("SYSTEMD_LOG_TARGET", "journal-or-kmsg");
    case.importctl(FAILS).code(1).stderr_is("");
    assert!(kmsg(&case).contains("missing"));
    let journal = journal(&case);
    let said = kmsg(&case);
    case.importctl(FAILS).code(1).stderr_is("");
    assert_eq!((entries(&journal).len(), kmsg(&case)), (1, said));
    // Where neither is, lines are seen at least.
    let case = case.env("SYSTEMD_LOG_TARGET", "journal");
    drop(journal);
    fs::remove_file(case.dir().join("journal")).unwrap();
    case.importctl(FAILS).code(1).stderr_has("missing");
}
