//! Asks "who was I called as?", calls that face, and exits with its code.

use std::process::ExitCode;

use importd::multicall::{self, Face};
use importd::{ctl, daemon, generator, helper, world::World};

/// Every name the program answers to, matched exactly.
const FACES: [Face; 7] = [
    face("systemd-importd", daemon::main),
    face("importctl", ctl::main),
    face("systemd-import-generator", generator::main),
    face("systemd-pull", helper::pull),
    face("systemd-import", helper::import),
    face("systemd-import-fs", helper::import_fs),
    face("systemd-export", helper::export),
];

const fn face(name: &'static str, main: fn(&World) -> ExitCode) -> Face {
    Face { name, main }
}

fn main() -> ExitCode {
    multicall::main(World::of_process(), &FACES)
}
