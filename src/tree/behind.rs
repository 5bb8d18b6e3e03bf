//! Work behind whoever goes on: while names are looked up and files are made, those that were made before are filled and get their
//! attributes, in that order, by a thread of its own.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, scope};

use super::Error;
use crate::stream::Cancelled;

/// How much work is handed over at once, by what it holds in memory and by number: each holds a file or two open.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_WORKS: usize = 16;

/// How many times as much may wait.
const BATCHES: usize = 2;

/// Something to do, with what all of it shares.
type Work<S> = Box<dyn FnOnce(&mut S) -> Result<(), Error> + Send>;

/// Where work goes.
pub(super) struct Behind<'a, S>(Way<'a, S>);

enum Way<'a, S> {
    /// It is done at once.
    Here(&'a mut S),
    There {
        waiting: SyncSender<Vec<Work<S>>>,
        batch: Vec<Work<S>>,
        bytes: usize,
    },
}

/// Has `lead` go on, and what it leaves behind be done by a thread of that name, or at once if there is no name. All is done when
/// it returns, unless something failed: then nothing is done that comes after that.
pub(super) fn work_behind<S: Send, T>(
    thread: Option<&str>,
    state: &mut S,
    lead: impl FnOnce(&mut Behind<'_, S>) -> Result<T, Error>,
) -> Result<T, Error> {
    let Some(name) = thread else {
        return lead(&mut Behind(Way::Here(state)));
    };
    scope(|threads| {
        let (waiting, works) = sync_channel(BATCHES);
        let work = move || do_all(works, state);
        let worker = Builder::new().name(name.to_owned());
        let worker = worker.spawn_scoped(threads, work);
        let worker = worker.map_err(|cause| Error::Thread { cause })?;
        let mut behind = Behind(Way::There {
            waiting,
            batch: Vec::new(),
            bytes: 0,
        });
        let led = lead(&mut behind).and_then(|led| behind.hand_over().map(|()| led));
        drop(behind);
        // What it was told of comes before whatever failed since.
        worker.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        led
    })
}

fn do_all<S>(works: Receiver<Vec<Work<S>>>, state: &mut S) -> Result<(), Error> {
    works.into_iter().flatten().try_for_each(|work| work(state))
}

impl<S> Behind<'_, S> {
    /// Leaves work that holds so many bytes. An error may be of anything that was left before, too.
    pub(super) fn put(
        &mut self,
        bytes: usize,
        work: impl FnOnce(&mut S) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        match &mut self.0 {
            Way::Here(state) => work(state),
            Way::There {
                batch, bytes: held, ..
            } => {
                batch.push(Box::new(work));
                *held += bytes;
                match batch.len() >= BATCH_WORKS || *held >= BATCH_BYTES {
                    true => self.hand_over(),
                    false => Ok(()),
                }
            }
        }
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Way::Here(_) => Ok(()),
            Way::There {
                waiting,
                batch,
                bytes,
            } => {
                *bytes = 0;
                // Whoever does not take it has failed, and says why.
                let sent = waiting.send(std::mem::take(batch));
                sent.map_err(|_| Cancelled.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_in_its_order_and_nothing_behind_what_fails() {
        for thread in [None, Some("behind")] {
            let mut done = Vec::new();
            let put = |behind: &mut Behind<'_, Vec<usize>>| {
                (0..1000).try_for_each(|number| {
                    behind.put(number, move |done| {
                        done.push(number);
                        Ok(())
                    })
                })
            };
            work_behind(thread, &mut done, put).unwrap();
            assert_eq!(done, Vec::from_iter(0..1000));
            done.clear();
            let result = work_behind(thread, &mut done, |behind| {
                put(behind)?;
                behind.put(0, |_| Err(Error::Root))?;
                put(behind)
            });
            assert!(matches!(result, Err(Error::Root)), "{result:?}");
            assert_eq!(done.len(), 1000);
        }
    }

    #[test]
    fn who_leads_may_fail_too_and_what_was_left_comes_first() {
        let mut done = 0;
        let result = work_behind(Some("behind"), &mut done, |behind| {
            behind.put(BATCH_BYTES, |done| {
                *done += 1;
                Ok(())
            })?;
            Err::<(), _>(Error::Root)
        });
        assert!(matches!(result, Err(Error::Root)), "{result:?}");
        assert_eq!(done, 1);
    }
}
