//! What most services answer: whether they are there, how much they log, what they were started with; and what every one
//! tells of itself.

use super::caller::Caller;
use super::fault::Fault;
use crate::daemon::service::Service;
use crate::multicall::VERSION;
use crate::report::Level;
use crate::wire::varlink::{DOCUMENTS, Fields, Parameters, Value, text};

/// What [`Service`] is called, with the program's name as others have it.
const VENDOR: &str = "importd";
const PRODUCT: &str = "importd (systemd-importd)";
/// Where the interface is described that this serves.
const PAGE: &str = "https://www.freedesktop.org/software/systemd/man/systemd-importd.html";

/// Refuses parameters of a method that takes none.
pub(super) fn none(parameters: &Parameters) -> Result<(), Fault> {
    Ok(Fields::of(parameters).finish()?)
}

pub(super) fn info(parameters: &Parameters) -> Result<Parameters, Fault> {
    none(parameters)?;
    let interfaces: Vec<_> = DOCUMENTS.iter().map(|(name, _)| *name).collect();
    Ok(Parameters::new()
        .with("vendor", VENDOR)
        .with("product", PRODUCT)
        .with("version", VERSION)
        .with("url", PAGE)
        .with("interfaces", interfaces))
}

pub(super) fn description(parameters: &Parameters) -> Result<Parameters, Fault> {
    let mut fields = Fields::of(parameters);
    let interface = fields.needed("interface", text)?;
    fields.finish()?;
    let found = DOCUMENTS.iter().find(|(name, _)| *name == interface);
    let (_, document) = found.ok_or_else(|| Fault::InterfaceNotFound(interface.to_owned()))?;
    Ok(Parameters::new().with("description", *document))
}

pub(super) fn ping(parameters: &Parameters) -> Result<Parameters, Fault> {
    none(parameters)?;
    Ok(Parameters::new())
}

pub(super) fn log_level(parameters: &Parameters, service: &Service) -> Result<Parameters, Fault> {
    none(parameters)?;
    Ok(Parameters::new().with("level", service.log.level().number()))
}

pub(super) fn set_log_level(
    parameters: &Parameters,
    caller: &Caller,
    service: &Service,
) -> Result<Parameters, Fault> {
    let mut fields = Fields::of(parameters);
    let level = fields.needed("level", level)?;
    fields.finish()?;
    caller.need_privilege(service)?;
    service.log.set_level(level);
    Ok(Parameters::new())
}

/// A number from 0 to 7, also in digits, as the reference takes it; null is the default.
fn level(value: &Value) -> Option<Level> {
    let number = match value {
        Value::Null => return Some(Level::Info),
        Value::String(digits) => digits.clone(),
        Value::Number(number) => number.as_f64()?.to_string(),
        _ => return None,
    };
    let is_digit = |byte| u8::is_ascii_digit(&byte);
    number.parse().ok().filter(|_| number.bytes().all(is_digit))
}

pub(super) fn environment(
    parameters: &Parameters,
    caller: &Caller,
    service: &Service,
) -> Result<Parameters, Fault> {
    none(parameters)?;
    caller.need_privilege(service)?;
    let variables = service.environment.iter().cloned().map(String::from_utf8);
    let variables: Result<Vec<_>, _> = variables.collect();
    let variables = variables.map_err(|_| Fault::InconsistentEnvironment)?;
    Ok(Parameters::new().with("environment", variables))
}
