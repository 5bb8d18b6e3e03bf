//! What a transfer has to say while it works: log lines and progress, and the places they go to.
//!
//! Deliberately absent: what a terminal shows beside the lines (that is `term`), and who decides what is worth saying.

mod console;
mod event;
mod journal;
mod kmsg;
mod level;
mod log;
mod notify;
mod printable;
mod settings;

pub use event::{Progress, Record, Reporter, Sink};
pub use journal::Journal;
pub use kmsg::Kmsg;
pub use level::Level;
pub use log::Log;
pub use notify::Notifier;
pub use printable::{is_printable, printable};
pub use settings::{Maxima, Settings, Target};
