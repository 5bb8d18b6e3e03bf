//! The rules, each a function from sources to complaints. A complaint says where, what is wrong and how to mend it.

use super::source::Source;
use super::tables::{CRATES, PATHS, may_import};

/// A complaint about a line.
fn at(source: &Source, line: usize, text: impl std::fmt::Display) -> String {
    format!("{}:{line}: {text}", source.path)
}

/// What is in no room: the map and the door.
fn is_outside(source: &Source) -> bool {
    ["src/lib.rs", "src/main.rs"].contains(&source.path.as_str())
}

/// Rooms import only what the table lets them.
pub(super) fn imports(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    if is_outside(source) {
        return complaints;
    }
    let room = source.room();
    for (line, other) in named_rooms(source) {
        match may_import(room, &other) {
            Some(true) => {}
            Some(false) => complaints.push(at(source, line, format_args!(
                "`{room}` may not import `{other}`: move what is needed below both, or pass it in"
            ))),
            None => complaints.push(at(source, line, format_args!(
                "`{room}` or `{other}` is no room of the table: enter it in tests/it/tidy/tables.rs"
            ))),
        }
    }
    for (line, after) in source.find(&["super", "::", "super"]) {
        let mut count = 2;
        while source.token(after + 2 * (count - 2) + 1) == "super" {
            count += 1;
        }
        if count >= source.modules().len() {
            complaints.push(leaves_by_super(source, line));
        }
    }
    if source.modules().len() == 1 {
        let outwards = source.find(&["super", "::"]);
        complaints.extend(
            outwards
                .iter()
                .map(|(line, _)| leaves_by_super(source, *line)),
        );
    }
    complaints
}

fn leaves_by_super(source: &Source, line: usize) -> String {
    at(source, line, "`super` leaves the room here: say `crate::…`")
}

/// Every room named as `crate::room`, alone or in a group.
fn named_rooms(source: &Source) -> Vec<(usize, String)> {
    let paths = [
        source.find(&["crate", "::"]),
        source.find(&["importd", "::"]),
    ]
    .concat();
    let mut named = Vec::new();
    for (line, after) in paths {
        if source.token(after) != "{" {
            named.push((line, source.token(after).to_owned()));
            continue;
        }
        let mut depth = 0;
        for position in after..=source.closing(after) {
            let (line, token) = &source.tokens[position];
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && ["{", ","].contains(&source.token(position - 1)) => {
                    named.push((*line, token.clone()));
                }
                _ => {}
            }
        }
    }
    named
}

/// Each outside crate is named in its room.
pub(super) fn crates(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, rooms) in CRATES {
        let allowed = *rooms == "*" || rooms.split(' ').any(|room| room == source.room());
        for (line, after) in source.find(&[name]) {
            let before = after
                .checked_sub(2)
                .map_or("", |before| source.token(before));
            let is_path = before != "::" && source.token(after) == "::" || before == "use";
            if is_path && !allowed {
                complaints.push(at(source, line, format_args!(
                    "`{name}` is named here, its place is {rooms}: give that room a function for it"
                )));
            }
        }
    }
    complaints
}

/// Every dependency has its row, and every row a dependency.
pub(super) fn crates_of_manifest(manifest: &str) -> Vec<String> {
    let (_, dependencies) = manifest
        .split_once("\n[dependencies]\n")
        .unwrap_or_default();
    let lines = dependencies
        .lines()
        .take_while(|line| !line.starts_with('['));
    let names = lines
        .filter_map(|line| line.split_once(" = "))
        .filter(|(name, _)| !name.starts_with('#'));
    let names: Vec<_> = names
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect();
    let missing = names
        .iter()
        .filter(|name| !CRATES.iter().any(|(known, _)| known == name));
    let stale = CRATES
        .iter()
        .filter(|(known, _)| !names.iter().any(|name| name == known));
    missing
        .map(|name| {
            format!("Cargo.toml: `{name}` has no room: enter it in tests/it/tidy/tables.rs")
        })
        .chain(stale.map(|(known, _)| {
            format!("tests/it/tidy/tables.rs: `{known}` is no dependency: take the row out")
        }))
        .collect()
}

