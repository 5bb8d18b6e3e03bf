//! File systems without enough room: who is refused before anything is written, who fails and when, and what is left.

use std::fs;
use std::path::Path;

use rustix::fs::statvfs;

use crate::kit::{Case, Outcome, Reply, Snapshot, need, need_root, tool};
use crate::mount::Mount;
use crate::places::noise;

/// Refused before anything is written; the second words are the remedy in memory.
const REFUSED: [&str; 2] = [" left, and the image is ", "`mount -o remount,size=`"];
const REFUSED_PACKED: [&str; 2] = ["and the packed image alone is ", "--image-root="];
/// Begun, and given up when the room was used up.
const FULL: [&str; 2] = [
    "No space left on device",
    " were free, and the image takes more",
];
const FULL_OF_KNOWN: [&str; 2] = [
    "No space left on device",
    " were free, and the image is 24M",
];

/// A name, and what is said when there is no room for it on a disk and in memory.
type Row = (&'static str, [&'static str; 2], [&'static str; 2]);

/// What the script prints, run where nothing else is.
fn made(script: &str) -> Reply {
    Reply::body(tool("bash", ["-euc", script]))
}

/// What a file system of 16 MiB has no room for.
fn images(case: Case) -> (Case, Vec<Row>) {
    let text = "yes 'This packs well.' | head -c 24M";
    let tar =
        "cd $(mktemp -d); yes 'This packs well.' | head -c 24M >file; tar -c .; rm -r \"$PWD\"";
    let qcow2 = "f=$(mktemp); head -c 24M /dev/urandom >$f; qemu-img convert -O qcow2 $f $f.qcow2; cat $f.qcow2; rm $f*";
    let rows = [
        (
            "plain.raw",
            "head -c 24M /dev/urandom",
            FULL_OF_KNOWN,
            REFUSED,
        ),
        (
            "noise.raw.gz",
            "head -c 24M /dev/urandom | gzip -1",
            REFUSED_PACKED,
            REFUSED_PACKED,
        ),
        ("piped.raw.gz", &format!("{text} | gzip -1"), FULL, FULL),
        ("piped.raw.zst", &format!("{text} | zstd -q"), FULL, FULL),
        (
            "sized.raw.zst",
            &format!("{text} | zstd -q --stream-size={}", 24 << 20),
            FULL_OF_KNOWN,
            REFUSED,
        ),
        (
            "sized.raw.lz4",
            &format!("f=$(mktemp); {text} >$f; lz4 -q --content-size -c $f; rm $f"),
            FULL_OF_KNOWN,
            REFUSED,
        ),
        ("disk.qcow2", qcow2, FULL_OF_KNOWN, REFUSED),
        ("plain.tar", tar, FULL_OF_KNOWN, REFUSED),
        ("packed.tar.gz", &format!("({tar}) | gzip -1"), FULL, FULL),
    ];
    let case = rows.iter().fold(case, |case, (name, script, ..)| {
        case.serve_as(name, made(script))
    });
    let expected = rows
        .iter()
        .map(|(name, _, disk, memory)| (*name, *disk, *memory));
    (case, expected.collect())
}

fn pull(case: &Case, directory: &Path, name: &str, options: &[&str]) -> Outcome {
    let verb = if name.contains(".tar") {
        "pull-tar"
    } else {
        "pull-raw"
    };
    let place = format!("--image-root={}", directory.display());
    let url = format!("{{url}}/{name}");
    let fixed = [verb, "-m", "--verify=no", &place, &url, "img"];
    case.importctl(fixed.into_iter().chain(options.iter().copied()))
}

fn free_bytes(directory: &Path) -> u64 {
    let status = statvfs(directory).unwrap();
    status.f_bavail * status.f_frsize
}

/// A directory for images with one in it.
fn prepare(mount: &Mount) -> std::path::PathBuf {
    let directory = mount.path().join("images");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("other.raw"), "other").unwrap();
    directory
}

#[test]
fn what_does_not_fit_is_told_in_figures_and_leaves_nothing() {
    if !need_root()
        || !["mkfs.ext4", "zstd", "lz4", "qemu-img"]
            .into_iter()
            .all(need)
    {
        return;
    }
    let (case, rows) = images(Case::new().without_root());
    for (mount, in_memory) in [
        (Mount::ext4(16 << 20), false),
        (Mount::tmpfs(16 << 20), true),
    ] {
        let directory = prepare(&mount);
        let (before, free) = (Snapshot::of(&directory), free_bytes(&directory));
        for (name, on_disk, memory) in &rows {
            let words = if in_memory { memory } else { on_disk };
            for options in [&["--keep-download=no"][..], &["--keep-download=yes"]] {
                let outcome = pull(&case, &directory, name, options).code(1);
                let outcome = words.iter().fold(outcome, |it, words| it.stderr_has(words));
                outcome.stderr_has("--image-root=");
                assert_eq!(Snapshot::of(&directory), before, "{name} {options:?}");
                assert_eq!(free_bytes(&directory), free, "{name} {options:?}");
            }
        }
    }
}

