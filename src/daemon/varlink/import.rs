//! The methods of `io.systemd.Import`.

use std::sync::Arc;

use super::dispatch::{Answer, Asked};
use super::fault::Fault;
use super::follower::Follower;
use super::pull;
use crate::daemon::authority::Action;
use crate::transfer::{About, NotStarted, Request, Transfer, Watcher};
use crate::wire::fraction;
use crate::wire::varlink::{Fields, Mode, Parameters};

pub(super) fn list_transfers(asked: &Asked<'_>) -> Result<Answer, Fault> {
    if !asked.wants_more() {
        return Err(Fault::ExpectedMore);
    }
    let mut fields = Fields::of(&asked.call.parameters);
    let class = fields.optional("class", pull::class)?;
    fields.finish()?;
    let mut transfers = asked.service.manager.transfers();
    transfers.retain(|transfer| class.is_none_or(|class| class == transfer.about.class));
    match transfers.is_empty() {
        true => Err(Fault::NoTransfers),
        false => Ok(Answer::Many(transfers.iter().map(listed).collect())),
    }
}

/// What a list says of a transfer.
fn listed(transfer: &Arc<Transfer>) -> Parameters {
    let about = &transfer.about;
    Parameters::new()
        .with("id", transfer.id)
        .with("type", about.kind.as_str().replace('-', "_"))
        .with("remote", about.remote.as_str())
        .with("local", about.local.as_deref().unwrap_or_default())
        .with("class", about.class.as_str())
        .with("percent", fraction(transfer.percent()))
}

pub(super) fn pull(asked: &Asked<'_>) -> Result<Answer, Fault> {
    let service = asked.service;
    let parsed = pull::parse(&asked.call.parameters)?;
    let request = Request::Pull(parsed.pull);
    let about = request.about();
    // Before anybody is asked to agree to it: the Manager refuses it too, but then somebody has agreed for nothing.
    if service.manager.is_pulling(&about) {
        return Err(Fault::InProgress(about.remote));
    }
    authorize(asked, &about, parsed.interactive)?;
    let took_a_person = parsed.interactive && !asked.caller.is_privileged(service);
    if took_a_person && asked.call.mode != Mode::Oneway && (asked.is_gone)() {
        // Meanwhile. It is nobody's wish any more.
        return Err(Fault::Cancelled);
    }
    let image_root = parsed.image_root.as_deref();
    let follower = match asked.wants_more() {
        true => Some(Arc::new(follower(asked)?)),
        false => None,
    };
    let watcher = follower.clone().map(|it| it as Arc<dyn Watcher>);
    let started = service.manager.start(request, image_root, watcher);
    let transfer = started.inspect_err(|error| {
        if let NotStarted::Failed(error) = error {
            let what = format_args!("A transfer could not be started: {error}");
            service.reporter.error(what);
        }
    })?;
    Ok(match follower {
        Some(follower) => Answer::Followed(follower),
        None => Answer::One(Parameters::new().with("id", transfer.id)),
    })
}

fn follower(asked: &Asked<'_>) -> Result<Follower, Fault> {
    let follower = Follower::new(Arc::clone(&asked.service.log));
    follower.map_err(|error| Fault::of_io(&error))
}

fn authorize(asked: &Asked<'_>, about: &About, interactive: bool) -> Result<(), Fault> {
    let kind = about.kind.as_str();
    let verify = about.verify.map(|mode| mode.to_string());
    let details = [
        ("remote", about.remote.as_str()),
        ("local", about.local.as_deref().unwrap_or_default()),
        ("class", about.class.as_str()),
        ("type", kind.strip_prefix("pull-").unwrap_or(kind)),
        ("verify", verify.as_deref().unwrap_or_default()),
    ];
    asked
        .caller
        .authorize(asked.service, Action::Pull, &details, interactive)
}
