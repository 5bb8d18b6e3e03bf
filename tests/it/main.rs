//! The integration tests: no root rights, no network, in parallel. One module per file of this directory.
#![allow(unreachable_pub)] // the kit's items are public to the tests

/// What the tests stand on.
#[path = "../kit/mod.rs"]
mod kit;

/// The kit itself: its servers misbehave as told.
mod the_kit;
/// The house's rules, held over the source as text.
mod tidy;
