//! `list-images`: what is found, and how it is shown.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

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
    assert!(plain.contains("\"usage\":12288,"), "{plain}");
    assert!(plain.contains("\"limit\":10000,"), "{plain}");
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
fn renames_elsewhere_on_the_machine_hide_nothing() {
    let case = Case::new();
    let machines = case.root().join("var/lib/machines");
    fs::create_dir_all(&machines).unwrap();
    for number in 0..8 {
        let target = format!("elsewhere/tree{number}");
        fs::create_dir_all(case.root().join("var/lib").join(&target)).unwrap();
        let link = machines.join(format!("image{number}"));
        symlink(format!("../{target}"), link).unwrap();
    }
    let [one, two] = ["one", "two"].map(|name| case.dir().join(name));
    fs::write(&one, "").unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&one, &two).unwrap();
                fs::rename(&two, &one).unwrap();
            }
        });
        let lists = |_| case.importctl(["-m", "list-images", "--no-legend"]);
        let lists: Vec<_> = (0..30).map(lists).collect();
        done.store(true, Ordering::Relaxed);
        for list in lists {
            let text = list.ok().stdout_text();
            let images = text.lines().filter(|line| line.contains(" image"));
            assert_eq!(images.count(), 8, "{text}");
        }
    });
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

/// `CLASS NAME TYPE PATH RO` of every image but the system itself, paths below the root.
fn found(case: &Case, arguments: &[&str]) -> Vec<String> {
    let list = ["list-images", "--no-legend"];
    let outcome = case.importctl(list.into_iter().chain(arguments.iter().copied()));
    let root = case.root();
    let text = outcome.ok().stdout_text();
    let rows = text.lines().filter(|line| !line.contains(" .host "));
    rows.map(|line| {
        let words: Vec<_> = line.split_whitespace().take(5).collect();
        words.join(" ").replace(&format!("{}/", root.display()), "")
    })
    .collect()
}

/// Makes these directories below the case's root.
fn with_directories(case: Case, directories: &[&str]) -> Case {
    for directory in directories {
        fs::create_dir_all(case.root().join(directory)).unwrap();
    }
    case
}

/// Makes these files below the case's root.
fn with_files(case: Case, files: &[&str]) -> Case {
    files
        .iter()
        .fold(case, |case, file| case.root_file(file, ""))
}

#[test]
fn a_directory_of_versions_is_the_newest_that_fits() {
    let case = with_files(
        Case::new(),
        &[
            "var/lib/machines/a.raw.v/a_1.raw",
            "var/lib/machines/a.raw.v/a_10.raw",
            "var/lib/machines/a.raw.v/a_9.raw",
            "var/lib/machines/a.raw.v/a_11+0.raw",
            "var/lib/machines/a.raw.v/b_12.raw",
            "var/lib/machines/b.v/b_4",
            "var/lib/machines/c.mstack.v/c_3.raw",
            "var/lib/machines/d.raw.v/d_1.raw",
            "var/lib/machines/e.raw.v/e.raw",
            "srv/versions/f_1.raw",
        ],
    );
    let case = with_directories(
        case,
        &[
            "var/lib/machines/b.v/b_2",
            "var/lib/machines/b.v/b_3",
            "var/lib/machines/c.mstack.v/c_1.mstack",
            "var/lib/machines/c.mstack.v/c_2",
            "var/lib/machines/d.raw.v/d_2.raw",
        ],
    );
    let machines = case.image_dir("machine");
    symlink("nowhere", machines.join("d.raw.v/d_3.raw")).unwrap();
    symlink("/srv/versions", machines.join("f.raw.v")).unwrap();
    // The name counts that it is found by.
    symlink("/srv/versions", machines.join("g.raw.v")).unwrap();
    let expected = [
        "machine a raw var/lib/machines/a.raw.v/a_10.raw rw",
        "machine b directory var/lib/machines/b.v/b_3 rw",
        "machine c mstack var/lib/machines/c.mstack.v/c_1.mstack rw",
        "machine d raw var/lib/machines/d.raw.v/d_1.raw rw",
        "machine f raw srv/versions/f_1.raw rw",
    ];
    assert_eq!(found(&case, &["-m"]), expected);
}

