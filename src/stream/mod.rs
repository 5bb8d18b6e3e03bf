//! Adapters between a source of bytes and whoever reads it, one per file, and the memory that they lie in. None of them knows where
//! the bytes come from.

mod cancel;
mod hash;
mod limit;
mod peek;
mod polled;
mod progress;
mod spare;

pub use cancel::{Cancel, CancelReader, Cancelled};
pub use hash::{Hasher, sha256};
pub use limit::{LimitExceeded, LimitReader, read_to_limit};
pub use peek::PeekReader;
pub use polled::PolledReader;
pub use progress::{Counter, CountingReader, CountingWriter};
pub use spare::Spare;
