//! Archives as lists of members, friendly and hostile, and a watch on everything beside the tree.

mod attributes;
mod hostile;
mod kit;
mod replacing;

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use self::kit::{Case, directory, file, member, parse};
use super::extract;
use crate::format::tar::{Extent, Kind, Reader, Writer};
use crate::stream::Cancel;
use crate::tree::Error;
use crate::tree::Working;

#[test]
fn a_tree_is_made_of_every_kind_of_member() {
    let case = Case::new();
    let done = case.extract(
        "d0711 .; d0750 etc; f0640 ./etc/x; l etc/y x; h etc/z etc/x; h etc/w etc/y; p0620 etc/p",
    );
    assert_eq!(done.unwrap().entries, 7);
    assert_eq!(
        case.listing(),
        "d0750 etc, p0620 etc/p, l etc/w x *2, f0640 etc/x *2, l etc/y x *2, f0640 etc/z *2"
    );
    assert_eq!(case.top().metadata().unwrap().mode() & 0o7777, 0o711);
}

#[test]
fn names_may_be_absolute_or_doubly_slashed_and_imply_their_parents() {
    let case = Case::new();
    case.extract("f ./a//b/./c; f /d/e; d0700 a").unwrap();
    assert_eq!(
        case.listing(),
        "d0700 a, d0755 a/b, f0644 a/b/c, d0755 d, f0644 d/e"
    );
}

#[test]
fn a_relative_link_that_stays_in_the_tree_is_followed() {
    let case = Case::new();
    case.extract(
        "d usr/lib; l lib usr/lib; f lib/a; d0711 lib/s; f lib/s/b; f lib/t/c; l usr/up ../lib/s/../t/./; \
         f usr/up/d; h usr/up/e lib/a; l lib/here .; f lib/here/here/f",
    )
    .unwrap();
    assert_eq!(
        case.listing(),
        "l lib usr/lib, d0755 usr, d0755 usr/lib, f0644 usr/lib/a *2, f0644 usr/lib/f, l usr/lib/here ., \
         d0711 usr/lib/s, f0644 usr/lib/s/b, d0755 usr/lib/t, f0644 usr/lib/t/c, f0644 usr/lib/t/d, \
         f0644 usr/lib/t/e *2, l usr/up ../lib/s/../t/./"
    );
}

#[test]
fn contents_are_written_whole_and_holes_stay_holes() {
    let case = Case::new();
    let big: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    let stored = [b"begin".to_vec(), vec![7; 4096]].concat();
    let kind = Kind::File {
        size: 9 << 20,
        extents: Some(vec![
            Extent {
                offset: 0,
                length: 5,
            },
            Extent {
                offset: 1 << 20,
                length: 4096,
            },
            Extent {
                offset: 9 << 20,
                length: 0,
            },
        ]),
    };
    let done = case.run(&[
        (file("big", big.len() as u64), &big),
        (member("sparse", kind), &stored),
        (file("empty", 0), b""),
    ]);
    assert_eq!(done.unwrap().bytes, (big.len() + stored.len()) as u64);
    assert!(std::fs::read(case.top().join("big")).unwrap() == big);
    let sparse = std::fs::read(case.top().join("sparse")).unwrap();
    assert_eq!(sparse.len(), 9 << 20);
    assert!(sparse.starts_with(b"begin\0") && sparse[1 << 20..].starts_with(&[7; 4096]));
    assert_eq!(
        sparse.iter().filter(|byte| **byte == 0).count(),
        (9 << 20) - 5 - 4096
    );
    let metadata = case.top().join("sparse").metadata().unwrap();
    assert!(metadata.blocks() * 512 <= 64 << 10);
}

#[test]
fn data_that_end_early_or_belong_nowhere_are_the_archives_fault() {
    let case = Case::new();
    let done = case.run(&[(file("a", 10), b"short")]);
    assert!(matches!(done, Err(Error::Archive { .. })));
    for (offset, length) in [(u64::MAX, 2), (8, 3), (1, u64::MAX)] {
        let extents = Some(vec![Extent { offset, length }]);
        let kind = Kind::File { size: 10, extents };
        let done = case.run(&[(member("a", kind), b"12345")]);
        assert!(matches!(done, Err(Error::Archive { .. })));
    }
}

#[test]
fn a_cancelled_extraction_says_so() {
    let case = Case::new();
    let cancel = Cancel::new().unwrap();
    let (mut ticks, stop) = (0, cancel.clone());
    let mut tick = || {
        ticks += 1;
        if ticks == 4 {
            stop.cancel();
        }
    };
    let mut how = Working {
        cancel: &cancel,
        selinux: false,
        to_disk: true,
        filler: Some("filler"),
        tick: &mut tick,
    };
    let big = vec![1; 3 << 20];
    let done = case.run_with(
        &[(directory("d"), b""), (file("big", 3 << 20), &big)],
        &mut how,
    );
    assert!(matches!(done, Err(Error::Cancelled(_))), "{done:?}");
    let length = case.top().join("big").metadata().unwrap().len();
    assert!(length < 1 << 20, "{length}");
}

#[test]
fn an_archive_is_read_to_its_end() {
    let mut writer = Writer::new(Vec::new());
    writer.append(&directory(".")).unwrap();
    writer.append(&file("a/f", 3)).unwrap();
    writer.write_all(b"abc").unwrap();
    writer.append(&parse("h a/h a/f")[0]).unwrap();
    let archive = writer.finish().unwrap();
    let case = Case::new();
    let top = std::fs::File::open(case.top()).unwrap();
    let mut how = Working {
        cancel: &Cancel::new().unwrap(),
        selinux: false,
        to_disk: true,
        filler: Some("filler"),
        tick: &mut || {},
    };
    let done = extract(&mut Reader::new(&archive[..]), top.as_fd(), &mut how).unwrap();
    assert_eq!((done.entries, done.bytes), (3, 3));
    assert_eq!(case.listing(), "d0755 a, f0644 a/f *2, f0644 a/h *2");
    let cut = &archive[..archive.len() - 3 * 512];
    let done = extract(&mut Reader::new(cut), top.as_fd(), &mut how);
    assert!(matches!(done, Err(Error::Archive { .. })), "{done:?}");
}

#[test]
fn errors_name_the_member_in_harmless_letters() {
    let case = Case::new();
    let error = case.run(&[(file("a\x1b/../b", 0), b"")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a\\x1b/../b` is no name for a member of an archive: `..` leads out of where it stands"
    );
}
