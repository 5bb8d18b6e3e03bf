//! Varlink (<https://varlink.org>): JSON objects over a stream, each ended by a NUL byte. Shapes of messages, framing, the
//! documents that describe interfaces, and a client.
//!
//! Deliberately absent: sockets. Whoever has one reads and writes; here bytes become messages and messages bytes.

mod client;
mod documents;
mod fields;
mod frames;
mod message;
mod parameters;

pub use client::{CallError, Client, Replies};
pub use documents::{DOCUMENTS, IMPORT, SERVICE, SYSTEM, VARLINK};
pub use fields::{Fields, InvalidParameter, flag, text};
pub use frames::{Frames, TooLong};
pub use message::{Call, Failure, InvalidMessage, Mode, Reply};
pub use parameters::{Parameters, Value};

/// Where the daemon's socket is, and the link by which it is found by its interface: beneath the root directory.
pub const SOCKET_PATH: &str = "run/systemd/io.systemd.Import";
pub const REGISTRY_PATH: &str = "run/varlink/registry/io.systemd.Import";

/// A longer call is no honest one: Pull takes a URL and a directory of at most 4 KiB each and a name, and were each of
/// their bytes escaped, that is 54 KiB. A peer makes us hold this much and no more.
pub const CALL_LIMIT_BYTES: usize = 128 << 10;
/// A longer reply is none that a service of ours or systemd's sends: descriptions of interfaces are some 10 KiB.
pub const REPLY_LIMIT_BYTES: usize = 1 << 20;
