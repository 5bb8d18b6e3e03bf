//! Every variable that importctl(1) lists, by what it does. Where lines go that do not go to the console, the root tier
//! sees.

use std::fs;

use crate::kit::{Case, image, need, tool};

/// What the page lists of the things a terminal and a log are made of.
const VARIABLES: [&str; 16] = [
    "SYSTEMD_LOG_LEVEL",
    "SYSTEMD_LOG_COLOR",
    "SYSTEMD_LOG_TIME",
    "SYSTEMD_LOG_LOCATION",
    "SYSTEMD_LOG_TID",
    "SYSTEMD_LOG_TARGET",
    "SYSTEMD_LOG_RATELIMIT_KMSG",
    "SYSTEMD_PAGER",
    "PAGER",
    "SYSTEMD_LESS",
    "SYSTEMD_LESSCHARSET",
    "SYSTEMD_PAGERSECURE",
    "SYSTEMD_COLORS",
    "NO_COLOR",
    "SYSTEMD_URLIFY",
    "COLUMNS",
];

#[test]
fn the_page_tells_of_every_variable() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/man/importctl.1");
    let page = fs::read_to_string(page).unwrap();
    let (_, environment) = page.split_once("\n.SH ENVIRONMENT\n").unwrap();
    for name in VARIABLES {
        assert!(environment.contains(&format!("${name}")), "{name}");
    }
}

/// One image, and room for pagers.
fn listed() -> Case {
    let case = Case::new().root_file("var/lib/machines/one.raw", image());
    fs::create_dir(case.dir().join("bin")).unwrap();
    case
}

/// Puts a program there that writes down how it was called, what it found in its environment, and what it was given.
fn pager(case: &Case, name: &str) {
    let script = "#!/bin/sh\n{ echo \"called $0 $*\"; /usr/bin/env; /bin/cat; } >{dir}/seen\n";
    program(case, name, script);
}

fn program(case: &Case, name: &str, script: &str) {
    let (source, target) = (case.dir().join("source"), case.dir().join("bin").join(name));
    fs::write(&source, case.fill(script)).unwrap();
    // A file that this process has had open for writing may be open in a child that another thread has just forked.
    tool(
        "install",
        ["-m", "755"]
            .map(std::ffi::OsString::from)
            .into_iter()
            .chain([source.into(), target.into()]),
    );
}

/// Runs importctl on a terminal of its own, with these variables alone; what the terminal was sent.
#[track_caller]
fn on_terminal(case: &Case, variables: &str, arguments: &str) -> String {
    let line = format!(
        "env -i TERM=xterm PATH={{dir}}/bin {variables} {{dir}}/../bin/importctl --root={{root}} {arguments}"
    );
    let shown = tool("script", ["-qec", &case.fill(&line), "/dev/null"]);
    String::from_utf8(shown).unwrap()
}

/// The same, and what the pager has written down: nothing if there was none.
#[track_caller]
fn paged(case: &Case, variables: &str, arguments: &str) -> String {
    let seen = case.dir().join("seen");
    let _ = fs::remove_file(&seen);
    let shown = on_terminal(case, variables, arguments);
    let paged = fs::read_to_string(seen).unwrap_or_default();
    let expected = if paged.is_empty() { &shown } else { &paged };
    let whole = ["one.raw", "pull-raw", "No transfers."];
    let whole = whole.iter().any(|part| expected.contains(part));
    assert!(whole, "shown: {shown}\npaged: {paged}");
    assert!(paged.is_empty() || shown.is_empty(), "twice: {shown}");
    paged
}

#[test]
fn the_pager_is_the_one_that_a_variable_names() {
    if !need("script") {
        return;
    }
    let case = listed();
    pager(&case, "mine");
    pager(&case, "theirs");
    let both = "SYSTEMD_PAGERSECURE=0 SYSTEMD_PAGER='mine -a  b' PAGER=theirs";
    for arguments in [
        "list-images",
        "list-images --json=pretty",
        "list-transfers",
        "help",
        "--help",
    ] {
        let called = case.fill("called {dir}/bin/mine -a b\n");
        assert!(paged(&case, both, arguments).starts_with(&called));
    }
    let theirs = paged(
        &case,
        "SYSTEMD_PAGERSECURE=yes PAGER={dir}/bin/theirs",
        "list-images",
    );
    assert!(theirs.starts_with(&case.fill("called {dir}/bin/theirs \n")));
    // One that is not there is told of, and there is none of the others.
    let shown = on_terminal(&case, "SYSTEMD_PAGERSECURE=1 PAGER=missing", "list-images");
    assert!(shown.contains("Failed to start pager `missing`, ignoring: "));
    assert!(shown.contains("one.raw"));
}

