//! The connection to the bus: made when there is one, made again when it is gone, and never waited for by anybody else.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zbus::connection;
use zbus::fdo::{RequestNameFlags, RequestNameReply};
use zbus::message::Type;
use zbus::{Connection, MessageStream, block_on};

use super::Events;
use super::call::Call;
use super::dispatch::Dispatcher;
use super::outbox::Outbox;
use crate::daemon::service::Service;
use crate::stream::Cancel;
use crate::wire::bus::{NAME, next};

/// Between two looks for a bus: early at boot there is none yet.
const PAUSE: Duration = Duration::from_millis(500);

/// Where the bus is.
#[derive(Clone, Debug)]
pub(in crate::daemon) enum Address {
    /// As `$DBUS_SYSTEM_BUS_ADDRESS` has it.
    Given(String),
    Socket(PathBuf),
}

/// Serves on the bus until that is to end, on a thread of its own.
pub(in crate::daemon) fn keep(
    address: Address,
    service: Arc<Service>,
    events: Arc<Events>,
    stop: Cancel,
) -> io::Result<JoinHandle<()>> {
    let keeper = Keeper {
        address,
        service,
        events,
        stop,
    };
    Builder::new()
        .name("bus".to_owned())
        .spawn(move || keeper.run())
}

struct Keeper {
    address: Address,
    service: Arc<Service>,
    events: Arc<Events>,
    stop: Cancel,
}

impl Keeper {
    fn run(&self) {
        let reporter = &self.service.reporter;
        let mut told = false;
        while !self.stop.is_cancelled() {
            match self.connect() {
                Ok(bus) => {
                    told = false;
                    if let Err(error) = self.serve(&bus) {
                        reporter.warning(format_args!("The bus cannot be used: {error}"));
                    }
                    self.events.set_outbox(None);
                    self.service.authority.set_bus(None);
                }
                Err(error) if !told => {
                    told = true;
                    reporter.info(format_args!("There is no bus yet: {error}"));
                }
                Err(_) => {}
            }
            self.pause();
        }
    }

    /// Until there is the wish to stop, or some time has passed.
    fn pause(&self) {
        let time = Timespec::try_from(PAUSE).ok();
        let _ = poll(&mut [PollFd::new(&self.stop, PollFlags::IN)], time.as_ref());
    }

    fn connect(&self) -> zbus::Result<Connection> {
        let builder = match &self.address {
            Address::Given(address) => connection::Builder::address(address.as_str()),
            Address::Socket(path) => {
                let socket = std::os::unix::net::UnixStream::connect(path);
                connection::Builder::unix_stream(
                    socket.map_err(|error| zbus::Error::InputOutput(Arc::new(error)))?,
                )
            }
        };
        block_on(builder.build())
    }

    /// Until the connection ends.
    fn serve(&self, bus: &Connection) -> zbus::Result<()> {
        let failed = |error| zbus::Error::InputOutput(Arc::new(error));
        let (outbox, _sender) = Outbox::new(bus.clone()).map_err(failed)?;
        let mut messages = MessageStream::from(bus);
        self.service.authority.set_bus(Some(bus.clone()));
        self.events.set_outbox(Some(outbox.clone()));
        let flags = RequestNameFlags::empty();
        match block_on(bus.request_name_with_flags(NAME, flags))? {
            RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner => {}
            RequestNameReply::InQueue | RequestNameReply::Exists => {
                let what = format_args!("`{NAME}` is somebody else's: waiting until they are gone");
                self.service.reporter.warning(what);
            }
        }
        let dispatcher = Dispatcher::new(Arc::clone(&self.service));
        while let Some(message) = next(&mut messages) {
            let message = message?;
            if message.message_type() == Type::MethodCall {
                dispatcher.dispatch(Call::new(message, outbox.clone()));
            }
        }
        Ok(())
    }
}
