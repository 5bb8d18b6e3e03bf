//! Files beside an image: fetched with it, held against the same manifest, put in place, kept and replaced with it.
//!
//! They are input like any other, and settings may give a container rights: without a signature none is taken unless
//! somebody asked for it by name.

use super::destination::Destination;
use super::download::Download;
use super::job::Job;
use super::landing::Staging;
use super::pipeline::Unpacking;
use super::request::Pull;
use super::verify::{Expected, still_trusted};
use super::{Error, Wish};
use crate::store::{KeptName, Placing, Source, Staged, Verified};
use crate::terms::{AuxiliaryKind, VerifyMode, auxiliary_file_name};

/// As others limit settings and hashes.
const SMALL_LIMIT_BYTES: u64 = 1 << 20;
/// The verity data of the largest image is half of that.
const VERITY_LIMIT_BYTES: u64 = 16 << 30;

/// A file that belongs beside an image, not visible yet.
pub(super) struct Beside {
    pub(super) kind: AuxiliaryKind,
    pub(super) staged: Staged,
    pub(super) verified: Verified,
    source: Source,
}

/// Fetches the files of these kinds that are wanted and that somebody vouches for.
pub(super) fn fetch(
    job: &Job,
    request: &Pull,
    download: &mut Download<'_>,
    (destination, expected): (&Destination<'_>, &Expected),
    kinds: &[AuxiliaryKind],
) -> Result<Vec<Beside>, Error> {
    let mut files = Vec::new();
    for kind in kinds.iter().copied() {
        let wish = request.wishes.of(kind);
        let Some(name) = auxiliary_file_name(&request.url, request.target.form, kind) else {
            continue;
        };
        let url = request.url.sibling(&name);
        let listed = expected.speaks_of(&url);
        match wish {
            Wish::No => continue,
            Wish::IfSigned if !(expected.is_signed() && listed) => continue,
            Wish::IfSigned | Wish::Asked => destination.check_beside(kind)?,
        }
        let make = || Ok(destination.root.stage(kind.suffix())?);
        let how = Unpacking::of_beside(match kind {
            AuxiliaryKind::Verity => VERITY_LIMIT_BYTES,
            _ => SMALL_LIMIT_BYTES,
        });
        match download.beside(&url, expected, (Staging::new(&make)?, &how))? {
            Some((Staging { staged, .. }, source, verified)) => files.push(Beside {
                kind,
                staged,
                verified,
                source,
            }),
            None if listed => job.reporter.warning(format_args!(
                "{url} is in the manifest but not on the server, ignoring: the image comes without its {}",
                kind.as_str()
            )),
            None => job.reporter.info(format_args!(
                "There is no {url}: the image comes without its {}",
                kind.as_str()
            )),
        }
        let came = files.last().is_some_and(|file: &Beside| file.kind == kind);
        if came && matches!(expected, Expected::Anything(_)) {
            job.reporter.warning(format_args!(
                "Nobody vouches for {url}, ignoring: it was asked for by name"
            ));
        }
    }
    for file in &files {
        file.staged.record(&file.source, &file.verified)?;
    }
    Ok(files)
}

/// Says that files may lie beside the image which nobody looked for.
pub(super) fn tell_of_left_out(job: &Job, request: &Pull) {
    let mut wishes = AuxiliaryKind::ALL
        .iter()
        .map(|kind| request.wishes.of(*kind));
    if request.verify != VerifyMode::Signature && wishes.any(|wish| wish == Wish::IfSigned) {
        job.reporter.info(
            "Settings and hashes that may lie beside the image were left out: no signature vouches for them",
        );
    }
}

/// Copies of the files that are kept beside a kept copy, as far as they are wanted and still vouched for.
pub(super) fn reuse(
    request: &Pull,
    download: &Download<'_>,
    (destination, kept): (&Destination<'_>, &KeptName),
) -> Result<Vec<Beside>, Error> {
    let mut files = Vec::new();
    for kind in AuxiliaryKind::ALL {
        let demand = match request.wishes.of(kind) {
            Wish::No => continue,
            Wish::IfSigned if request.verify != VerifyMode::Signature => continue,
            Wish::IfSigned | Wish::Asked => request.verify,
        };
        let Some((file, trust)) = destination.root.kept_beside(kept, kind) else {
            continue;
        };
        let key = trust.key.as_ref();
        let fades = demand == VerifyMode::Signature
            && key.is_some_and(|key| !still_trusted(&download.rings, key));
        let Some(verified) = Verified::remembered(trust, demand).filter(|_| !fades) else {
            continue;
        };
        let path = destination.root.path_of(&kept.beside(kind));
        let url = auxiliary_file_name(&request.url, request.target.form, kind);
        let url = url.map_or_else(|| request.url.clone(), |name| request.url.sibling(&name));
        let source = Source::recorded(&file, url);
        let staged = destination.copy_file(&file, &path)?;
        staged.record(&source, &verified)?;
        files.push(Beside {
            kind,
            staged,
            verified,
            source,
        });
    }
    Ok(files)
}

impl Beside {
    /// Another one like it, for the local image where this one is kept.
    pub(super) fn copy(&self, destination: &Destination<'_>) -> Result<Self, Error> {
        let staged = destination.copy_file(self.staged.file(), &self.staged.path())?;
        staged.record(&self.source, &self.verified)?;
        Ok(Self {
            kind: self.kind,
            staged,
            verified: self.verified.clone(),
            source: self.source.clone(),
        })
    }

    /// Keeps it beside the pristine copy of its image.
    pub(super) fn keep(self, job: &Job, name: &KeptName) -> Result<(), Error> {
        let file_name = name.beside(self.kind);
        let placing = Placing::kept(&file_name, job.settings.sync, &job.cancel);
        let placed = self.staged.place(&self.verified, &placing)?;
        Ok(placed.on_disk()?)
    }
}
