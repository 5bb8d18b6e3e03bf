//! What goes to standard output: through a pager where that is a terminal.

use super::args::{Json, Options};
use super::error::Error;
use crate::report::Reporter;
use crate::term::{JsonLayout, Pager, Table, Terminal};
use crate::world::World;

/// Shows a table of things, or what is said where there are none.
pub(super) fn show(
    world: &World,
    options: &Options,
    reporter: &Reporter,
    table: &Table,
    (things, none): (&str, &str),
) -> Result<(), Error> {
    let terminal = Terminal::stdout(|name| world.variable(name));
    let text = match options.json {
        Json::Short => table.json(JsonLayout::Short),
        Json::Pretty => table.json(JsonLayout::Pretty),
        Json::ByTerminal if terminal.is_tty => table.json(JsonLayout::Pretty),
        Json::ByTerminal => table.json(JsonLayout::Short),
        Json::Off if options.no_legend => table.text(&terminal, false),
        Json::Off if table.is_empty() => format!("{none}\n"),
        Json::Off => format!(
            "{}\n{} {things} listed.\n",
            table.text(&terminal, true),
            table.len()
        ),
    };
    // The pager would cut the one long line.
    let may_page = options.json != Json::Short;
    page(world, may_page && !options.no_pager, reporter, &text)
}

/// Shows a text that may be long.
pub(super) fn page(
    world: &World,
    may_page: bool,
    reporter: &Reporter,
    text: &str,
) -> Result<(), Error> {
    let variable = |name: &str| world.variable(name);
    // What cannot move its cursor has nothing to turn pages with.
    if may_page && !Terminal::stdout(variable).is_dumb {
        let (pager, warning) = Pager::new(|| world.is_elevated(), variable);
        if let Some(warning) = warning {
            reporter.warning(warning);
        }
        if let Some(pager) = pager
            && pager.show(text, reporter).map_err(Error::Pager)?
        {
            return Ok(());
        }
    }
    world.print(text).map_err(Error::Output)
}