#[test]
fn a_version_is_exported_and_stands_in_the_way_of_another_image_of_its_name() {
    let case = Case::new()
        .root_file("var/lib/machines/a.raw.v/a_1.raw", "old")
        .root_file("var/lib/machines/a.raw.v/a_2.raw", "new")
        .root_file("var/lib/machines/b.v/b_1/etc/os-release", "ID=b\n");
    case.importctl(["export-raw", "-m", "a", "{dir}/a.raw"])
        .ok();
    assert_eq!(fs::read(case.dir().join("a.raw")).unwrap(), b"new");
    case.importctl(["export-tar", "-m", "b", "{dir}/b.tar"])
        .ok();
    case.importctl(["import-raw", "-m", "{dir}/a.raw", "a"])
        .code(1)
        .stderr_has("image `a` exists already as `")
        .stderr_has("machines/a.raw.v`");
    let before = case.images("machine");
    case.importctl(["import-raw", "-m", "--force", "{dir}/a.raw", "a"])
        .code(1)
        .stderr_has("machines/a.raw.v` has the name too and cannot be replaced");
    assert_eq!(case.images("machine"), before);
}

#[test]
fn a_mount_stack_is_listed_as_it_could_be_written_to_and_is_not_exported() {
    let parts: [(&str, &[&str], &str); 9] = [
        ("bound", &["layer@1", "bind@var"], "rw"),
        ("broken", &["layer@1", "rw", "junk"], "ro"),
        ("empty", &[".ignored"], "rw"),
        ("image", &["layer@1.raw.v"], "ro"),
        ("layered", &["layer@1", "layer@2", "robind@var"], "ro"),
        ("nameless", &["bind@"], "ro"),
        ("rooted", &["root"], "rw"),
        ("shown", &["robind@var"], "rw"),
        ("writable", &["layer@1", "rw"], "rw"),
    ];
    let mut case = Case::new();
    let mut expected = Vec::new();
    for (name, entries, read_only) in parts {
        let directory = format!("var/lib/machines/{name}.mstack");
        for entry in entries {
            case = with_directories(case, &[&format!("{directory}/{entry}")]);
        }
        expected.push(format!("machine {name} mstack {directory} {read_only}"));
    }
    // A link is what it leads to, below the root.
    let layer = case.image_dir("machine").join("empty.mstack/layer@1");
    symlink("/var/lib/machines/image.mstack", &layer).unwrap();
    expected[2] = expected[2].replace("rw", "ro");
    assert_eq!(found(&case, &["-m"]), expected);
    for verb in ["export-tar", "export-raw"] {
        case.importctl([verb, "-m", "writable", "{dir}/out"])
            .code(1)
            .stderr_has("writable.mstack` is a mount stack");
    }
    assert_eq!(fs::read_dir(case.dir()).unwrap().count(), 0);
}

#[test]
fn suffixes_say_what_an_entry_is_and_what_it_is_for() {
    let case = with_directories(
        Case::new(),
        &[
            "var/lib/extensions/tree.sysext",
            "var/lib/extensions/stack.sysext.mstack",
            "var/lib/extensions/disk.raw",
            "var/lib/extensions/.v",
            "var/lib/extensions/.raw.v",
            "var/lib/extensions/.mstack",
        ],
    );
    let case = with_files(
        case,
        &[
            "var/lib/extensions/other.confext.raw",
            "var/lib/extensions/versions.sysext.raw.v/versions_1.sysext.raw",
            "var/lib/extensions/versions.sysext.raw.v/versions_2.raw",
            "var/lib/extensions/mixed.raw.v/mixed_1.sysext.raw",
            "var/lib/extensions/mixed.raw.v/mixed_0.raw",
            "var/lib/extensions/.hidden.raw.v/.hidden_1.raw",
            "var/lib/extensions/file.mstack",
            "var/lib/extensions/file.v",
            "var/lib/extensions/.raw",
            // One name in several spellings: the first of the order in which it is looked for.
            "var/lib/extensions/a.raw",
            "var/lib/extensions/a.sysext.raw",
            "var/lib/extensions/b.raw",
            "var/lib/extensions/b.sysext.raw.v/b_1.sysext.raw",
        ],
    );
    let expected = [
        "sysext .hidden raw var/lib/extensions/.hidden.raw.v/.hidden_1.raw ro",
        "sysext a raw var/lib/extensions/a.sysext.raw rw",
        "sysext b raw var/lib/extensions/b.raw rw",
        "sysext disk.raw directory var/lib/extensions/disk.raw rw",
        "sysext mixed raw var/lib/extensions/mixed.raw.v/mixed_1.sysext.raw rw",
        "sysext other.confext raw var/lib/extensions/other.confext.raw rw",
        "sysext stack mstack var/lib/extensions/stack.sysext.mstack rw",
        "sysext tree directory var/lib/extensions/tree.sysext rw",
        "sysext versions raw var/lib/extensions/versions.sysext.raw.v/versions_1.sysext.raw rw",
    ];
    assert_eq!(found(&case, &["-S"]), expected);
}

