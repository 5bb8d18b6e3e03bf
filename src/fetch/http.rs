//! Requests and what their answers mean: redirects, conditions, refusals.
//!
//! Redirects are followed here rather than by ureq, because where they may lead is a matter of safety.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ureq::config::AutoHeaderValue;
use ureq::http::{HeaderMap, HeaderName, Request, Uri, header};
use ureq::{Agent, Body};

use super::Error;
use super::basic::basic;
use super::date::parse_date;
use super::dial::{Dial, Network};
use super::proxy::{Proxy, server_name};
use crate::terms::{Etag, Scheme, Url};

const MAX_REDIRECTS: usize = 10;
/// More tags than fit are not sent; at worst a copy is downloaded once more.
const MAX_TAGS_BYTES: usize = 16 * 1024;
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// An HTTP/1.1 client.
pub(super) struct Http {
    agent: Agent,
    network: Arc<Network>,
}

/// The end of a chain of redirects.
pub(super) enum Response {
    Found(Resource),
    NotModified(Option<Etag>),
    NotFound,
}

/// A body and what its head says about it.
pub(super) struct Resource {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) etag: Option<Etag>,
    pub(super) last_modified: Option<SystemTime>,
    pub(super) length_bytes: Option<u64>,
}

/// What is asked for, at any stop of the chain.
struct Wish<'a> {
    /// The URL as the caller gave it.
    origin: &'a Url,
    tags: &'a [Etag],
}

impl Http {
    pub(super) fn new(network: Network) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEAD_BYTES)
            .max_idle_connections(0)
            .proxy(None)
            .accept_encoding(AutoHeaderValue::None)
            .build();
        let network = Arc::new(network);
        let dial = Dial(network.clone());
        Self {
            agent: Agent::with_parts(config, dial.clone(), dial),
            network,
        }
    }

    /// Asks for a URL and follows redirects.
    pub(super) fn get(&self, url: &Url, tags: &[Etag]) -> Result<Response, Error> {
        let wish = Wish { origin: url, tags };
        let mut current = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.request(&current, &wish)?;
            current = match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => redirect(&current, response.headers())?,
                407 => return self.proxy_refused(&current),
                _ => return conclude(&current, response, &wish),
            };
        }
        Err(Error::TooManyRedirects {
            url: url.clone(),
            limit: MAX_REDIRECTS,
        })
    }

    fn proxy(&self, url: &Url) -> Result<Option<Proxy>, Error> {
        let tls = url.scheme() == Scheme::Https;
        self.network.proxies.find(tls, url.host(), url.port())
    }

    fn proxy_refused(&self, url: &Url) -> Result<Response, Error> {
        let server = || server_name(url.host(), url.port());
        let proxy = self.proxy(url)?;
        let proxy = proxy.map_or_else(server, |proxy| proxy.to_string());
        Err(Error::ProxyAuthentication { proxy })
    }

    fn request(&self, url: &Url, wish: &Wish) -> Result<ureq::http::Response<Body>, Error> {
        let broken = |cause| Error::Request {
            url: url.clone(),
            cause,
        };
        let mut request = Request::get(uri(url).map_err(broken)?)
            .header(header::USER_AGENT, &self.network.user_agent)
            .header(header::ACCEPT, "*/*");
        if let Some(tags) = join(wish.tags) {
            request = request.header(header::IF_NONE_MATCH, tags);
        }
        if let Some(credentials) = credentials(url, wish.origin) {
            request = request.header(header::AUTHORIZATION, basic(credentials));
        }
        let proxy = self.proxy(url)?.filter(|_| url.scheme() == Scheme::Http);
        if let Some(value) = proxy.and_then(|proxy| proxy.authorization()) {
            request = request.header(header::PROXY_AUTHORIZATION, value);
        }
        let request = request.body(()).map_err(broken)?;
        self.agent.run(request).map_err(|error| explain(url, error))
    }
}

fn explain(url: &Url, error: ureq::Error) -> Error {
    match error {
        ureq::Error::Io(error) => Error::from_io(error, |cause| Error::Broken {
            server: server_name(url.host(), url.port()),
            cause: if cause.kind() == io::ErrorKind::UnexpectedEof {
                io::Error::new(cause.kind(), "the server closed it without an answer")
            } else {
                cause
            },
        }),
        cause => Error::Protocol {
            url: url.clone(),
            cause: Box::new(cause),
        },
    }
}

/// The URL as HTTP has it: without credentials and fragment.
fn uri(url: &Url) -> Result<Uri, ureq::http::Error> {
    let text = url.as_str();
    let text = text.split('#').next().unwrap_or(text);
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let slash = if path.starts_with('/') { "" } else { "/" };
    Uri::builder()
        .scheme(scheme)
        .authority(host.trim_end_matches(':'))
        .path_and_query(format!("{slash}{path}"))
        .build()
}

