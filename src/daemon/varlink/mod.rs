//! Varlink: `io.systemd.Import`, and what every service of systemd's kind answers beside it. It needs no bus, so it is how
//! the daemon is reached early at boot.
//!
//! One thread for each connection, in which calls are answered one after the other. What a client can hold up is that
//! thread, and that for a bounded time while anything is under way.

mod caller;
mod connection;
mod control;
mod dispatch;
mod entrance;
mod fault;
mod follower;
mod import;
mod link;
mod pull;
mod server;

pub(super) use entrance::Entrance;
pub(super) use server::{Server, serve};

#[cfg(test)]
mod tests;
