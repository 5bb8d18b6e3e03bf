//! qcow2 images of qemu's own making become raw ones, bit for bit as qemu-img converts them.

/// A few thousand images with random damage.
mod damage;
/// What no image should say.
mod hostile;
/// How images are made.
mod images;
/// Orders in which no qemu-img writes.
mod layouts;
/// What no image should say, and qemu-img reads all the same.
mod lenient;

use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use images::{Workshop, both_become, content};

use crate::kit::{Case, Reply, allocated_bytes, pack};

#[test]
fn images_of_every_kind_that_qemu_img_writes_are_converted_and_hardly_anything_is_set_aside() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let mut count = 0;
    let mut check = |options: &str| {
        let image = workshop.convert(options);
        let raw = workshop.expected(&image);
        let aside = both_become(&image, &raw, options);
        // Tables and counts of references.
        let little = (40 << 10) + image.len() as u64 / 40;
        assert!(
            aside <= little,
            "{options}: {aside} of {} bytes",
            image.len()
        );
        count += 1;
    };
    for size in ["512", "1k", "4k", "32k", "64k", "256k", "2M"] {
        for packing in ["", "-c"] {
            check(&format!("{packing} -o compat=0.10,cluster_size={size}"));
            check(&format!("{packing} -o compat=1.1,cluster_size={size}"));
        }
        check(&format!("-c -o compression_type=zstd,cluster_size={size}"));
    }
    for size in ["16k", "64k", "2M"] {
        for more in ["", "-c", "-c -o compression_type=zstd"] {
            check(&format!("{more} -o extended_l2=on,cluster_size={size}"));
        }
    }
    for more in ["lazy_refcounts=on", "refcount_bits=1", "refcount_bits=64"] {
        check(&format!("-o {more}"));
    }
    // Every zero is written.
    check("-S 0");
    check("-S 0 -o extended_l2=on");
    assert_eq!(count, 49);
}

#[test]
fn disks_of_every_size_are_converted() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let noise = content().split_off(256 << 10);
    for size in [0, 1, 512, 4095, 65_536, 65_537, 100_352] {
        fs::write(workshop.path("content"), &noise[..size]).unwrap();
        for options in [
            "",
            "-c",
            "-o compat=0.10,cluster_size=512",
            "-c -o cluster_size=4k",
        ] {
            let image = workshop.convert(options);
            let raw = workshop.expected(&image);
            assert_eq!(raw.len(), size.next_multiple_of(512));
            both_become(&image, &raw, &format!("{size} {options}"));
        }
    }
    // The format has bytes, where qemu has sectors.
    let mut image = images::Edited(workshop.convert("-o cluster_size=4k"));
    image.put64(24, 99_999);
    both_become(&image.0, &noise[..99_999], "99999 bytes");
}

#[test]
fn images_that_were_written_to_are_converted() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let histories = [
        "write -P 1 0 512",
        "write -P 1 3M 70k, write -P 2 100k 1, write -P 3 5242368 512",
        "write -P 1 0 5M, write -z 1M 1M, discard 3M 500k, write -P 2 3200k 9k",
        "write -P 1 0 5M, write -zu 0 5M",
        "write -P 0 0 5M",
        "write -P 1 4M 4k, write -P 2 3M 4k, write -P 3 2M 4k, write -P 4 1M 4k, write -P 5 0 4k",
        "write -c 0 64k, write -P 1 64k 64k, write -c 128k 64k",
    ];
    let mut count = 0;
    for options in [
        "compat=0.10",
        "compat=0.10,cluster_size=512",
        "compat=1.1",
        "cluster_size=64k,preallocation=metadata",
        "cluster_size=4k,preallocation=metadata",
        "preallocation=falloc",
        "preallocation=full,cluster_size=1k",
        "extended_l2=on",
        "extended_l2=on,cluster_size=16k,preallocation=metadata",
        "lazy_refcounts=on,cluster_size=2M",
        "compression_type=zstd",
    ] {
        for history in histories {
            if history.contains("-c ")
                && !["compat=1.1", "compression_type=zstd"].contains(&options)
            {
                // Only clusters of 64 KiB can be written packed like that.
                continue;
            }
            workshop.run(&format!(
                "qemu-img create -q -f qcow2 -o {options} @image 5M"
            ));
            workshop.change(history);
            let image = workshop.image();
            let raw = workshop.expected(&image);
            both_become(&image, &raw, &format!("{options}: {history}"));
            count += 1;
        }
    }
    assert_eq!(count, 68);
}

#[test]
fn snapshots_are_left_out_and_what_they_moved_is_set_aside() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    for options in [
        "",
        "-c",
        "-o compat=0.10,cluster_size=4k",
        "-o extended_l2=on",
    ] {
        workshop.convert(options);
        workshop.run("qemu-img snapshot -c one @image");
        workshop.change("write -P 7 10k 100k, write -P 8 900k 3k");
        workshop.run("qemu-img snapshot -c two @image");
        workshop.change("write -P 9 60k 1k");
        let image = workshop.image();
        let raw = workshop.expected(&image);
        assert!(raw != content());
        let aside = both_become(&image, &raw, options);
        // The tables in use are behind most of the data.
        assert!(aside > 100 << 10, "{options}: {aside}");
    }
}

