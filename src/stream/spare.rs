//! Memory that goes to and fro between threads: to get much of it from the system again and again takes longer than to fill it, and
//! stops every thread of the process each time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What nobody needs at the moment. Clones share it.
#[derive(Debug)]
pub struct Spare<T>(Arc<Mutex<Vec<T>>>);

impl<T: Default> Spare<T> {
    /// One that was given, as it was then, or a new one.
    pub fn take(&self) -> T {
        self.lock().pop().unwrap_or_default()
    }

    pub fn give(&self, used: T) {
        self.lock().push(used);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Spare<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
