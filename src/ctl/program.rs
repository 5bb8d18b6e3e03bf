//! The program itself: what was asked for, done, and what came of it as an exit status.

use std::io::stderr;
use std::process::ExitCode;
use std::sync::Arc;

use super::args::{Action, Invocation, parse};
use super::error::Error;
use super::help::{completion, help};
use super::list_images::list_images;
use super::options::VerbId;
use super::run::transfer;
use super::settings::settings;
use super::transfer::{import_raw, pull_raw};

use crate::multicall::VERSION;
use crate::report::{Reporter, Settings, Sink};
use crate::term::{Screen, Terminal};
use crate::world::World;

/// importctl(1).
pub fn main(world: &World) -> ExitCode {
    let variable = |name: &str| world.variable(name);
    let invocation = parse(&world.args);
    let quiet = invocation
        .as_ref()
        .is_ok_and(|invocation| invocation.options.quiet);
    let (log, warnings) = Settings::parse(variable);
    let log = if quiet { log.quiet() } else { log };
    let screen = Arc::new(Screen::new(
        log,
        "importctl",
        Terminal::stderr(variable),
        Box::new(stderr()),
    ));
    let reporter = Reporter::new(Arc::clone(&screen) as Arc<dyn Sink>);
    for warning in warnings {
        reporter.warning(warning);
    }
    let result = invocation
        .map_err(Error::from)
        .and_then(|invocation| run(world, invocation, &reporter));
    screen.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            reporter.error(error);
            ExitCode::FAILURE
        }
    }
}

fn run(world: &World, invocation: Invocation, reporter: &Reporter) -> Result<(), Error> {
    let Invocation { action, options } = invocation;
    let print = |text: &str| world.print(text).map_err(Error::Output);
    let request = match action {
        Action::Help | Action::Verb(VerbId::Help, _) => {
            return print(&help(&Terminal::stdout(|name| world.variable(name))));
        }
        Action::Version => return print(&format!("importd {VERSION}\n")),
        Action::Words(words) => return print(&(words.join("\n") + "\n")),
        Action::Completion(shell) => return print(completion(&shell)?),
        Action::Verb(VerbId::ListImages, _) => return list_images(world, &options, reporter),
        Action::Verb(VerbId::PullRaw, arguments) => pull_raw(&options, &arguments)?,
        Action::Verb(VerbId::ImportRaw, arguments) => import_raw(&options, &arguments)?,
    };
    transfer(settings(world, &options, reporter)?, request, reporter)
}