#[test]
fn every_place_is_searched_in_its_order_and_an_initrds_too() {
    let machine = [
        "etc/machines",
        "run/machines",
        "var/lib/machines",
        "var/lib/container",
        "usr/local/lib/machines",
        "usr/lib/machines",
    ];
    let portable = [
        "etc/portables",
        "run/portables",
        "var/lib/portables",
        "usr/local/lib/portables",
        "usr/lib/portables",
    ];
    let sysext = ["etc/extensions", "run/extensions", "var/lib/extensions"];
    let confext = [
        "run/confexts",
        "var/lib/confexts",
        "usr/local/lib/confexts",
        "usr/lib/confexts",
    ];
    let sysext_of_initrd = [&sysext[..], &[".extra/sysext", ".extra/global_sysext"]].concat();
    let confext_of_initrd = [&confext[..3], &[".extra/confext", ".extra/global_confext"]].concat();
    let nowhere = ["usr/lib/extensions", "etc/confexts", ".extra/machine"];
    let all = [
        &machine[..],
        &portable,
        &sysext_of_initrd,
        &confext,
        &confext_of_initrd,
        &nowhere,
    ];
    for (class, initrd, places) in [
        ("machine", false, &machine[..]),
        ("machine", true, &machine),
        ("portable", true, &portable),
        ("sysext", false, &sysext),
        ("sysext", true, &sysext_of_initrd),
        ("confext", false, &confext),
        ("confext", true, &confext_of_initrd),
    ] {
        let case = all.concat().iter().fold(Case::new(), |case, place| {
            with_directories(case, &[&format!("{place}/x")])
        });
        let case = match initrd {
            true => case.root_file("etc/initrd-release", "ID=x\n"),
            false => case,
        };
        let option = format!("--class={class}");
        for place in places {
            let read_only = if place.starts_with("usr") { "ro" } else { "rw" };
            let expected = format!("{class} x directory {place}/x {read_only}");
            assert_eq!(found(&case, &[&option]), [expected], "{class} {initrd}");
            fs::remove_dir(case.root().join(place).join("x")).unwrap();
        }
        assert_eq!(found(&case, &[&option]), [""; 0], "{class} {initrd}");
    }
}

#[test]
fn the_path_is_where_links_lead() {
    let case = furnished()
        .root_file("srv/disk.squashfs", "x")
        .root_file("usr/share/tree/etc/os-release", "ID=x\n");
    let machines = case.image_dir("machine");
    symlink("/srv/disk.squashfs", machines.join("far.raw")).unwrap();
    symlink("/usr/share/tree", machines.join("vendor")).unwrap();
    let listed = found(&case, &["-m"]);
    for expected in [
        "machine far raw srv/disk.squashfs rw",
        "machine linked raw var/lib/machines/plain.raw rw",
        "machine vendor directory usr/share/tree ro",
    ] {
        assert!(listed.contains(&expected.to_owned()), "{listed:?}");
    }
    // What is replaced is the link.
    case.importctl([
        "import-raw",
        "-m",
        "--force",
        "{root}/var/lib/machines/plain.raw",
        "far",
    ])
    .ok();
    assert!(
        machines
            .join("far.raw")
            .symlink_metadata()
            .unwrap()
            .is_file()
    );
    assert_eq!(
        fs::read(case.root().join("srv/disk.squashfs")).unwrap(),
        b"x"
    );
}

#[test]
fn what_nobody_shares_is_told_in_json_alone() {
    let case = furnished();
    let json = case
        .importctl(["list-images", "-C", "-j"])
        .ok()
        .stdout_text();
    let sizes = "\"usage\":4096,\"usage-exclusive\":4096,\"limit\":1,\"limit-exclusive\":1}";
    assert!(json.contains(sizes), "{json}");
    let table = case.importctl(["list-images", "-C"]).ok().stdout_text();
    assert!(!table.contains("EXCLUSIVE"), "{table}");
}

#[test]
fn a_directory_that_cannot_be_read_hides_none_that_can() {
    let case = Case::new()
        .root_file("var/lib/machines/plain.raw", "plain")
        .root_file("usr/lib/other", "");
    symlink("machines", case.root().join("usr/lib/machines")).unwrap();
    case.importctl(["list-images", "-m", "--no-legend"])
        .ok()
        .stdout_has("plain")
        .stderr_has("Not all machine images are listed: failed to open directory")
        .stderr_has("usr/lib/machines`: Too many levels of symbolic links");
    case.importctl(["export-raw", "-m", "plain"])
        .ok()
        .stdout_is("plain");
    // It may be there.
    case.importctl(["export-raw", "-m", "other"])
        .code(1)
        .stderr_has("usr/lib/machines`: Too many levels of symbolic links");
    let case = case.file("other.raw", "other");
    case.importctl(["import-raw", "-m", "{dir}/other.raw"]).ok();
}