#[test]
fn no_pager_is_used_where_none_is_wanted_or_would_do() {
    if !need("script") {
        return;
    }
    let case = listed();
    pager(&case, "less");
    assert_ne!(paged(&case, "", "list-images"), "");
    for (variables, arguments) in [
        ("", "--no-pager list-images"),
        ("", "--no-pager help"),
        ("SYSTEMD_PAGER= PAGER=less", "list-images"),
        ("SYSTEMD_PAGER=cat", "list-images"),
        ("PAGER=cat", "list-images"),
        ("PAGER=", "list-images"),
        ("TERM=dumb", "list-images"),
        ("", "list-images --json=short"),
    ] {
        let paged = paged(&case, variables, arguments);
        assert_eq!(paged, "", "{variables} {arguments}");
    }
    // A pipe has no pages.
    let case = case.env("PATH", "{dir}/bin");
    case.importctl(["list-images"]).ok().stdout_has("one.raw");
    assert!(!case.dir().join("seen").exists());
}

#[test]
fn a_named_pager_is_ignored_unless_it_is_said_how_secure_it_has_to_be() {
    if !need("script") {
        return;
    }
    let case = listed();
    pager(&case, "mine");
    assert_eq!(paged(&case, "SYSTEMD_PAGER=mine", "list-images"), "");
    assert_eq!(paged(&case, "PAGER=mine", "list-images"), "");
    pager(&case, "less");
    let less = paged(&case, "PAGER=mine", "list-images");
    assert!(less.starts_with(&case.fill("called {dir}/bin/less \n")));
}

#[test]
fn well_known_pagers_are_tried_in_turn_and_only_secure_ones_for_somebody_else() {
    if !need("script") {
        return;
    }
    let case = listed();
    for name in ["more", "less", "pager"] {
        pager(&case, name);
        let called = paged(&case, "SYSTEMD_PAGERSECURE=0", "list-images");
        assert!(called.starts_with(&case.fill(&format!("called {{dir}}/bin/{name} \n"))));
        let secure = [
            "SUDO_UID=1000",
            "SYSTEMD_PAGERSECURE=1",
            "SUDO_UID=1 SYSTEMD_PAGERSECURE=",
        ];
        for variables in secure {
            let called = paged(&case, variables, "list-images");
            let expected = match name {
                "more" => String::new(),
                _ => case.fill("called {dir}/bin/less \n"),
            };
            assert_eq!(called.split_inclusive('\n').next().unwrap_or(""), expected);
        }
    }
}

#[test]
fn secure_mode_is_told_to_the_pager() {
    if !need("script") {
        return;
    }
    let case = listed();
    pager(&case, "less");
    let secure = |variables: &str| {
        let paged = paged(&case, &format!("LESSOPEN=x {variables}"), "list-images");
        let has = |line| paged.lines().any(|other| other == line);
        assert_ne!(has("LESSOPEN=x"), has("LESSSECURE=1"));
        (has("LESSSECURE=1"), has("SYSTEMD_PAGERSECURE=1"))
    };
    assert_eq!(secure("SYSTEMD_PAGERSECURE=1"), (true, true));
    assert_eq!(secure("SYSTEMD_PAGERSECURE=0"), (false, false));
    assert_eq!(secure("SUDO_UID=1000"), (true, true));
    // Whoever has said so may have kept that in what sudo lets through.
    assert_eq!(
        secure("SUDO_UID=1000 SYSTEMD_PAGERSECURE=no"),
        (false, false)
    );
    let shown = on_terminal(&case, "SYSTEMD_PAGERSECURE=maybe PAGER=mine", "list-images");
    assert!(shown.contains("$SYSTEMD_PAGERSECURE"), "{shown}");
}

#[test]
fn less_is_given_its_options_and_its_charset_by_our_variables_alone() {
    if !need("script") {
        return;
    }
    let case = listed();
    pager(&case, "less");
    let given = |variables: &str, name: &str| {
        let variables = format!("SYSTEMD_PAGERSECURE=0 LESS=e LESSCHARSET=latin1 {variables}");
        let paged = paged(&case, &variables, "list-images");
        let start = format!("{name}=");
        let mut values = paged.lines().filter_map(|line| line.strip_prefix(&start));
        values.next().map(str::to_owned)
    };
    let set = |value: &str| Some(value.to_owned());
    assert_eq!(given("", "LESS"), set("FRSXMK"));
    assert_eq!(given("SYSTEMD_LESS=FX", "LESS"), set("FX"));
    assert_eq!(given("SYSTEMD_LESS=", "LESS"), set(""));
    assert_eq!(given("", "LESSCHARSET"), None);
    assert_eq!(given("LANG=C.UTF-8", "LESSCHARSET"), set("utf-8"));
    let charset = given("LANG=C.UTF-8 SYSTEMD_LESSCHARSET=koi8-r", "LESSCHARSET");
    assert_eq!(charset, set("koi8-r"));
}

