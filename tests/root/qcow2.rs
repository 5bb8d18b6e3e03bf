//! qcow2 images on file systems that share, and on those that are full.

use std::fs::{self, File};
use std::path::Path;

use importd::disk::qcow2::{Conversion, Error, from_file};
use importd::stream::Cancel;

use crate::kit::{Case, Snapshot, need, need_root, tool};
use crate::mount::Mount;
use crate::places::shared_extents;

/// 3 MiB and a bit, no two clusters of which are the same.
fn content() -> Vec<u8> {
    let words = 0..(3 << 18) + 128_u32;
    words.flat_map(|word| (word | 1).to_le_bytes()).collect()
}

/// Makes a qcow2 image of that content with these options.
fn make(raw: &Path, image: &Path, options: &[&str]) {
    let fixed = ["convert", "-f", "raw", "-O", "qcow2"];
    let paths = [raw.to_str().unwrap(), image.to_str().unwrap()];
    tool("qemu-img", fixed.iter().chain(options).chain(&paths));
}

#[test]
fn clusters_are_shared_with_a_file_and_with_what_was_set_aside() {
    let tools = ["mkfs.btrfs", "mkfs.xfs", "filefrag", "qemu-img"];
    if !need_root() || !tools.into_iter().all(need) {
        return;
    }
    let case = Case::new().without_root().file("raw", content());
    let mut expected = content();
    expected[1 << 20..(1 << 20) + 1024].fill(7);
    for mkfs in ["mkfs.btrfs", "mkfs.xfs"] {
        let mount = Mount::formatted(512 << 20, mkfs, &["-q", "-f"]);
        let place = format!("--image-root={}", mount.path().display());
        let (image, imported) = (mount.path().join("image"), mount.path().join("img.raw"));
        let image_word = image.to_str().unwrap();
        let pipe = format!("cat {image_word} | \"$@\"");
        let piped = Case::new().without_root().env("SYSTEMD_LOG_LEVEL", "debug");
        let piped = piped.through(["sh", "-c", &pipe, "sh"]);
        for size in ["512", "4k", "64k", "2M"] {
            let cluster_size = format!("cluster_size={size}");
            make(&case.dir().join("raw"), &image, &["-o", &cluster_size]);
            // Leaves the first tables to a snapshot, so that those in use are behind the data.
            tool("qemu-img", ["snapshot", "-c", "one", image_word]);
            tool("qemu-io", ["-c", "write -P 7 1M 1k", image_word]);
            let import = |case: &Case, source| {
                let words = ["-m", "--force", &place, "import-raw", source, "img"];
                let outcome = case.importctl(words).ok();
                assert!(
                    fs::read(&imported).unwrap() == expected,
                    "{mkfs}, {size}, {source}"
                );
                outcome.stderr_text()
            };
            import(&case, image_word);
            // Smaller clusters may happen to lie well.
            assert!(
                shared_extents(&imported) > 0 || size == "512",
                "{mkfs}, {size}"
            );
            let said = import(&piped, "/dev/stdin");
            let nothing = said.contains(", shared: 0");
            assert!(
                said.contains(", shared: ") && (!nothing || size == "512"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_large_image_is_shared_in_steps_that_end_with_the_wish_to_stop() {
    if !need_root() || !need("mkfs.btrfs") || !need("qemu-img") {
        return;
    }
    let mount = Mount::formatted(256 << 20, "mkfs.btrfs", &["-q"]);
    let [raw, image, target] = ["raw", "image", "target"].map(|name| mount.path().join(name));
    fs::write(&raw, content().repeat(28)).unwrap();
    make(&raw, &image, &[]);
    let source = File::open(&image).unwrap();
    source.sync_all().unwrap();
    let convert = |stop_at: usize| {
        let cancel = Cancel::new().unwrap();
        let mut calls = 0;
        let converted = from_file(
            &source,
            &mut Conversion {
                target: &File::create(&target).unwrap(),
                limit_bytes: 1 << 30,
                to_disk: true,
                cancel: &cancel,
                tick: &mut || {
                    calls += 1;
                    if calls == stop_at {
                        cancel.cancel();
                    }
                },
            },
        );
        (converted, calls)
    };
    let (converted, calls) = convert(usize::MAX);
    let steps = usize::try_from(converted.unwrap().shared_bytes >> 23).unwrap();
    assert!(steps >= 10 && calls > steps, "{steps} steps, {calls} calls");
    assert!(fs::read(&target).unwrap() == fs::read(&raw).unwrap());
    for call in 1..=calls {
        let (stopped, _) = convert(call);
        assert!(matches!(stopped, Err(Error::Cancelled(_))), "call {call}");
    }
}

#[test]
fn a_full_disk_is_named_and_what_was_set_aside_is_gone() {
    if !need_root() || !need("mkfs.ext4") || !need("qemu-img") {
        return;
    }
    let case = Case::new().file("raw", content().repeat(8));
    let image = case.dir().join("image");
    make(&case.dir().join("raw"), &image, &["-c"]);
    assert!(fs::metadata(&image).unwrap().len() < 16 << 20);
    let mount = Mount::ext4(16 << 20);
    let directory = mount.path().join("images");
    fs::create_dir(&directory).unwrap();
    let place = format!("--image-root={}", directory.display());
    let case = case
        .without_root()
        .through(["sh", "-c", "cat image | \"$@\"", "sh"]);
    for source in ["image", "/dev/stdin"] {
        case.importctl(["-m", &place, "import-raw", source, "img"])
            .code(1)
            .stderr_has("No space left on device")
            .stderr_has("--image-root=");
        assert!(Snapshot::of(&directory).0.is_empty());
    }
    // Nothing holds on to the space.
    fs::write(directory.join("large"), vec![1; 10 << 20]).unwrap();
}
