//! importctl: words in, requests and tables out. It decides nothing about images.

mod args;
mod error;
pub mod options;
mod run;
mod settings;
mod transfer;

use std::process::ExitCode;
use std::sync::Arc;

use args::{Action, Invocation};
use error::Error;
use options::VerbId;

use crate::multicall::VERSION;
use crate::report::{Log, Progress, Record, Reporter, Settings, Sink};
use crate::world::World;

/// importctl(1).
pub fn main(world: &World) -> ExitCode {
    let (log_settings, warnings) = Settings::parse(|name| world.variable(name));
    let invocation = args::parse(&world.args);
    let quiet = invocation
        .as_ref()
        .is_ok_and(|invocation| invocation.options.quiet);
    let log_settings = if quiet {
        log_settings.quiet()
    } else {
        log_settings
    };
    let reporter = Reporter::new(Arc::new(Plain(Log::new(log_settings, "importctl", false))));
    for warning in warnings {
        reporter.warning(warning);
    }
    let result = invocation
        .map_err(Error::from)
        .and_then(|invocation| run(world, invocation, &reporter));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            reporter.error(error);
            ExitCode::FAILURE
        }
    }
}

struct Plain(Log);
impl Sink for Plain {
    fn log(&self, record: &Record<'_>) {
        self.0.write(record, |text| {
            let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
        });
    }
    fn progress(&self, _: Progress) {}
}

fn run(world: &World, invocation: Invocation, reporter: &Reporter) -> Result<(), Error> {
    let Invocation { action, options } = invocation;
    let (verb, arguments) = match action {
        Action::Version => {
            return world
                .print(&format!("importd {VERSION}\n"))
                .map_err(Error::Output);
        }
        Action::Help => return Ok(()),
        Action::Completion(_) => return Ok(()),
        Action::Verb(verb, arguments) => (verb, arguments),
    };
    let request = match verb {
        VerbId::PullRaw => transfer::pull_raw(&options, &arguments)?,
        VerbId::ImportRaw => transfer::import_raw(&options, &arguments)?,
        VerbId::ListImages => return Ok(()),
        VerbId::Help => return Ok(()),
    };
    run::transfer(
        settings::settings(world, &options, reporter)?,
        request,
        reporter,
    )
}
