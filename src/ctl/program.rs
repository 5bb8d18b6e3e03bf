//! The program itself: what was asked for, done, and what came of it as an exit status.

use std::process::ExitCode;
use std::sync::Arc;

use super::args::{Action, Invocation, parse};
use super::error::Error;
use super::help::completion;
use super::list_images::list_images;
use super::options::{USAGE, VerbId};
use super::settings::settings;
use super::transfer::{export, import, import_fs, pull};
use crate::multicall::VERSION;
use crate::report::{Reporter, Sink};
use crate::term::{Screen, Terminal};
use crate::terms::ImageForm;
use crate::transfer::run_alone;
use crate::usage::help;
use crate::world::World;

/// importctl(1).
pub fn main(world: &World) -> ExitCode {
    let variable = |name: &str| world.variable(name);
    let invocation = parse(&world.args);
    let quiet = invocation
        .as_ref()
        .is_ok_and(|invocation| invocation.options.quiet);
    let (screen, warnings) = Screen::of_stderr(USAGE.program, quiet, variable);
    let screen = Arc::new(screen);
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
    let help_page = || {
        print(&help(
            &USAGE,
            &Terminal::stdout(|name| world.variable(name)),
        ))
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
            VerbId::ListImages => return list_images(world, &options, reporter),
            VerbId::Help => return help_page(),
        },
    };
    let settings = settings(world, &options, reporter)?;
    Ok(run_alone(settings, request, reporter)?)
}