#[test]
fn an_interrupt_is_the_pagers_and_one_that_has_seen_enough_is_no_failure() {
    if !need("script") {
        return;
    }
    let case = listed();
    let script = "#!/bin/sh\nkill -INT $PPID\n/bin/sleep 0.2\n/bin/cat\necho and on it goes\n";
    program(&case, "less", script);
    let shown = on_terminal(&case, "", "list-images");
    assert!(shown.contains("2 images listed.") && shown.contains("and on it goes"));
    program(&case, "less", "#!/bin/sh\necho enough\n");
    assert_eq!(on_terminal(&case, "", "list-images"), "enough\r\n");
}

#[test]
fn output_has_as_many_colours_as_are_asked_for() {
    let listing = |variables: &[(&str, &str)]| {
        let case = listed();
        let set = |case: Case, (name, value): &(&str, &str)| case.env(name, value);
        let case = variables.iter().fold(case, set);
        case.importctl(["list-images"]).ok().stdout_text()
    };
    let grey = |text: &str| (text.contains("\x1b[90m"), text.contains("\x1b[38;5;"));
    let xterm = ("TERM", "xterm-256color");
    for (variables, colours, expected) in [
        (&[xterm][..], false, (false, false)),
        (&[xterm, ("SYSTEMD_COLORS", "0")], false, (false, false)),
        (
            &[xterm, ("SYSTEMD_COLORS", "auto-256")],
            false,
            (false, false),
        ),
        (&[xterm, ("SYSTEMD_COLORS", "16")], true, (true, false)),
        (&[xterm, ("SYSTEMD_COLORS", "256")], true, (false, true)),
        (&[xterm, ("SYSTEMD_COLORS", "yes")], true, (false, true)),
        (
            &[xterm, ("SYSTEMD_COLORS", "yes"), ("NO_COLOR", "1")],
            true,
            (false, true),
        ),
        (&[("SYSTEMD_COLORS", "yes")], true, (true, false)),
    ] {
        let text = listing(variables);
        assert_eq!(text.contains("\x1b["), colours, "{variables:?}: {text:?}");
        assert_eq!(grey(&text), expected, "{variables:?}: {text:?}");
    }
}

#[test]
fn a_terminal_has_colours_and_links_by_itself() {
    if !need("script") {
        return;
    }
    let case = listed();
    let listing = |variables| on_terminal(&case, variables, "--no-pager list-images");
    let has = |text: &str| (text.contains("\x1b["), text.contains("\x1b]8;;file:///"));
    for (variables, expected) in [
        ("", (true, true)),
        ("NO_COLOR=1", (false, true)),
        ("SYSTEMD_COLORS=no", (false, true)),
        ("SYSTEMD_URLIFY=no", (true, false)),
        ("TERM=linux", (true, false)),
        ("TERM=linux SYSTEMD_URLIFY=1", (true, true)),
        ("TERM=dumb", (false, false)),
    ] {
        assert_eq!(has(&listing(variables)), expected, "{variables}");
    }
    let case = listed().env("SYSTEMD_URLIFY", "yes");
    let text = case.importctl(["list-images"]).ok().stdout_text();
    assert_eq!(has(&text), (false, true));
}

#[test]
fn log_lines_are_coloured_on_a_terminal_unless_the_variable_forbids_it() {
    if !need("script") {
        return;
    }
    let case = listed();
    let line = |variables| on_terminal(&case, variables, "export-raw -m missing x || true");
    assert!(line("").contains("\x1b[31m"));
    assert!(!line("SYSTEMD_LOG_COLOR=no").contains('\x1b'));
    assert!(line("SYSTEMD_COLORS=no SYSTEMD_LOG_COLOR=1").contains("\x1b[31m"));
    let case = Case::new().env("SYSTEMD_LOG_COLOR", "1");
    let outcome = case.importctl(["export-raw", "-m", "missing", "x"]).fails();
    assert!(!outcome.stderr_text().contains('\x1b'));
}

#[test]
fn time_and_thread_stand_before_log_lines_where_that_is_wanted() {
    let line = |name: &str, value: &str| {
        let case = Case::new().env(name, value);
        let outcome = case.importctl(["export-raw", "-m", "missing", "x"]).fails();
        outcome.stderr_text()
    };
    let plain = line("SYSTEMD_LOG_TIME", "no");
    let timed = line("SYSTEMD_LOG_TIME", "yes");
    // Nov 21 07:52:00
    let (time, rest) = timed.split_at(16);
    assert_eq!(rest, plain);
    let form = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let time: String = time.chars().skip(3).map(form).collect();
    assert_eq!(time, " 00 00:00:00 ");
    let threaded = line("SYSTEMD_LOG_TID", "1");
    let thread = threaded.strip_suffix(&plain).unwrap();
    let thread = thread
        .strip_prefix('(')
        .and_then(|it| it.strip_suffix(") "));
    assert!(thread.unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(line("SYSTEMD_LOG_TID", "0"), plain);
}
