//! The two kinds of event a transfer emits, and the handle it emits them through.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::Level;
use crate::terms::Percent;

/// One log line.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub level: Level,
    pub message: &'a str,
    /// Where in the source it was said.
    pub location: &'static Location<'static>,
    /// The number of the transfer that has said it, among several.
    pub transfer: Option<u32>,
}

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Of the whole transfer, all its phases together; unknown where the amount of work is.
    pub percent: Option<Percent>,
    /// Bytes of the image received or read so far, as they lie at the source.
    pub done_bytes: u64,
    /// How many there are in all, where that is known.
    pub total_bytes: Option<u64>,
}

/// Whoever shows, writes or forwards events. Called from several threads at once; must not block for long.
pub trait Sink: Send + Sync {
    fn log(&self, record: &Record<'_>);

    fn progress(&self, progress: Progress);
}

/// The handle through which work speaks. Clones speak to the same sink.
#[derive(Clone)]
pub struct Reporter(Arc<dyn Sink>);

impl Reporter {
    pub fn new(sink: Arc<dyn Sink>) -> Self {
        Self(sink)
    }

    /// A reporter nobody listens to.
    pub fn silent() -> Self {
        struct Nobody;
        impl Sink for Nobody {
            fn log(&self, _: &Record<'_>) {}
            fn progress(&self, _: Progress) {}
        }
        Self(Arc::new(Nobody))
    }

    #[track_caller]
    pub fn log(&self, level: Level, message: impl fmt::Display) {
        self.0.log(&Record {
            level,
            message: &message.to_string(),
            location: Location::caller(),
            transfer: None,
        });
    }

    #[track_caller]
    pub fn error(&self, message: impl fmt::Display) {
        self.log(Level::Err, message);
    }

    #[track_caller]
    pub fn warning(&self, message: impl fmt::Display) {
        self.log(Level::Warning, message);
    }

    #[track_caller]
    pub fn notice(&self, message: impl fmt::Display) {
        self.log(Level::Notice, message);
    }

    #[track_caller]
    pub fn info(&self, message: impl fmt::Display) {
        self.log(Level::Info, message);
    }

    #[track_caller]
    pub fn debug(&self, message: impl fmt::Display) {
        self.log(Level::Debug, message);
    }

    pub fn progress(&self, progress: Progress) {
        self.0.progress(progress);
    }
}
