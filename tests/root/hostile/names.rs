//! Names that lead outside, that are too long or too deep, or that a terminal would obey, in every dialect.
#![allow(clippy::too_many_lines)] // tables are as long as they are

use super::Outcome::{Makes, Refused};
use super::Row;
use super::archive::{Header, global, long, members, pax, whole};

/// A member of that name in each way in which it can be said. The header itself may say something harmless.
fn said(name: &str) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let plain = || members("f harmless");
    let mut ways = vec![
        ("GNU tar's L", vec![long(b'L', name), plain()]),
        ("pax path", vec![pax(&[("path", name)]), plain()]),
        ("pax path for all", vec![global(&[("path", name)]), plain()]),
        (
            "a file with holes",
            vec![
                pax(&[
                    ("GNU.sparse.name", name),
                    ("GNU.sparse.size", "8"),
                    ("GNU.sparse.map", "0,8"),
                ]),
                Header::new("f", b'0').data(b"harmless"),
            ],
        ),
    ];
    if name.len() <= 100 {
        let header = Header::new(name, b'0').data(b"harmless");
        ways.push(("ustar", vec![header.clone()]));
    }
    if let Some((prefix, name)) = name
        .rsplit_once('/')
        .filter(|it| !it.0.is_empty() && it.0.len() <= 155)
    {
        let header = Header::new(name, b'0').prefix(prefix);
        ways.push(("ustar prefix", vec![header.data(b"harmless")]));
    }
    ways
}

/// A hard link to that in each way.
fn linked(target: &str) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let plain = || members("h new x");
    let mut ways = vec![
        ("GNU tar's K", vec![long(b'K', target), plain()]),
        ("pax linkpath", vec![pax(&[("linkpath", target)]), plain()]),
    ];
    if target.len() <= 100 {
        ways.push((
            "ustar link",
            vec![Header::new("new", b'1').link(target).block()],
        ));
    }
    ways
}

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let long_one = "x".repeat(256);
    let long_all = ["y".repeat(240).as_str(); 17].join("/");
    let too_long = ["z".repeat(240).as_str(); 18].join("/");
    let (deep, deepest) = (["d"; 129].join("/"), ["d"; 10_000].join("/"));
    let climbs = "`..` leads out of where it stands";
    for (name, outcome) in [
        ("..", Refused(climbs)),
        ("../victim", Refused(climbs)),
        ("../../../victim", Refused(climbs)),
        ("a/..", Refused(climbs)),
        ("a/../b", Refused(climbs)),
        ("a/../../../../victim", Refused(climbs)),
        ("./../x", Refused(climbs)),
        ("a/./.././../x", Refused(climbs)),
        ("//../victim", Refused(climbs)),
        ("/../victim", Refused(climbs)),
        ("a//..//..//..//victim", Refused(climbs)),
        // Of an absolute name the tree's top is the root.
        ("/victim", Makes("f0644 victim=harmless")),
        (
            "/outside/victim",
            Makes("d0755 outside, f0644 outside/victim=harmless"),
        ),
        (
            "//etc//passwd",
            Makes("d0755 etc, f0644 etc/passwd=harmless"),
        ),
        ("./././victim", Makes("f0644 victim=harmless")),
        ("...", Makes("f0644 ...=harmless")),
        ("..a/b..", Makes("d0755 ..a, f0644 ..a/b..=harmless")),
        (".", Refused("root entry that is no directory")),
        ("/.", Refused("root entry that is no directory")),
        (
            "a\nb/\x1b[2J",
            Makes("d0755 a\\nb, f0644 a\\nb/\\x1b[2J=harmless"),
        ),
        (
            "../\x1b]0;title\x07\n",
            Refused("`../\\x1b]0;title\\x07\\x0a` is no name"),
        ),
        (&long_one, Refused("a component is longer than 255 bytes")),
        (&long_all, Refused("it is longer than 4095 bytes")),
        (&too_long, Refused("larger than the limit of 4K")),
        (&deep, Refused("it is deeper than 128 levels")),
        (&deepest, Refused("larger than the limit of 4K")),
    ] {
        for (way, parts) in said(name) {
            rows.push((
                format!("{} by {way}", name.escape_debug()),
                whole(&parts),
                outcome,
            ));
        }
    }
    for (target, outcome) in [
        ("..", climbs),
        ("../../../victim", climbs),
        ("a/../../../../outside/victim", climbs),
        ("/../victim", climbs),
        // The root of an absolute name is the tree's top, where there is nothing.
        ("/victim", "No such file"),
        ("/outside/victim", "No such file"),
        ("", "`linkpath` is empty"),
        (".", "a directory has one name only"),
        ("/", "a directory has one name only"),
        (&long_one, "a component is longer than 255 bytes"),
        (&long_all, "it is longer than 4095 bytes"),
        (&deep, "it is deeper than 128 levels"),
    ] {
        for (way, parts) in linked(target) {
            let name = format!("hard link to `{target}` by {way}");
            rows.push((name, whole(&parts), Refused(outcome)));
        }
    }
    rows
}
