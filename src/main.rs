//! Asks "who was I called as?", calls that face, and exits with its code.

use std::process::ExitCode;

use importd::multicall::{self, Face};
#[cfg(feature = "bus")]
use importd::{ctl, daemon};
use importd::{generator, helper, world::World};

/// Every name the program answers to, matched exactly.
const FACES: &[Face] = &[
    #[cfg(feature = "bus")]
    face("systemd-importd", daemon::main),
    #[cfg(feature = "bus")]
    face("importctl", ctl::main),
    face("systemd-import-generator", generator::main),
    face("systemd-pull", helper::pull),
    face("systemd-import", helper::import),
    face("systemd-import-fs", helper::import_fs),
    #[cfg(feature = "export")]
    face("systemd-export", helper::export),
];

/// Names it does not answer to, since it was built without them.
const LEFT_OUT: &[&str] = &[
    #[cfg(not(feature = "bus"))]
    "systemd-importd",
    #[cfg(not(feature = "bus"))]
    "importctl",
    #[cfg(not(feature = "export"))]
    "systemd-export",
];

const fn face(name: &'static str, main: fn(&World) -> ExitCode) -> Face {
    Face { name, main }
}

fn main() -> ExitCode {
    multicall::main(World::of_process(), FACES, LEFT_OUT)
}
