//! Pulling: from a URL to a placed image.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::beside::{self, Beside};
use super::destination::Destination;
use super::download::Download;
use super::job::Job;
use super::landing::Staging;
use super::meter::{Meter, Phase};
use super::pipeline::Unpacking;
use super::verify::still_trusted;
use super::{Error, Place, Remote, Wish, convert, request, straight};
use crate::fetch::Answer;
use crate::store::{Kept, KeptName, Placing, Source, Staged, Verified};
use crate::terms::{AuxiliaryKind, Etag, ImageForm, VerifyMode};

/// Pulls an image: remote → fetch → verify → place.
pub(super) fn run(job: &Job, request: &request::Pull) -> Result<(), Error> {
    let target = &request.target;
    if straight::is_straight(job, target)? {
        return straight::pull(job, request);
    }
    let url = &request.url;
    let destination = Destination::open(job, target)?;
    let place = destination.path();
    let doing = match target.place {
        Place::Kept => "keeping it in",
        _ => "saving as",
    };
    job.reporter
        .info(format_args!("Pulling {url}, {doing} `{}`", place.display()));
    let mut pull = Pull {
        job,
        request,
        destination,
        download: Download::new(job, url, request.verify)?,
    };
    let mut kept = pull.reusable()?;
    match pull.first_answer(&kept)? {
        First::Kept(index) => pull.reuse(kept.swap_remove(index))?,
        First::Unknown => {
            let downloaded = pull.download()?;
            pull.place(downloaded)?;
        }
    }
    if pull.is_stored() {
        beside::tell_of_left_out(job, request);
    }
    Ok(())
}

/// One pull, once everything local has agreed to it.
struct Pull<'a> {
    job: &'a Job,
    request: &'a request::Pull,
    destination: Destination<'a>,
    download: Download<'a>,
}

/// A kept copy that may stand in for a download, and the proof of that.
struct Reusable {
    kept: Kept,
    verified: Verified,
}

/// What the server says about the copies that are kept.
enum First {
    /// Nothing: there is none to ask about, it could not tell, or there is another image by now. That one is asked for
    /// again once its manifest is verified: meanwhile the server would wait, and bytes that nobody vouches for with it.
    Unknown,
    /// This one is the image still.
    Kept(usize),
}

/// A verified image, not visible yet.
struct Downloaded {
    staged: Staged,
    source: Source,
    verified: Verified,
    beside: Vec<Beside>,
}

