//! Importing from files and pipes: what is taken over, and what nobody may bring.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{XattrFlags, setxattr};

use super::kit::{Case, allocated_bytes, image, pack};

fn content() -> String {
    importd::stream::sha256(&image()).to_string()
}

#[test]
fn files_are_imported_as_they_are_or_unpacked_into_each_class() {
    for class in ["machine", "portable", "sysext", "confext"] {
        for name in ["img.raw", "img.raw.gz", "img.raw.xz", "img.raw.zst"] {
            let case = Case::new().file(name, pack(name, &image()));
            let class_option = format!("--class={class}");
            // Relative to the working directory, which is that of the file.
            case.importctl([&class_option, "import-raw", name]).ok();
            let images = case.images(class);
            assert_eq!(images.names(), ["img.raw"]);
            let entry = images.entry("img.raw");
            assert_eq!((entry.mode, &entry.content), (0o644, &content()));
        }
    }
}

#[test]
fn an_imported_image_is_read_only_if_wanted() {
    let case = Case::new().file("img.raw", "x");
    case.importctl(["-m", "--read-only", "import-raw", "img.raw"])
        .ok();
    assert_eq!(case.images("machine").entry("img.raw").mode, 0o444);
}

#[test]
fn standard_input_is_imported_under_the_name_given() {
    for (name, dash) in [("img.raw", "-"), ("img.raw.zst", "-"), ("img.raw", "")] {
        let case = Case::new().stdin(pack(name, &image()));
        case.importctl(["-m", "import-raw", dash, "img"]).ok();
        assert_eq!(case.images("machine").entry("img.raw").content, content());
    }
    let case = Case::new().stdin(image());
    case.importctl(["-m", "import-raw", "-"])
        .code(1)
        .stderr_is("standard input has no name: give one for the image\n");
}

#[test]
fn a_file_on_standard_input_is_taken_from_where_it_stands() {
    let case = Case::new().file("img.raw", image()).through([
        "sh",
        "-c",
        "{ read -r line; exec \"$@\"; } <img.raw",
        "sh",
    ]);
    case.importctl(["-m", "import-raw", "-", "img"]).ok();
    let rest = image().split_off(b"This is not an operating system.\n".len());
    let expected = importd::stream::sha256(&rest).to_string();
    assert_eq!(case.images("machine").entry("img.raw").content, expected);
}

#[test]
fn what_is_no_image_is_refused() {
    for (path, message) in [
        ("missing.raw", "failed to open `missing.raw`: No such file"),
        (
            "{dir}/",
            "names a directory, and an image is imported from a file: use import-fs",
        ),
        (
            "{dir}",
            "is a directory, and an image is imported from a file",
        ),
        (
            "img.raw/img",
            "failed to open `img.raw/img`: Not a directory",
        ),
    ] {
        let case = Case::new().file("img.raw", "x");
        case.importctl(["-m", "import-raw", path, "img"])
            .code(1)
            .stderr_has(message);
        assert!(case.images("machine").0.is_empty());
    }
}

#[test]
fn a_name_that_is_taken_is_not_imported_over_unless_forced() {
    let case = Case::new()
        .file("img.raw", image())
        .root_file("var/lib/machines/img.raw", "old");
    let before = case.images("machine");
    let words = ["-m", "import-raw", "img.raw"];
    case.importctl(words)
        .code(1)
        .stderr_has("image `img` exists already");
    assert_eq!(case.images("machine"), before);
    case.importctl(["--force"].into_iter().chain(words)).ok();
    let images = case.images("machine");
    assert_eq!(images.names(), ["img.raw"]);
    assert_eq!(images.entry("img.raw").content, content());
}

#[test]
fn holes_and_the_bytes_between_them_are_kept() {
    let case = Case::new();
    let path = case.dir().join("img.raw");
    let file = File::create(&path).unwrap();
    file.set_len(64 << 20).unwrap();
    file.write_all_at(b"data", 10 << 20).unwrap();
    case.importctl(["-m", "import-raw", "img.raw"]).ok();
    let imported = case.image_dir("machine").join("img.raw");
    assert!(allocated_bytes(&imported) <= allocated_bytes(&path));
    assert_eq!(fs::read(imported).unwrap(), fs::read(path).unwrap());
}

fn attribute(path: &Path, name: &str, value: &[u8]) {
    setxattr(path, name, value, XattrFlags::empty()).unwrap();
}

#[test]
fn times_of_the_file_are_kept() {
    for name in ["img.raw", "img.raw.gz"] {
        let case = Case::new().file(name, pack(name, &image()));
        let file = File::open(case.dir().join(name)).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
        file.set_modified(time).unwrap();
        case.importctl(["-m", "import-raw", name]).ok();
        let images = case.images("machine");
        let entry = images.entry("img.raw");
        assert_eq!(entry.modified, (784_111_777, 0));
        let created = 784_111_777_000_000_u64.to_le_bytes();
        assert_eq!(entry.xattrs["user.crtime_usec"], created);
    }
}

#[test]
fn no_record_of_origin_or_trust_can_be_brought() {
    for name in ["img.raw", "img.raw.xz"] {
        let case = Case::new().file(name, pack(name, &image()));
        let path = case.dir().join(name);
        let trust = format!("1 pinned {}", content());
        attribute(&path, "user.importd.trust", trust.as_bytes());
        attribute(&path, "user.source_url", b"https://example.org/img.raw");
        attribute(&path, "user.source_etag", b"\"first\"");
        attribute(&path, "user.comment", b"mine");
        let created = 5_000_000_u64.to_le_bytes();
        attribute(&path, "user.crtime_usec", &created);

        case.importctl(["-m", "import-raw", name]).ok();
        let images = case.images("machine");
        let entry = images.entry("img.raw");
        let names: Vec<_> = entry
            .xattrs
            .keys()
            .filter(|name| name.starts_with("user."))
            .collect();
        assert_eq!(names, ["user.comment", "user.crtime_usec"]);
        assert_eq!(entry.xattr("user.comment"), Some("mine"));
        assert_eq!(entry.xattrs["user.crtime_usec"], created);
    }
}

#[test]
fn the_file_imported_stays_as_it_was() {
    let case = Case::new().file("img.raw", image());
    let path = case.dir().join("img.raw");
    case.importctl(["-m", "import-raw", "img.raw"]).ok();
    fs::write(case.image_dir("machine").join("img.raw"), "mine").unwrap();
    assert_eq!(fs::read(path).unwrap(), image());
}

#[test]
fn devices_and_pipes_by_path_are_read_to_their_end() {
    let case = Case::new().stdin(image());
    case.importctl(["-m", "import-raw", "/dev/stdin", "img"])
        .ok();
    assert_eq!(case.images("machine").entry("img.raw").content, content());
    case.importctl(["-m", "import-raw", "/dev/null", "empty"])
        .ok();
    assert_eq!(case.images("machine").entry("empty.raw").size, 0);
}

#[test]
fn an_image_beyond_the_limit_of_file_sizes_is_refused_and_leaves_nothing() {
    for name in ["img.raw", "img.raw.gz"] {
        let case = Case::new().file(name, pack(name, &image())).through([
            "sh",
            "-c",
            "ulimit -f 64; exec \"$@\"",
            "sh",
        ]);
        case.importctl(["-m", "import-raw", name])
            .code(1)
            .stderr_has("failed to write `")
            .stderr_has("File too large");
        assert!(case.images("machine").0.is_empty());
    }
}