/// Half of the files are small, nine in ten are not large, none is huge, and doors are narrow.
pub(super) fn sizes(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut counts: Vec<(usize, &Source)> = Vec::new();
    for source in sources {
        let count = source.code().count();
        let limit = match source.path.rsplit('/').next() {
            Some("mod.rs") => 80,
            Some("main.rs") => 60,
            _ => 600,
        };
        if count > limit {
            complaints.push(at(
                source,
                1,
                format_args!("{count} lines of code where {limit} may be: make it two files"),
            ));
        }
        if count > 0 {
            counts.push((count, source));
        }
    }
    counts.sort_by_key(|(count, _)| *count);
    for (part, of, limit) in [(1, 2, 150), (9, 10, 400)] {
        if let Some((count, source)) = counts.get((counts.len() * part).saturating_sub(1) / of)
            && *count > limit
        {
            complaints.push(at(source, 1, format_args!(
                "{part} in {of} files are to have {limit} lines of code, this one has {count}: split those that are larger"
            )));
        }
    }
    complaints
}

/// A file says what it is for.
pub(super) fn opening(source: &Source) -> Vec<String> {
    let says = source
        .lines
        .first()
        .is_some_and(|line| line.raw.starts_with("//! "));
    let complaint = || {
        at(
            source,
            1,
            "the first line is to be `//! ` and what the file is for",
        )
    };
    (!says).then(complaint).into_iter().collect()
}

/// `unsafe` is in `sys` alone, in small blocks that say why they hold.
pub(super) fn unsafety(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let words = source.lines.iter().enumerate();
    let words =
        words.filter(|(_, line)| super::source::tokens(&line.code).any(|word| word == "unsafe"));
    if source.room() != "sys" {
        let elsewhere = "`unsafe` is for src/sys alone: give it a safe function there";
        return words
            .map(|(index, _)| at(source, index + 1, elsewhere))
            .collect();
    }
    for (line, after) in source.find(&["unsafe", "{"]) {
        let last = source.tokens[source.closing(after - 1)].0;
        if last - line + 1 > 10 {
            complaints.push(at(
                source,
                line,
                "an unsafe block has 10 lines at most: take out what is safe",
            ));
        }
        let before = source.lines[..line].iter().rev().take(6);
        if !before
            .into_iter()
            .any(|line| line.raw.contains("// SAFETY: "))
        {
            complaints.push(at(
                source,
                line,
                "say `// SAFETY: ` and the precondition above this block",
            ));
        }
    }
    complaints
}

/// Nothing is unwrapped outside tests.
pub(super) fn unwraps(source: &Source) -> Vec<String> {
    let found = source.find(&[".", "unwrap", "("]);
    let complaint = |(line, _): &(usize, usize)| {
        at(
            source,
            *line,
            "`unwrap` outside a test: hand the error on, or `expect` with why it holds",
        )
    };
    found.iter().map(complaint).collect()
}

/// `expect` is rare: two per thousand lines of code.
pub(super) fn expects(sources: &[Source]) -> Vec<String> {
    let lines: usize = sources.iter().map(|source| source.code().count()).sum();
    let allowed = (2 * lines).div_ceil(1000);
    let found: Vec<_> = sources
        .iter()
        .flat_map(|source| {
            let found = source.find(&[".", "expect", "(", "\"", "\""]);
            found
                .into_iter()
                .map(|(line, _)| at(source, line, "`expect`: hand the error on"))
        })
        .collect();
    let too_many = format!("{} calls of `expect` where {allowed} may be", found.len());
    if found.len() > allowed {
        [vec![too_many], found].concat()
    } else {
        Vec::new()
    }
}

/// The outside comes in by the world alone.
pub(super) fn environment(source: &Source) -> Vec<String> {
    if source.path == "src/world.rs" {
        return Vec::new();
    }
    let mut found = source.find(&["env", "::"]);
    found.retain(|(_, after)| source.token(*after) != "consts");
    found.extend(
        source
            .find(&["std", "::", "env"])
            .iter()
            .filter(|(_, after)| source.token(*after) != "::"),
    );
    let complaint = |(line, _): &(usize, usize)| {
        at(
            source,
            *line,
            "`std::env` is for src/world.rs alone: take the value as a parameter",
        )
    };
    found.iter().map(complaint).collect()
}

const TOPS: &[&str] = &[
    "bin", "boot", "dev", "etc", "home", "lib", "lib64", "mnt", "opt", "proc", "root", "run",
    "sbin", "srv", "sys", "tmp", "usr", "var",
];

