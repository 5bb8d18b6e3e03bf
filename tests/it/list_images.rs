//! `list-images`: what is found, and how it is shown.

use std::fs;
use std::os::unix::fs::symlink;

use crate::kit::Case;

/// Images of every kind in every place, below the case's root.
fn furnished() -> Case {
    let case = Case::new()
        .root_file("var/lib/machines/plain.raw", vec![7; 10_000])
        .root_file("var/lib/machines/tree/etc/os-release", "ID=tree\n")
        .root_file("var/lib/machines/.#rawdeadbeefdeadbeef", "half")
        .root_file("var/lib/machines/.sysupdate.x", "not yet")
        .root_file("var/lib/machines/notes.txt", "no image")
        .root_file("var/lib/extensions/tools.sysext.raw", "x")
        .root_file("run/confexts/site.raw", "x")
        .root_file("usr/lib/portables/vendor.raw", "x");
    let machines = case.image_dir("machine");
    symlink("plain.raw", machines.join("linked.raw")).unwrap();
    symlink("nowhere.raw", machines.join("dangling.raw")).unwrap();
    case
}

/// The first three columns of a table without legend.
fn rows(table: &str) -> Vec<String> {
    let row = |line: &str| {
        line.split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" ")
    };
    table.lines().map(row).collect()
}

#[test]
fn images_of_all_classes_are_listed_by_class_and_name() {
    let outcome = furnished().importctl(["list-images", "--no-legend"]).ok();
    let expected = [
        "confext site raw",
        "machine .host directory",
        "machine linked raw",
        "machine plain raw",
        "machine tree directory",
        "portable vendor raw",
        "sysext tools raw",
    ];
    assert_eq!(rows(&outcome.stdout_text()), expected);
}

#[test]
fn one_class_is_listed_where_one_is_named() {
    let case = furnished();
    for arguments in [
        ["list-images", "--no-legend", "-S"],
        ["list-images", "--no-legend", "--class=sysext"],
    ] {
        let outcome = case.importctl(arguments).ok();
        assert_eq!(rows(&outcome.stdout_text()), ["sysext tools raw"]);
    }
}

#[test]
fn the_legend_has_every_column_and_counts_the_images() {
    let outcome = furnished().importctl(["list-images", "-C"]).ok();
    let text = outcome.stdout_text();
    let header: Vec<_> = text.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(
        header,
        [
            "CLASS", "NAME", "TYPE", "PATH", "RO", "CRTIME", "MTIME", "USAGE", "LIMIT"
        ]
    );
    assert!(text.ends_with("\n\n1 images listed.\n"), "{text}");
    Case::new()
        .importctl(["list-images", "-C"])
        .ok()
        .stdout_is("No images.\n");
}

#[test]
fn json_has_a_field_for_each_column() {
    let case = furnished();
    let path = case.image_dir("machine").join("plain.raw");
    fs::File::open(&path)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(7))
        .unwrap();
    let short = case
        .importctl(["list-images", "-m", "--json=short"])
        .ok()
        .stdout_text();
    let plain = short
        .split('{')
        .find(|object| object.contains("\"name\":\"plain\""))
        .unwrap();
    assert!(
        plain.starts_with("\"class\":\"machine\",\"name\":\"plain\",\"type\":\"raw\",\"path\":"),
        "{plain}"
    );
    assert!(
        plain.contains("\"ro\":false") && plain.contains("\"mtime\":7000000"),
        "{plain}"
    );
    assert!(plain.contains("\"usage\":12288,\"limit\":10000"), "{plain}");
    assert_eq!(short.lines().count(), 1);
    let pretty = case
        .importctl(["list-images", "-m", "--json=pretty"])
        .ok()
        .stdout_text();
    assert!(
        pretty.starts_with("[\n\t{\n\t\t\"class\" : \"machine\",\n"),
        "{pretty}"
    );
    // Not on a terminal.
    assert_eq!(
        case.importctl(["list-images", "-m", "-j"])
            .ok()
            .stdout_text(),
        short
    );
    case.importctl(["list-images", "-C", "--json=off"])
        .ok()
        .stdout_has("1 images listed.");
    Case::new()
        .importctl(["list-images", "-C", "-j"])
        .ok()
        .stdout_is("[]\n");
}

#[test]
fn what_may_not_be_written_is_shown_as_read_only() {
    let case = furnished();
    case.importctl([
        "import-raw",
        "-m",
        "--read-only",
        "{root}/var/lib/machines/plain.raw",
        "locked",
    ])
    .ok();
    let table = case
        .importctl(["list-images", "--no-legend"])
        .ok()
        .stdout_text();
    for (name, read_only) in [
        ("locked", "ro"),
        ("plain", "rw"),
        (".host", "ro"),
        ("vendor", "ro"),
    ] {
        let line = table
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(name))
            .unwrap();
        assert_eq!(line.split_whitespace().nth(4), Some(read_only), "{line}");
    }
}

#[test]
fn a_name_in_several_places_is_the_first_ones() {
    let case = furnished().root_file("run/machines/plain.raw", "another");
    let table = case
        .importctl(["list-images", "-m", "--no-legend"])
        .ok()
        .stdout_text();
    let plain: Vec<_> = table
        .lines()
        .filter(|line| line.contains(" plain "))
        .collect();
    assert!(
        plain.len() == 1 && plain[0].contains("/run/machines/plain.raw"),
        "{table}"
    );
}

#[test]
fn a_directory_of_ones_own_is_listed_alone() {
    let case = furnished();
    fs::create_dir(case.dir().join("own")).unwrap();
    fs::write(case.dir().join("own/mine.raw"), "x").unwrap();
    let outcome = case
        .importctl(["list-images", "--no-legend", "--image-root={dir}/own"])
        .ok();
    assert_eq!(rows(&outcome.stdout_text()), ["machine mine raw"]);
}

#[test]
fn links_do_not_lead_out_of_the_root() {
    let case = furnished().file("outside.raw", "outside");
    let outside = case.dir().join("outside.raw");
    symlink(&outside, case.image_dir("machine").join("escape.raw")).unwrap();
    // Below the root there is no such path, so the link dangles.
    let table = case
        .importctl(["list-images", "-m", "--no-legend"])
        .ok()
        .stdout_text();
    assert!(!table.contains("escape"), "{table}");
}
