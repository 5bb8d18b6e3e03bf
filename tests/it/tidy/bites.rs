//! A rule that cannot complain is no rule: each is shown what it must and what it must not object to.

use super::rules;
use super::source::Source;
use super::tables::{FACES, ROOMS, may_import};

const NONE: [usize; 0] = [];

/// The numbers of the lines complained about.
fn lines(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> Vec<usize> {
    let complaints = rule(&Source::new(path, text));
    let number = |complaint: &String| {
        let rest = complaint
            .strip_prefix(path)
            .unwrap()
            .strip_prefix(':')
            .unwrap();
        rest.split(':').next().unwrap().parse().unwrap()
    };
    complaints.iter().map(number).collect()
}

#[test]
fn source_is_seen_without_comments_strings_and_tests() {
    let text = r##"//! crate::ctl
/* crate::ctl /* nested */ crate::ctl */ let a = "crate::ctl \" crate::ctl"; // crate::ctl
let b = r#"crate::ctl " crate::ctl"#; let c = '"'; let d = '\''; let e: &'static str = b"crate::ctl
crate::ctl"; crate::fetch::x();
#[cfg(test)]
mod tests { fn f() { crate::ctl } }
#[cfg(test)]
mod more;
crate::disk::y();
"##;
    let source = Source::new("src/store/x.rs", text);
    let named: Vec<_> = source
        .find(&["crate", "::"])
        .into_iter()
        .map(|(line, _)| line)
        .collect();
    assert_eq!(named, [4, 9]);
    assert_eq!(source.code().count(), 4);
    assert_eq!(source.lines[1].strings, [r#"crate::ctl \" crate::ctl"#]);
    assert_eq!(source.lines[2].strings[0], r#"crate::ctl " crate::ctl"#);
}

#[test]
fn imports_are_found_in_every_spelling() {
    let bad = "use crate::store::A;\nuse crate::{terms::B, ctl::{self, fetch}};\nuse crate::{\n    stream,\n    transfer,\n};\nfn f() { crate::world::g(importd::ctl::h) }\n";
    assert_eq!(
        lines(rules::imports, "src/fetch/x.rs", bad),
        [1, 2, 5, 7, 7]
    );
    let good = "use crate::terms::A;\nuse crate::{stream::B, fetch, report::{C, store}};\npub(crate) fn f() {}\n";
    assert_eq!(lines(rules::imports, "src/fetch/x.rs", good), NONE);
    assert_eq!(
        lines(rules::imports, "src/attic/x.rs", "use crate::terms::A;"),
        [1]
    );
    assert_eq!(
        lines(rules::imports, "src/fetch/x.rs", "use crate::attic::A;"),
        [1]
    );
    assert_eq!(
        lines(rules::imports, "src/main.rs", "use importd::ctl;"),
        NONE
    );

    assert_eq!(
        lines(rules::imports, "src/fetch/mod.rs", "use super::ctl;"),
        [1]
    );
    assert_eq!(
        lines(
            rules::imports,
            "src/fetch/x.rs",
            "use super::y;\nuse super::super::ctl;"
        ),
        [2]
    );
    let deep = "use super::super::y;\nuse super::super::super::ctl;";
    assert_eq!(lines(rules::imports, "src/fetch/x/y.rs", deep), [2]);
}

#[test]
fn table_of_rooms_is_a_ladder() {
    for face in FACES {
        for other in FACES {
            assert_eq!(may_import(face, other), Some(face == other));
        }
    }
    for (index, (room, _)) in ROOMS.iter().enumerate() {
        for (above, _) in &ROOMS[index + 1..] {
            let ladder =
                may_import(room, above) == Some(false) || may_import(above, room) == Some(false);
            assert!(ladder, "{room} and {above} import each other");
        }
    }
    assert_eq!(may_import("transfer", "wire"), Some(false));
    assert_eq!(may_import("ctl", "fetch"), Some(false));
}

#[test]
fn crates_are_found_by_path_and_not_by_name() {
    let text = "use ureq::Agent;\nlet sha2 = 1; x::ureq::y(); libc::kill();\nuse {flate2::A};\nuse libc;\n#[derive(thiserror::Error)]\n";
    assert_eq!(lines(rules::crates, "src/sys/x.rs", text), [1, 3]);
    assert_eq!(lines(rules::crates, "src/fetch/x.rs", text), [2, 4, 3]);
    let manifest = "[package]\nname = 1\n\n[dependencies]\n# a = b\nserde-json = 1\nlibc = 2\n[features]\nx = 1\n";
    let complaints = rules::crates_of_manifest(manifest);
    assert!(
        complaints
            .iter()
            .any(|line| line.contains("`ureq` is no dependency"))
    );
    assert!(
        !complaints
            .iter()
            .any(|line| line.contains("libc") || line.contains("serde_json"))
    );
    let complaints = rules::crates_of_manifest("\n[dependencies]\nserde-json-x = 1\n");
    assert!(complaints[0].contains("`serde_json_x` has no room"));
}

#[test]
fn sizes_count_code_alone() {
    let file = |name: &str, code: usize| {
        let text = format!(
            "//! x\n\n// y\n{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "a();\n".repeat(code),
            "t();\n".repeat(900)
        );
        Source::new(name, &text)
    };
    let complaints = |sources: &[Source]| rules::sizes(sources).len();
    assert_eq!(
        complaints(&[
            file("src/a/x.rs", 150),
            file("src/a/mod.rs", 80),
            file("src/main.rs", 60)
        ]),
        0
    );
    assert_eq!(complaints(&[file("src/a/mod.rs", 81)]), 1);
    assert_eq!(complaints(&[file("src/main.rs", 61)]), 1);
    let with = |large: &[usize]| {
        let mut sources: Vec<_> = (0..20 - large.len())
            .map(|_| file("src/a/x.rs", 10))
            .collect();
        sources.extend(large.iter().map(|code| file("src/a/y.rs", *code)));
        complaints(&sources)
    };
    assert_eq!(with(&[600, 600]), 0);
    assert_eq!(with(&[601]), 1);
    assert_eq!(with(&[401, 401, 401]), 1);
    assert_eq!(with(&[151; 10]), 0);
    assert_eq!(with(&[151; 11]), 1);
}

#[test]
fn unsafe_code_is_found_where_it_is_code() {
    let text = "// unsafe\n#![deny(unsafe_code)]\nlet a = \"unsafe\";\nunsafe { f() }\n";
    assert_eq!(lines(rules::unsafety, "src/fetch/x.rs", text), [4]);
    let test = "#[cfg(test)]\nmod tests { unsafe fn f() {} }\n";
    assert_eq!(lines(rules::unsafety, "src/fetch/x.rs", test), [2]);
    assert_eq!(lines(rules::unsafety, "src/sys/x.rs", text), [4]);
    let block = |length: usize| {
        format!(
            "// SAFETY: it holds\nunsafe {{\n{}}}\n",
            "f();\n".repeat(length)
        )
    };
    assert_eq!(lines(rules::unsafety, "src/sys/x.rs", &block(8)), NONE);
    assert_eq!(lines(rules::unsafety, "src/sys/x.rs", &block(9)), [2]);
}

#[test]
fn unwraps_and_expects_are_counted_outside_tests() {
    let text = "a.unwrap();\na.unwrap_or(1);\nfn unwrap() {}\nb\n    .unwrap()\n#[cfg(test)]\nmod tests { fn f() { a.unwrap() } }\n";
    assert_eq!(lines(rules::unwraps, "src/fetch/x.rs", text), [1, 5]);
    assert_eq!(lines(rules::unwraps, "src/fetch/tests.rs", text), NONE);
    assert_eq!(lines(rules::unwraps, "src/fetch/tests/x.rs", text), NONE);

    let expecting = |count: usize, lines: usize| {
        let text = "a.expect(\"why\");\n".repeat(count)
            + &"#[expect(x)] a();\np.expect(b':');\n".repeat(lines / 2);
        rules::expects(&[Source::new("src/fetch/x.rs", &text)]).len()
    };
    assert_eq!(expecting(2, 998), 0);
    assert_eq!(expecting(3, 996), 4);
}

#[test]
fn outside_is_seen_in_every_spelling() {
    let text = "use std::env;\nenv::var(a);\nstd::env::args();\nuse std::{env::vars, fs};\nstd::env::consts::ARCH;\nenv!(\"A\");\n";
    assert_eq!(
        lines(rules::environment, "src/fetch/x.rs", text),
        [2, 3, 4, 1]
    );
    assert_eq!(lines(rules::environment, "src/world.rs", text), NONE);

    let text = "a(\"/etc/x\");\nb(\"/\", \"/evil\", \"x/etc/y\", \"/usr\");\n// \"/etc\"\nlet c = r\"/dev/null\";\n#[cfg(test)]\nmod tests { fn f() { g(\"/etc\") } }\n";
    assert_eq!(lines(rules::paths, "src/ctl/x.rs", text), [1, 2, 4]);
    assert_eq!(lines(rules::paths, "src/fetch/roots.rs", text), NONE);
    let stale = |text: &str| rules::stale_paths(&[Source::new("src/fetch/roots.rs", text)]).len();
    assert_eq!((stale(text), stale("a(\"etc\");")), (0, 1));
}

#[test]
fn openings_names_and_promises_are_read() {
    assert_eq!(
        lines(rules::opening, "src/a/x.rs", "//! What it is for.\n"),
        NONE
    );
    assert_eq!(lines(rules::opening, "src/a/x.rs", "\n//! Late.\n"), [1]);
    assert_eq!(lines(rules::opening, "src/a/x.rs", ""), [1]);
    assert_eq!(lines(rules::names, "src/util/x.rs", ""), [1]);
    assert_eq!(lines(rules::names, "src/a/common.rs", ""), [1]);
    assert_eq!(lines(rules::names, "src/a/utility.rs", ""), NONE);
    let text = "// TODO: later\ntodo!();\nlet todo = 1;\n";
    assert_eq!(lines(rules::promises, "src/a/x.rs", text), [1, 2]);
}

#[test]
fn map_and_its_gaps_are_seen() {
    let good = "//! x\n/// A.\npub mod a;\n/// B.\n#[cfg(x)]\nmod b;\n";
    assert_eq!(lines(rules::map, "src/lib.rs", good), NONE);
    let bad = "//! x\npub mod a;\n/// B.\npub mod b;\npub use a::A;\nfn f() {}\n";
    assert_eq!(lines(rules::map, "src/lib.rs", bad), [2, 5, 6]);

    let tree = |lines: &str| {
        let sources = [
            ("src/lib.rs", "pub mod a;"),
            ("src/a/mod.rs", lines),
            ("src/a/b.rs", "mod c;"),
            ("src/a/b/c.rs", ""),
            ("src/main.rs", ""),
        ];
        rules::forgotten(&sources.map(|(path, text)| Source::new(path, text)), "src").len()
    };
    assert_eq!(tree("mod b;"), 0);
    assert_eq!(tree("// mod b;"), 1);
    assert_eq!(tree("#[cfg(test)]\nmod b;"), 0);
}
