//! Images that say what none should: each is refused by name, within bounded memory, and leaves nothing behind.

use std::fs;

use super::images::{DEFLATE, Edited, OLD, PACKED, PARTS, PLAIN, Workshop, ZSTD, stored_cluster};
use crate::kit::{Case, need, pack};

/// The memory that a program may have here, address space and all: its threads' stacks and the libraries' included.
const MEMORY: &str = "--as=536870912";

/// What an image is made of, what is done to it, and what is said of it.
type Row = (&'static str, &'static str, fn(&mut Edited), &'static str);

const HEADERS: &[Row] = &[
    (
        "version 1",
        PLAIN,
        |it| it.put32(4, 1),
        "it is version 1 of the format",
    ),
    (
        "version 4",
        PLAIN,
        |it| it.put32(4, 4),
        "it is version 4 of the format",
    ),
    (
        "a backing file",
        PLAIN,
        |it| {
            it.put64(8, 600);
            it.put32(16, 4);
            it.0[600..604].copy_from_slice(b"base");
        },
        "holds only what differs from a backing file",
    ),
    (
        "tiny clusters",
        PLAIN,
        |it| it.put32(20, 8),
        "have 2^8 bytes",
    ),
    (
        "large clusters",
        PLAIN,
        |it| it.put32(20, 22),
        "have 2^22 bytes",
    ),
    (
        "clusters of 2 GiB",
        PLAIN,
        |it| it.put32(20, 31),
        "have 2^31 bytes",
    ),
    (
        "clusters beyond numbers",
        PLAIN,
        |it| it.put32(20, u32::MAX),
        "have 2^4294967295 bytes",
    ),
    (
        "small clusters with parts",
        PARTS,
        |it| it.put32(20, 13),
        "too small to be divided",
    ),
    (
        "a huge disk",
        PLAIN,
        |it| it.put64(24, u64::MAX),
        "disk of 15.9E is larger than the limit of 1T",
    ),
    (
        "a disk beyond the limit",
        PLAIN,
        |it| it.put64(24, (1 << 40) + 1),
        "is larger than the limit of 1T",
    ),
    (
        "a disk beyond its table",
        PLAIN,
        |it| it.put64(24, 1 << 40),
        "where its disk needs 524288",
    ),
    ("AES", PLAIN, |it| it.put32(32, 1), "it is encrypted (AES)"),
    (
        "LUKS",
        PLAIN,
        |it| it.put32(32, 2),
        "it is encrypted (LUKS)",
    ),
    (
        "other encryption",
        OLD,
        |it| it.put32(32, 3),
        "it is encrypted (in an unknown way)",
    ),
    (
        "a huge L1 table",
        PLAIN,
        |it| it.put32(36, u32::MAX),
        "L1 table of 4294967295 entries",
    ),
    (
        "no L1 table",
        PLAIN,
        |it| it.put32(36, 0),
        "has 0 entries where its disk needs 1",
    ),
    (
        "L1 over the header",
        PLAIN,
        |it| it.put64(40, 0),
        "its L1 table at byte 0 lies over the header",
    ),
    (
        "L1 askew",
        PLAIN,
        |it| it.put64(40, 4104),
        "its L1 table at byte 4104 does not begin where",
    ),
    (
        "L1 far away",
        PLAIN,
        |it| it.put64(40, 1 << 62),
        "its L1 table at byte 4611686018427387904 goes beyond",
    ),
    (
        "L1 at the end of numbers",
        PLAIN,
        |it| it.put64(40, u64::MAX << 12),
        "goes beyond the end of the file",
    ),
    ("dirty", PLAIN, |it| it.put64(72, 1), "not closed properly"),
    ("corrupt", PLAIN, |it| it.put64(72, 2), "marked as corrupt"),
    (
        "a data file",
        PLAIN,
        |it| it.put64(72, 4),
        "its data are in another file",
    ),
    (
        "zstd by half",
        PLAIN,
        |it| it.put64(72, 8),
        "two things of how clusters are packed",
    ),
    (
        "zstd by the other half",
        PLAIN,
        |it| it.0[104] = 1,
        "two things of how clusters are packed",
    ),
    (
        "packed otherwise",
        ZSTD,
        |it| it.0[104] = 9,
        "its clusters are packed in way 9",
    ),
    (
        "feature 5",
        PLAIN,
        |it| it.put64(72, 1 << 5),
        "incompatible feature bit 5",
    ),
    (
        "feature 63",
        PLAIN,
        |it| it.put64(72, 1 << 63),
        "incompatible feature bit 63",
    ),
    (
        "a short header",
        PLAIN,
        |it| it.put32(100, 72),
        "says to be 72 bytes long",
    ),
    (
        "a header of no length",
        PLAIN,
        |it| it.put32(100, 0),
        "says to be 0 bytes long",
    ),
    (
        "a header askew",
        PLAIN,
        |it| it.put32(100, 111),
        "says to be 111 bytes long",
    ),
    (
        "a header beyond its cluster",
        PLAIN,
        |it| it.put32(100, 8192),
        "says to be 8192 bytes long",
    ),
    (
        "an endless extension",
        PLAIN,
        |it| it.put64(112, 0x6803_f857_ffff_ffff),
        "extension at byte 112 goes beyond",
    ),
    (
        "an extension too long",
        PLAIN,
        |it| it.put64(112, 0x6803_f857_0000_0f89),
        "extension at byte 112 goes beyond",
    ),
];

const TABLES: &[Row] = &[
    (
        "an L2 table over the header",
        PLAIN,
        |it| it.put64(it.l1(), 512),
        "an L2 table at byte 512 lies over the header",
    ),
    (
        "an L2 table over L1",
        PLAIN,
        |it| it.put64(it.l1(), it.l1() as u64),
        "lies over the L1 table",
    ),
    (
        "an L2 table askew",
        PLAIN,
        |it| it.put64(it.l1(), 4096 * 3 + 512),
        "does not begin where a cluster does",
    ),
    (
        "an L2 table beyond the file",
        PLAIN,
        |it| it.put64(it.l1(), 1 << 40),
        "an L2 table at byte 1099511627776 goes beyond",
    ),
    (
        "an L1 entry near 2^63",
        PLAIN,
        |it| it.put64(it.l1(), 0x7fff_ffff_ffff_f000),
        "an L2 table at byte 72057594037923840 goes beyond",
    ),
    (
        "an L2 table over its data",
        PLAIN,
        |it| {
            let data = it.be64(it.first_entry(false));
            it.put64(it.l1(), data);
        },
        // They are text, of which the first that makes no sense depends on the way.
        "cluster at byte ",
    ),
    (
        "a cluster over L1",
        PLAIN,
        |it| it.put64(it.first_entry(false), it.l1() as u64),
        "lies over the L1 table",
    ),
    (
        "a cluster over its own table",
        PLAIN,
        |it| {
            let entry = it.first_entry(false);
            it.put64(entry, (entry & !4095) as u64);
        },
        "lies over an L2 table",
    ),
    (
        "a cluster in the header",
        PLAIN,
        |it| it.put64(it.first_entry(false), 512),
        "a cluster at byte 512 lies over the header",
    ),
    (
        "a cluster askew",
        PLAIN,
        |it| it.put64(it.first_entry(false), 4096 * 9 + 1024),
        "does not begin where a cluster does",
    ),
    (
        "a cluster beyond the file",
        PLAIN,
        |it| it.put64(it.first_entry(false), 1 << 50),
        "a cluster at byte 1125899906842624 goes beyond",
    ),
    (
        "a cluster near 2^63",
        PLAIN,
        |it| it.put64(it.first_entry(false), i64::MAX as u64 & !PACKED & !4095),
        "a cluster at byte 72057594037923840 goes beyond",
    ),
    (
        "a zero cluster of version 2",
        OLD,
        |it| it.put64(it.first_entry(false), 1),
        "the cluster at guest offset 0 is marked as zeros, which version 2",
    ),
    (
        "parts both there and not",
        PARTS,
        |it| it.put64(it.first_entry(false) + 8, u64::MAX),
        "both there and not",
    ),
    (
        "parts of nothing",
        PARTS,
        |it| it.put64(it.first_entry(false), 0),
        "both there and not",
    ),
    (
        "a packed cluster in the header",
        DEFLATE,
        |it| it.put64(it.first_entry(true), PACKED | 100),
        "a packed cluster at byte 100 lies over the header",
    ),
    (
        "a packed cluster over L1",
        DEFLATE,
        |it| it.put64(it.first_entry(true), PACKED | (it.l1() as u64 + 3)),
        "lies over the L1 table",
    ),
    (
        "a packed cluster over L2",
        DEFLATE,
        |it| {
            let entry = it.first_entry(true);
            it.put64(entry, PACKED | (entry & !0xffff) as u64);
        },
        "lies over an L2 table",
    ),
    (
        "a packed cluster beyond the file",
        DEFLATE,
        |it| it.put64(it.first_entry(true), PACKED | 1 << 40),
        "a packed cluster at byte 1099511627776 goes beyond",
    ),
    (
        "a packed cluster near 2^61",
        "-c -o cluster_size=512",
        |it| it.put64(it.first_entry(true), (1 << 63) - 1),
        "a packed cluster at byte 2305843009213693951 goes beyond",
    ),
];

const PACKED_DATA: &[Row] = &[
    (
        "corrupt deflate",
        DEFLATE,
        |it| it.repack(&[0xff; 40]),
        "the cluster at guest offset 0 cannot be unpacked, its packed data are corrupt",
    ),
    // A block of no bytes, the last one.
    (
        "deflate of nothing",
        DEFLATE,
        |it| it.repack(b"\x01\0\0\xff\xff"),
        "its packed data are 0 bytes where a cluster has 65536",
    ),
    (
        "deflate of too little",
        DEFLATE,
        |it| it.repack(b"\x01\x03\0\xfc\xffabc"),
        "its packed data are 3 bytes",
    ),
    (
        "nonsense behind a cluster of deflate",
        DEFLATE,
        |it| it.repack(&[&stored_cluster()[..], &[0xff; 40]].concat()),
        "its packed data are corrupt",
    ),
    (
        "corrupt zstd",
        ZSTD,
        |it| it.repack(&[0xff; 40]),
        "its packed data are corrupt",
    ),
    (
        "zstd of nothing",
        ZSTD,
        |it| it.repack(&[b"\x28\xb5\x2f\xfd\x20\0\x01\0\0".repeat(2), vec![0; 9]].concat()),
        "its packed data are corrupt (something follows that is no frame)",
    ),
    (
        "a bomb of zstd",
        ZSTD,
        |it| it.repack(&pack("x.zst", &vec![0; 1 << 30])[..80]),
        "its packed data are",
    ),
    (
        "a bomb of runs",
        ZSTD,
        |it| {
            it.repack(
                &[
                    &b"\x28\xb5\x2f\xfd\0\x58"[..],
                    &b"\x02\0\x10x".repeat(10),
                    &b"\x03\0\x10x"[..],
                ]
                .concat(),
            )
        },
        "more than the 65536 bytes",
    ),
    (
        "a huge window",
        ZSTD,
        |it| it.repack(b"\x28\xb5\x2f\xfd\0\xa0\x01\0\0"),
        "window beyond the limit of 128M",
    ),
    (
        "a dictionary",
        ZSTD,
        |it| it.repack(b"\x28\xb5\x2f\xfd\x21\x07\0\x01\0\0"),
        "its packed data are corrupt",
    ),
];

/// Imports an image as a file, and packed from a pipe, so that it is converted while it arrives.
#[track_caller]
fn refused(case: &Case, what: &str, image: &[u8], message: &str) {
    let before = case.images("machine");
    fs::write(case.dir().join("image"), image).unwrap();
    for words in [
        &["-m", "import-raw", "{dir}/image", "new"][..],
        &["-m", "import-raw", "/dev/stdin", "new"],
    ] {
        let outcome = case.importctl(words.iter().copied());
        let said = outcome.stderr_text();
        assert!(said.contains(message), "{what}, {words:?}: {said}");
        outcome
            .code(1)
            .stderr_has("is a qcow2 image that cannot be used: ");
        assert_eq!(case.images("machine"), before, "{what}");
    }
}

/// A workshop, and a case whose programs have little memory, and standard input from a pipe that comes from `{dir}/image`.
fn ready() -> Option<(Workshop, Case)> {
    let workshop = Workshop::open().filter(|_| need("prlimit"))?;
    let case = Case::new()
        .root_file("var/lib/machines/old.raw", "old")
        .through(["sh", "-c", "cat image | \"$@\"", "sh", "prlimit", MEMORY]);
    Some((workshop, case))
}

#[test]
fn images_that_make_no_sense_are_refused_by_name_and_leave_nothing() {
    let Some((workshop, case)) = ready() else {
        return;
    };
    for rows in [HEADERS, TABLES, PACKED_DATA] {
        for (what, options, change, message) in rows {
            let mut image = Edited(workshop.convert(options));
            change(&mut image);
            refused(&case, what, &image.0, message);
        }
    }
}

#[test]
fn images_that_are_cut_anywhere_are_refused() {
    let Some((workshop, case)) = ready() else {
        return;
    };
    let image = workshop.convert(PLAIN);
    let edited = Edited(image.clone());
    let (l1, l2) = (edited.l1(), edited.l2(edited.l1_entries()[0]));
    let tables = "goes beyond the end of the file";
    for (length, message) in [
        (4, "ends within its header, after 4 bytes"),
        (71, "ends within its header, after 71 bytes"),
        (103, "ends within its header, after 103 bytes"),
        (112, tables),
        (4096, tables),
        (l1, tables),
        (l1 + 4, tables),
        (l1 + 4096, tables),
        (l2, tables),
        (l2 + 4000, tables),
        (l2 + 4096, tables),
        (l2 + 8192, tables),
        (image.len() - 4096, tables),
        // Of the last cluster the disk has 512 bytes.
        (image.len() - 4096 + 511, tables),
    ] {
        refused(&case, &format!("{length} bytes"), &image[..length], message);
    }
    let packed = workshop.convert(DEFLATE);
    let entry = Edited(packed.clone()).first_entry(true);
    let begin = (Edited(packed.clone()).be64(entry) & ((1 << 54) - 1)) as usize;
    refused(
        &case,
        "packed",
        &packed[..begin + 20],
        "its packed data are",
    );
}

#[test]
fn the_largest_tables_that_may_be_are_held_in_little_memory() {
    let Some((workshop, case)) = ready() else {
        return;
    };
    let mut image = Edited(workshop.convert("-o cluster_size=512"));
    // As many tables as there may be, each elsewhere, and the last beyond the end.
    let entries = 4 << 20;
    image.0.resize(1 << 20, 0);
    image.put32(36, entries);
    image.put64(40, 1 << 20);
    image.put64(24, u64::from(entries) << 15);
    let tables = (0..u64::from(entries))
        .rev()
        .map(|index| (40 << 20) + (index << 9));
    image.0.extend(tables.flat_map(u64::to_be_bytes));
    refused(&case, "tables nowhere", &image.0, "an L2 table at byte");
    // A table that maps all it can to clusters that never come.
    let mut image = Edited(workshop.convert("-o cluster_size=2M"));
    let table = image.l2(image.l1_entries()[0]);
    image.put64(24, 1 << 39);
    for entry in 0..1 << 18 {
        image.put64(table + 8 * entry, (1 << 50) - ((entry as u64) << 22));
    }
    refused(
        &case,
        "clusters nowhere",
        &image.0,
        "a cluster at byte 1125899906842624 goes beyond",
    );
}

#[test]
fn what_does_not_matter_may_be_nonsense() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let mut image = Edited(workshop.convert(PLAIN));
    for at in [48, 56, 60, 64, 80, 88, 96] {
        image.put32(at, 0xdead_beef);
    }
    super::both_become(
        &image.0,
        &super::content(),
        "counts, snapshots, features that may be ignored",
    );
}
