//! Failures that may pass are tried again, but not for ever.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::kit::{Case, Reply, image};

const PULL: [&str; 4] = ["pull-raw", "-m", "--verify=no", "{url}/img.raw"];

/// A case whose server gives these answers to one request after the other.
fn scripted(replies: impl Into<Vec<Reply>>) -> Case {
    let case = Case::new();
    case.server().script("/img.raw", replies);
    case
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn an_overloaded_server_is_asked_again() {
    for code in [408, 429, 500, 503] {
        let case = scripted([Reply::status(code), Reply::body(image())]);
        let message = format!("was answered with status {code}");
        let outcome = case.importctl(PULL).ok();
        outcome.stderr_has("trying again in ").stderr_has(&message);
        let image = &case.images("machine");
        assert_eq!(image.entry("img.raw").size, self::image().len() as u64);
    }
}

#[test]
fn a_refusal_is_not_asked_again() {
    for code in [400, 403, 404, 410] {
        let case = scripted([Reply::status(code), Reply::body(image())]);
        case.importctl(PULL).code(1).stderr_lacks("trying again");
        assert_eq!(case.server().requests().len(), 1);
    }
}

#[test]
fn a_server_is_left_alone_for_as_long_as_it_asks() {
    let case = scripted([
        Reply::status(429).header("Retry-After", "2"),
        Reply::body(image()),
    ]);
    case.importctl(PULL).ok();
    let requests = case.server().requests();
    let pause = requests[1].at - requests[0].at;
    assert!(
        pause >= Duration::from_secs(2) && pause < Duration::from_secs(8),
        "{pause:?}"
    );
}

#[test]
fn tries_end_after_the_time_that_was_set() {
    let url = format!("http://{}/img.raw", nobody());
    let plain = Case::new().env("IMPORTD_RETRY_TIMEOUT", "2");
    let start = Instant::now();
    let outcome = plain
        .importctl(["pull-raw", "-m", "--verify=no", &url])
        .code(1);
    outcome
        .stderr_has("Connection refused")
        .stderr_has("(tried again for ");
    let taken = start.elapsed();
    assert!(
        taken >= Duration::from_secs(1) && taken < Duration::from_secs(6),
        "{taken:?}"
    );

    // The option wins over the variable.
    let long = Case::new().env("IMPORTD_RETRY_TIMEOUT", "1h");
    let start = Instant::now();
    long.importctl(["pull-raw", "-m", "--verify=no", "--retry-timeout=1", &url])
        .code(1);
    assert!(start.elapsed() < Duration::from_secs(6));
    let never = ["pull-raw", "-m", "--verify=no", "--retry-timeout=0", &url];
    long.importctl(never).code(1).stderr_lacks("again");
}

#[test]
fn a_stalled_download_begins_again_from_its_first_byte() {
    let case = scripted([
        Reply::body(image()).stall_after(200_000),
        Reply::body(image()).chunked().stall_after(0),
        Reply::silence(),
        Reply::body(image()),
    ])
    .env("IMPORTD_STALL_TIMEOUT", "1");
    let outcome = case.importctl(PULL).ok();
    outcome.stderr_has("stalled: hardly anything came for 1s");
    let requests = case.server().requests();
    assert_eq!(requests.len(), 4);
    assert!(
        requests
            .iter()
            .all(|request| request.header("Range").is_none())
    );
    let images = case.images("machine");
    assert_eq!(
        images.entry("img.raw").content,
        importd::stream::sha256(&image()).to_string()
    );
}

#[test]
fn a_server_that_stalls_at_the_same_byte_is_given_up_on() {
    let case = scripted([Reply::body(image()).stall_after(50_000)])
        .env("IMPORTD_STALL_TIMEOUT", "1")
        .env("IMPORTD_RETRY_TIMEOUT", "3");
    let start = Instant::now();
    let outcome = case.importctl(PULL).code(1);
    outcome.stderr_has("(tried again for ");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(case.images("machine").0.is_empty());
}

#[test]
fn progress_renews_the_patience() {
    let stalls = [1, 2, 3, 4].map(|step| Reply::body(image()).stall_after(step * 50_000));
    let mut replies = stalls.to_vec();
    replies.push(Reply::body(image()));
    let case = scripted(replies)
        .env("IMPORTD_STALL_TIMEOUT", "1")
        .env("IMPORTD_RETRY_TIMEOUT", "2");
    let start = Instant::now();
    case.importctl(PULL).ok();
    // Four stalls of a second each are more than the patience without progress.
    assert!(start.elapsed() >= Duration::from_secs(4));
}

#[test]
fn a_trickle_is_no_stall() {
    let case = scripted([Reply::body(vec![7; 600]).trickle(200)]).env("IMPORTD_STALL_TIMEOUT", "1");
    case.importctl(PULL).ok().stderr_lacks("trying again");
}
