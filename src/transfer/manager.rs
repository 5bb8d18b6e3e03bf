//! The Manager: the transfers under way for whoever serves several people, told apart by number.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::{self, Job};
use super::{About, Error, Request, Settings};
use crate::report::{Progress, Record, Reporter, Sink};
use crate::store::{self, Roots};
use crate::stream::Cancel;
use crate::terms::{Percent, TransferType};

/// So many transfers may be under way at once.
pub const TRANSFERS_LIMIT: usize = 64;

/// Starts transfers under common settings, knows those that are under way, and tells watchers of them.
pub struct Manager(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    watchers: Vec<Arc<dyn Watcher>>,
    under_way: Mutex<UnderWay>,
    /// Notified whenever one has ended.
    ended: Condvar,
}

/// Invariant: a number is given once.
#[derive(Default)]
struct UnderWay {
    /// All were asked to stop, and none begins any more.
    closed: bool,
    last_id: u32,
    transfers: BTreeMap<u32, Arc<Transfer>>,
    /// Of so many, not among those any more, the watchers are being told that they have ended.
    ending: usize,
}

/// A transfer under way, or one that has ended and somebody still holds.
pub struct Transfer {
    pub id: u32,
    pub about: About,
    cancel: Cancel,
    /// In percent; [`UNKNOWN`] where that is unknown.
    percent: AtomicU32,
}

const UNKNOWN: u32 = u32::MAX;

/// How a transfer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Canceled,
    Failed,
}

/// Whoever is told of transfers, in this order: begun, then what they say, then ended. Called from their threads; must not
/// block for long.
pub trait Watcher: Send + Sync {
    fn begun(&self, transfer: &Transfer);

