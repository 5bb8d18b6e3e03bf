//! Importing a directory: a tree is copied, or a subvolume shared, and placed.

use super::destination::Destination;
use super::job::Job;
use super::meter::{Meter, Phase};
use super::{Error, ImportDirectory};
use crate::store::Unverified;

/// Imports a tree: directory → copy → place.
pub(super) fn run(job: &Job, request: &ImportDirectory) -> Result<(), Error> {
    let ImportDirectory { origin, target } = request;
    let destination = Destination::open(job, target)?;
    job.tell_of_import(origin, &destination.path());
    let mut meter = Meter::new(job.reporter.clone());
    // How much there is nobody knows before.
    meter.begin(None);
    let staged = destination.copy_tree(&origin.file, origin.shown.as_ref())?;
    meter.enter(Phase::Finalizing);
    job.raise(&staged)?;
    destination.place(staged, &Unverified::brought())
}
