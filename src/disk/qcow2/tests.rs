//! What happens where memory is not enough for a stream, on an image made by hand; `tests/it/qcow2/` has those of others.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::stream::{LIMITS, Limits, convert};
use super::{Conversion, Converted, from_file};
use crate::stream::Cancel;

const CLUSTER: usize = 512;
/// So many clusters has a table, and so many tables the image.
const ENTRIES: usize = 64;
const TABLES: usize = 40;

/// An image in which the clusters behind each table are in the opposite order, so that no two are one stretch; and its disk.
fn image() -> (Vec<u8>, Vec<u8>) {
    let mut bytes = vec![0; 2 * CLUSTER];
    bytes[..4].copy_from_slice(b"QFI\xfb");
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    let size = TABLES * ENTRIES * CLUSTER;
    for (at, value) in [(4, 2), (20, 9), (28, size), (36, TABLES), (44, CLUSTER)] {
        put(at, value as u32);
    }
    let mut disk = Vec::new();
    for table in 0..TABLES {
        let at = bytes.len();
        bytes[CLUSTER + 8 * table..][..8].copy_from_slice(&(at as u64).to_be_bytes());
        let hosts = (1..=ENTRIES)
            .rev()
            .map(|number| (at + number * CLUSTER) as u64);
        bytes.extend(hosts.flat_map(u64::to_be_bytes));
        let clusters: Vec<u8> = (0..ENTRIES)
            .flat_map(|number| [(table + number) as u8; CLUSTER])
            .collect();
        bytes.extend(clusters.chunks(CLUSTER).rev().flatten());
        disk.extend(clusters);
    }
    (bytes, disk)
}

/// A file without a name.
fn unnamed() -> File {
    let directory = File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    File::from(rustix::fs::openat(&directory, c".", flags, mode).unwrap())
}

#[track_caller]
fn becomes(disk: &[u8], convert: impl FnOnce(&mut Conversion) -> Converted) -> u64 {
    let target = unnamed();
    let converted = convert(&mut Conversion {
        target: &target,
        limit_bytes: 1 << 30,
        to_disk: true,
        cancel: &Cancel::new().unwrap(),
        tick: &mut || {},
    });
    let mut read_back = vec![0xff; disk.len()];
    target.read_exact_at(&mut read_back, 0).unwrap();
    assert!(read_back == disk);
    assert_eq!(target.metadata().unwrap().len(), disk.len() as u64);
    converted.aside_bytes
}

#[test]
fn what_cannot_be_remembered_is_set_aside() {
    let (image, disk) = image();
    let source = unnamed();
    source.write_all_at(&image, 0).unwrap();
    becomes(&disk, |how| from_file(&source, how).unwrap());
    let set_aside = |wanted, placed| {
        let limits = Limits { wanted, placed };
        becomes(&disk, |how| {
            convert(&image[..], &unnamed(), &limits, how).unwrap()
        })
    };
    let least = set_aside(LIMITS.wanted, LIMITS.placed);
    let tables = (CLUSTER * (TABLES + 2)) as u64;
    assert!(least <= tables, "{least}");
    // Half of each table's clusters, and all but the first so many.
    let half = set_aside(ENTRIES / 2, LIMITS.placed);
    assert_eq!(half - least, disk.len() as u64 / 2);
    let most = set_aside(LIMITS.wanted, 10);
    assert_eq!(most - least, (disk.len() - 10 * CLUSTER) as u64);
    assert_eq!(set_aside(0, 0), least + disk.len() as u64);
}
