//! A connection to a bus on which the daemon is: calls, and what comes unasked, one after the other.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use rustix::event::{PollFd, PollFlags, poll};
use zbus::message::{Flags, Type};
use zbus::{Connection, Message, MessageStream, block_on};

use super::Error;
use super::agent::Agent;
use crate::sys::SignalFd;
use crate::wire::bus::{DBUS, MANAGER, MANAGER_PATH, NAME, next};

/// Something that happens while we wait.
pub(super) enum Event {
    Message(Message),
    BusGone,
    /// A signal asks for our end.
    Stop,
}

/// The way to one daemon.
pub(in crate::ctl) struct Client {
    bus: Connection,
    events: Receiver<Event>,
    /// What came while an answer was waited for.
    waiting: VecDeque<Event>,
    /// Whether whoever is there may be asked whether something may be done.
    interactive: bool,
    _agent: Option<Agent>,
}

impl Client {
    /// Begins to listen. No thread may have been started before, so that signals come to us.
    pub(super) fn new(
        bus: Connection,
        signals: SignalFd,
        (interactive, agent): (bool, Option<Agent>),
    ) -> Result<Self, Error> {
        let (sender, events) = channel();
        let messages = MessageStream::from(&bus);
        let others = sender.clone();
        let heard = Builder::new()
            .name("bus".to_owned())
            .spawn(move || hear(messages, &others));
        heard.map_err(Error::Signals)?;
        let watched = Builder::new()
            .name("signals".to_owned())
            .spawn(move || watch(&signals, &sender));
        watched.map_err(Error::Signals)?;
        Ok(Self {
            bus,
            events,
            waiting: VecDeque::new(),
            interactive,
            _agent: agent,
        })
    }

    /// Calls a method of the Manager and waits for the answer, as long as a person may take to agree.
    pub(super) fn call<B>(&mut self, method: &str, values: &B) -> Result<Message, Error>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.call_object((NAME, MANAGER_PATH, MANAGER), method, values)
    }

    /// Has signals of the daemon's come to us, and word of its end.
    pub(super) fn listen(&mut self) -> Result<(), Error> {
        let (bus, ..) = DBUS;
        for rule in [
            format!("type='signal',sender='{NAME}'"),
            format!("type='signal',sender='{bus}',member='NameOwnerChanged',arg0='{NAME}'"),
        ] {
            self.call_object(DBUS, "AddMatch", &rule.as_str())?;
        }
        Ok(())
    }

    fn call_object<B>(
        &mut self,
        (destination, path, interface): (&str, &str, &str),
        method: &str,
        values: &B,
    ) -> Result<Message, Error>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let mut call = Message::method_call(path, method)
            .destination(destination)
            .interface(interface);
        if self.interactive {
            call = call.with_flags(Flags::ALLOW_INTERACTIVE_AUTH);
        }
        let call = call.build(values)?;
        block_on(self.bus.send(&call))?;
        self.answer(call.primary_header().serial_num())
    }

    /// Waits for the answer to one call; what else comes is kept.
    fn answer(&mut self, serial: NonZeroU32) -> Result<Message, Error> {
        loop {
            let event = self.events.recv().unwrap_or(Event::BusGone);
            match event {
                Event::Message(message) if message.header().reply_serial() == Some(serial) => {
                    return match message.message_type() {
                        Type::Error => Err(refusal(&message)),
                        _ => Ok(message),
                    };
                }
                Event::BusGone => return Err(Error::BusGone),
                event => self.waiting.push_back(event),
            }
        }
    }

    /// The next thing that happens.
    pub(super) fn next(&mut self) -> Event {
        self.waiting
            .pop_front()
            .unwrap_or_else(|| self.events.recv().unwrap_or(Event::BusGone))
    }
}

/// What an error says.
fn refusal(message: &Message) -> Error {
    let header = message.header();
    let name = header.error_name().map(ToString::to_string);
    let name = name.unwrap_or_default();
    let text = message.body().deserialize().ok();
    Error::Refused {
        message: text.unwrap_or_else(|| name.clone()),
        name,
    }
}

/// Passes on what the bus says.
fn hear(mut messages: MessageStream, events: &Sender<Event>) {
    loop {
        let event = match next(&mut messages) {
            Some(Ok(message)) => Event::Message(message),
            Some(Err(_)) | None => Event::BusGone,
        };
        let over = matches!(event, Event::BusGone);
        if events.send(event).is_err() || over {
            return;
        }
    }
}

/// Passes on that signals have come.
fn watch(signals: &SignalFd, events: &Sender<Event>) {
    loop {
        let _ = poll(&mut [PollFd::new(signals, PollFlags::IN)], None);
        if signals.take() && events.send(Event::Stop).is_err() {
            return;
        }
    }
}
