//! systemd-importd: the Manager, served on D-Bus and Varlink.
//!
//! No client holds up another: on D-Bus a call has a thread of its own unless it only looks something up, on Varlink a
//! connection has.
//!
//! **Architecture Invariant:** this face translates. What a transfer is, how many there may be and what becomes of one that
//! is cancelled, the Manager decides, the same for both buses.

mod activity;
mod authority;
mod bus;
mod error;
mod log;
mod options;
mod program;
mod service;
mod teller;
mod varlink;

pub use program::main;
