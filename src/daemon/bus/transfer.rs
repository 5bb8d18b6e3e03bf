//! The objects of transfers.

use super::call::{Answer, Call};
use super::fault::Fault;
use crate::daemon::authority::Action;
use crate::daemon::service::Service;
use crate::wire::fraction;

/// Asks the transfer to stop.
pub(super) fn cancel(call: &Call, id: u32, service: &Service) -> Result<Answer, Fault> {
    call.authorize(service, Action::Cancel)?;
    let transfer = service.manager.transfer(id);
    transfer.ok_or_else(|| Fault::no_transfer(id))?.cancel();
    call.reply(&())
}

pub(super) fn get(
    id: u32,
    property: &str,
    service: &Service,
) -> Result<zbus::Variant<'static>, Fault> {
    let transfer = service.manager.transfer(id);
    let transfer = transfer.ok_or_else(|| Fault::no_transfer(id))?;
    let about = &transfer.about;
    let text = |text: String| zbus::Variant::from(text);
    Ok(match property {
        "Id" => zbus::Variant::from(transfer.id),
        "Local" => text(about.local.clone().unwrap_or_default()),
        "Remote" => text(about.remote.clone()),
        "Type" => text(about.kind.as_str().to_owned()),
        "Verify" => text(
            about
                .verify
                .map(|mode| mode.to_string())
                .unwrap_or_default(),
        ),
        "Progress" => zbus::Variant::from(fraction(transfer.percent())),
        other => return Err(Fault::unknown_property(other)),
    })
}
