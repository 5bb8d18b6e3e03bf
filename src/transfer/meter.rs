//! How far a transfer has come, told at most ten times a second.

use std::time::{Duration, Instant};

use crate::report::{Progress, Reporter};
use crate::stream::Counter;
use crate::terms::Percent;

const INTERVAL: Duration = Duration::from_millis(100);

/// What a transfer is doing. For reporting only: nothing is decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Bytes arrive: the first 80 percent.
    Receiving,
    Verifying,
    Finalizing,
    /// What was downloaded is kept, and copied.
    Copying,
}

impl Phase {
    /// How much of a transfer is behind it when this begins.
    fn percent(self) -> u64 {
        match self {
            Self::Receiving => 0,
            Self::Verifying => 80,
            Self::Finalizing => 90,
            Self::Copying => 95,
        }
    }
}

/// The reporter's source of progress.
pub(super) struct Meter {
    reporter: Reporter,
    /// Bytes received, raised by whoever reads.
    pub(super) received: Counter,
    total_bytes: Option<u64>,
    last: Option<Instant>,
}

impl Meter {
    pub(super) fn new(reporter: Reporter) -> Self {
        Self {
            reporter,
            received: Counter::default(),
            total_bytes: None,
            last: None,
        }
    }

    /// A download of this size begins, or begins again.
    pub(super) fn begin(&mut self, total_bytes: Option<u64>) {
        self.received.reset();
        self.total_bytes = total_bytes;
        self.tell(Phase::Receiving);
    }

    /// Bytes have arrived.
    pub(super) fn tick(&mut self) {
        if self.last.is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.tell(Phase::Receiving);
        }
    }

    /// The next phase begins.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.tell(phase);
    }

    fn tell(&mut self, phase: Phase) {
        self.last = Some(Instant::now());
        let done_bytes = self.received.bytes();
        let receiving = || {
            self.total_bytes
                .map(|total| Percent::of(done_bytes, total).scaled(Phase::Verifying.percent()))
        };
        let percent = match phase {
            Phase::Receiving => receiving(),
            later => Some(Percent::of(later.percent(), 100)),
        };
        self.reporter.progress(Progress {
            percent,
            done_bytes,
            total_bytes: self.total_bytes,
        });
    }
}