fn join(tags: &[Etag]) -> Option<String> {
    let mut joined = String::new();
    for tag in tags {
        if joined.len() + tag.as_str().len() > MAX_TAGS_BYTES {
            break;
        }
        let comma = if joined.is_empty() { "" } else { ", " };
        joined += comma;
        joined += tag.as_str();
    }
    (!joined.is_empty()).then_some(joined)
}

/// A URL's own credentials, or those the caller gave for the same server.
fn credentials<'a>(url: &'a Url, origin: &'a Url) -> Option<(&'a str, &'a str)> {
    let server = |url: &Url| (url.scheme(), url.host().to_ascii_lowercase(), url.port());
    url.credentials().or_else(|| {
        origin
            .credentials()
            .filter(|_| server(url) == server(origin))
    })
}

/// Where a redirect leads, if that may be followed.
fn redirect(from: &Url, headers: &HeaderMap) -> Result<Url, Error> {
    let Some(location) = headers.get(header::LOCATION) else {
        return Err(Error::NoLocation { url: from.clone() });
    };
    let to = from
        .join(&percent_encode(location.as_bytes()))
        .map_err(|cause| Error::InvalidLocation {
            url: from.clone(),
            cause,
        })?;
    let downgrade = (from.scheme(), to.scheme()) == (Scheme::Https, Scheme::Http);
    if downgrade || to.scheme() == Scheme::File {
        let from = from.clone();
        return Err(Error::UnsafeRedirect { from, to });
    }
    Ok(to)
}

/// Some servers write into Location what a URL may not hold.
fn percent_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_graphic() && !b"\"<>\\`".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

fn conclude(
    url: &Url,
    response: ureq::http::Response<Body>,
    wish: &Wish,
) -> Result<Response, Error> {
    let headers = response.headers();
    let etag = text(headers, header::ETAG).and_then(Etag::parse);
    let code = response.status().as_u16();
    match code {
        200..=203 | 207..=299 => {
            if etag.as_ref().is_some_and(|etag| wish.tags.contains(etag)) {
                return Ok(Response::NotModified(etag));
            }
            refuse_encoding(url, headers)?;
            let last_modified = text(headers, header::LAST_MODIFIED).and_then(parse_date);
            let body = response.into_body();
            Ok(Response::Found(Resource {
                etag,
                last_modified,
                length_bytes: body.content_length(),
                reader: Box::new(body.into_reader()),
            }))
        }
        304 if !wish.tags.is_empty() => Ok(Response::NotModified(etag)),
        404 | 410 => Ok(Response::NotFound),
        401 if credentials(url, wish.origin).is_some() => {
            Err(Error::CredentialsRefused { url: url.clone() })
        }
        401 => Err(Error::AuthenticationRequired { url: url.clone() }),
        code => Err(Error::Status {
            url: url.clone(),
            code,
            retry_after: text(headers, header::RETRY_AFTER).and_then(retry_after),
        }),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds or a date (RFC 9110, 10.2.3).
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    parse_date(value)?.duration_since(SystemTime::now()).ok()
}

/// Encodings a server may apply of its own accord, and the names of files that are so encoded from the start.
const ENCODINGS: [(&str, &[&str]); 5] = [
    ("br", &[".br"]),
    ("compress", &[".Z"]),
    ("deflate", &[]),
    ("gzip", &[".gz", ".tgz"]),
    ("zstd", &[".zst"]),
];

/// Bytes have to arrive as they were published, because that is what checksums are of.
///
/// Many servers label a compressed file as an encoding of its content, and send it as published all the same.
fn refuse_encoding(url: &Url, headers: &HeaderMap) -> Result<(), Error> {
    let name = url.last_component().unwrap_or_default();
    let applied = [
        (header::CONTENT_ENCODING, name),
        (header::TRANSFER_ENCODING, ""),
    ];
    for (header, name) in applied {
        let values = headers.get_all(header).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        for value in values.flat_map(|value| value.split(',')) {
            let value = value.trim().to_ascii_lowercase();
            let known = value.strip_prefix("x-").unwrap_or(&value);
            let suffixes = ENCODINGS.iter().find(|(encoding, _)| *encoding == known);
            if suffixes.is_some_and(|(_, own)| !own.iter().any(|suffix| name.ends_with(suffix))) {
                return Err(Error::Encoded {
                    url: url.clone(),
                    encoding: value,
                });
            }
        }
    }
    Ok(())
}
