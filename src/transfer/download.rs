//! Downloading: from a URL through the pipeline into a landing, and begun again from the first byte where a server stalls.

use std::io::Read;

use super::job::Job;
use super::landing::Landing;
use super::meter::{Meter, Phase};
use super::pipeline::{Incoming, Unpacking, receive};
use super::verify::Expected;
use super::{Error, Remote, keyrings};
use crate::fetch::{Answer, Fetcher, Found};
use crate::openpgp::Keyring;
use crate::store::{Source, Verified};
use crate::stream::Hasher;
use crate::terms::{Sha256Digest, Url, VerifyMode};

/// What is fetched from beside one URL, under one demand.
pub(super) struct Download<'a> {
    job: &'a Job,
    pub(super) url: &'a Url,
    pub(super) verify: VerifyMode,
    pub(super) fetcher: Fetcher,
    /// Whose signatures count, where one is demanded.
    pub(super) rings: Vec<Keyring>,
    meter: Meter,
}

/// What was received, and what is to be recorded of it once it is verified.
struct Received {
    source: Source,
    digest: Sha256Digest,
}

impl<'a> Download<'a> {
    /// Gets ready, and asks nothing of the network yet.
    pub(super) fn new(job: &'a Job, url: &'a Url, verify: VerifyMode) -> Result<Self, Error> {
        // Without a keyring nothing that the network could say would help.
        let rings = match verify {
            VerifyMode::Signature => keyrings::load(job)?,
            _ => Vec::new(),
        };
        let fetcher = Fetcher::new(
            job.settings.fetch.clone(),
            job.cancel.clone(),
            job.reporter.clone(),
        );
        Ok(Self {
            job,
            url,
            verify,
            fetcher,
            rings,
            meter: Meter::new(job.reporter.clone()),
        })
    }

    /// Finds out what the image must be.
    pub(super) fn expected(&self) -> Result<Expected, Error> {
        Expected::find(
            self.job,
            &self.fetcher,
            self.url,
            (self.verify, &self.rings),
        )
    }

    /// Receives the image and verifies it.
    pub(super) fn image<L: Landing>(
        &mut self,
        expected: &Expected,
        mut landing: L,
        unpacking: &Unpacking,
    ) -> Result<(L, Source, Verified), Error> {
        let url = self.url;
        let received = match expected.whole() {
            Some(bytes) => self.take(bytes, &mut landing, unpacking)?,
            None => self
                .fetch(url, &mut landing, unpacking)?
                .ok_or_else(|| Remote::NotFound(url.clone()))?,
        };
        self.meter.enter(Phase::Verifying);
        let verified = expected.check(url, received.digest)?;
        self.meter.enter(Phase::Finalizing);
        Ok((landing, received.source, verified))
    }

    /// Receives a file beside the image and verifies it, if there is one.
    pub(super) fn beside<L: Landing>(
        &mut self,
        url: &Url,
        expected: &Expected,
        (mut landing, unpacking): (L, &Unpacking),
    ) -> Result<Option<(L, Source, Verified)>, Error> {
        let Some(received) = self.fetch(url, &mut landing, unpacking)? else {
            return Ok(None);
        };
        let verified = expected.check(url, received.digest)?;
        Ok(Some((landing, received.source, verified)))
    }

    /// None if there is nothing at that URL.
    fn fetch(
        &mut self,
        url: &Url,
        landing: &mut impl Landing,
        unpacking: &Unpacking,
    ) -> Result<Option<Received>, Error> {
        loop {
            let Answer::Found(Found {
                body,
                etag,
                last_modified,
                length_bytes,
            }) = self.fetcher.get(url, &[])?
            else {
                return Ok(None);
            };
            match self.receive(url, (body, length_bytes), landing, unpacking) {
                Ok(digest) => {
                    let url = url.clone();
                    let source = Source {
                        url,
                        etag,
                        last_modified,
                    };
                    return Ok(Some(Received { source, digest }));
                }
                Err(Error::Remote(Remote::Fetch(error))) => {
                    if !landing.begin_again()? {
                        return Err(Remote::Fetch(error).into());
                    }
                    self.fetcher.pause_or_give_up(url, error)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Receives what is here already.
    fn take(
        &mut self,
        bytes: &[u8],
        landing: &mut impl Landing,
        unpacking: &Unpacking,
    ) -> Result<Received, Error> {
        let length_bytes = Some(bytes.len() as u64);
        let digest = self.receive(self.url, (bytes, length_bytes), landing, unpacking)?;
        let source = Source {
            url: self.url.clone(),
            etag: None,
            last_modified: None,
        };
        Ok(Received { source, digest })
    }

    fn receive(
        &mut self,
        url: &Url,
        (body, length_bytes): (impl Read + Send, Option<u64>),
        landing: &mut impl Landing,
        unpacking: &Unpacking,
    ) -> Result<Sha256Digest, Error> {
        let incoming = Incoming {
            body,
            origin: url.to_string(),
            length_bytes,
        };
        let mut hasher = Hasher::default();
        receive(
            self.job,
            &mut self.meter,
            (incoming, Some(&mut hasher)),
            (landing.sink(), unpacking),
        )?;
        Ok(hasher.finish())
    }
}
