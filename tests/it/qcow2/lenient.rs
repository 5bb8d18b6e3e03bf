//! Images that say what none should and that qemu-img reads all the same: they become what it makes of them.

use super::images::{DEFLATE, Edited, OFFSET, OLD, PACKED, PARTS, PLAIN, Workshop, ZERO, ZSTD};
use super::images::{both_become, content, stored_cluster};
use crate::kit::pack;

/// What an image says, what it is made of, and what is done to it.
type Row = (&'static str, &'static str, fn(&mut Edited));

const HEADERS: &[Row] = &[
    ("a backing file without a name", PLAIN, |it| {
        it.put64(8, 600)
    }),
    ("the same in version 2", OLD, |it| it.put64(8, 600)),
    ("a name without a place", PLAIN, |it| it.put32(16, 5)),
];

/// Fills the only table from the disk's end on.
fn map_behind(it: &mut Edited, entry: u64) {
    let clusters = it.be64(24).div_ceil(it.cluster() as u64) as usize;
    let end = it.l2(it.l1()) + it.cluster();
    for at in (it.l2_entries()[clusters]..end).step_by(8) {
        it.put64(at, entry);
    }
}

const BEHIND: &[Row] = &[
    ("the first cluster again", PLAIN, |it| {
        map_behind(it, it.be64(it.first_entry(false)))
    }),
    ("a packed cluster again", DEFLATE, |it| {
        map_behind(it, it.be64(it.first_entry(true)))
    }),
    ("clusters that are not in the file", PLAIN, |it| {
        map_behind(it, 1 << 50)
    }),
    ("packed ones", ZSTD, |it| map_behind(it, PACKED | 1 << 50)),
    ("clusters over the header", PLAIN, |it| map_behind(it, 512)),
    ("clusters over L1", PLAIN, |it| {
        map_behind(it, it.l1() as u64)
    }),
    ("clusters over L2", PLAIN, |it| {
        map_behind(it, it.l2(it.l1()) as u64)
    }),
    ("all bits", PLAIN, |it| map_behind(it, u64::MAX)),
    ("all bits of parts", PARTS, |it| map_behind(it, u64::MAX)),
    ("zeros of version 2", OLD, |it| map_behind(it, 1)),
];

/// Turns all bits over that mean nothing in the entries at these places.
fn set_idle(it: &mut Edited, entries: Vec<usize>, used: u64) {
    for at in entries {
        it.put64(at, it.be64(at) ^ !(OFFSET | used));
    }
}

const IDLE: &[Row] = &[
    ("bits of L1", PLAIN, |it| set_idle(it, it.l1_entries(), 0)),
    ("bits of L2", PLAIN, |it| {
        set_idle(it, it.l2_entries(), PACKED | ZERO)
    }),
    ("bits of L2 in version 2", OLD, |it| {
        set_idle(it, it.l2_entries(), PACKED | ZERO)
    }),
    ("bits of L2 with parts", PARTS, |it| {
        set_idle(it, it.l2_entries(), PACKED)
    }),
    ("parts of a packed cluster", "-c -o extended_l2=on", |it| {
        it.put64(it.first_entry(true) + 8, u64::MAX)
    }),
];

/// Bytes packed with deflate, by gzip between a header and a trailer.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let packed = pack("x.gz", bytes);
    packed[10..packed.len() - 8].to_vec()
}

const PACKED_DATA: &[Row] = &[
    ("more than a cluster", DEFLATE, |it| {
        it.repack(&deflate(&content()[..70_000]))
    }),
    ("more than a cluster, cut", DEFLATE, |it| {
        let packed = deflate(&content()[200 << 10..300 << 10]);
        it.repack(&packed[..packed.len() - 600])
    }),
    ("a bomb of deflate", DEFLATE, |it| {
        it.repack(&deflate(&vec![0; 8 << 20]))
    }),
    ("data that are shorter plain", DEFLATE, |it| {
        it.repack(&[stored_cluster(), b"\x03\0".to_vec()].concat())
    }),
    // As many blocks of nothing as make it end with a sector.
    ("no mark of the end", DEFLATE, |it| {
        it.repack(&[b"\0\0\0\xff\xff".repeat(510), stored_cluster()].concat())
    }),
    ("nonsense behind a byte more", DEFLATE, |it| {
        it.repack(&[&stored_cluster()[..], b"\0\x01\0\xfe\xffx\xff\xff"].concat())
    }),
];

#[test]
fn what_qemu_img_reads_all_the_same_is_read_as_it_does() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    for (what, options, change) in [HEADERS, BEHIND, IDLE, PACKED_DATA].into_iter().flatten() {
        let mut image = Edited(workshop.convert(options));
        change(&mut image);
        let raw = workshop.expected(&image.0);
        both_become(&image.0, &raw, what);
    }
}
