//! The way from a URL to a reader, tried again while that may help.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::dial::Network;
use super::http::{Http, Response};
use super::lookup::Resolver;
use super::patience::Patience;
use super::tls::Tls;
use super::wait::pause;
use super::{Body, Config, Error, file};
use crate::report::Reporter;
use crate::stream::{Cancel, CancelReader};
use crate::terms::{Etag, Scheme, Url};

/// Fetches for one transfer: everything it does ends when the transfer is cancelled.
pub struct Fetcher {
    http: Http,
    cancel: Cancel,
    reporter: Reporter,
    retry: Duration,
    patience: Mutex<HashMap<Url, Arc<Patience>>>,
}

/// What a remote says to "may I have this?".
pub enum Answer {
    Found(Found),
    /// It still is what one of the caller's entity tags stands for: this one, if the server says which.
    NotModified {
        etag: Option<Etag>,
    },
    NotFound,
}

/// A remote that is there.
pub struct Found {
    pub body: Body,
    pub etag: Option<Etag>,
    pub last_modified: Option<SystemTime>,
    /// None where the server does not say.
    pub length_bytes: Option<u64>,
}

impl Fetcher {
    pub fn new(config: Config, cancel: Cancel, reporter: Reporter) -> Self {
        let network = Network {
            resolver: Resolver {
                hosts: config.hosts,
                resolv_conf: config.resolv_conf,
                port: config.name_server_port,
                cancel: cancel.clone(),
            },
            proxies: config.proxies,
            tls: Tls::new(config.roots, cancel.clone()),
            connect_timeout: config.connect_timeout,
            stall: config.stall,
            user_agent: config.user_agent,
            cancel: cancel.clone(),
        };
        Self {
            http: Http::new(network),
            cancel,
            reporter,
            retry: config.retry,
            patience: Mutex::default(),
        }
    }

    /// Asks for a URL, again and again while failures may pass. Redirects are followed, never from https to http.
    ///
    /// `if_none_match` holds the tags of copies the caller has already.
    pub fn get(&self, url: &Url, if_none_match: &[Etag]) -> Result<Answer, Error> {
        loop {
            self.cancel.check()?;
            match self.attempt(url, if_none_match) {
                Ok(answer) => return Ok(answer),
                Err(error) => self.pause_or_give_up(url, error)?,
            }
        }
    }

    /// After a failure with this URL, of [`get`](Self::get) or of its body: pauses, longer each time, if it may pass
    /// and patience lasts, else hands the error back.
    pub fn pause_or_give_up(&self, url: &Url, error: Error) -> Result<(), Error> {
        match self.patience(url).next_pause(&error) {
            Ok(duration) => {
                let seconds = duration.as_secs_f32();
                self.reporter.notice(format_args!(
                    "Could not fetch `{url}`, trying again in {seconds:.1}s: {error}"
                ));
                pause(&self.cancel, duration).map_err(|error| Error::from_io(error, Error::Wait))
            }
            Err(tried) if error.is_transient() && !self.retry.is_zero() => Err(Error::GaveUp {
                tried,
                cause: Box::new(error),
            }),
            Err(_) => Err(error),
        }
    }

    fn patience(&self, url: &Url) -> Arc<Patience> {
        let mut all = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(url.clone())
            .or_insert_with(|| Arc::new(Patience::new(self.retry)))
            .clone()
    }

    fn attempt(&self, url: &Url, if_none_match: &[Etag]) -> Result<Answer, Error> {
        let answer = match url.scheme() {
            Scheme::File => self.file(url)?,
            Scheme::Http | Scheme::Https => match self.http.get(url, if_none_match)? {
                Response::Found(found) => Answer::Found(Found {
                    etag: found.etag,
                    last_modified: found.last_modified,
                    length_bytes: found.length_bytes,
                    body: self.body(url, found.reader, found.length_bytes),
                }),
                Response::NotModified(etag) => Answer::NotModified { etag },
                Response::NotFound => Answer::NotFound,
            },
        };
        if !matches!(answer, Answer::Found(_)) {
            self.patience(url).finished();
        }
        Ok(answer)
    }

    fn file(&self, url: &Url) -> Result<Answer, Error> {
        let Some(source) = file::open(url)? else {
            return Ok(Answer::NotFound);
        };
        let length_bytes = Some(source.length_bytes);
        let reader = CancelReader::new(source.reader, self.cancel.clone());
        Ok(Answer::Found(Found {
            body: self.body(url, Box::new(reader), length_bytes),
            etag: None,
            last_modified: source.last_modified,
            length_bytes,
        }))
    }

    fn body(
        &self,
        url: &Url,
        reader: Box<dyn std::io::Read + Send>,
        expected_bytes: Option<u64>,
    ) -> Body {
        Body {
            reader,
            url: url.clone(),
            expected_bytes,
            received_bytes: 0,
            patience: self.patience(url),
        }
    }
}
