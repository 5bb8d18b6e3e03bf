//! Pulling: from a URL to a placed image.

use std::fs::File;
use std::path::Path;

use super::destination::Destination;
use super::manager::Job;
use super::meter::{Meter, Phase};
use super::pipeline::{Incoming, receive};
use super::verify::{Expected, still_trusted};
use super::{Error, Remote, keyrings, request};
use crate::fetch::{Answer, Fetcher, Found};
use crate::openpgp::Keyring;
use crate::store::{Kept, Placing, Source, Staged, Verified, kept_file_name};
use crate::stream::HashReader;
use crate::terms::{Etag, ImageForm, VerifyMode};

/// Pulls an image: remote → fetch → verify → place.
pub(super) fn run(job: &Job, request: &request::Pull) -> Result<(), Error> {
    let url = &request.url;
    let destination = Destination::open(job, &request.target)?;
    let place = destination.root.path().display();
    match &request.local {
        Some(name) => job.reporter.info(format_args!(
            "Pulling {url}, saving as `{name}` in `{place}`"
        )),
        None => job
            .reporter
            .info(format_args!("Pulling {url}, keeping it in `{place}`")),
    }
    destination.prepare(request.local.as_ref())?;
    let fetcher = Fetcher::new(
        job.settings.fetch.clone(),
        job.cancel.clone(),
        job.reporter.clone(),
    );
    // Without a keyring nothing that the network could say would help.
    let rings = match request.verify {
        VerifyMode::Signature => keyrings::load(job)?,
        _ => Vec::new(),
    };
    let pull = Pull {
        job,
        request,
        destination,
        fetcher,
        rings,
    };
    let mut kept = pull.reusable()?;
    match pull.first_answer(&kept)? {
        First::Kept(index) => pull.reuse(kept.swap_remove(index)),
        First::Unknown => pull.place(pull.download()?),
    }
}

/// One pull, once everything local has agreed to it.
struct Pull<'a> {
    job: &'a Job,
    request: &'a request::Pull,
    destination: Destination<'a>,
    fetcher: Fetcher,
    /// Whose signatures count, where one is demanded.
    rings: Vec<Keyring>,
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
}

impl Pull<'_> {
    /// The kept copies that may stand in for a download under the demand that was made.
    fn reusable(&self) -> Result<Vec<Reusable>, Error> {
        let demand = self.request.verify;
        let usable = |kept: Kept| {
            // A signature is worth what its key is worth today.
            let key = kept
                .trust
                .key
                .as_ref()
                .filter(|_| demand == VerifyMode::Signature);
            if kept.etag.is_none() || key.is_some_and(|key| !still_trusted(&self.rings, key)) {
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
        match self.fetcher.get(url, &tags)? {
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
                        self.fetcher.get(url, std::slice::from_ref(tag))?
                    {
                        return Ok(First::Kept(index));
                    }
                }
                Ok(First::Unknown)
            }
        }
    }

    /// Downloads the image and verifies it; a body that stalls is begun again from its first byte.
    fn download(&self) -> Result<Downloaded, Error> {
        let Self { job, fetcher, .. } = self;
        let url = &self.request.url;
        let expected = Expected::find(job, fetcher, url, (self.request.verify, &self.rings))?;
        let mut meter = Meter::new(job.reporter.clone());
        loop {
            let staged = self.destination.stage(self.request.target.form.word())?;
            let Answer::Found(Found {
                body,
                etag,
                last_modified,
                length_bytes,
            }) = fetcher.get(url, &[])?
            else {
                return Err(Remote::NotFound(url.clone()).into());
            };
            let incoming = Incoming {
                body: HashReader::new(body),
                origin: url.to_string(),
                length_bytes,
            };
            match receive(job, &mut meter, incoming, &staged) {
                Ok(body) => {
                    meter.enter(Phase::Verifying);
                    let verified = expected.check(url, body.finish())?;
                    meter.enter(Phase::Finalizing);
                    let source = Source {
                        url: url.clone(),
                        etag,
                        last_modified,
                    };
                    return Ok(Downloaded {
                        staged,
                        source,
                        verified,
                    });
                }
                Err(Error::Remote(Remote::Fetch(error))) => fetcher.pause_or_give_up(url, error)?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Places the image: under its local name, under its kept name, or both.
    fn place(&self, downloaded: Downloaded) -> Result<(), Error> {
        let Downloaded {
            staged,
            source,
            verified,
        } = downloaded;
        let Self { job, request, .. } = self;
        let root = &self.destination.root;
        let recorded = staged.record(&source, &verified)?;
        let kept_name = kept_file_name(
            root,
            request.target.form,
            &request.url,
            source.etag.as_ref(),
        );
        let sync = job.settings.sync;
        let cancel = &job.cancel;
        let kept = Placing {
            file_name: &kept_name,
            replace: true,
            read_only: true,
            sync,
            cancel,
        };
        let Some(name) = &request.local else {
            job.cancel.check()?;
            staged.place(&verified, &kept)?;
            job.reporter.info(format_args!(
                "Kept {} as `{}`",
                request.url,
                root.path_of(&kept_name).display()
            ));
            return Ok(());
        };
        if !request.keep_download {
            return self.destination.place(staged, name, &verified);
        }
        if !recorded {
            let path = root.path().display();
            let what = "has no room for extended attributes, so the kept copy cannot be used again";
            job.reporter
                .notice(format_args!("The file system of `{path}` {what}"));
        }
        // First the one that may fail because somebody else was faster.
        let copy = match self.copy_of(staged.file(), &staged.path(), &source, &verified) {
            Err(error) if error.is_no_space() => {
                job.reporter.warning(format_args!(
                    "There is no room for a pristine copy beside the image, ignoring: {error}"
                ));
                return self.destination.place(staged, name, &verified);
            }
            copy => copy?,
        };
        self.destination.place(copy, name, &verified)?;
        if let Err(error) = staged.place(&verified, &kept) {
            job.reporter.warning(format_args!(
                "The pristine copy could not be kept, ignoring: {error}"
            ));
        }
        Ok(())
    }

    /// Makes the local image from a kept copy, which stays as it is.
    fn reuse(&self, Reusable { kept, verified }: Reusable) -> Result<(), Error> {
        let path = self.destination.root.path_of(&kept.file_name);
        let what = "the image has not changed on the server";
        self.job.reporter.info(format_args!(
            "Using the kept copy `{}`: {what}",
            path.display()
        ));
        let Some(name) = &self.request.local else {
            return Ok(());
        };
        let source = kept.source(&self.request.url);
        let copy = self.copy_of(&kept.file, &path, &source, &verified)?;
        self.destination.place(copy, name, &verified)
    }

    /// A staged copy with the same content, sharing it where the file system can, and the same record.
    fn copy_of(
        &self,
        original: &File,
        path: &Path,
        source: &Source,
        verified: &Verified,
    ) -> Result<Staged, Error> {
        Meter::new(self.job.reporter.clone()).enter(Phase::Copying);
        let form = self.request.target.form;
        let copy = match form {
            ImageForm::Raw => self.destination.copy_file(form.word(), original, path)?,
            ImageForm::Tree => self.destination.copy_tree(form.word(), original, path)?,
        };
        copy.record(source, verified)?;
        Ok(copy)
    }
}