#[test]
fn an_image_of_holes_fits_on_a_disk_and_is_refused_in_memory() {
    if !need_root() || !["mkfs.ext4", "zstd", "qemu-img"].into_iter().all(need) {
        return;
    }
    let disk = "f=$(mktemp); qemu-img create -q -f qcow2 $f 1G; cat $f; rm $f";
    let case = Case::new()
        .without_root()
        .serve_as("holes.raw", Reply::body(vec![0; 24 << 20]))
        .serve_as(
            "holes.raw.zst",
            made("f=$(mktemp); truncate -s 1G $f; zstd -qc $f; rm $f"),
        )
        .serve_as("holes.raw.gz", made("head -c 1G /dev/zero | gzip -1"))
        .serve_as("holes.qcow2", made(disk));
    let (on_disk, in_memory) = (Mount::ext4(16 << 20), Mount::tmpfs(16 << 20));
    for (name, size, is_known) in [
        ("holes.raw", "24M", true),
        ("holes.raw.zst", "1G", true),
        ("holes.raw.gz", "1G", false),
        ("holes.qcow2", "1G", true),
    ] {
        let options = ["--keep-download=no", "--force"];
        let outcome = pull(&case, &on_disk.path(), name, &options).ok();
        if is_known {
            outcome.stderr_has(&format!(
                "and the image is {size}: it fits only if much of it is holes"
            ));
            pull(&case, &in_memory.path(), name, &options)
                .code(1)
                .stderr_has(&format!(
                    " left, and the image is {size}: free some space, give it more with"
                ));
        } else {
            pull(&case, &in_memory.path(), name, &options).ok();
            fs::remove_file(in_memory.path().join("img.raw")).unwrap();
        }
    }
    // What it is told to do.
    let path = in_memory.path();
    tool("mount", ["-o", "remount,size=2G", path.to_str().unwrap()]);
    pull(&case, &path, "holes.raw.zst", &["--keep-download=no"]).ok();
}

#[test]
fn an_import_of_a_file_takes_what_that_holds() {
    if !need_root() || !need("mkfs.btrfs") || !need("qemu-img") {
        return;
    }
    let import = |case: &Case, source: &Path, mount: &Mount| {
        let place = format!("--image-root={}", mount.path().display());
        let source = source.to_str().unwrap();
        case.importctl(["import-raw", "-m", "--force", &place, source, "img"])
    };
    let case = Case::new()
        .without_root()
        .file("noise.raw", noise(24 << 20))
        .file("holes.raw", "");
    let (noise, holes) = (case.dir().join("noise.raw"), case.dir().join("holes.raw"));
    fs::File::options()
        .write(true)
        .open(&holes)
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let memory = Mount::tmpfs(16 << 20);
    import(&case, &noise, &memory)
        .code(1)
        .stderr_has(REFUSED[0])
        .stderr_has(REFUSED[1]);
    import(&case, &holes, &memory).ok();
    // What is shared takes nothing, and nobody is told that it may not fit.
    let disk = Mount::formatted(128 << 20, "mkfs.btrfs", &["-q", "--mixed"]);
    let large = disk.path().join("large");
    fs::write(&large, crate::places::noise(70 << 20)).unwrap();
    import(&case, &large, &disk).ok().stderr_lacks("holes");
}

#[test]
fn nobody_waits_for_the_rest_of_what_does_not_fit() {
    if !need_root() || !need("mkfs.ext4") {
        return;
    }
    let stalled = Reply::body(noise(64 << 20)).stall_after(20 << 20);
    let case = Case::new()
        .without_root()
        .serve_as("known.raw", stalled.clone())
        .serve_as("unknown.raw", stalled.chunked());
    for (mount, name) in [
        (Mount::ext4(16 << 20), "known.raw"),
        (Mount::ext4(16 << 20), "unknown.raw"),
        (Mount::tmpfs(16 << 20), "unknown.raw"),
    ] {
        let directory = prepare(&mount);
        let before = Snapshot::of(&directory);
        pull(&case, &directory, name, &["--keep-download=no"])
            .code(1)
            .stderr_has("No space left on device")
            .stderr_lacks("trying again");
        assert_eq!(Snapshot::of(&directory), before, "{name}");
    }
}

#[test]
fn without_room_for_two_there_is_one() {
    if !need_root() || !need("mkfs.ext4") {
        return;
    }
    let tar = "cd $(mktemp -d); head -c 9M /dev/urandom >file; tar -c .; rm -r \"$PWD\"";
    let case = Case::new()
        .without_root()
        .serve_as("half.raw", Reply::body(noise(9 << 20)))
        .serve_as("half.tar", made(tar));
    for (name, image) in [("half.raw", "img.raw"), ("half.tar", "img")] {
        for mount in [Mount::ext4(16 << 20), Mount::tmpfs(16 << 20)] {
            let directory = prepare(&mount);
            pull(&case, &directory, name, &["--keep-download=yes"])
                .ok()
                .stderr_has("There is no room for a pristine copy beside the image, ignoring: ");
            assert_eq!(Snapshot::of(&directory).names(), [image, "other.raw"]);
            // The old one is there until the new one is.
            pull(&case, &directory, name, &["--keep-download=no", "--force"]).code(1);
            assert!(directory.join(image).exists());
        }
    }
}

#[test]
fn a_file_system_out_of_inodes_says_so() {
    if !need_root() {
        return;
    }
    let many = "cd $(mktemp -d); touch {1..200}; tar -c .; rm -r \"$PWD\"";
    let case = Case::new().without_root().serve_as("many.tar", made(many));
    let mount = Mount::tmpfs(16 << 20);
    let path = mount.path();
    tool(
        "mount",
        ["-o", "remount,nr_inodes=100", path.to_str().unwrap()],
    );
    pull(&case, &path, "many.tar", &["--keep-download=no"])
        .code(1)
        .stderr_has("no more files can be made there, of whatever size");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}