/// No absolute path is written into the code.
pub(super) fn paths(source: &Source) -> Vec<String> {
    let excused =
        |path: &str| path == "src/world.rs" || PATHS.iter().any(|(file, _)| *file == path);
    if excused(&source.path) {
        return Vec::new();
    }
    let absolute = |text: &&String| {
        let top = text
            .strip_prefix('/')
            .and_then(|rest| rest.split('/').next());
        top.is_some_and(|top| TOPS.contains(&top))
    };
    let found = source.code().flat_map(|(number, line)| {
        line.strings
            .iter()
            .filter(absolute)
            .map(move |text| (number, text))
    });
    found
        .map(|(number, text)| {
            at(source, number, format_args!("`{text}` is an absolute path: have src/world.rs pass it in, or beneath the root"))
        })
        .collect()
}

/// Exceptions that no longer excuse anything go.
pub(super) fn stale_paths(sources: &[Source]) -> Vec<String> {
    let stale = PATHS.iter().filter(|(file, _)| {
        let source = sources.iter().find(|source| source.path == *file);
        source.is_some_and(|source| {
            !source
                .code()
                .any(|(_, line)| line.strings.iter().any(|text| text.starts_with('/')))
        })
    });
    stale
        .map(|(file, _)| {
            format!("tests/it/tidy/tables.rs: `{file}` holds no absolute path: take the row out")
        })
        .collect()
}

/// Rooms and files are named for what they do.
pub(super) fn names(source: &Source) -> Vec<String> {
    let vague = [
        "util", "utils", "common", "misc", "helpers", "shared", "lib",
    ];
    let named = source
        .modules()
        .into_iter()
        .filter(|name| vague.contains(name) && source.path != "src/lib.rs");
    named
        .map(|name| {
            at(
                source,
                1,
                format_args!("`{name}` says nothing: name the file for what it does"),
            )
        })
        .collect()
}

/// What is to be done is done, or is an issue.
pub(super) fn promises(source: &Source) -> Vec<String> {
    let found = source.lines.iter().enumerate().filter(|(_, line)| {
        ["TODO", "FIXME", "XXX", "HACK"]
            .iter()
            .any(|word| line.raw.contains(word))
            || ["todo!", "unimplemented!"]
                .iter()
                .any(|word| line.code.contains(word))
    });
    found
        .map(|(index, _)| at(source, index + 1, "a promise: keep it or take it out"))
        .collect()
}

/// A map holds `mod` lines with a caption each and nothing else.
pub(super) fn map(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut captioned = false;
    for (index, line) in source.lines.iter().enumerate() {
        let code = line.code.trim();
        let is_mod = code
            .strip_prefix("pub ")
            .unwrap_or(code)
            .starts_with("mod ")
            && code.ends_with(';');
        if is_mod && !captioned {
            complaints.push(at(
                source,
                index + 1,
                "a room without a caption: say in a line what it is",
            ));
        } else if !is_mod && !code.is_empty() && !code.starts_with('#') {
            complaints.push(at(
                source,
                index + 1,
                "the map holds no code: move it into a room",
            ));
        }
        captioned = line.raw.starts_with("///") || captioned && code.starts_with('#');
    }
    complaints
}

/// No file lies about that no `mod` line names.
pub(super) fn forgotten(sources: &[Source], top: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let Some(path) = source
            .path
            .strip_prefix(top)
            .and_then(|path| path.strip_suffix(".rs"))
        else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if ["main", "lib", "mod"].contains(&path) {
            continue;
        }
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parents = match parent {
            "" => ["lib", "main", "mod"]
                .map(|door| format!("{top}/{door}.rs"))
                .to_vec(),
            parent => vec![
                format!("{top}/{parent}.rs"),
                format!("{top}/{parent}/mod.rs"),
            ],
        };
        let declared = sources
            .iter()
            .filter(|source| parents.contains(&source.path))
            .any(|source| {
                let line = format!("mod {name};");
                source.lines.iter().any(|found| found.code.ends_with(&line))
            });
        if !declared {
            complaints.push(at(
                source,
                1,
                format_args!("no `mod {name};` names this file: it is never built"),
            ));
        }
    }
    complaints
}
