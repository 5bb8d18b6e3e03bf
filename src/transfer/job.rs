//! One transfer as its own functions see it, and the thread that it is done on.

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::{Error, Local, Origin, Request, Settings, export, import, import_directory, pull};
use crate::report::Reporter;
use crate::store::Staged;
use crate::stream::Cancel;
use crate::tree::{self, Refused};

/// A transfer's thread. Dropped without being joined, it goes on.
pub(super) struct Started {
    /// At its end once the thread is.
    ended: PipeReader,
    thread: JoinHandle<Result<(), Error>>,
}

/// What a transfer's functions work with.
pub(super) struct Job {
    pub(super) settings: Arc<Settings>,
    pub(super) cancel: Cancel,
    pub(super) reporter: Reporter,
    /// Names the threads.
    pub(super) name: String,
}

/// Does what is asked for on a thread of its own.
pub(super) fn start(
    job: Job,
    request: Request,
    at_end: impl FnOnce(&Result<(), Error>) + Send + 'static,
) -> Result<Started, Error> {
    let (ended, end) = io::pipe().map_err(Local::Thread)?;
    let thread = Builder::new().name(job.name.clone()).spawn(move || {
        let result = run(&job, request);
        at_end(&result);
        drop(end);
        result
    });
    Ok(Started {
        ended,
        thread: thread.map_err(Local::Thread)?,
    })
}

impl Job {
    /// What a thread is called that fills files while others are made, if there is a processor for it.
    pub(super) fn filler(&self) -> Option<String> {
        (self.settings.threads > 1).then(|| format!("{}-fill", self.name))
    }

    pub(super) fn tell_of_import(&self, origin: &Origin, to: &Path) {
        let from = &origin.shown;
        self.reporter
            .info(format_args!("Importing `{from}` as `{}`", to.display()));
    }

    /// Tells of attributes that could not be set.
    pub(super) fn warn_of(&self, refused: &Refused) {
        if let Some(first) = &refused.first {
            self.reporter.warning(format_args!(
                "Attributes that may not be set here, ignoring: {} (the first: {first})",
                refused.count
            ));
        }
    }

    /// Tells of what is mounted in a tree.
    pub(super) fn tell_of_mounts(&self, path: &Path, count: u64) {
        if count > 0 {
            self.reporter.info(format_args!(
                "What is mounted in `{}` is not part of it, left out: {count}",
                path.display()
            ));
        }
    }

    /// Tells of what crashed exports had left.
    pub(super) fn tell_of_swept(&self, swept: usize) {
        if swept > 0 {
            self.reporter.notice(format_args!(
                "Unfinished exports of earlier runs, removed: {swept}"
            ));
        }
    }

    /// Moves a tree up that stands alone in the staged one and is an operating system's.
    pub(super) fn raise(&self, staged: &Staged) -> Result<(), Error> {
        let raised = tree::raise_os_tree(staged.file().as_fd(), &self.cancel);
        if raised.map_err(|error| Error::tree(&staged.path(), error))? {
            self.reporter
                .info("Its only directory is an operating system's tree: moved that one up");
        }
        Ok(())
    }
}

fn run(job: &Job, request: Request) -> Result<(), Error> {
    contain(|| match request {
        Request::Pull(request) => pull::run(job, &request),
        Request::Import(request) => import::run(job, &request),
        Request::ImportDirectory(request) => import_directory::run(job, &request),
        // What packs is a tenth of the program.
        Request::Export(request) => match cfg!(feature = "export") {
            true => export::run(job, request),
            false => Err(Local::NoExports.into()),
        },
    })
}

/// A panic in a transfer unwinds past everything staged, which vanishes, and ends here.
fn contain(transfer: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    catch_unwind(AssertUnwindSafe(transfer)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// A panic's own words, if it had any.
pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    Local::Panic(words.unwrap_or("panic").to_owned()).into()
}

impl Started {
    /// Waits until it has ended.
    pub(super) fn join(self) -> Result<(), Error> {
        self.thread
            .join()
            .unwrap_or_else(|panic| Err(panicked(&*panic)))
    }
}

impl AsFd for Started {
    /// Hung up once the transfer has ended; to be polled.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Roots;
    use crate::terms::ImageClass;

    #[test]
    fn a_panic_is_a_failed_transfer_and_what_it_staged_vanishes() {
        let directory = std::env::temp_dir().join(format!("importd-panic-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let roots = Roots::open(&directory, None).unwrap();
        let mut path = None;
        let result = contain(|| {
            let staged = roots.target(ImageClass::Machine)?.stage("raw")?;
            path = Some(staged.path());
            panic!("on purpose");
        });
        let message = result.unwrap_err().to_string();
        assert!(
            message.contains("defect of this program") && message.contains("on purpose"),
            "{message}"
        );
        assert!(!path.unwrap().exists());
        std::fs::remove_dir_all(directory).unwrap();
    }
}