impl Pull<'_> {
    /// The kept copies that may stand in for a download under the demand that was made.
    fn reusable(&self) -> Result<Vec<Reusable>, Error> {
        let demand = self.request.verify;
        if !self.is_stored() {
            return Ok(Vec::new());
        }
        let usable = |kept: Kept| {
            // A signature is worth what its key is worth today.
            let key = kept
                .trust
                .key
                .as_ref()
                .filter(|_| demand == VerifyMode::Signature);
            if kept.etag.is_none()
                || key.is_some_and(|key| !still_trusted(&self.download.rings, key))
                || !self.is_as_asked_for(&kept.file)
            {
                return None;
            }
            Verified::remembered(kept.trust.clone(), demand)
                .map(|verified| Reusable { kept, verified })
        };
        Ok(self
            .destination
            .root
            .kept(self.request.target.form, &self.request.url)?
            .into_iter()
            .filter_map(usable)
            .collect())
    }

    /// Whether a kept copy is what a download would be under the options: no larger, and not converted where the image is
    /// wanted as it came. What else it was before nobody can tell, so then only what is packed as qcow2 still will do.
    fn is_as_asked_for(&self, kept: &File) -> bool {
        let target = &self.request.target;
        match target.form {
            ImageForm::Tree => target.limit_bytes.is_none(),
            ImageForm::Raw => {
                let size = kept.metadata().map_or(u64::MAX, |it| it.len());
                target.limit_bytes.is_none_or(|limit| size <= limit)
                    && (target.convert_qcow2 || convert::holds_qcow2(kept))
            }
        }
    }

    /// Asks the server whether one of the kept copies is the image still.
    fn first_answer(&self, kept: &[Reusable]) -> Result<First, Error> {
        let tags: Vec<Etag> = kept
            .iter()
            .filter_map(|copy| copy.kept.etag.clone())
            .collect();
        if tags.is_empty() {
            return Ok(First::Unknown);
        }
        let url = &self.request.url;
        match self.download.fetcher.get(url, &tags)? {
            Answer::Found(_) => Ok(First::Unknown),
            Answer::NotFound => Err(Remote::NotFound(url.clone()).into()),
            // Whatever it is called by now.
            Answer::NotModified { .. } if tags.len() == 1 => Ok(First::Kept(0)),
            Answer::NotModified { etag: Some(etag) } => Ok(tags
                .iter()
                .position(|tag| *tag == etag)
                .map_or(First::Unknown, First::Kept)),
            // One of several, but which? Asked about each alone, the server cannot help saying.
            Answer::NotModified { etag: None } => {
                for (index, tag) in tags.iter().enumerate() {
                    if let Answer::NotModified { .. } =
                        self.download.fetcher.get(url, std::slice::from_ref(tag))?
                    {
                        return Ok(First::Kept(index));
                    }
                }
                Ok(First::Unknown)
            }
        }
    }

    /// Downloads the image and what belongs beside it, and verifies them.
    fn download(&mut self) -> Result<Downloaded, Error> {
        let Self {
            job,
            request,
            destination,
            download,
        } = self;
        let expected = download.expected()?;
        let beside = match request.target.place {
            Place::Named(_) | Place::Kept => {
                let whereto = (&*destination, &expected);
                beside::fetch(job, request, download, whereto, &AuxiliaryKind::ALL)?
            }
            _ => Vec::new(),
        };
        let make = || destination.stage();
        let landing = Staging::new(&make)?;
        let how = Unpacking::of(&request.target);
        let (Staging { staged, .. }, source, verified) =
            download.image(&expected, landing, &how)?;
        Ok(Downloaded {
            staged,
            source,
            verified,
            beside,
        })
    }

    /// Whether the image goes into the store, where there are kept copies.
    fn is_stored(&self) -> bool {
        matches!(self.request.target.place, Place::Named(_) | Place::Kept)
    }

    /// Places the image: under its local name, under its kept name, or both.
    fn place(&self, downloaded: Downloaded) -> Result<(), Error> {
        let Self { job, request, .. } = self;
        let recorded = downloaded
            .staged
            .record(&downloaded.source, &downloaded.verified)?;
        if matches!(request.target.place, Place::Kept) {
            job.cancel.check()?;
            let path = self.keep(downloaded)?;
            job.reporter
                .info(format_args!("Kept {} as `{}`", request.url, path.display()));
            return Ok(());
        }
        if !(request.keep_download && self.is_stored()) {
            return self.place_alone(downloaded);
        }
        if !recorded {
            let path = self.destination.root.path().display();
            let what = "has no room for extended attributes, so the kept copy cannot be used again";
            job.reporter
                .notice(format_args!("The file system of `{path}` {what}"));
        }
        // First the one that may fail because somebody else was faster.
        let (copy, beside) = match self.copies_of(&downloaded) {
            Err(error) if error.is_no_space() => {
                job.reporter.warning(format_args!(
                    "There is no room for a pristine copy beside the image, ignoring: {error}"
                ));
                return self.place_alone(downloaded);
            }
            copies => copies?,
        };
        let verified = downloaded.verified.clone();
        self.destination.place_with(copy, &verified, beside)?;
        if let Err(error) = self.keep(downloaded) {
            job.reporter.warning(format_args!(
                "The pristine copy could not be kept, ignoring: {error}"
            ));
        }
        Ok(())
    }

    /// Without a pristine copy.
    fn place_alone(&self, downloaded: Downloaded) -> Result<(), Error> {
        let Downloaded {
            staged,
            verified,
            beside,
            ..
        } = downloaded;
        self.destination.place_with(staged, &verified, beside)
    }

    /// Keeps the download under its hidden name, and says which that is.
    fn keep(&self, downloaded: Downloaded) -> Result<PathBuf, Error> {
        let Self { job, request, .. } = self;
        let root = &self.destination.root;
        let form = request.target.form;
        let etag = downloaded.source.etag.as_ref();
        let name = KeptName::new(root, form, &request.url, etag);
        // An image that is there is whole, so what belongs to it comes before, and what does not goes.
        let kinds: Vec<_> = downloaded.beside.iter().map(|file| file.kind).collect();
        root.remove_kept_beside(&name, &kinds);
        for file in downloaded.beside {
            file.keep(job, &name)?;
        }
        let file_name = name.image();
        let placing = Placing::kept(&file_name, job.settings.sync, &job.cancel);
        let placed = downloaded.staged.place(&downloaded.verified, &placing)?;
        placed.on_disk()?;
        Ok(root.path_of(&file_name))
    }

    /// Makes the local image from a kept copy, which stays as it is.
    fn reuse(&mut self, Reusable { kept, verified }: Reusable) -> Result<(), Error> {
        let destination = &self.destination;
        let path = destination.root.path_of(&kept.name.image());
        let what = "the image has not changed on the server";
        self.job.reporter.info(format_args!(
            "Using the kept copy `{}`: {what}",
            path.display()
        ));
        if matches!(self.request.target.place, Place::Kept) {
            return Ok(());
        }
        let source = kept.source(&self.request.url);
        let copy = self.copy_of(&kept.file, &path, (&source, &verified))?;
        let mut beside = beside::reuse(self.request, &self.download, (destination, &kept.name))?;
        // Somebody asks by name for what nobody asked for when the copy was kept.
        let missing: Vec<_> = AuxiliaryKind::ALL
            .into_iter()
            .filter(|kind| self.request.wishes.of(*kind) == Wish::Asked)
            .filter(|kind| beside.iter().all(|file| file.kind != *kind))
            .collect();
        if !missing.is_empty() {
            let expected = self.download.expected()?;
            let digest = verified.trust().digest;
            if digest.is_some_and(|digest| expected.check(&self.request.url, digest).is_err()) {
                // What lies there belongs to another image, which has come since we asked.
                self.job
                    .reporter
                    .info("The kept copy is not what the server's manifest speaks of by now");
                let downloaded = self.download()?;
                return self.place(downloaded);
            }
            let (job, download) = (self.job, &mut self.download);
            let whereto = (destination, &expected);
            beside.extend(beside::fetch(
                job,
                self.request,
                download,
                whereto,
                &missing,
            )?);
        }
        destination.place_with(copy, &verified, beside)
    }

    /// Copies of a download and of what came with it.
    fn copies_of(&self, downloaded: &Downloaded) -> Result<(Staged, Vec<Beside>), Error> {
        let Downloaded {
            staged,
            source,
            verified,
            beside,
        } = downloaded;
        let copy = self.copy_of(staged.file(), &staged.path(), (source, verified))?;
        let copies = beside.iter().map(|file| file.copy(&self.destination));
        Ok((copy, copies.collect::<Result<_, _>>()?))
    }

    /// A staged copy with the same content, sharing it where the file system can, and the same record.
    fn copy_of(
        &self,
        original: &File,
        path: &Path,
        (source, verified): (&Source, &Verified),
    ) -> Result<Staged, Error> {
        Meter::new(self.job.reporter.clone()).enter(Phase::Copying);
        let copy = match self.request.target.form {
            ImageForm::Raw => self.destination.copy_disk(original, path)?,
            ImageForm::Tree => self.destination.copy_tree(original, path)?,
        };
        copy.record(source, verified)?;
        Ok(copy)
    }
}
