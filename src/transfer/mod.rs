//! Transfers: one Manager, one named blocking thread for each, and what each does as a straight function.
//!
//! **Architecture Invariant:** what a process per transfer would give, a thread gives too: its own name, error, cancel
//! and reporter. A panic is a failed transfer, and never more.

mod ahead;
mod alone;
mod beside;
mod convert;
mod destination;
mod download;
mod error;
mod export;
mod import;
mod import_directory;
mod job;
mod keyrings;
mod landing;
mod manager;
mod memory;
mod meter;
mod outlet;
mod packing;
mod pipeline;
mod pull;
mod reach;
mod request;
mod settings;
mod space;
mod straight;
mod verify;
mod workers;

pub use alone::run_alone;
pub use error::{Error, Local, Remote, Untrusted};
pub use manager::{Manager, NotStarted, Outcome, TRANSFERS_LIMIT, Transfer, Watcher};
pub use reach::wait_for;
pub use request::{
    About, Export, Import, ImportDirectory, Origin, Outlet, Part, Place, Pull, Request, Stream,
    Subject, Target, Wish, Wishes,
};
pub use settings::Settings;

/// Whoever has something written to a file elsewhere prepares it as exports do.
pub use crate::disk::Replacement;

#[cfg(test)]
mod tests;
