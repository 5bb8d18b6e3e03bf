//! The only room with `unsafe`: system calls that the safe crates leave to the C library.
//!
//! Each function here is the thinnest safe wrapper around one call; of what rustix has only that is here which every room has to
//! ask in the same way.

mod block;
pub mod btrfs;
mod children;
mod clock;
mod lock;
mod loop_device;
mod memory;
mod path;
mod peer;
mod release;
mod resolve;
mod share;
mod signal;
mod writeback;

pub use block::{device_bytes, device_is_read_only, make_device_read_only};
pub use children::has_children;
pub use clock::{LocalTime, local_time};
pub use lock::try_lock_exclusive;
pub use loop_device::{Loop, configure_loop, free_loop_device};
pub use memory::{available_memory, give_back_what_is_freed};
pub use path::{behind_links, path_of};
pub use peer::{PeerProcess, passed_descriptor, peer_of, started};
pub use release::Release;
pub use resolve::open_resolved;
pub use share::share_range;
pub use signal::{SignalFd, hand_over_interrupts, ignore_favours};
pub use writeback::{begin_writeback, finish_writeback};
