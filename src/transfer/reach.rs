//! Waiting for a server, for whoever is in no hurry: at boot the network comes when it comes.

use super::{Error, Settings};
use crate::fetch::Fetcher;
use crate::report::Reporter;
use crate::stream::Cancel;
use crate::terms::Url;

/// Returns once a server answers, whatever it says, or an error that no other try will mend; each try is told of.
pub fn wait_for(settings: &Settings, url: &Url, reporter: &Reporter) -> Result<(), Error> {
    let cancel = Cancel::new().map_err(super::Local::Thread)?;
    let fetcher = Fetcher::new(settings.fetch.clone(), cancel, reporter.clone());
    fetcher.get(url, &[])?;
    Ok(())
}
