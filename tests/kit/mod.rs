//! What the tests stand on: a temporary root with the built binary in it, servers that misbehave on request, and
//! directories as values that can be compared.
//!
//! Everything lives below one temporary directory and on 127.0.0.1, so tests run in parallel, without a network and
//! without root rights. The root tier's own tools (mounts, network namespaces) are in `tests/root/`.
#![allow(dead_code, unused_imports)] // each test binary uses a part

mod archive;
mod bus;
mod case;
mod dns;
mod http;
mod image;
mod polkit;
mod proxy;
mod run;
mod service;
mod signer;
mod skip;
mod snapshot;
mod temp;

pub use archive::{archive, archive_of, directory, file, member};
pub use bus::{Bus, Client};
pub use case::Case;
pub use dns::Dns;
pub use http::{Authority, Identity, Reply, Request, Server};
pub use image::{fixture, image, pack};
pub use polkit::{Asked, Polkit};
pub use proxy::Proxy;
pub use run::{NOBODY, Outcome, Running, tool};
pub use signer::Signer;
pub use skip::{need, need_root, skipped};
pub use snapshot::{Entry, Snapshot, allocated_bytes};
pub use temp::{TempDir, clear};
