//! Archives from strangers, unpacked by the static binary as root: refused without a trace, or made into a tree that
//! harms nobody. Each runs in a root file system of its own, all of which is watched.
//!
//! What the archives are and what becomes of them is data, below. The binary is named by `$IMPORTD_STATIC_BINARY`.

/// Archives by hand.
mod archive;
/// Attributes that forge or give rights.
mod attributes;
/// Archives that are damaged or none.
mod framing;
/// What a signal leaves in the middle of a large archive.
mod interrupted;
/// Archives of very many members.
mod large;
/// Links and what comes after them.
mod links;
/// Names that lead outside.
mod names;
/// Sizes that lie, and bombs.
mod sizes;
/// The watched root.
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::kit::{need, need_root, tool};
use crate::mount::Mount;
use crate::static_binary::binary;

use world::World;

/// What becomes of an archive.
#[derive(Clone, Copy)]
enum Outcome {
    /// It is refused, in these words among others, and leaves nothing.
    Refused(&'static str),
    /// It becomes this tree, in the words of `World::take`.
    Makes(&'static str),
    /// The same, less what may not be set, of which there is a warning.
    Warns(&'static str),
}

/// An archive by name.
type Row = (String, Vec<u8>, Outcome);

/// Imports each archive; everything but the image has to stay as it was.
fn try_all(rows: &[Row]) {
    let Some(binary) = binary().filter(|_| need_root() && need("prlimit")) else {
        return;
    };
    let mount = Mount::tmpfs(64 << 20);
    let world = World::new(mount.path(), &binary);
    let complaints: Vec<_> = rows
        .iter()
        .filter_map(|row| complaint(&world, row))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// What is wrong with what became of an archive.
fn complaint(world: &World, (name, archive, outcome): &Row) -> Option<String> {
    let output = world.import_all(archive);
    let text = String::from_utf8(output.stderr).unwrap();
    let obeyed = text.chars().any(|c| c.is_control() && c != '\n');
    let code = output.status.code();
    let taken = (code == Some(0)).then(|| world.take());
    world.assert_untouched(name);
    let warned = text.contains("Attributes that may not be set here, ignoring");
    let as_said = match (outcome, &taken) {
        (Outcome::Refused(words), None) => code == Some(1) && text.contains(words),
        (Outcome::Makes(tree), Some(taken)) => taken == tree && !warned,
        (Outcome::Warns(tree), Some(taken)) => taken == tree && warned,
        _ => false,
    };
    if taken.is_some() {
        world.forget();
    }
    (!as_said || obeyed).then(|| format!("{name}: {}: {text}{taken:?}", output.status))
}

#[test]
fn the_watch_sees_what_is_undone_again() {
    let Some(binary) = binary().filter(|_| need_root()) else {
        return;
    };
    for deed in [
        "chmod 600 victim; chmod 644 victim",
        "cp -p victim new; cp -p new victim; rm new",
        "mv outside/dir/victim x; mv x outside/dir/victim",
        "touch outside/closed/new",
        "touch images/x",
        "ln victim ../victim",
    ] {
        let mount = Mount::tmpfs(64 << 20);
        let world = World::new(mount.path(), &binary);
        world.assert_untouched("a deed to come");
        let root = world.root();
        tool(
            "sh",
            [
                "-c",
                r#"cd "$0" && eval "$1""#,
                root.to_str().unwrap(),
                deed,
            ],
        );
        let seen = catch_unwind(AssertUnwindSafe(|| world.assert_untouched(deed)));
        assert!(seen.is_err(), "{deed}");
    }
}

#[test]
fn names_lead_nowhere_but_into_the_tree() {
    try_all(&names::rows());
}

#[test]
fn links_are_never_followed_out_of_the_tree() {
    try_all(&links::rows());
}

#[test]
fn sizes_that_lie_and_bombs_do_no_harm() {
    try_all(&sizes::rows());
}

#[test]
fn damaged_archives_are_refused_and_leave_nothing() {
    try_all(&framing::rows());
}

#[test]
fn attributes_forge_nothing() {
    try_all(&attributes::rows());
}
