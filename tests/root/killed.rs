//! Transfers are killed at any moment: nothing half-made is ever visible under its final name, and the next transfer of
//! the kind finds nothing in its way and leaves nothing of what came before.
//!
//! The moments are drawn by lot; `$IMPORTD_SEED` draws others. What is killed is slow on purpose, so that most moments
//! fall between the first staged entry and the end: they are counted, and too few is a failure.

/// One transfer that is killed, and the next.
mod attempt;
/// Transfers at once, which are not in each other's way.
mod held;
/// What is killed.
mod kinds;
/// A file system with images on it, and what is slow.
mod place;
/// What is visible, and whether it is whole.
mod visible;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::dice::Dice;
use crate::kit::{TempDir, need, need_root};
use crate::mount::Mount;
use crate::static_binary::binary;

use attempt::{Measured, Moment};
use kinds::KINDS;
use place::Place;

const ATTEMPTS: usize = 200;
/// At least so many fall between the first staged entry and the end.
const INSIDE: usize = 150;
const SEED: u64 = 1;

type Mounting = fn() -> Mount;

const FILE_SYSTEMS: [(&str, Mounting); 4] = [
    ("btrfs", || {
        Mount::formatted_in_memory(256 << 20, "mkfs.btrfs", &["-q"])
    }),
    ("xfs", || Mount::formatted(320 << 20, "mkfs.xfs", &["-q"])),
    ("ext4", || {
        Mount::formatted_in_memory(128 << 20, "mkfs.ext4", &["-q", "-E", "root_owner=0:0"])
    }),
    ("tmpfs", || Mount::tmpfs(128 << 20)),
];

/// The binary under a path that no other process runs, or a skip.
fn own_binary() -> Option<(TempDir, PathBuf)> {
    let tools = ["mkfs.btrfs", "mkfs.xfs", "mkfs.ext4", "xz", "zstd", "gzip"];
    let binary = binary().filter(|_| need_root() && tools.into_iter().all(need))?;
    let temp = TempDir::new();
    let own = temp.path().join("importctl");
    fs::copy(binary, &own).unwrap();
    Some((temp, own))
}

#[test]
fn what_is_killed_leaves_nothing_visible_and_is_swept_by_the_next() {
    let Some((_temp, binary)) = own_binary() else {
        return;
    };
    let seed = std::env::var("IMPORTD_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    let start = Instant::now();
    let mut dice = Dice::new(seed);
    let each = ATTEMPTS / FILE_SYSTEMS.len() / KINDS.len();
    assert_eq!(each * FILE_SYSTEMS.len() * KINDS.len(), ATTEMPTS);
    let mut moments = Vec::new();
    for (file_system, mount) in FILE_SYSTEMS {
        let place = Place::new(mount(), &binary);
        for kind in &KINDS {
            let measured = Measured::of(&place, kind);
            for attempt in 0..each {
                let what = format!(
                    "{file_system}: {}, attempt {attempt}, seed {seed}",
                    kind.name
                );
                // Every other one is to replace something.
                let moment = measured.attempt(attempt % 2 == 1, &mut dice, &what);
                moments.push((what, moment));
            }
        }
    }
    let count = |of: Moment| moments.iter().filter(|(_, moment)| *moment == of).count();
    let [before, inside, after] = [Moment::Before, Moment::Inside, Moment::After].map(count);
    eprintln!(
        "seed {seed}: {} killed in {} s: {before} before anything was staged, {inside} with something staged, {after} after",
        moments.len(),
        start.elapsed().as_secs()
    );
    assert!(
        inside >= INSIDE,
        "{inside} of {ATTEMPTS} are too few:\n{moments:#?}"
    );
}
