//! importctl: words in, requests and tables out. It decides nothing about images.

mod args;
#[cfg(test)] // the build script renders them
mod completions;
mod error;
mod help;
mod list_images;
#[cfg(test)] // a test renders it
mod manual;
#[allow(
    dead_code,
    reason = "scripts and page need more of it than the program"
)]
mod options;
mod run;
mod settings;
mod transfer;

use std::io::stderr;
use std::process::ExitCode;
use std::sync::Arc;

use args::{Action, Invocation};
use error::Error;
use options::VerbId;

use crate::multicall::VERSION;
use crate::report::{Reporter, Settings, Sink};
use crate::term::{Screen, Terminal};
use crate::world::World;

/// importctl(1).
pub fn main(world: &World) -> ExitCode {
    let variable = |name: &str| world.variable(name);
    let invocation = args::parse(&world.args);
    let quiet = invocation
        .as_ref()
        .is_ok_and(|invocation| invocation.options.quiet);
    let (settings, warnings) = Settings::parse(variable);
    let settings = if quiet { settings.quiet() } else { settings };
    let screen = Arc::new(Screen::new(
        settings,
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
    let request = match action {
        Action::Version => {
            return world
                .print(&format!("importd {VERSION}\n"))
                .map_err(Error::Output);
        }
        Action::Help | Action::Verb(VerbId::Help, _) => return help(world),
        Action::Completion(shell) => {
            return world
                .print(help::completion(&shell)?)
                .map_err(Error::Output);
        }
        Action::Verb(VerbId::ListImages, _) => {
            return list_images::list_images(world, &options, reporter);
        }
        Action::Verb(VerbId::PullRaw, arguments) => transfer::pull_raw(&options, &arguments)?,
        Action::Verb(VerbId::ImportRaw, arguments) => transfer::import_raw(&options, &arguments)?,
    };
    run::transfer(
        settings::settings(world, &options, reporter)?,
        request,
        reporter,
    )
}

fn help(world: &World) -> Result<(), Error> {
    let terminal = Terminal::stdout(|name| world.variable(name));
    world.print(&help::help(&terminal)).map_err(Error::Output)
}
