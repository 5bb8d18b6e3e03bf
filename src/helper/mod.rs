//! systemd-pull, systemd-import, systemd-import-fs and systemd-export: one transfer each, for programs that start them.

mod args;
#[cfg(feature = "bus")]
mod daemon;
mod error;
#[cfg(not(feature = "bus"))]
mod nobody;
mod options;
mod program;
mod request;
mod sink;

#[cfg(not(feature = "bus"))]
use nobody as daemon;

pub use program::{export, import, import_fs, pull};
