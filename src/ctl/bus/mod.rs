//! importctl as a client of the daemon, on this machine's bus or another's.

mod agent;
mod call;
mod client;
mod error;
mod lists;
mod machine;
mod reach;
mod transfer;

pub(super) use client::Client;
pub(super) use error::Error;
pub(super) use lists::{cancel_transfer, image_rows, transfer_rows};
pub(super) use machine::{ENTER, enter};
pub(super) use reach::{Way, reach};
pub(super) use transfer::run;
