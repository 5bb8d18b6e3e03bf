//! Lets clients in, as many as there may be, each to a thread of its own.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::caller::Caller;
use super::connection::Connection;
use super::entrance::{Door, Entrance};
use super::link::Link;
use crate::daemon::activity::Busy;
use crate::daemon::service::Service;
use crate::stream::Cancel;

/// How much clients may ask of us.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// So many connections in all, but that root is always let in.
    pub(super) connections: usize,
    /// So many of one user who is not root, which is what the reference allows everybody.
    pub(super) per_user: usize,
    /// So long a message that has begun may take, either way.
    pub(super) patience: Duration,
}

const LIMITS: Limits = Limits {
    connections: 512,
    per_user: 128,
    patience: Duration::from_secs(45),
};

/// After a failure to let somebody in that will not pass at once: there is no descriptor left, say.
const PAUSE: Duration = Duration::from_millis(200);

/// What serves.
pub(in crate::daemon) struct Server {
    guests: Arc<Guests>,
    accepting: JoinHandle<()>,
}

/// Serves, on threads of its own, until that is to end.
pub(in crate::daemon) fn serve(
    entrance: Entrance,
    service: Arc<Service>,
    stop: Cancel,
) -> io::Result<Server> {
    serve_within(LIMITS, entrance, service, stop)
}

pub(super) fn serve_within(
    limits: Limits,
    entrance: Entrance,
    service: Arc<Service>,
    stop: Cancel,
) -> io::Result<Server> {
    let guests = Arc::new(Guests::default());
    let porter = Porter {
        limits,
        service,
        stop,
        guests: Arc::clone(&guests),
    };
    if let Door::Listener(listener) = &entrance.door {
        listener.set_nonblocking(true)?;
    }
    let accepting = Builder::new().name("varlink".to_owned());
    let accepting = accepting.spawn(move || porter.serve(entrance))?;
    Ok(Server { guests, accepting })
}

impl Server {
    /// Waits until every connection has ended, after the wish to stop, but no longer than that. Says how many have not:
    /// those for which somebody is still being asked.
    pub(in crate::daemon) fn wait(self, patience: Duration) -> usize {
        // A panic there is nothing to wait for.
        let _ = self.accepting.join();
        let until = Instant::now() + patience;
        let mut counts = self.guests.counts();
        while counts.all > 0 {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            let waited = self.guests.left.wait_timeout(counts, left);
            counts = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        counts.all
    }

    #[cfg(test)]
    pub(super) fn connections(&self) -> usize {
        self.guests.counts().all
    }
}

/// Who lets clients in.
struct Porter {
    limits: Limits,
    service: Arc<Service>,
    stop: Cancel,
    guests: Arc<Guests>,
}

impl Porter {
    /// What was made for the entrance goes when nobody is let in any more.
    fn serve(&self, entrance: Entrance) {
        let listener = match &entrance.door {
            Door::Listener(listener) => listener,
            Door::Client(socket) => {
                if let (Some(busy), Ok(socket)) =
                    (self.service.activity.admit(), socket.try_clone())
                {
                    self.admit(socket, 1, busy);
                }
                return;
            }
        };
        let mut number = 0;
        loop {
            let mut waited = [
                PollFd::new(listener, PollFlags::IN),
                PollFd::new(&self.stop, PollFlags::IN),
            ];
            let _ = poll(&mut waited, None);
            if self.stop.is_cancelled() {
                return;
            }
            // Whoever is not taken from the socket of the service manager's is there for the next daemon.
            let Some(busy) = self.service.activity.admit() else {
                return;
            };
            if let Some(socket) = self.accept(listener) {
                number += 1;
                self.admit(socket, number, busy);
            }
        }
    }

    fn accept(&self, listener: &UnixListener) -> Option<UnixStream> {
        use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
        match listener.accept() {
            Ok((socket, _)) => Some(socket),
            Err(error) if matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted) => {
                None
            }
            Err(error) => {
                let what = format_args!("A Varlink connection could not be taken: {error}");
                self.service.reporter.warning(what);
                let pause = Timespec::try_from(PAUSE).ok();
                let _ = poll(
                    &mut [PollFd::new(&self.stop, PollFlags::IN)],
                    pause.as_ref(),
                );
                None
            }
        }
    }

    /// Serves that client, unless there are too many.
    fn admit(&self, socket: UnixStream, number: u64, busy: Busy) {
        let refuse = |why: &dyn std::fmt::Display| {
            let what = format_args!("A Varlink connection is refused: {why}");
            self.service.reporter.debug(what);
        };
        let caller = match Caller::of(socket.as_fd()) {
            Ok(caller) => caller,
            Err(error) => return refuse(&error),
        };
        let uid = caller.uid;
        let Some(guest) = self.guests.admit(uid, &self.limits, busy) else {
            return refuse(&format_args!("user {uid} or all together have enough"));
        };
        let link = match Link::new(socket, self.stop.clone(), self.limits.patience) {
            Ok(link) => link,
            Err(error) => return refuse(&error),
        };
        let connection = Connection {
            link,
            caller,
            service: Arc::clone(&self.service),
        };
        let work = move || {
            connection.serve();
            drop(guest);
        };
        let thread = Builder::new().name(format!("varlink{number}"));
        if let Err(error) = thread.spawn(work) {
            refuse(&error);
        }
    }
}

/// Connections there are.
#[derive(Default)]
struct Guests {
    counts: Mutex<Counts>,
    /// Notified whenever one has ended.
    left: Condvar,
}

#[derive(Default)]
struct Counts {
    all: usize,
    /// Only of users who have any.
    of_users: HashMap<u32, usize>,
}

/// One of them, until it is dropped.
struct Guest {
    guests: Arc<Guests>,
    uid: u32,
    /// Nobody is idle who has guests.
    _busy: Busy,
}

impl Guests {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(self: &Arc<Self>, uid: u32, limits: &Limits, busy: Busy) -> Option<Guest> {
        let mut counts = self.counts();
        let own = counts.of_users.get(&uid).copied().unwrap_or(0);
        let full = counts.all >= limits.connections || own >= limits.per_user;
        if uid != 0 && full {
            return None;
        }
        counts.all += 1;
        counts.of_users.insert(uid, own + 1);
        Some(Guest {
            guests: Arc::clone(self),
            uid,
            _busy: busy,
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.guests.counts();
        counts.all -= 1;
        if let Some(own) = counts.of_users.get_mut(&self.uid) {
            *own -= 1;
            if *own == 0 {
                counts.of_users.remove(&self.uid);
            }
        }
        self.guests.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::activity::Activity;

    #[test]
    fn users_have_so_many_connections_and_root_has_any() {
        let limits = Limits {
            connections: 5,
            per_user: 2,
            patience: Duration::ZERO,
        };
        let (guests, activity) = (Arc::new(Guests::default()), Activity::new());
        let admit = |uid| guests.admit(uid, &limits, activity.begin());
        let first = admit(1).unwrap();
        let _held = [admit(1).unwrap(), admit(2).unwrap(), admit(0).unwrap()];
        assert!(admit(1).is_none());
        drop(first);
        let _again = [admit(1).unwrap(), admit(3).unwrap()];
        assert!(admit(4).is_none());
        let _root = [admit(0).unwrap(), admit(0).unwrap()];
        assert_eq!(guests.counts().all, 7);
        assert_eq!(activity.idle_for(), None);
        drop((_held, _again, _root));
        let counts = guests.counts();
        assert_eq!((counts.all, counts.of_users.len()), (0, 0));
        assert!(activity.idle_for().is_some());
    }
}