#[test]
fn an_image_that_is_packed_or_pulled_or_brought_is_converted_by_the_program() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let image = workshop.convert("-c");
    let digest = importd::stream::sha256(&content()).to_string();
    let case = Case::new()
        .file("a.qcow2", &image)
        .file("b.qcow2.xz", pack("b.xz", &image))
        .serve_as("c.qcow2", Reply::body(image.clone()).etag("\"one\""))
        .serve_as("d.qcow2.zst", Reply::body(pack("d.zst", &image)).chunked())
        .serve_sums(&[("c.qcow2", &image)])
        .stdin(pack("e.gz", &image));
    let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
    let brought = File::open(case.dir().join("a.qcow2")).unwrap();
    brought.set_modified(time).unwrap();
    for words in [
        &["-m", "import-raw", "a.qcow2"][..],
        &["-m", "import-raw", "b.qcow2.xz"],
        &["-m", "--verify=checksum", "pull-raw", "{url}/c.qcow2"],
        &["-mN", "--verify=no", "pull-raw", "{url}/d.qcow2.zst"],
        &["-m", "import-raw", "-", "e"],
    ] {
        let outcome = case.importctl(words.iter().copied()).ok();
        outcome.stderr_has("from qcow2 to a raw image of 1M");
    }
    let images = case.images("machine");
    assert_eq!(images.0.len(), 6);
    for (path, entry) in &images.0 {
        assert_eq!(entry.content, digest, "{}", path.display());
        let occupied = allocated_bytes(&case.image_dir("machine").join(path));
        assert!(
            occupied < 700 << 10,
            "{occupied} bytes of {}",
            path.display()
        );
    }
    assert_eq!(images.entry("a.raw").modified, (784_111_777, 0));
    assert!(images.entry("c.raw").xattr("user.source_etag").is_some());
}

#[test]
fn a_conversion_stops_when_it_is_told_to() {
    use importd::disk::qcow2::{Conversion, Error, from_file, from_stream};
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let image = workshop.convert("-c");
    let source = File::open(workshop.path("image")).unwrap();
    for calls in 1..6 {
        let stop = |convert: &dyn Fn(&mut Conversion) -> Result<_, Error>| {
            let cancel = importd::stream::Cancel::new().unwrap();
            let mut left = calls;
            let tick = &mut || {
                left -= 1;
                if left == 0 {
                    cancel.cancel();
                }
            };
            let target = &images::unnamed();
            let (limit_bytes, to_disk, cancel) = (images::LIMIT, true, &cancel);
            let error = convert(&mut Conversion {
                target,
                limit_bytes,
                to_disk,
                cancel,
                tick,
            })
            .unwrap_err();
            assert!(matches!(error, Error::Cancelled(_)), "{error}");
        };
        stop(&|how| from_file(&source, how));
        stop(&|how| from_stream(&image[..], &images::unnamed(), how));
    }
}

#[test]
fn an_image_that_is_kept_as_it_came_is_converted_when_that_is_asked_for() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let image = workshop.convert("-c");
    let reply = Reply::body(image.clone()).etag("\"one\"");
    let case = Case::new()
        .file("b.qcow2", &image)
        .serve_as("a.qcow2", reply);
    let images = || crate::kit::Snapshot::of(&case.dir().join("images"));
    let digest = |bytes: &[u8]| importd::stream::sha256(bytes).to_string();
    let words = ["--verify=no", "raw", "{url}/a.qcow2"];
    let pull = |more: [&str; 2]| {
        case.helper("systemd-pull", words.into_iter().chain(more))
            .ok()
    };
    pull(["--convert-qcow2=no", "asis"]);
    assert!(
        images()
            .0
            .values()
            .all(|entry| entry.content == digest(&image))
    );
    pull(["--convert-qcow2=no", "again"]).stderr_has("Using the kept copy");
    assert_eq!(images().entry("again.raw").content, digest(&image));
    pull(["--convert-qcow2=yes", "raw"]).stderr_has("Using the kept copy");
    assert_eq!(images().entry("raw.raw").content, digest(&content()));
    // What goes straight to a path goes as it is.
    pull(["--direct", "{dir}/direct"]);
    assert_eq!(fs::read(case.dir().join("direct")).unwrap(), image);
    let words = ["--convert-qcow2=no", "raw", "b.qcow2"];
    case.helper("systemd-import", words).ok();
    assert_eq!(images().entry("b.raw").content, digest(&image));

    // What was converted before it was kept is not what came, and no smaller than it may be.
    let reply = Reply::body(image.clone()).etag("\"one\"");
    let case = Case::new().serve_as("a.qcow2", reply);
    let pull = |more: [&str; 2]| {
        let words = ["--verify=no", "raw", "{url}/a.qcow2"];
        case.helper("systemd-pull", words.into_iter().chain(more))
    };
    pull(["--convert-qcow2=yes", "raw"]).ok();
    pull(["--size-max=4K", "small"]).code(1);
    pull(["--convert-qcow2=no", "asis"]).ok();
    let images = crate::kit::Snapshot::of(&case.dir().join("images"));
    assert_eq!(images.entry("raw.raw").content, digest(&content()));
    assert_eq!(images.entry("asis.raw").content, digest(&image));
}
