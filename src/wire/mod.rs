//! The vocabulary of the two buses, for whoever serves and whoever calls: names, shapes of messages, framing.
//!
//! Deliberately absent: what the words mean, which the faces know.

#[cfg(feature = "bus")]
pub mod bus;
mod progress;
pub mod varlink;

pub use progress::{fraction, percent};
