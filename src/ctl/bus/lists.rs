//! What the daemon knows: transfers and images, and the end of transfers.

use super::{Client, Error};
use crate::term::Cell;
use crate::terms::ImageClass;
use crate::wire::bus::{ListedImage, ListedTransfer, ListedTransferEx};
use crate::wire::percent;

const UNKNOWN_METHOD: &str = "org.freedesktop.DBus.Error.UnknownMethod";

/// Rows of transfers: number, progress, type, class, local name, remote.
pub(in crate::ctl) fn transfer_rows(
    client: &mut Client,
    class: Option<ImageClass>,
) -> Result<Vec<[Cell; 6]>, Error> {
    let word = class.map_or("", ImageClass::as_str);
    let mut rows: Vec<ListedTransferEx> = match client.call("ListTransfersEx", &(word, 0_u64)) {
        Ok(reply) => reply.body().deserialize().map_err(Error::Answer)?,
        // An older daemon has machines only.
        Err(Error::Refused { name, .. }) if name == UNKNOWN_METHOD => {
            let reply = client.call("ListTransfers", &())?;
            let rows: Vec<ListedTransfer> = reply.body().deserialize().map_err(Error::Answer)?;
            let machine = ImageClass::Machine;
            let wanted = class.is_none_or(|class| class == machine);
            let with_class = |(id, kind, remote, local, progress, path)| {
                let class = machine.as_str().to_owned();
                (id, kind, remote, local, class, progress, path)
            };
            rows.into_iter()
                .filter(|_| wanted)
                .map(with_class)
                .collect()
        }
        Err(error) => return Err(error),
    };
    rows.sort_by(|a, b| (&a.3, a.0).cmp(&(&b.3, b.0)));
    Ok(rows.into_iter().map(transfer_row).collect())
}

fn transfer_row(row: ListedTransferEx) -> [Cell; 6] {
    let (id, kind, remote, local, class, progress, _) = row;
    let text = |text: String| match text.is_empty() {
        true => Cell::Empty,
        false => Cell::Text(text),
    };
    [
        Cell::Number(id.into()),
        percent(progress).map_or(Cell::Empty, Cell::Percent),
        text(kind),
        text(class),
        text(local),
        text(remote),
    ]
}

/// Rows of images, as `list-images` shows them.
pub(in crate::ctl) fn image_rows(
    client: &mut Client,
    class: Option<ImageClass>,
) -> Result<Vec<[Cell; 11]>, Error> {
    let word = class.map_or("", ImageClass::as_str);
    let reply = client.call("ListImages", &(word, 0_u64))?;
    let mut rows: Vec<ListedImage> = reply.body().deserialize().map_err(Error::Answer)?;
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    Ok(rows.into_iter().map(image_row).collect())
}

fn image_row(row: ListedImage) -> [Cell; 11] {
    let bytes = |size: u64| match size {
        u64::MAX => Cell::Empty,
        size => Cell::Bytes(size),
    };
    let (class, name, kind, path, read_only, created, modified, usage, own, limit, own_limit) = row;
    [
        Cell::Text(class),
        Cell::Text(name),
        Cell::Text(kind),
        Cell::Path(path),
        Cell::ReadOnly(read_only),
        Cell::Timestamp(created),
        Cell::Timestamp(modified),
        bytes(usage),
        bytes(own),
        bytes(limit),
        bytes(own_limit),
    ]
}

pub(in crate::ctl) fn cancel_transfer(client: &mut Client, id: u32) -> Result<(), Error> {
    client.call("CancelTransfer", &id).map(drop)
}
