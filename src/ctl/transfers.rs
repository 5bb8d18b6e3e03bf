//! `list-transfers` and `cancel-transfer`: what the daemon has under way.

use super::args::Options;
use super::bus::{Client, cancel_transfer, transfer_rows};
use super::error::Error;
use super::output::show;
use crate::report::Reporter;
use crate::term::{Column, Table};
use crate::world::World;

const COLUMNS: [Column; 6] = [
    Column::new("ID", "id").right(),
    Column::new("PROGRESS", "progress").right(),
    Column::new("TYPE", "type"),
    Column::new("CLASS", "class"),
    Column::new("LOCAL", "local"),
    Column::new("REMOTE", "remote"),
];

/// Lists the transfers of one class, or of all.
pub(super) fn list(
    world: &World,
    options: &Options,
    (client, reporter): (Option<Client>, &Reporter),
) -> Result<(), Error> {
    let mut table = Table::new(COLUMNS);
    // Where there is no daemon, nothing that anybody could know of is under way.
    if let Some(mut client) = client {
        let rows = transfer_rows(&mut client, options.class)?;
        rows.into_iter().for_each(|row| table.push(row));
    }
    show(
        world,
        options,
        reporter,
        &table,
        ("transfers", "No transfers."),
    )
}

/// Stops transfers, one after the other.
pub(super) fn cancel(client: Option<Client>, numbers: &[String]) -> Result<(), Error> {
    let parse = |number: &String| number.parse().map_err(|_| Error::Number(number.clone()));
    let ids = numbers.iter().map(parse).collect::<Result<Vec<u32>, _>>()?;
    let mut client = client.ok_or(Error::NoDaemon)?;
    for id in ids {
        cancel_transfer(&mut client, id)?;
    }
    Ok(())
}
