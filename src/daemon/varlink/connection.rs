//! One connection: its calls are answered in the order in which they came.

use std::os::fd::AsFd;
use std::sync::Arc;

use super::caller::Caller;
use super::dispatch::{Answer, Asked, answer};
use super::fault::Fault;
use super::follower::{Event, Follower};
use super::link::{End, Link};
use crate::daemon::service::Service;
use crate::transfer::Outcome;
use crate::wire::varlink::{Call, Mode, Parameters, Reply};

pub(super) struct Connection {
    pub(super) link: Link,
    pub(super) caller: Caller,
    pub(super) service: Arc<Service>,
}

impl Connection {
    /// Until the client has had enough, or we of it.
    pub(super) fn serve(mut self) {
        let Err(end) = self.answer_calls() else {
            return;
        };
        if !matches!(end, End::Gone | End::Stopped) {
            let uid = self.caller.uid;
            let what = format_args!("A Varlink connection of user {uid} is closed: {end}");
            self.service.reporter.debug(what);
        }
    }

    fn answer_calls(&mut self) -> Result<(), End> {
        while let Some(message) = self.link.receive()? {
            let call = Call::parse(&message)?;
            let answer = answer(&Asked {
                call: &call,
                caller: &self.caller,
                service: &self.service,
                is_gone: &|| self.link.is_gone(),
            });
            if call.mode != Mode::Oneway {
                self.reply(answer)?;
            }
        }
        Ok(())
    }

    fn reply(&mut self, answer: Result<Answer, Fault>) -> Result<(), End> {
        match answer {
            Ok(Answer::One(values)) => self.send(&Reply::Last(values)),
            Ok(Answer::Many(mut replies)) => {
                let last = replies.pop();
                for values in replies {
                    self.send(&Reply::Continued(values))?;
                }
                self.send(&Reply::Last(last.unwrap_or_default()))
            }
            Ok(Answer::Followed(follower)) => {
                let followed = self.follow(&follower);
                follower.give_up();
                followed
            }
            Err(fault) => self.send(&Reply::Failed(fault.failure())),
        }
    }

    /// Tells what a transfer says until it has ended.
    fn follow(&mut self, follower: &Follower) -> Result<(), End> {
        loop {
            // Before what there is to say is taken: a transfer may end, and the daemon after it, between the two.
            let is_stopped = self.link.is_stopped();
            for event in follower.take()? {
                let is_last = matches!(event, Event::Ended(_));
                self.send(&reply(event))?;
                if is_last {
                    return Ok(());
                }
            }
            if is_stopped {
                return Err(End::Stopped);
            }
            self.link.wait_for(follower.as_fd())?;
        }
    }

    fn send(&mut self, reply: &Reply) -> Result<(), End> {
        self.link.send(&reply.to_bytes())
    }
}

fn reply(event: Event) -> Reply {
    let none = Parameters::new();
    match event {
        Event::Begun(id) => Reply::Continued(none.with("id", id)),
        Event::Said { priority, message } => {
            let log = Parameters::new()
                .with("priority", priority)
                .with("message", message);
            Reply::Continued(none.with("log", log))
        }
        Event::Progress(fraction) => Reply::Continued(none.with("progress", fraction)),
        Event::Ended(Outcome::Done) => Reply::Last(none),
        Event::Ended(Outcome::Canceled) => Reply::Failed(Fault::Cancelled.failure()),
        Event::Ended(Outcome::Failed) => Reply::Failed(Fault::Failed.failure()),
    }
}
