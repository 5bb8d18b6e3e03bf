//! Archives of trees: read by our own reader, unpacked by ours and by GNU tar.

use crate::stream::Cancel;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::tar::Reader;
use crate::tree::tests::{Scratch, append, fill, open, seen};
use crate::tree::{Working, extract};

fn packed_with(top: &Path, tick: &mut dyn FnMut()) -> Result<(Vec<u8>, Packed), Error> {
    let mut archive = Writer::new(Vec::new());
    let mut how = Working {
        cancel: &Cancel::new().unwrap(),
        selinux: false,
        to_disk: false,
        filler: None,
        tick,
    };
    let packed = pack(open(top).as_fd(), &mut archive, None, &mut how)?;
    Ok((archive.finish().unwrap(), packed))
}

fn packed(top: &Path) -> (Vec<u8>, Packed) {
    packed_with(top, &mut || ()).unwrap()
}

fn entries(archive: &[u8]) -> Vec<Entry> {
    let mut reader = Reader::new(archive);
    std::iter::from_fn(|| reader.next_entry().unwrap()).collect()
}

/// What is to come out of an archive.
fn without_sockets(top: &Path) -> std::collections::BTreeMap<std::path::PathBuf, String> {
    let mut seen = seen(top);
    seen.remove(Path::new("a/socket"));
    seen
}

#[test]
fn an_archive_begins_with_its_top_and_has_all_else_in_order() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    fs::create_dir(top.join("b")).unwrap();
    fs::create_dir(top.join("b.d")).unwrap();
    for name in ["b/z", "b/y", "b.d/x", "a", "b-"] {
        fs::write(top.join(name), name).unwrap();
    }
    fs::hard_link(top.join("b/y"), top.join("c")).unwrap();
    let (archive, packed) = packed(&top);
    let entries = entries(&archive);
    let paths: Vec<_> = entries
        .iter()
        .map(|entry| String::from_utf8_lossy(&entry.path))
        .collect();
    assert_eq!(
        paths,
        [
            ".", "./a", "./b", "./b/y", "./b/z", "./b-", "./b.d", "./b.d/x", "./c"
        ]
    );
    let link = Kind::HardLink {
        target: b"./b/y".to_vec(),
    };
    assert_eq!(entries[8].kind, link);
    assert_eq!(
        (entries[8].mode, entries[8].modified),
        (entries[3].mode, entries[3].modified)
    );
    assert_eq!((packed.entries, packed.bytes), (9, 14));
}

#[test]
fn what_is_unpacked_is_what_was_packed_and_packs_to_the_same_bytes() {
    let scratch = Scratch::new();
    let (top, again) = (scratch.directory("top"), scratch.directory("again"));
    fill(&top);
    let (archive, told) = packed(&top);
    assert_eq!((told.sockets, told.mounts), (1, 0));
    assert!(archive == packed(&top).0);
    let mut how = Working {
        cancel: &Cancel::new().unwrap(),
        selinux: false,
        to_disk: false,
        filler: None,
        tick: &mut || (),
    };
    let mut reader = Reader::new(&archive[..]);
    let extracted = extract(&mut reader, open(&again).as_fd(), &mut how).unwrap();
    assert_eq!(extracted.refused, crate::tree::Refused::default());
    assert_eq!(extracted.entries, told.entries);
    for (path, line) in without_sockets(&top) {
        assert_eq!(seen(&again).get(&path), Some(&line), "{}", path.display());
    }
    assert!(archive == packed(&again).0);
}

#[test]
fn gnu_tar_unpacks_the_same_tree() {
    let scratch = Scratch::new();
    let (top, again) = (scratch.directory("top"), scratch.directory("again"));
    fill(&top);
    let file = scratch.directory("file").join("archive.tar");
    fs::write(&file, packed(&top).0).unwrap();
    let options = [
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
        "--numeric-owner",
        "-xpSf",
    ];
    let Ok(output) = Command::new("tar")
        .args(options)
        .arg(&file)
        .arg("-C")
        .arg(&again)
        .output()
    else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    for (path, line) in without_sockets(&top) {
        assert_eq!(seen(&again).get(&path), Some(&line), "{}", path.display());
    }
}

#[test]
fn records_are_not_given_away() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    fill(&top);
    let entries = entries(&packed(&top).0);
    let names = entries
        .iter()
        .flat_map(|entry| &entry.xattrs)
        .map(|xattr| &xattr.name[..]);
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.contains(&&b"user.note"[..]));
    assert!(
        !names
            .iter()
            .any(|name| crate::terms::is_record_attribute(name) || name.starts_with(b"system."))
    );
}

#[test]
fn holes_are_left_out_and_a_file_without_holes_has_no_map() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    fill(&top);
    let (archive, packed) = packed(&top);
    assert!(packed.bytes < 1 << 20);
    for entry in entries(&archive) {
        if let Kind::File { extents, .. } = entry.kind {
            let sparse = [&b"./sparse"[..], b"./hole"].contains(&&entry.path[..]);
            assert_eq!(extents.is_some(), sparse, "{}", entry.path.escape_ascii());
        }
    }
}

#[test]
fn a_file_that_shrinks_or_grows_meanwhile_is_an_error_that_names_it() {
    for size in [0, 100, (1 << 20) + 1] {
        let scratch = Scratch::new();
        let top = scratch.directory("top");
        let log = top.join("log");
        fs::write(&log, vec![7; 1 << 20]).unwrap();
        let mut ticks = 0;
        let result = packed_with(&top, &mut || {
            ticks += 1;
            if ticks == 3 {
                fs::File::options()
                    .write(true)
                    .open(&log)
                    .unwrap()
                    .set_len(size)
                    .unwrap();
            }
        });
        let error = result.unwrap_err();
        assert!(
            matches!(&error, Error::Changed { path } if path == "log"),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_another_or_gone_before_it_is_read_is_an_error_that_names_it() {
    for link in [None, Some("/proc/self/status"), Some("secret")] {
        let scratch = Scratch::new();
        let top = scratch.directory("top");
        for name in ["file", "secret"] {
            fs::write(top.join(name), name).unwrap();
        }
        let mut ticks = 0;
        let result = packed_with(&top, &mut || {
            ticks += 1;
            if ticks == 2 {
                fs::remove_file(top.join("file")).unwrap();
                if let Some(link) = link {
                    std::os::unix::fs::symlink(link, top.join("file")).unwrap();
                }
            }
        });
        let error = result.unwrap_err();
        assert!(
            matches!(&error, Error::Read { path, .. } if path == "file"),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_archived_is_named() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    let mut how = Working {
        cancel: &Cancel::new().unwrap(),
        selinux: false,
        to_disk: false,
        filler: None,
        tick: &mut || (),
    };
    let error = pack(open(&top).as_fd(), &mut Writer::new(Full), None, &mut how).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("failed to write `.` to the archive: "),
        "{error}"
    );
}

#[test]
fn a_cancel_is_seen_within_a_file() {
    let scratch = Scratch::new();
    let top = scratch.directory("top");
    append(&top.join("big"), &vec![1; 4 << 20]);
    let cancel = Cancel::new().unwrap();
    let mut ticks = 0;
    let mut how = Working {
        cancel: &cancel,
        selinux: false,
        to_disk: false,
        filler: None,
        tick: &mut || {
            ticks += 1;
            if ticks == 5 {
                cancel.cancel();
            }
        },
    };
    let result = pack(
        open(&top).as_fd(),
        &mut Writer::new(io::sink()),
        None,
        &mut how,
    );
    assert!(matches!(result, Err(Error::Cancelled(_))));
    assert_eq!(ticks, 5);
}
