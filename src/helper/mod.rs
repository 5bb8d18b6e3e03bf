//! systemd-pull, systemd-import, systemd-import-fs and systemd-export: one transfer each, for programs that start them.

mod args;
mod daemon;
mod error;
mod options;
mod program;
mod request;
mod sink;

pub use program::{export, import, import_fs, pull};
