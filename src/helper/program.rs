//! The programs themselves: what was asked for, done, and what came of it as an exit status.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::args::{Action, Options, parse};
use super::daemon;
use super::error::Error;
use super::options::{EXPORT, IMPORT, IMPORT_FS, OptionId, PULL, VerbId};
use super::request::request;
use super::sink::Both;
use crate::multicall::VERSION;
use crate::report::{Notifier, Reporter};
use crate::store::Roots;
use crate::term::{Screen, Terminal};
use crate::transfer::{Request, Settings, run_alone};
use crate::usage::{Usage, help};
use crate::world::World;

/// systemd-pull.
pub fn pull(world: &World) -> ExitCode {
    main(world, &PULL)
}

/// systemd-import.
pub fn import(world: &World) -> ExitCode {
    main(world, &IMPORT)
}

/// systemd-import-fs.
pub fn import_fs(world: &World) -> ExitCode {
    main(world, &IMPORT_FS)
}

/// systemd-export.
pub fn export(world: &World) -> ExitCode {
    main(world, &EXPORT)
}

fn main(world: &World, usage: &Usage<VerbId, OptionId>) -> ExitCode {
    let variable = |name: &str| world.variable(name);
    let how = (false, world.errors_are_journal());
    let (screen, warnings) = Screen::of_stderr(usage.program, how, variable);
    let screen = Arc::new(screen);
    let socket = world
        .variable_os("NOTIFY_SOCKET")
        .filter(|it| !it.is_empty());
    let notifier = socket.map(|address| Notifier::new(&address));
    let (notifier, deaf) = match notifier.transpose() {
        Ok(notifier) => (notifier.map(Arc::new), None),
        Err(error) => (None, Some(error)),
    };
    let reporter = Reporter::new(Arc::new(Both::new(Arc::clone(&screen), notifier.clone())));
    for warning in warnings {
        reporter.warning(warning);
    }
    if let Some(error) = deaf {
        reporter.debug(format_args!(
            "Nobody is told of progress, since $NOTIFY_SOCKET cannot be used: {error}"
        ));
    }
    let result = parse(usage, &world.args)
        .and_then(|(action, options)| run(world, usage, (action, options), &reporter));
    screen.finish();
    let failed = match &result {
        Ok(()) => false,
        Err(error) => {
            reporter.error(error);
            true
        }
    };
    if let Some(notifier) = notifier {
        notifier.say(&format!("EXIT_STATUS={}", i32::from(failed)));
    }
    match failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn run(
    world: &World,
    usage: &Usage<VerbId, OptionId>,
    (action, options): (Action, Options),
    reporter: &Reporter,
) -> Result<(), Error> {
    let print = |text: &str| world.print(text).map_err(Error::Output);
    let (verb, arguments) = match action {
        Action::Help => {
            let terminal = Terminal::stdout(|name| world.variable(name));
            return print(&help(usage, &terminal));
        }
        Action::Version => return print(&format!("importd {VERSION}\n")),
        Action::Words(words) => return print(&(words.join("\n") + "\n")),
        Action::Verb(verb, arguments) => (verb, arguments),
    };
    let request = request(verb, &arguments, &options)?;
    let roots = Roots::open(Path::new("/"), options.image_root.as_deref())?;
    let roots = roots.with_sweeper(world.program().ok());
    let variable = |name: &str| world.variable_os(name);
    let settings = Settings::new(roots, usage.program, variable, reporter);
    let mut settings = Settings {
        sync: options.sync.unwrap_or(settings.sync),
        subvolumes: options.subvolumes.unwrap_or(settings.subvolumes),
        quota: options.quota.unwrap_or(settings.quota),
        selinux: world.has_selinux(),
        ..settings
    };
    if let Request::Pull(pull) = &request {
        if options.wait {
            settings.fetch.retry = Duration::MAX;
        }
        let asked = (pull, options.image_root.as_deref());
        if let Some(socket) = &options.daemon
            && daemon::leave(asked, socket, &settings, options.wait, reporter)?
        {
            return Ok(());
        }
    }
    Ok(run_alone(settings, request, reporter)?)
}
