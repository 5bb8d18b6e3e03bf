//! A transfer that the daemon does: started, followed to its end, or left to go on.

use std::fs::File;
use std::io;

use zbus::Message;
use zbus::message::Type;

use super::client::Event;
use super::{Client, Error, call};
use crate::report::{Level, Progress, Reporter, Sink};
use crate::stream::Cancel;
use crate::sys::behind_links;
use crate::transfer::{Outlet, Replacement, Request, Stream};
use crate::wire::bus::{MANAGER, TRANSFER, transfer_path};
use crate::wire::percent;

/// Has the daemon do it, and tells what that says.
pub(in crate::ctl) fn run(
    client: &mut Client,
    request: &Request,
    (reporter, screen): (&Reporter, &dyn Sink),
) -> Result<(), Error> {
    let mut output = Output::of(request)?;
    client.listen()?;
    let reply = call::start(client, request, output.file())?;
    let (id, _): (u32, zbus::OwnedObjectPath) =
        reply.body().deserialize().map_err(Error::Answer)?;
    reporter.info(format_args!(
        "The daemon does it as transfer {id}; Control-C leaves it to go on"
    ));
    let followed = Followed {
        id,
        path: transfer_path(id),
        reporter,
        screen,
    };
    match followed.to_its_end(client)?.as_str() {
        "done" => output.commit(),
        "canceled" => Err(Error::Canceled),
        _ => Err(Error::Failed),
    }
}

/// What an export is written to: the file itself appears once it is whole.
enum Output<'a> {
    None,
    File(Option<Replacement>),
    /// A pipe or a device.
    Other(File),
    Stream(&'a File),
}

impl<'a> Output<'a> {
    fn of(request: &'a Request) -> Result<Self, Error> {
        let Request::Export(export) = request else {
            return Ok(Self::None);
        };
        match &export.outlet {
            Outlet::Stream(Stream { file, .. }) => Ok(Self::Stream(file)),
            Outlet::Path(path) => {
                let open = || {
                    let path = behind_links(path)?;
                    match std::fs::metadata(&path) {
                        Ok(metadata) if !metadata.is_file() => {
                            Ok(Self::Other(File::options().write(true).open(path)?))
                        }
                        _ => Ok(Self::File(Some(Replacement::of(&path)?))),
                    }
                };
                open().map_err(|cause| Error::Target {
                    path: path.display().to_string(),
                    cause,
                })
            }
        }
    }

    fn file(&self) -> Option<&File> {
        match self {
            Self::None | Self::File(None) => None,
            Self::File(Some(target)) => Some(target.file()),
            Self::Other(file) => Some(file),
            Self::Stream(file) => Some(*file),
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        let Self::File(target) = self else {
            return Ok(());
        };
        let Some(target) = target.take() else {
            return Ok(());
        };
        let path = target.path().display().to_string();
        let committed = Cancel::new().and_then(|cancel| target.commit(true, &cancel));
        committed.map_err(|cause: io::Error| Error::Target { path, cause })
    }
}

/// A transfer that is followed.
struct Followed<'a> {
    id: u32,
    path: String,
    reporter: &'a Reporter,
    screen: &'a dyn Sink,
}

impl Followed<'_> {
    /// Tells what is heard of it. Returns how it has ended.
    fn to_its_end(&self, client: &mut Client) -> Result<String, Error> {
        loop {
            match client.next() {
                Event::BusGone => return Err(Error::BusGone),
                Event::Stop => return Err(Error::Left(self.id)),
                Event::Message(message) => {
                    if let Some(result) = self.hear(&message)? {
                        return Ok(result);
                    }
                }
            }
        }
    }

    /// The result, if that is what the message is of.
    fn hear(&self, message: &Message) -> Result<Option<String>, Error> {
        let header = message.header();
        if message.message_type() != Type::Signal {
            return Ok(None);
        }
        let interface = header.interface().map(|name| name.as_str());
        let member = header.member().map(|name| name.as_str());
        let of_ours = header.path().is_some_and(|path| path.as_str() == self.path);
        let body = message.body();
        match (interface, member) {
            (Some(TRANSFER), Some("LogMessage")) if of_ours => {
                let (priority, line): (u32, String) = body.deserialize().map_err(Error::Answer)?;
                self.reporter.log(level(priority), line);
            }
            (Some(TRANSFER), Some("ProgressUpdate")) if of_ours => {
                let fraction: f64 = body.deserialize().map_err(Error::Answer)?;
                self.screen.progress(Progress {
                    percent: percent(fraction),
                    done_bytes: 0,
                    total_bytes: None,
                });
            }
            (Some(MANAGER), Some("TransferRemoved")) => {
                let (id, _, result): (u32, zbus::OwnedObjectPath, String) =
                    body.deserialize().map_err(Error::Answer)?;
                return Ok((id == self.id).then_some(result));
            }
            (_, Some("NameOwnerChanged")) => {
                let (_, old, _): (String, String, String) =
                    body.deserialize().map_err(Error::Answer)?;
                // Without one before it is the daemon that our own call has started.
                if !old.is_empty() {
                    return Err(Error::DaemonGone);
                }
            }
            _ => {}
        }
        Ok(None)
    }
}

/// The facility that some put before a priority is nothing to us.
fn level(priority: u32) -> Level {
    (priority % 8).to_string().parse().unwrap_or(Level::Info)
}
