//! The program itself: what was asked for, done, and what came of it as an exit status.

use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::geteuid;

use super::args::{Action, Invocation, Options, parse};
use super::bus::{self, Client, Way};
use super::error::Error;
use super::help::completion;
use super::list_images::list_images;
use super::options::{USAGE, VerbId};
use super::output::page;
use super::settings::settings;
use super::transfer::{export, import, import_fs, pull};
use super::transfers;
use crate::multicall::VERSION;
use crate::report::{Reporter, Sink};
use crate::term::{Screen, Terminal};
use crate::terms::ImageForm;
use crate::transfer::run_alone;
use crate::usage::help;
use crate::world::World;

/// importctl(1).
pub fn main(world: &World) -> ExitCode {
    if let [word, leader] = &world.args[..]
        && word == bus::ENTER
    {
        let entered = leader.to_str().map(bus::enter);
        return match entered {
            Some(Ok(())) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
    }
    let variable = |name: &str| world.variable(name);
    let invocation = parse(&world.args);
    let quiet = invocation
        .as_ref()
        .is_ok_and(|invocation| invocation.options.quiet);
    let how = (quiet, world.errors_are_journal());
    let (screen, warnings) = Screen::of_stderr(USAGE.program, how, variable);
    let screen = Arc::new(screen);
    let reporter = Reporter::new(Arc::clone(&screen) as Arc<dyn Sink>);
    for warning in warnings {
        reporter.warning(warning);
    }
    let result = invocation
        .map_err(Error::from)
        .and_then(|invocation| run(world, invocation, (&reporter, &screen)));
    screen.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            reporter.error(error);
            ExitCode::FAILURE
        }
    }
}

fn run(
    world: &World,
    invocation: Invocation,
    (reporter, screen): (&Reporter, &Screen),
) -> Result<(), Error> {
    let Invocation { action, options } = invocation;
    let print = |text: &str| world.print(text).map_err(Error::Output);
    let client = || reach(world, &options);
    let help_page = || {
        let help = help(&USAGE, &Terminal::stdout(|name| world.variable(name)));
        page(world, !options.no_pager, reporter, &help)
    };
    let request = match action {
        Action::Help => return help_page(),
        Action::Version => return print(&format!("importd {VERSION}\n")),
        Action::Words(words) => return print(&(words.join("\n") + "\n")),
        Action::Completion(shell) => return print(completion(&shell)?),
        Action::Verb(verb, arguments) => match verb {
            VerbId::PullTar => pull(&options, &arguments, ImageForm::Tree)?,
            VerbId::PullRaw => pull(&options, &arguments, ImageForm::Raw)?,
            VerbId::ImportTar => import(&options, &arguments, ImageForm::Tree)?,
            VerbId::ImportRaw => import(&options, &arguments, ImageForm::Raw)?,
            VerbId::ImportFs => import_fs(&options, &arguments)?,
            VerbId::ExportTar => export(&options, &arguments, ImageForm::Tree)?,
            VerbId::ExportRaw => export(&options, &arguments, ImageForm::Raw)?,
            VerbId::ListTransfers => {
                return transfers::list(world, &options, (client()?, reporter));
            }
            VerbId::CancelTransfer => return transfers::cancel(client()?, &arguments),
            VerbId::ListImages => {
                return list_images(world, &options, (client()?, reporter));
            }
            VerbId::Help => return help_page(),
        },
    };
    if let Some(mut client) = client()? {
        return Ok(bus::run(&mut client, &request, (reporter, screen))?);
    }
    if options.ask_daemon() {
        reporter.info("There is no daemon to talk to: it is done in this process");
    }
    let settings = settings(world, &options, reporter)?;
    Ok(run_alone(settings, request, reporter)?)
}

/// The way to the daemon that is meant, if one is and there is one.
fn reach(world: &World, options: &Options) -> Result<Option<Client>, Error> {
    if options.user {
        return Err(Error::User);
    }
    if !options.ask_daemon() {
        return match options.host.is_some() || options.machine.is_some() {
            true => Err(Error::Elsewhere),
            false => Ok(None),
        };
    }
    let address = world.variable("DBUS_SYSTEM_BUS_ADDRESS");
    Ok(bus::reach(&Way {
        host: options.host.as_deref(),
        machine: match &options.machine {
            Some(name) => Some((name, world.program().map_err(Error::Program)?)),
            None => None,
        },
        address: address.filter(|address| !address.is_empty()),
        ask: !options.no_ask_password,
        privileged: geteuid().is_root(),
    })?)
}
