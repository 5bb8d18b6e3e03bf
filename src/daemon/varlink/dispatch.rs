//! From a call to its answer.

use std::sync::Arc;

use super::caller::Caller;
use super::control;
use super::fault::Fault;
use super::follower::Follower;
use super::import;
use crate::daemon::service::Service;
use crate::wire::varlink::{Call, Mode, Parameters};

/// What a method comes to.
pub(super) enum Answer {
    /// One reply.
    One(Parameters),
    /// So many replies, at least one.
    Many(Vec<Parameters>),
    /// Replies for as long as a transfer has something to say.
    Followed(Arc<Follower>),
}

/// What an answer may take.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    pub(super) caller: &'a Caller,
    pub(super) service: &'a Service,
    /// Whether the caller has gone meanwhile.
    pub(super) is_gone: &'a dyn Fn() -> bool,
}

impl Asked<'_> {
    pub(super) fn wants_more(&self) -> bool {
        self.call.mode == Mode::More
    }
}

/// Does what the method asks for.
pub(super) fn answer(asked: &Asked<'_>) -> Result<Answer, Fault> {
    let Asked {
        call,
        caller,
        service,
        ..
    } = asked;
    let parameters = &call.parameters;
    let one = match call.method.as_str() {
        "io.systemd.Import.ListTransfers" => return import::list_transfers(asked),
        "io.systemd.Import.Pull" => return import::pull(asked),
        "io.systemd.service.Ping" => control::ping(parameters),
        "io.systemd.service.SetLogLevel" => control::set_log_level(parameters, caller, service),
        "io.systemd.service.GetLogLevel" => control::log_level(parameters, service),
        "io.systemd.service.GetEnvironment" => control::environment(parameters, caller, service),
        "org.varlink.service.GetInfo" => control::info(parameters),
        "org.varlink.service.GetInterfaceDescription" => control::description(parameters),
        // `Reload` too, though its interface has it: that is what the reference answers.
        other => Err(Fault::MethodNotFound(other.to_owned())),
    };
    one.map(Answer::One)
}
