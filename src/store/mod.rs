//! Where images lie: image roots and their classes, discovery, kept copies, and staged images that commit or vanish.
//!
//! **Architecture Invariant:** nothing half-done is ever visible under its final name. An image is written under a
//! temporary name, and either placed whole by one rename or removed; a process that dies leaves a file without a lock,
//! which the next one sweeps.
//!
//! **Architecture Invariant:** only something [`Verified`](crate::store::Verified) is placed, and what was verified is recorded
//! with it.

mod attributes;
mod beside;
mod discover;
mod error;
mod kept;
mod lock;
mod placing;
mod pool;
mod root;
mod staged;
mod sweep;
mod verified;

pub use attributes::{Source, copy_user_attributes};
pub use beside::PlacedBeside;
pub use discover::{Found, Image, ImageKind, Listing};
pub use error::{Error, remedy};
pub use kept::{Kept, KeptName};
pub use lock::ImageLock;
pub use placing::{Placed, Placing};
pub use root::{ImageRoot, Roots};
pub use staged::{Aside, Staged};
pub use sweep::{SWEEPER_OPTION, sweep};
pub use verified::{Unverified, Verified};
