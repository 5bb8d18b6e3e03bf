//! Leaving a pull to the daemon, where one listens: then it is known there, can be listed and cancelled, and is not begun
//! twice.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::error::Error;
use crate::report::{Level, Progress, Reporter};
use crate::terms::VerifyMode;
use crate::transfer::{Place, Pull, Settings, wait_for};
use crate::wire::percent;
use crate::wire::varlink::{CallError, Client, Parameters, Value};

const METHOD: &str = "io.systemd.Import.Pull";
const IN_PROGRESS: &str = "io.systemd.Import.AlreadyInProgress";
/// How long to wait before the same is asked for again that somebody else downloads.
const PAUSE: Duration = Duration::from_secs(1);

/// What can fail.
pub(super) type Failure = CallError;

/// Leaves a pull to the daemon behind this socket, to the end; false if nobody listens there. Whoever wants to wait for the
/// server does that before the daemon is asked: its patience is for people.
pub(super) fn leave(
    asked: (&Pull, Option<&Path>),
    socket: &Path,
    settings: &Settings,
    wait: bool,
    reporter: &Reporter,
) -> Result<bool, Error> {
    if !socket.exists() {
        return Ok(false);
    }
    if wait {
        wait_for(settings, &asked.0.url, reporter)?;
    }
    let Some(stream) = reach(socket)? else {
        return Ok(false);
    };
    pull(stream, socket, asked, wait, reporter)?;
    Ok(true)
}

/// The daemon's socket, if somebody listens there.
fn reach(socket: &Path) -> Result<Option<UnixStream>, Failure> {
    match UnixStream::connect(socket) {
        Ok(stream) => Ok(Some(stream)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(cause) => Err(CallError::Connection(cause)),
    }
}

/// Has the daemon pull, and tells what it tells, to the end. If it downloads the same already, for another name, it is
/// asked again until that is over, or only once if that is not to be waited for.
fn pull(
    mut stream: UnixStream,
    socket: &Path,
    (pull, image_root): (&Pull, Option<&Path>),
    wait: bool,
    reporter: &Reporter,
) -> Result<(), Failure> {
    loop {
        let replies = Client::new(stream).call_more(METHOD, parameters(pull, image_root));
        let told = replies.and_then(|mut replies| {
            replies.try_for_each(|reply| reply.map(|values| tell(&values, reporter)))
        });
        match told {
            Ok(()) => return Ok(()),
            Err(CallError::Method(failure)) if wait && failure.name == IN_PROGRESS => {
                reporter.debug("The same is being downloaded already, waiting for that");
                sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
        let again = UnixStream::connect(socket);
        stream = again.map_err(CallError::Connection)?;
    }
}

fn parameters(pull: &Pull, image_root: Option<&Path>) -> Parameters {
    let target = &pull.target;
    let mut parameters = Parameters::new().with("remote", pull.url.as_str());
    parameters = match &target.place {
        Place::Named(name) => parameters.with("local", name.as_str()),
        _ => parameters.with("local", "-"),
    };
    parameters = parameters
        .with("class", target.class.as_str())
        .with("type", target.form.word());
    parameters = match pull.verify {
        VerifyMode::Pinned(digest) => parameters.with("checksum", digest.to_string()),
        mode => parameters.with("verify", mode.to_string()),
    };
    if let Some(image_root) = image_root {
        parameters = parameters.with("imageRoot", image_root.to_string_lossy().into_owned());
    }
    parameters
        .with("force", target.force)
        .with("readOnly", target.read_only)
        .with("keepDownload", pull.keep_download)
}

/// Passes on what a reply says: a line of its log, or how far it has come.
fn tell(values: &Parameters, reporter: &Reporter) {
    if let Some(Value::Object(log)) = values.value("log") {
        let level = log.get("priority").and_then(Value::as_u64);
        // Beside the level stands a facility.
        let level = level.and_then(|it| (it % 8).to_string().parse().ok());
        let message = log.get("message").and_then(Value::as_str);
        reporter.log(level.unwrap_or(Level::Info), message.unwrap_or_default());
    }
    if let Some(progress) = values.value("progress").and_then(Value::as_f64) {
        reporter.progress(Progress {
            percent: percent(progress),
            done_bytes: 0,
            total_bytes: None,
        });
    }
}
