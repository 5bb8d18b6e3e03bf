//! What a transfer has to say while it works: log lines and progress, and the places they go to.

mod event;
mod level;

pub use event::{Progress, Record, Reporter, Sink};
pub use level::Level;
