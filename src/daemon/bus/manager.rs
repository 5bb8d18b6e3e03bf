//! The Manager's methods.

use std::sync::{Arc, Mutex, PoisonError};

use super::call::{Answer, Call};
use super::events::path_of;
use super::fault::Fault;
use super::requests;
use crate::daemon::authority::Action;
use crate::daemon::service::Service;
use crate::report::Record;
use crate::store::Image;
use crate::terms::{ImageClass, ImageForm};
use crate::transfer::{Outcome, Request, Transfer, Watcher};
use crate::wire::bus::{ListedImage, ListedTransfer, ListedTransferEx};
use crate::wire::fraction;

/// Does what the method asks for.
pub(super) fn answer(call: &Call, method: &str, service: &Service) -> Result<Answer, Fault> {
    use ImageForm::{Raw, Tree};
    match method {
        "ImportTar" => import(call, Some(Tree), false, service),
        "ImportTarEx" => import(call, Some(Tree), true, service),
        "ImportRaw" => import(call, Some(Raw), false, service),
        "ImportRawEx" => import(call, Some(Raw), true, service),
        "ImportFileSystem" => import(call, None, false, service),
        "ImportFileSystemEx" => import(call, None, true, service),
        "ExportTar" => export(call, Tree, false, service),
        "ExportTarEx" => export(call, Tree, true, service),
        "ExportRaw" => export(call, Raw, false, service),
        "ExportRawEx" => export(call, Raw, true, service),
        "PullTar" => pull(call, Tree, false, service),
        "PullTarEx" => pull(call, Tree, true, service),
        "PullRaw" => pull(call, Raw, false, service),
        "PullRawEx" => pull(call, Raw, true, service),
        "PullOci" => {
            call.authorize(service, Action::Pull)?;
            requests::pull_oci(call)
        }
        "ListTransfers" => list_transfers(call, service),
        "ListTransfersEx" => list_transfers_of_class(call, service),
        "CancelTransfer" => cancel(call, service),
        "ListImages" => list_images(call, service),
        other => Err(Fault::unknown_method(other)),
    }
}

/// Of no form: from a directory.
fn import(
    call: &Call,
    form: Option<ImageForm>,
    extended: bool,
    service: &Service,
) -> Result<Answer, Fault> {
    call.authorize(service, Action::Import)?;
    start(call, requests::import(call, form, extended)?, service)
}

fn export(
    call: &Call,
    form: ImageForm,
    extended: bool,
    service: &Service,
) -> Result<Answer, Fault> {
    call.authorize(service, Action::Export)?;
    start(call, requests::export(call, form, extended)?, service)
}

fn pull(call: &Call, form: ImageForm, extended: bool, service: &Service) -> Result<Answer, Fault> {
    call.authorize(service, Action::Pull)?;
    start(call, requests::pull(call, form, extended)?, service)
}

/// Starts a transfer. The caller hears of it before anything that the transfer says.
fn start(call: &Call, request: Request, service: &Service) -> Result<Answer, Fault> {
    let caller = Arc::new(Caller(Mutex::new(Some(call.clone()))));
    service.manager.start(request, None, Some(caller))?;
    Ok(Answer::Given)
}

/// Who has started a transfer, until that is answered.
struct Caller(Mutex<Option<Call>>);

impl Watcher for Caller {
    fn begun(&self, transfer: &Transfer) {
        let call = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(call) = call {
            call.answer(call.reply(&(transfer.id, path_of(transfer.id))));
        }
    }

    fn said(&self, _: &Transfer, _: &Record<'_>) {}

    fn progress(&self, _: &Transfer) {}

    fn ended(&self, _: &Transfer, _: Outcome) {}
}

fn list_transfers(call: &Call, service: &Service) -> Result<Answer, Fault> {
    let without_class = |row: ListedTransferEx| -> ListedTransfer {
        let (id, kind, remote, local, _, progress, path) = row;
        (id, kind, remote, local, progress, path)
    };
    let rows = service.manager.transfers().into_iter().map(listed);
    call.reply(&rows.map(without_class).collect::<Vec<_>>())
}

fn list_transfers_of_class(call: &Call, service: &Service) -> Result<Answer, Fault> {
    let class = class_of_list(call)?;
    let mut transfers = service.manager.transfers();
    transfers.retain(|transfer| class.is_none_or(|class| class == transfer.about.class));
    call.reply(&transfers.into_iter().map(listed).collect::<Vec<_>>())
}

fn listed(transfer: Arc<Transfer>) -> ListedTransferEx {
    let about = &transfer.about;
    (
        transfer.id,
        about.kind.as_str().to_owned(),
        about.remote.clone(),
        about.local.clone().unwrap_or_default(),
        about.class.to_string(),
        fraction(transfer.percent()),
        path_of(transfer.id),
    )
}

fn list_images(call: &Call, service: &Service) -> Result<Answer, Fault> {
    let classes = match class_of_list(call)? {
        Some(class) => vec![class],
        None => ImageClass::ALL.to_vec(),
    };
    let mut rows = Vec::new();
    for class in classes {
        let listing = service.manager.roots().images(class);
        rows.extend(listing.images.iter().map(image));
        for error in listing.unreadable {
            let what = format_args!("Not all {class} images are listed: {error}");
            service.reporter.warning(what);
        }
    }
    call.reply(&rows)
}

fn image(image: &Image) -> ListedImage {
    let bytes = |size: Option<u64>| size.unwrap_or(u64::MAX);
    (
        image.class.to_string(),
        image.name.to_string(),
        image.kind.as_str().to_owned(),
        image.path.to_string_lossy().into_owned(),
        image.read_only,
        image.created_us,
        image.modified_us,
        bytes(image.usage_bytes),
        bytes(image.usage_exclusive_bytes),
        bytes(image.limit_bytes),
        bytes(image.limit_exclusive_bytes),
    )
}

/// The class that a list is to be of; all of them, where none is named.
fn class_of_list(call: &Call) -> Result<Option<ImageClass>, Fault> {
    let (class, flags): (String, u64) = call.arguments()?;
    let class = match class.as_str() {
        "" => None,
        class => Some(requests::class(class)?),
    };
    requests::flags(flags, 0)?;
    Ok(class)
}

fn cancel(call: &Call, service: &Service) -> Result<Answer, Fault> {
    call.authorize(service, Action::Cancel)?;
    let id: u32 = call.arguments()?;
    if id == 0 {
        return Err(Fault::invalid("Invalid transfer id: they begin with 1"));
    }
    let transfer = service.manager.transfer(id);
    transfer.ok_or_else(|| Fault::no_transfer(id))?.cancel();
    call.reply(&())
}
