//! D-Bus: `org.freedesktop.import1(5)`.
//!
//! What is received is answered here and not by the crate's object server, because an introspection has to be word for word
//! what others expect, authority is asked before arguments are looked at, and a transfer is announced before the call that
//! starts it is answered.

mod call;
mod dispatch;
mod events;
mod fault;
mod keeper;
mod log_control;
mod manager;
mod objects;
mod outbox;
mod requests;
mod transfer;

pub(super) use events::Events;
pub(super) use keeper::{Address, keep};
pub(super) use objects::{description, list};
