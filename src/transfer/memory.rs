//! What unpacking and packing on several threads may take of the machine's memory: some, and all transfers together no more than
//! a quarter of what is free. Where that is too little, it is done on one thread.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::available_memory;

/// The most that one transfer takes to unpack, and what of it is for the buffers that go round and the stacks of its threads.
const TRANSFER_BYTES: u64 = 256 << 20;
const BESIDE_BYTES: u64 = 24 << 20;

/// What the stack of a thread that packs takes of that, used or not; of those that unpack there are few.
const STACK_BYTES: u64 = 2 << 20;

/// The least that is worth unpacking on more than one thread, and the most that pieces may take.
const UNPACKING_BYTES: RangeInclusive<u64> = (24 << 20)..=(TRANSFER_BYTES - BESIDE_BYTES);

/// More threads than that wait for one another.
const UNPACKERS_MAX: usize = 8;
const PACKERS_MAX: usize = 16;

/// What all transfers have of the memory.
#[derive(Debug, Default)]
pub struct Memory {
    shared_bytes: AtomicU64,
}

/// A transfer's share, until it is dropped.
pub(super) struct Share {
    memory: Arc<Memory>,
    /// What pieces or blocks may take.
    pub(super) bytes: u64,
    pub(super) workers: usize,
}

impl Memory {
    /// A share to unpack on up to so many threads, if there is one and it is worth the while.
    pub(super) fn to_unpack(self: &Arc<Self>, threads: usize) -> Option<Share> {
        self.share(threads.min(UNPACKERS_MAX), UNPACKING_BYTES)
    }

    /// A share to pack on up to so many threads, each of which takes `worker_bytes`.
    pub(super) fn to_pack(self: &Arc<Self>, threads: usize, worker_bytes: u64) -> Option<Share> {
        let workers = threads.min(PACKERS_MAX);
        let worker_bytes = worker_bytes.saturating_add(STACK_BYTES);
        let of = |workers: usize| worker_bytes.saturating_mul(workers as u64);
        let wanted = of(2)..=of(workers);
        let mut share = self.share(workers, wanted)?;
        let fit = usize::try_from(share.bytes / worker_bytes);
        share.workers = fit.map_or(workers, |fit| fit.min(workers));
        Some(share)
    }

    fn share(self: &Arc<Self>, workers: usize, wanted: RangeInclusive<u64>) -> Option<Share> {
        if workers < 2 {
            return None;
        }
        let quarter = available_memory()? / 4;
        let grant = |shared: u64| {
            let bytes = quarter.saturating_sub(shared + BESIDE_BYTES);
            let bytes = bytes.min(*wanted.end());
            wanted.contains(&bytes).then_some(bytes)
        };
        let more = |shared| Some(shared + grant(shared)? + BESIDE_BYTES);
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
            shared_bytes: AtomicU64::new(bytes + BESIDE_BYTES),
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
            .fetch_sub(self.bytes + BESIDE_BYTES, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded_and_come_back() {
        let memory = Arc::new(Memory::default());
        assert!(memory.to_unpack(1).is_none() && memory.to_pack(1, 1).is_none());
        let packing = memory.to_pack(64, 1 << 20).unwrap();
        assert_eq!((packing.workers, packing.bytes), (PACKERS_MAX, 48 << 20));
        assert!(memory.to_pack(2, u64::MAX / 2).is_none());
        let shares: Vec<_> = std::iter::from_fn(|| memory.to_unpack(64))
            .take(10_000)
            .collect();
        assert!(shares.len() < 10_000);
        let each = shares.iter().chain([&packing]);
        let all: u64 = each.map(|share| share.bytes + BESIDE_BYTES).sum();
        assert_eq!(all, memory.shared_bytes.load(Ordering::SeqCst));
        assert!(shares.iter().all(|share| share.workers == UNPACKERS_MAX));
        drop((shares, packing));
        assert_eq!(memory.shared_bytes.load(Ordering::SeqCst), 0);
    }
}
