//! What unpacking on several threads may take of the machine's memory: some, and all transfers together no more than a quarter
//! of what is free. Where that is too little, it is done on one thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::available_memory;

/// The most that one transfer gets, and the least that is worth more than one thread.
const SHARE_BYTES: std::ops::RangeInclusive<u64> = (32 << 20)..=(256 << 20);

/// More threads than that wait for one another.
const WORKERS_MAX: usize = 8;

/// What all transfers have of the memory.
#[derive(Debug, Default)]
pub struct Memory {
    shared_bytes: AtomicU64,
}

/// A transfer's share, until it is dropped.
pub(super) struct Share {
    memory: Arc<Memory>,
    pub(super) bytes: u64,
    pub(super) workers: usize,
}

impl Memory {
    /// A share for so many threads, if there is one and it is worth the while.
    pub(super) fn share(self: &Arc<Self>, threads: usize) -> Option<Share> {
        let workers = threads.min(WORKERS_MAX);
        let quarter = available_memory()? / 4;
        let grant = |shared: u64| {
            let bytes = quarter.saturating_sub(shared).min(*SHARE_BYTES.end());
            SHARE_BYTES.contains(&bytes).then_some(bytes)
        };
        if workers < 2 {
            return None;
        }
        let more = |shared| Some(shared + grant(shared)?);
        let before = self
            .shared_bytes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .ok()?;
        Some(Share {
            memory: Arc::clone(self),
            bytes: grant(before)?,
            workers,
        })
    }
}

impl Share {
    #[cfg(test)]
    pub(super) fn of(bytes: u64, workers: usize) -> Self {
        let memory = Arc::new(Memory {
            shared_bytes: AtomicU64::new(bytes),
        });
        Self {
            memory,
            bytes,
            workers,
        }
    }

    /// The largest piece: one that is read, one that waits for that, and one that is worked on.
    pub(super) fn piece_bytes(&self) -> u64 {
        self.bytes / 3
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory
            .shared_bytes
            .fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded_and_come_back() {
        let memory = Arc::new(Memory::default());
        assert!(memory.share(1).is_none());
        let shares: Vec<_> = std::iter::from_fn(|| memory.share(64))
            .take(10_000)
            .collect();
        assert!(shares.len() < 10_000);
        let all: u64 = shares.iter().map(|share| share.bytes).sum();
        assert_eq!(all, memory.shared_bytes.load(Ordering::SeqCst));
        assert!(shares.iter().all(|share| share.workers == WORKERS_MAX));
        drop(shares);
        assert_eq!(memory.shared_bytes.load(Ordering::SeqCst), 0);
    }
}
