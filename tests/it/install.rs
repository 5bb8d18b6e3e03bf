//! What `make install` puts where, and what is said there about who may do what.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use importd::wire::bus::{
    INTROSPECTABLE1, Interface, MANAGER1, NAME, PEER1, PROPERTIES1, TRANSFER1,
};

use crate::kit::{Case, Snapshot, need, tool};

const TOP: &str = env!("CARGO_MANIFEST_DIR");

/// Runs make for the program that is under test, with a directory of the case as `DESTDIR`.
fn make(case: &Case, arguments: &[&str]) {
    let binary = fs::canonicalize(case.dir().join("../bin/importctl")).unwrap();
    let binary = format!("BINARY={}", binary.display());
    let destination = format!("DESTDIR={}", case.dir().display());
    // A make around the tests has told its children what it was told itself.
    let words = [
        "-u",
        "MAKEFLAGS",
        "-u",
        "MAKELEVEL",
        "make",
        "-s",
        "-C",
        TOP,
        &destination,
    ];
    let words = words.into_iter().chain(arguments.iter().copied());
    match arguments[0] {
        "install" => tool("env", words.chain([binary.as_str()])),
        _ => tool("env", words),
    };
}

/// Every file with its mode, every link with where it leads, one a line.
fn listing(case: &Case) -> String {
    let tree = Snapshot::of(&case.dir());
    let line = |(path, entry): (&std::path::PathBuf, &crate::kit::Entry)| match entry.kind {
        'd' => None,
        'l' => Some(format!("{} -> {}\n", path.display(), entry.content)),
        _ => Some(format!("{} {:o}\n", path.display(), entry.mode)),
    };
    tree.0.iter().filter_map(line).collect()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(TOP).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn everything_is_installed_where_it_belongs_and_nothing_remains_of_it() {
    if !need("make") {
        return;
    }
    let case = Case::new();
    make(&case, &["install"]);
    let installed = listing(&case);
    if std::env::var_os("IMPORTD_BLESS").is_some() {
        fs::write(Path::new(TOP).join("tests/it/install/files"), &installed).unwrap();
    }
    assert_eq!(
        installed,
        read("tests/it/install/files"),
        "the list of files is behind: run `make bless`"
    );
    for (path, _) in installed.lines().filter_map(|line| line.split_once(" -> ")) {
        assert!(case.dir().join(path).exists(), "{path} leads nowhere");
    }
    let programs = case.importd(["--list"]).ok().stdout_text();
    for name in programs.lines() {
        let installed = installed.lines().filter_map(|line| line.split(' ').next());
        let found = installed.filter(|path| path.ends_with(&format!("/{name}")));
        assert!(found.count() > 0, "nothing is called {name}");
    }
    // Once more, over what is there.
    make(&case, &["install"]);
    assert_eq!(listing(&case), installed);
    make(&case, &["uninstall"]);
    assert_eq!(listing(&case), "");
}

#[test]
fn units_start_the_program_beneath_the_prefix() {
    if !need("make") {
        return;
    }
    let case = Case::new();
    make(&case, &["install", "PREFIX=/opt/importd"]);
    for (scope, end) in [("system", ""), ("user", " --user")] {
        let unit = format!("opt/importd/lib/systemd/{scope}/systemd-importd.service");
        let unit = read(case.dir().join(unit));
        let mut programs = unit
            .lines()
            .filter_map(|line| line.strip_prefix("ExecStart="));
        let program = programs.next().and_then(|line| line.strip_suffix(end));
        let program = program.unwrap();
        assert_eq!(program, "/opt/importd/lib/systemd/systemd-importd");
        assert!(case.dir().join(&program[1..]).exists(), "{program}");
    }
    make(&case, &["uninstall", "PREFIX=/opt/importd"]);
    assert_eq!(listing(&case), "");
}

/// The values of an attribute, in their order.
fn values<'a>(xml: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!("{attribute}=\"");
    let parts = xml.split(&start).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[test]
fn everybody_may_call_every_method_but_set_a_property() {
    let policy = read("data/share/dbus-1/system.d/org.freedesktop.import1.conf");
    let (root, everybody) = policy.split_once("<policy context=\"default\">").unwrap();
    assert_eq!(values(root, "allow own"), [NAME]);
    assert!(values(everybody, "own").is_empty());
    let interfaces = values(everybody, "send_interface");
    let allowed = interfaces.into_iter().zip(values(everybody, "send_member"));
    let allowed: Vec<_> = allowed.collect();
    let methods = |interface: &Interface| {
        let name = interface.name;
        let methods = interface.methods.iter();
        methods
            .map(move |method| (name, method.name))
            .collect::<Vec<_>>()
    };
    let offered = [
        &MANAGER1,
        &TRANSFER1,
        &PEER1,
        &INTROSPECTABLE1,
        &PROPERTIES1,
    ];
    let offered: BTreeSet<_> = offered.into_iter().flat_map(methods).collect();
    let withheld = (PROPERTIES1.name, "Set");
    assert_eq!(allowed.len(), offered.len() - 1);
    let mut allowed: BTreeSet<_> = allowed.into_iter().collect();
    assert!(allowed.insert(withheld));
    assert_eq!(allowed, offered);
}

#[test]
fn an_administrator_is_asked_about_each_kind_of_transfer() {
    let policy = read("data/share/polkit-1/actions/org.freedesktop.import1.policy");
    let actions = values(&policy, "action id");
    let known = ["import", "export", "pull", "cancel"].map(|word| format!("{NAME}.{word}"));
    assert_eq!(actions, known);
    for default in [
        "<allow_any>auth_admin</allow_any>",
        "<allow_inactive>auth_admin</allow_inactive>",
        "<allow_active>auth_admin_keep</allow_active>",
    ] {
        assert_eq!(policy.matches(default).count(), actions.len(), "{default}");
    }
}
