//! Asks "who was I called as?", calls that face, and exits with its code.

use std::process::ExitCode;

use importd::multicall::{self, Face};
use importd::{ctl, world::World};

/// Every name the program answers to, matched exactly.
const FACES: [Face; 1] = [Face {
    name: "importctl",
    main: ctl::main,
}];

fn main() -> ExitCode {
    multicall::main(World::of_process(), &FACES)
}
