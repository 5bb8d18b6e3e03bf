//! What options mean to the engine.

use std::path::Path;

use super::args::Options;
use super::error::Error;
use crate::report::Reporter;
use crate::store::Roots;
use crate::transfer::Settings;
use crate::world::World;

/// The settings of this run's transfers.
pub(super) fn settings(
    world: &World,
    options: &Options,
    reporter: &Reporter,
) -> Result<Settings, Error> {
    let roots = roots(options)?.with_sweeper(world.program().ok());
    let variable = |name: &str| world.variable_os(name);
    let settings = Settings::new(roots, "importctl", variable, reporter);
    Ok(Settings {
        selinux: world.has_selinux(),
        ..settings.retrying_for(options.retry_timeout)
    })
}

/// The image roots that the options choose.
pub(super) fn roots(options: &Options) -> Result<Roots, Error> {
    let root = options.root.as_deref().unwrap_or(Path::new("/"));
    Ok(Roots::open(root, options.image_root.as_deref())?)
}
