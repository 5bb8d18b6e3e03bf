//! Attributes that forge, that give rights, or that are garbage.
#![allow(clippy::too_many_lines)] // tables are as long as they are

use super::Outcome::{self, Makes, Refused, Warns};
use super::Row;
use super::archive::{Header, global, members, pax, whole};

/// A file with one record.
fn file(keyword: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    whole(&[pax(&[(keyword, value)]), members("f a")])
}

/// A capability to do anything with the network, version 2, as setcap(8) writes it.
const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x30\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// What says where an image came from and how far it was verified, which only the program itself may say.
const RECORDS: [&str; 6] = [
    "user.importd.trust",
    "user.importd.key",
    "user.importd.anything",
    "user.source_url",
    "user.source_etag",
    "user.source_anything",
];

fn forged() -> Vec<Row> {
    let mut rows = Vec::new();
    for record in RECORDS {
        let keyword = format!("SCHILY.xattr.{record}");
        let libarchive = format!("LIBARCHIVE.xattr.{record}");
        let escaped = format!(
            "LIBARCHIVE.xattr.%{:02X}{}",
            record.as_bytes()[0],
            &record[1..]
        );
        let value = [(keyword.as_str(), "signature")];
        for (place, archive, made) in [
            (
                "at the top",
                whole(&[pax(&value), members("d ."), members("f a")]),
                "f0644 a",
            ),
            (
                "on a file",
                whole(&[pax(&value), members("f a")]),
                "f0644 a",
            ),
            (
                "on a directory",
                whole(&[pax(&value), members("d d")]),
                "d0755 d",
            ),
            (
                "on all",
                whole(&[global(&value), members("d .; d d; f d/a")]),
                "d0755 d, f0644 d/a",
            ),
            (
                "on what moves up",
                whole(&[pax(&value), members("d os; f os/etc/os-release")]),
                "d0755 etc, f0644 etc/os-release=os/etc/os-release",
            ),
            (
                "by libarchive",
                file(&libarchive, "c2lnbmF0dXJl"),
                "f0644 a",
            ),
            (
                "by libarchive, escaped",
                file(&escaped, "c2lnbmF0dXJl"),
                "f0644 a",
            ),
        ] {
            rows.push((format!("{record} {place}"), archive, Makes(made)));
        }
    }
    rows
}

fn others() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let (ignored, refused) = (Makes("f0644 a"), Warns("f0644 a"));
    let large = vec![b'v'; 65_536];
    vec![
        (
            "a plain one",
            file("SCHILY.xattr.user.mine", "v"),
            Makes("f0644 a +user.mine"),
        ),
        (
            "not quite a record",
            file("SCHILY.xattr.user.Importd.trust", "v"),
            Makes("f0644 a +user.Importd.trust"),
        ),
        (
            "a capability",
            file("SCHILY.xattr.security.capability", CAPABILITY),
            Makes("f0644 a +security.capability"),
        ),
        (
            "a capability of garbage",
            file("SCHILY.xattr.security.capability", "garbage"),
            refused,
        ),
        (
            "a trusted one",
            file("SCHILY.xattr.trusted.overlay.opaque", "y"),
            Makes("f0644 a +trusted.overlay.opaque"),
        ),
        (
            "a name space that is none",
            file("SCHILY.xattr.nobody.knows", "v"),
            refused,
        ),
        ("no name space", file("SCHILY.xattr.garbage", "v"), refused),
        (
            "a name of 300 bytes",
            file(&format!("SCHILY.xattr.user.{}", "n".repeat(300)), "v"),
            refused,
        ),
        (
            "no name at all",
            file("SCHILY.xattr.", "v"),
            Refused("is empty"),
        ),
        (
            "a value of 64 KiB and a byte",
            file("SCHILY.xattr.user.large", [&large[..], b"v"].concat()),
            refused,
        ),
        (
            "what is not base64",
            file("LIBARCHIVE.xattr.user.a", "***"),
            Refused("is not base64"),
        ),
        (
            "a label",
            file("RHT.security.selinux", "system_u:object_r:shadow_t:s0"),
            ignored,
        ),
        (
            "an ACL of garbage",
            file("SCHILY.acl.access", "garbage"),
            refused,
        ),
        (
            "an ACL of nobody",
            file(
                "SCHILY.acl.access",
                "user::rw-,user:nobody-knows:rwx,group::r--,mask::rwx,other::---",
            ),
            Warns("f0670 a +system.posix_acl_access"),
        ),
        (
            "an ACL without an owner",
            file("SCHILY.acl.access", "group::r--"),
            refused,
        ),
        (
            "an ACL as the kernel has it",
            file("SCHILY.xattr.system.posix_acl_access", "garbage"),
            ignored,
        ),
        (
            "an ACL that a file has not",
            file("SCHILY.acl.default", "user::rwx,group::rwx,other::rwx"),
            ignored,
        ),
        (
            "an attribute of a link",
            whole(&[
                pax(&[("SCHILY.xattr.user.a", "v")]),
                members("l l /outside/victim"),
            ]),
            Warns("l l /outside/victim"),
        ),
        (
            "an attribute of a device",
            whole(&[pax(&[("SCHILY.xattr.user.a", "v")]), members("c c")]),
            Warns("c0644 c 1:3"),
        ),
        (
            "an attribute of a hard link",
            whole(&[
                members("f a"),
                pax(&[("SCHILY.xattr.user.a", "v")]),
                members("h b a"),
            ]),
            Makes("f0644 a *2, f0644 b=a *2"),
        ),
        (
            "an attribute of a link's target",
            whole(&[
                members("l l /outside/dir"),
                pax(&[("SCHILY.xattr.user.a", "v")]),
                members("d l"),
            ]),
            Makes("d0755 l +user.a"),
        ),
        (
            "set-id files",
            whole(&[members("f4755 a; f2755 b; f6777 c; d7777 d; p6644 p")]),
            Makes("f4755 a, f2755 b, f6777 c, d7777 d, p6644 p"),
        ),
        (
            "set-id files of others",
            whole(&[pax(&[("uid", "1000"), ("gid", "1000")]), members("f6755 a")]),
            Makes("f6755 a"),
        ),
        (
            "devices",
            whole(&[
                members("c a; b b"),
                Header::new("m", b'3').device(1, 1).mode(0o666).block(),
            ]),
            Makes("c0644 a 1:3, b0644 b 1:3, c0666 m 1:1"),
        ),
        (
            "a whiteout",
            whole(&[Header::new("w", b'3').block()]),
            Makes("c0644 w"),
        ),
    ]
}

pub fn rows() -> Vec<Row> {
    let row = |(name, archive, outcome): (&str, _, _)| (name.to_owned(), archive, outcome);
    let mut rows = forged();
    rows.extend(others().into_iter().map(row));
    rows
}
