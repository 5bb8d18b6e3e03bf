//! The house holds: one test per rule, over the source as text.

/// Whether the rules bite.
mod bites;
mod rules;
mod source;
mod tables;

use std::fs;
use std::path::Path;

use source::Source;

#[track_caller]
fn holds(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[track_caller]
fn each(rule: fn(&Source) -> Vec<String>) {
    holds(Source::all("src").iter().flat_map(rule).collect());
}

fn file(name: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).ok()
}

#[test]
fn rooms_import_only_what_lies_below_them() {
    each(rules::imports);
}

#[test]
fn outside_crates_are_named_in_their_room_alone() {
    each(rules::crates);
    holds(rules::crates_of_manifest(&file("Cargo.toml").unwrap()));
}

#[test]
fn files_are_small() {
    holds(rules::sizes(&Source::all("src")));
}

#[test]
fn every_file_says_what_it_is_for() {
    each(rules::opening);
    holds(
        Source::all("tests")
            .iter()
            .flat_map(rules::opening)
            .collect(),
    );
}

#[test]
fn unsafe_code_is_in_sys_alone_and_says_why_it_holds() {
    each(rules::unsafety);
}

#[test]
fn nothing_is_unwrapped_and_little_expected_outside_tests() {
    each(rules::unwraps);
    holds(rules::expects(&Source::all("src")));
}

#[test]
fn environment_is_read_by_the_world_alone() {
    each(rules::environment);
}

#[test]
fn no_absolute_path_is_written_into_the_code() {
    each(rules::paths);
    holds(rules::stale_paths(&Source::all("src")));
}

#[test]
fn names_say_what_things_do() {
    each(rules::names);
}

#[test]
fn nothing_is_left_to_be_done() {
    each(rules::promises);
}

#[test]
fn maps_are_captions_and_nothing_else() {
    for map in ["src/lib.rs", "tests/it/main.rs", "tests/root/main.rs"] {
        holds(rules::map(&Source::new(map, &file(map).unwrap())));
    }
}

#[test]
fn no_file_is_forgotten() {
    for top in ["src", "tests/it", "tests/kit", "tests/root"] {
        holds(rules::forgotten(&Source::all(top), top));
    }
}

#[test]
fn pages_are_short() {
    for (page, limit) in [("ARCHITECTURE.md", 200), ("README.md", 150)] {
        let lines = file(page).map_or(0, |text| text.lines().count());
        assert!(
            lines <= limit,
            "{page}: {lines} lines where {limit} may be: say less"
        );
    }
}
