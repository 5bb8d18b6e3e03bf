//! From a call to its answer: which object, which method, and whether the arguments are what that takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use super::call::{Answer, Call};
use super::fault::Fault;
use super::objects::{Object, describe};
use super::{log_control, manager, transfer};
use crate::daemon::service::Service;
use crate::wire::bus::{INTROSPECTABLE, LOG_CONTROL, MANAGER, Method, PEER, PROPERTIES, TRANSFER};

/// So many calls may wait for their answers at once: most wait for a person.
const CALLS_LIMIT: usize = 256;

/// Answers calls.
pub(super) struct Dispatcher {
    service: Arc<Service>,
    waiting: Arc<AtomicUsize>,
}

impl Dispatcher {
    pub(super) fn new(service: Arc<Service>) -> Self {
        Self {
            service,
            waiting: Arc::default(),
        }
    }

    /// Sees to it that the call is answered: at once if it only looks something up, on a thread of its own otherwise.
    pub(super) fn dispatch(&self, call: Call) {
        let _busy = self.service.activity.begin();
        let found = find(&call, &self.service);
        let (object, interface, method) = match found {
            Ok(found) => found,
            Err(fault) => return call.answer(Err(fault)),
        };
        if !is_slow(interface, method.name) {
            let answer = answer(&call, object, (interface, method.name), &self.service);
            return call.answer(answer);
        }
        if self.waiting.fetch_add(1, Ordering::SeqCst) >= CALLS_LIMIT {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            return call.answer(Err(Fault::too_busy()));
        }
        let (service, waiting) = (Arc::clone(&self.service), Arc::clone(&self.waiting));
        let busy = service.activity.begin();
        let work = {
            let call = call.clone();
            move || {
                let answer = answer(&call, object, (interface, method.name), &service);
                call.answer(answer);
                waiting.fetch_sub(1, Ordering::SeqCst);
                drop(busy);
            }
        };
        if Builder::new().name("call".to_owned()).spawn(work).is_err() {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            call.answer(Err(Fault::too_busy()));
        }
    }
}

/// Who may has to be asked, or a disk looked at.
fn is_slow(interface: &str, method: &str) -> bool {
    match interface {
        MANAGER => !matches!(method, "ListTransfers" | "ListTransfersEx"),
        TRANSFER => true,
        // Who it is that writes is asked of the bus.
        PROPERTIES => method == "Set",
        _ => false,
    }
}

/// What is called, if it is there and takes such arguments.
fn find(call: &Call, service: &Service) -> Result<(Object, &'static str, &'static Method), Fault> {
    let (path, member) = (call.path(), call.member());
    let interface = call.interface();
    let object = match Object::at(&path, &service.manager) {
        // Whoever asks whether we are there need not know at which path.
        None if interface.as_deref() == Some(PEER) => Object::Node,
        object => object.ok_or_else(|| Fault::unknown_object(&path))?,
    };
    let mut interfaces = object.interfaces();
    interfaces.retain(|it| interface.as_deref().is_none_or(|name| name == it.name));
    let mut found = interfaces
        .into_iter()
        .filter_map(|interface| Some((interface.name, interface.method(&member)?)));
    let (interface, method) = found.next().ok_or_else(|| Fault::unknown_method(&member))?;
    let (given, wanted) = (call.signature(), method.signature());
    if given != wanted {
        return Err(Fault::invalid(format_args!(
            "{member} takes `{wanted}`, and was called with `{given}`"
        )));
    }
    Ok((object, interface, method))
}

fn answer(
    call: &Call,
    object: Object,
    (interface, method): (&str, &str),
    service: &Service,
) -> Result<Answer, Fault> {
    match (interface, method) {
        (PEER, "Ping") => call.reply(&()),
        (PEER, "GetMachineId") => call.reply(&machine_id(service)?.as_str()),
        (INTROSPECTABLE, _) => {
            let description = describe(&call.path(), object, &service.manager);
            call.reply(&description.as_str())
        }
        (PROPERTIES, method) => properties(call, object, method, service),
        (MANAGER, method) => manager::answer(call, method, service),
        (TRANSFER, _) => match object {
            Object::Transfer(id) => transfer::cancel(call, id, service),
            _ => Err(Fault::unknown_method(method)),
        },
        (_, method) => Err(Fault::unknown_method(method)),
    }
}

fn properties(
    call: &Call,
    object: Object,
    method: &str,
    service: &Service,
) -> Result<Answer, Fault> {
    if method == "GetAll" {
        let name: String = call.arguments()?;
        // All of them, where none is named.
        let interfaces = match name.as_str() {
            "" => object.interfaces(),
            name => vec![object.interface(name)?],
        };
        let mut all = std::collections::BTreeMap::new();
        for interface in interfaces {
            for property in interface.properties {
                let value = get(object, interface.name, property.name, service)?;
                all.insert(property.name, value);
            }
        }
        return call.reply(&all);
    }
    let (interface, name, value): (String, String, Option<zbus::OwnedVariant>) = match method {
        "Get" => {
            let (interface, name) = call.arguments()?;
            (interface, name, None)
        }
        _ => {
            let (interface, name, value) = call.arguments()?;
            (interface, name, Some(value))
        }
    };
    let found = object.interface(&interface)?.property(&name);
    let property = found.ok_or_else(|| Fault::unknown_property(&name))?;
    let Some(value) = value else {
        let value = get(object, &interface, &name, service)?;
        return call.reply(&value);
    };
    if !property.writable {
        return Err(Fault::read_only(&name));
    }
    call.need_privilege(service)?;
    log_control::set(&name, &value, service)?;
    call.reply(&())
}

fn get(
    object: Object,
    interface: &str,
    property: &str,
    service: &Service,
) -> Result<zbus::Variant<'static>, Fault> {
    match (object, interface) {
        (Object::Transfer(id), TRANSFER) => transfer::get(id, property, service),
        (_, LOG_CONTROL) => log_control::get(property, service),
        _ => Err(Fault::unknown_property(property)),
    }
}

/// `machine-id(5)`.
fn machine_id(service: &Service) -> Result<String, Fault> {
    let read = || {
        let path = std::path::Path::new("etc/machine-id");
        let file = service.manager.roots().open_file(path)?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(file, 64), &mut text)?;
        Ok::<_, std::io::Error>(text.trim().to_owned())
    };
    read().map_err(|error| {
        Fault::failed(format_args!(
            "This machine's number cannot be read: {error}"
        ))
    })
}