    fn said(&self, transfer: &Transfer, record: &Record<'_>);

    /// The whole percent has changed.
    fn progress(&self, transfer: &Transfer);

    fn ended(&self, transfer: &Transfer, outcome: Outcome);
}

/// Why a transfer was not started.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    #[error("{0} is being downloaded already")]
    InProgress(String),
    #[error("there are {TRANSFERS_LIMIT} transfers under way, which is as many as there may be")]
    TooMany,
    #[error("the daemon is about to end")]
    Stopping,
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<store::Error> for NotStarted {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Manager {
    pub fn new(settings: Settings, watchers: Vec<Arc<dyn Watcher>>) -> Self {
        Self(Arc::new(Shared {
            settings: Arc::new(settings),
            watchers,
            under_way: Mutex::default(),
            ended: Condvar::new(),
        }))
    }

    /// The directories of images.
    pub fn roots(&self) -> &Roots {
        &self.0.settings.roots
    }

    /// Starts a transfer, into the image root that is given, an absolute path of the system that is served, or that of its
    /// class. `watcher` is told of this one alone,
    /// after all others.
    pub fn start(
        &self,
        request: Request,
        image_root: Option<&Path>,
        watcher: Option<Arc<dyn Watcher>>,
    ) -> Result<Arc<Transfer>, NotStarted> {
        let shared = &self.0;
        let mut settings = Arc::clone(&shared.settings);
        if let Some(image_root) = image_root {
            let roots = settings.roots.with_image_root(image_root);
            settings = Arc::new(Settings {
                roots,
                ..(*settings).clone()
            });
        }
        let about = request.about();
        let cancel = Cancel::new().map_err(|cause| Error::from(super::Local::Thread(cause)))?;
        let mut under_way = shared.under_way();
        if under_way.closed {
            return Err(NotStarted::Stopping);
        }
        if under_way.is_pulling(&about) {
            return Err(NotStarted::InProgress(about.remote));
        }
        if under_way.transfers.len() >= TRANSFERS_LIMIT {
            return Err(NotStarted::TooMany);
        }
        under_way.last_id += 1;
        let transfer = Arc::new(Transfer {
            id: under_way.last_id,
            about,
            cancel: cancel.clone(),
            percent: AtomicU32::new(UNKNOWN),
        });
        let told = Arc::new(Told {
            shared: Arc::clone(shared),
            own: watcher,
            transfer: Arc::clone(&transfer),
        });
        let reporter = Reporter::new(Arc::clone(&told) as Arc<dyn Sink>);
        let job = Job {
            settings,
            cancel,
            reporter: reporter.clone(),
            name: format!("transfer{}", transfer.id),
        };
        under_way
            .transfers
            .insert(transfer.id, Arc::clone(&transfer));
        drop(under_way);
        told.each(|watcher| watcher.begun(&transfer));
        let at_end = {
            let told = Arc::clone(&told);
            move |result: &Result<(), Error>| told.end(result, &reporter)
        };
        match job::start(job, request, at_end) {
            Ok(_) => Ok(transfer),
            Err(error) => {
                told.remove(Outcome::Failed);
                Err(error.into())
            }
        }
    }

    /// The transfers under way, by number.
    pub fn transfers(&self) -> Vec<Arc<Transfer>> {
        self.0.under_way().transfers.values().cloned().collect()
    }

    pub fn transfer(&self, id: u32) -> Option<Arc<Transfer>> {
        self.0.under_way().transfers.get(&id).cloned()
    }

    /// Whether the same is being downloaded already, whatever it will be called here.
    pub fn is_pulling(&self, about: &About) -> bool {
        self.0.under_way().is_pulling(about)
    }

    /// Asks all of them to stop, lets no other begin, and waits until they have, but no longer than that. Says how many have not.
    pub fn stop(&self, patience: Duration) -> usize {
        self.0.under_way().closed = true;
        for transfer in self.transfers() {
            transfer.cancel();
        }
        let until = Instant::now() + patience;
        let mut under_way = self.0.under_way();
        while !under_way.transfers.is_empty() || under_way.ending > 0 {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            let waited = self.0.ended.wait_timeout(under_way, left);
            under_way = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        under_way.transfers.len()
    }
}

impl Shared {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        // Whoever panicked held it over nothing that can be half done.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn is_pulling(&self, about: &About) -> bool {
        matches!(about.kind, TransferType::Pull(_))
            && self
                .transfers
                .values()
                .any(|other| (other.about.kind, &other.about.remote) == (about.kind, &about.remote))
    }
}

impl Transfer {
    /// Asks it to stop, which it does within half a second.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// How far it has come; unknown where the amount of work is.
    pub fn percent(&self) -> Option<Percent> {
        let percent = self.percent.load(Ordering::Relaxed);
        (percent != UNKNOWN).then(|| Percent::of(percent.into(), 100))
    }
}

/// Everybody who is told of one transfer.
struct Told {
    shared: Arc<Shared>,
    own: Option<Arc<dyn Watcher>>,
    transfer: Arc<Transfer>,
}

impl Told {
    fn each(&self, tell: impl Fn(&dyn Watcher)) {
        for watcher in self.shared.watchers.iter().chain(&self.own) {
            tell(&**watcher);
        }
    }

    fn end(&self, result: &Result<(), Error>, reporter: &Reporter) {
        let outcome = match result {
            Ok(()) => Outcome::Done,
            // Not whether the wish to stop was heard of: it also ends the threads of what has failed.
            Err(Error::Cancelled) => Outcome::Canceled,
            Err(_) => Outcome::Failed,
        };
        if let Err(error) = result {
            reporter.error(error);
        }
        self.remove(outcome);
    }

    /// Forgets it. Whoever hears of its end and asks finds it gone.
    fn remove(&self, outcome: Outcome) {
        let mut under_way = self.shared.under_way();
        under_way.transfers.remove(&self.transfer.id);
        under_way.ending += 1;
        drop(under_way);
        self.each(|watcher| watcher.ended(&self.transfer, outcome));
        self.shared.under_way().ending -= 1;
        self.shared.ended.notify_all();
    }
}

impl Sink for Told {
    fn log(&self, record: &Record<'_>) {
        self.each(|watcher| watcher.said(&self.transfer, record));
    }

    fn progress(&self, progress: Progress) {
        let percent = progress
            .percent
            .map_or(UNKNOWN, |percent| percent.get().into());
        if self.transfer.percent.swap(percent, Ordering::Relaxed) != percent && percent != UNKNOWN {
            self.each(|watcher| watcher.progress(&self.transfer));
        }
    }
}
