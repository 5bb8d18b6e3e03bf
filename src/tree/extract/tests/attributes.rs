//! Owners, permissions, times, attributes and ACLs, as root and as somebody else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Gid, Uid, XattrFlags, lgetxattr, setxattr};
use rustix::process::geteuid;
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::kit::{Case, TIME, directory, file, member};
use crate::format::tar::{Device, Entry, Kind, Timestamp, Xattr};
use crate::tree::{Error, acl_to_text};

const CAPABILITY: &[u8] = &[1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn xattr(name: &str, value: &[u8]) -> Xattr {
    Xattr {
        name: name.into(),
        value: value.into(),
    }
}

fn of(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let length = lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

fn with(mut entry: Entry, change: impl FnOnce(&mut Entry)) -> Entry {
    change(&mut entry);
    entry
}

fn link(path: &str, target: &str) -> Entry {
    let target = target.into();
    member(path, Kind::Symlink { target })
}

#[test]
fn permissions_hold_whatever_the_mask_and_the_order() {
    let case = Case::new();
    case.extract("d1777 t; f6755 t/s; f0000 n; f0666 w; d0555 r; f r/x; d2775 g; p0777 p; d0511 z")
        .unwrap();
    assert_eq!(
        case.listing(),
        "d2775 g, f0000 n, p0777 p, d0555 r, f0644 r/x, d1777 t, f6755 t/s, f0666 w, d0511 z"
    );
}

#[test]
fn times_are_kept_to_the_nanosecond_of_everything_and_of_directories_at_the_end() {
    let case = Case::new();
    let negative = Timestamp {
        seconds: -1,
        nanoseconds: 999_999_999,
    };
    let early = with(file("d/early", 0), |entry| entry.modified = negative);
    let nodes = [
        directory("."),
        directory("d"),
        early,
        link("d/l", "x"),
        member("d/p", Kind::Fifo),
    ];
    case.run(&nodes.map(|entry| (entry, &b""[..]))).unwrap();
    let time = |path: &str| {
        let data = fs::symlink_metadata(case.top().join(path)).unwrap();
        (data.mtime(), data.mtime_nsec())
    };
    for path in ["", "d", "d/l", "d/p"] {
        assert_eq!(
            time(path),
            (TIME.seconds, TIME.nanoseconds.into()),
            "{path}"
        );
    }
    assert_eq!(time("d/early"), (-1, 999_999_999));
}

#[test]
fn records_of_ours_are_never_taken_from_an_archive() {
    let case = Case::new();
    let forged = |entry: Entry| {
        with(entry, |entry| {
            entry.xattrs = vec![
                xattr("user.source_url", b"https://example.org/"),
                xattr("user.importd.trust", b"1 pinned"),
                xattr("user.kept", b"yes"),
                xattr("security.selinux", b"a:b:c:s0"),
            ]
        })
    };
    let members = [
        forged(directory(".")),
        forged(directory("d")),
        forged(file("f", 0)),
    ];
    let done = case.run(&members.map(|entry| (entry, &b""[..]))).unwrap();
    assert_eq!(done.refused.first, None);
    for path in ["", "d", "f"] {
        let path = case.top().join(path);
        assert_eq!(of(&path, "user.kept").unwrap(), b"yes");
        for name in ["user.source_url", "user.importd.trust", "security.selinux"] {
            assert_eq!(of(&path, name), None, "{name}");
        }
    }
}

#[test]
fn a_directory_that_comes_twice_keeps_the_attributes_that_are_not_said_again() {
    let case = Case::new();
    let said = |attributes: &[(&str, &[u8])]| {
        let attributes = attributes.iter();
        with(directory("d"), |entry| {
            entry.xattrs = attributes.map(|(name, value)| xattr(name, value)).collect();
        })
    };
    let members = [
        said(&[("user.one", b"1"), ("user.two", b"1")]),
        said(&[("user.two", b"2"), ("user.three", b"2")]),
        said(&[]),
    ];
    case.run(&members.map(|entry| (entry, &b""[..]))).unwrap();
    let value = |name| of(&case.top().join("d"), name);
    for (name, expected) in [("user.one", b"1"), ("user.two", b"2"), ("user.three", b"2")] {
        assert_eq!(value(name).unwrap(), expected, "{name}");
    }
}

#[test]
fn lists_of_access_come_from_their_text_and_outlast_the_mode() {
    const ACCESS: &str = "user::rw-,user:1000:rwx,group::r--,mask::rwx,other::---";
    const DEFAULT: &str = "user::rwx,group::r-x,group:5:rwx,mask::rwx,other::---";
    let case = Case::new();
    let listed = |entry: Entry| {
        with(entry, |entry| {
            entry.mode = 0o670;
            entry.access_acl = Some(ACCESS.into());
            entry.default_acl = Some(DEFAULT.into());
        })
    };
    let named = with(file("named", 0), |entry| {
        entry.access_acl =
            Some(b"user::rw-\nuser:lisa:r--\ngroup::r--\nmask::rw-\nother::---".into());
    });
    let members = [
        listed(directory("d")),
        file("d/plain", 0),
        listed(file("f", 0)),
        listed(link("l", "x")),
        named,
    ];
    let done = case.run(&members.map(|entry| (entry, &b""[..]))).unwrap();
    let text = |path: &str, name: &str| {
        let value = of(&case.top().join(path), name)?;
        Some(String::from_utf8(acl_to_text(&value).unwrap()).unwrap())
    };
    for path in ["d", "f"] {
        assert_eq!(text(path, "system.posix_acl_access").unwrap(), ACCESS);
    }
    assert_eq!(text("d", "system.posix_acl_default").unwrap(), DEFAULT);
    assert_eq!(text("d/plain", "system.posix_acl_access"), None);
    assert_eq!(
        text("named", "system.posix_acl_access").unwrap(),
        "user::rw-,group::r--,mask::rw-,other::---"
    );
    assert_eq!(done.refused.count, 1);
    assert_eq!(
        done.refused.first.unwrap(),
        "`named`: system.posix_acl_access: it names somebody without a number"
    );
}

#[test]
fn lists_that_the_top_inherited_are_no_part_of_the_tree() {
    let case = Case::new();
    let value = crate::tree::acl_from_text(b"u::7,u:1000:7,g::7,m::7,o::7")
        .unwrap()
        .0;
    let names = ["system.posix_acl_access", "system.posix_acl_default"];
    for name in names {
        setxattr(case.top(), name, &value, XattrFlags::empty()).unwrap();
    }
    case.extract("f0600 a; f d/b").unwrap();
    assert_eq!(case.listing(), "f0600 a, d0755 d, f0644 d/b");
    for name in names {
        assert_eq!(of(&case.top(), name), None);
        assert_eq!(of(&case.top().join("a"), name), None);
    }
}

#[test]
fn attributes_that_no_file_system_takes_are_counted_and_the_first_is_told() {
    let case = Case::new();
    let odd = with(file("odd", 0), |entry| {
        entry.xattrs = vec![
            xattr("nobody.knows", b"x"),
            xattr("user.huge", &[b'x'; 100_000]),
            xattr(&format!("user.{}", "x".repeat(300)), b"x"),
            xattr("user.fine", b"x"),
        ];
    });
    let done = case.run(&[(odd, b"")]).unwrap();
    assert_eq!(done.refused.count, 3);
    assert!(
        done.refused
            .first
            .unwrap()
            .starts_with("`odd`: nobody.knows: ")
    );
    assert_eq!(of(&case.top().join("odd"), "user.fine").unwrap(), b"x");
}

#[test]
fn root_gives_away_owners_keeps_set_id_bits_capabilities_and_makes_devices() {
    if !geteuid().is_root() {
        return;
    }
    let case = Case::new();
    let owned = |entry: Entry| with(entry, |entry| (entry.uid, entry.gid) = (1234, 56_789));
    let device = Kind::Character(Device { major: 1, minor: 3 });
    let block = Kind::Block(Device {
        major: 4095,
        minor: 0xf_ffff,
    });
    let program = with(owned(file("d/program", 0)), |entry| {
        entry.mode = 0o6755;
        entry.xattrs = vec![
            xattr("security.capability", CAPABILITY),
            xattr("trusted.x", b"y"),
        ];
    });
    let labelled = with(owned(link("d/l", "x")), |entry| {
        entry.xattrs = vec![xattr("trusted.x", b"y")]
    });
    let members = [
        owned(directory(".")),
        with(owned(directory("d")), |entry| entry.mode = 0o2711),
        program,
        labelled,
        with(owned(member("d/null", device)), |entry| entry.mode = 0o666),
        owned(member("d/block", block)),
        owned(member("d/p", Kind::Fifo)),
    ];
    let done = case.run(&members.map(|entry| (entry, &b""[..]))).unwrap();
    assert_eq!(done.refused.first, None);
    assert_eq!(
        case.listing(),
        "d2711 d, b0644 d/block, l d/l x, c0666 d/null, p0644 d/p, f6755 d/program"
    );
    for path in ["", "d", "d/block", "d/l", "d/null", "d/p", "d/program"] {
        let data = fs::symlink_metadata(case.top().join(path)).unwrap();
        assert_eq!((data.uid(), data.gid()), (1234, 56_789), "{path}");
    }
    let path = |name: &str| case.top().join("d").join(name);
    assert_eq!(
        of(&path("program"), "security.capability").unwrap(),
        CAPABILITY
    );
    assert_eq!(of(&path("program"), "trusted.x").unwrap(), b"y");
    assert_eq!(of(&path("l"), "trusted.x").unwrap(), b"y");
    let number = |name: &str| {
        let number = path(name).symlink_metadata().unwrap().rdev();
        (rustix::fs::major(number), rustix::fs::minor(number))
    };
    assert_eq!(number("null"), (1, 3));
    assert_eq!(number("block"), (4095, 0xf_ffff));
}

#[test]
fn device_numbers_that_linux_has_no_room_for_are_not_cut_down_to_others() {
    for (major, minor) in [(4096, 3), (1, 1 << 20), (u32::MAX, u32::MAX)] {
        let device = member("x", Kind::Block(Device { major, minor }));
        let done = Case::new().run(&[(device, b"")]);
        assert!(matches!(done, Err(Error::DeviceNumber { .. })));
    }
}

/// Runs as an ordinary user, in a thread that is nobody else's.
fn as_nobody(test: impl FnOnce() + Send) {
    let test = || {
        if geteuid().is_root() {
            let (uid, gid) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
            set_thread_groups(&[]).unwrap();
            set_thread_res_gid(gid, gid, gid).unwrap();
            set_thread_res_uid(uid, uid, uid).unwrap();
        }
        test();
    };
    std::thread::scope(|scope| scope.spawn(test).join().unwrap());
}

#[test]
fn an_ordinary_user_gets_the_tree_and_a_count_of_what_may_not_be() {
    as_nobody(|| {
        let case = Case::new();
        let foreign = with(file("d/f", 3), |entry| {
            (entry.uid, entry.gid, entry.mode) = (0, 0, 0o4755);
            entry.xattrs = vec![
                xattr("trusted.x", b"y"),
                xattr("security.capability", CAPABILITY),
            ];
        });
        let locked = with(file("d/locked", 0), |entry| {
            entry.mode = 0o444;
            entry.xattrs = vec![xattr("user.x", b"y")];
        });
        let nobody = with(file("d/nobody", 0), |entry| entry.uid = u32::MAX);
        let closed = with(directory("d"), |entry| entry.mode = 0o500);
        let done = case.run(&[
            (closed, b""),
            (foreign, b"abc"),
            (locked, b""),
            (nobody, b""),
        ]);
        let refused = done.unwrap().refused;
        assert_eq!(refused.count, 4);
        assert!(refused.first.unwrap().starts_with("`d/f`: owner: "));
        // Not set-id: it would be another's.
        assert_eq!(
            case.listing(),
            "d0500 d, f0755 d/f, f0444 d/locked, f0644 d/nobody"
        );
        assert_eq!(of(&case.top().join("d/locked"), "user.x").unwrap(), b"y");
        fs::set_permissions(case.top().join("d"), fs::Permissions::from_mode(0o700)).unwrap();
    });
}

#[test]
fn an_ordinary_user_is_told_which_device_may_not_be() {
    as_nobody(|| {
        let device = member("null", Kind::Character(Device { major: 1, minor: 3 }));
        let error = Case::new().run(&[(device, b"")]).unwrap_err();
        assert!(error.to_string().contains("device `null`"), "{error}");
    });
}

#[test]
fn an_ordinary_user_is_kept_inside_too() {
    as_nobody(|| {
        let case = Case::new();
        case.extract("d0500 a; d0500 a/b; f0400 a/b/x; l l a; f l/b/y")
            .unwrap();
        assert!(case.extract("l a @; f a/victim").is_err());
        for path in ["a", "a/b"] {
            fs::set_permissions(case.top().join(path), fs::Permissions::from_mode(0o700)).unwrap();
        }
    });
}
