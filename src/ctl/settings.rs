//! What options and environment mean to the engine.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::args::Options;
use super::error::Error;
use crate::report::Reporter;
use crate::store::Roots;
use crate::terms::{parse_boolean, parse_time_span};
use crate::transfer::{NetworkConfig, Settings};
use crate::world::World;

/// The settings of this run's transfers.
pub(super) fn settings(
    world: &World,
    options: &Options,
    reporter: &Reporter,
) -> Result<Settings, Error> {
    let user_agent = concat!("importctl/", env!("CARGO_PKG_VERSION")).to_owned();
    let mut fetch = NetworkConfig::new(user_agent, |name| world.variable_os(name));
    let span = |name: &str| time_span(world, name, reporter);
    fetch.stall = span("IMPORTD_STALL_TIMEOUT").unwrap_or(fetch.stall);
    fetch.retry = options
        .retry_timeout
        .or_else(|| span("IMPORTD_RETRY_TIMEOUT"))
        .unwrap_or(fetch.retry);
    Ok(Settings {
        roots: roots(options)?.with_sweeper(world.program().ok()),
        fetch,
        keyring: keyring(world)?,
        sync: boolean(world, "SYSTEMD_IMPORT_SYNC", reporter),
        subvolumes: boolean(world, "SYSTEMD_IMPORT_BTRFS_SUBVOL", reporter),
        selinux: world.has_selinux(),
    })
}

/// The image roots that the options choose.
pub(super) fn roots(options: &Options) -> Result<Roots, Error> {
    let root = options.root.as_deref().unwrap_or(Path::new("/"));
    Ok(Roots::open(root, options.image_root.as_deref())?)
}

/// The one keyring to trust, where there is one.
fn keyring(world: &World) -> Result<Option<PathBuf>, Error> {
    let value = world.variable_os("SYSTEMD_OPENPGP_KEYRING");
    let Some(path) = value.filter(|it| !it.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    let plain = path
        .components()
        .all(|component| matches!(component, Component::RootDir | Component::Normal(_)));
    if path.is_absolute() && plain {
        Ok(Some(path))
    } else {
        Err(Error::Keyring(path))
    }
}

/// A switch that is on unless it is turned off.
fn boolean(world: &World, name: &str, reporter: &Reporter) -> bool {
    let Some(value) = world.variable(name) else {
        return true;
    };
    let parsed = parse_boolean(&value);
    parsed.unwrap_or_else(|error| {
        reporter.warning(format_args!("${name} makes no sense, ignoring: {error}"));
        true
    })
}

fn time_span(world: &World, name: &str, reporter: &Reporter) -> Option<Duration> {
    let parsed = parse_time_span(&world.variable(name)?);
    parsed
        .inspect_err(|error| {
            reporter.warning(format_args!("${name} makes no sense, ignoring: {error}"))
        })
        .ok()
}
