//! `org.freedesktop.LogControl1(5)`: what of the log goes where, changed while we run.

use super::fault::Fault;
use crate::daemon::service::Service;

pub(super) fn get(property: &str, service: &Service) -> Result<zbus::Variant<'static>, Fault> {
    let log = &service.log;
    Ok(zbus::Variant::from(match property {
        "LogLevel" => log.level().to_string(),
        "LogTarget" => log.target().to_string(),
        "SyslogIdentifier" => log.identifier().to_owned(),
        other => return Err(Fault::unknown_property(other)),
    }))
}

pub(super) fn set(
    property: &str,
    value: &zbus::Variant<'_>,
    service: &Service,
) -> Result<(), Fault> {
    let zbus::Variant::Str(text) = value else {
        return Err(Fault::invalid(format_args!("{property} is a string")));
    };
    let unknown = || Fault::invalid(format_args!("{property} cannot be `{text}`"));
    match property {
        "LogLevel" => service.log.set_level(text.parse().map_err(|()| unknown())?),
        _ => service.log.set_target(text.parse().map_err(|_| unknown())?),
    }
    Ok(())
}
