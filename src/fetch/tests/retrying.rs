//! Another try, and the end of patience.

use std::io::Read;
use std::time::{Duration, Instant};

use super::kit::{Case, Server, hold, say};
use crate::fetch::{Answer, Error};

fn patient(retry: Duration) -> Case {
    Case::with(|config| {
        config.retry = retry;
        config.stall = Duration::from_millis(100);
    })
}

#[test]
fn failures_that_pass_are_retried_and_said() {
    let server = Server::new(|number, _, stream| match number {
        0 => {}
        1 => say(
            stream,
            "HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        ),
        2 => hold(stream),
        _ => say(stream, "HTTP/1.1 200 OK\r\n\r\nok"),
    });
    let case = patient(Duration::from_secs(20));
    let start = Instant::now();
    assert_eq!(case.read(&server.url("/")).unwrap(), "ok");
    assert!(
        start.elapsed() > Duration::from_secs(1),
        "Retry-After was not honoured"
    );
    let log = case.log.0.lock().unwrap();
    assert_eq!((server.count(), log.len()), (4, 3));
    assert!(
        log[1].contains("trying again in 1.0s") && log[1].contains("503"),
        "{}",
        log[1]
    );
}

#[test]
fn patience_ends_with_the_last_error() {
    let case = patient(Duration::from_millis(600));
    let url = "http://127.0.0.1:1/".parse().unwrap();
    let error = case.error(&url);
    assert!(
        matches!(&error, Error::GaveUp { cause, .. } if matches!(**cause, Error::Connect { .. }))
    );
    assert!(!error.is_transient());
    assert!(!case.log.0.lock().unwrap().is_empty());
}

#[test]
fn final_failures_are_not_retried() {
    let server = Server::saying("HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n");
    let case = patient(Duration::from_secs(20));
    assert!(matches!(
        case.error(&server.url("/")),
        Error::Status { code: 403, .. }
    ));
    assert_eq!(server.count(), 1);
}

#[test]
fn only_bytes_never_seen_before_renew_patience() {
    let server = Server::new(|number, _, stream| {
        let more = "x".repeat(if number < 3 { number * 10 } else { 20 });
        say(
            stream,
            &format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{more}"),
        );
        hold(stream);
    });
    let case = patient(Duration::from_millis(500));
    let url = server.url("/");
    let start = Instant::now();
    let error = loop {
        let Ok(Answer::Found(mut found)) = case.fetcher.get(&url, &[]) else {
            panic!("not found");
        };
        let error = found.body.read_to_end(&mut Vec::new()).unwrap_err();
        let error = error.downcast::<Error>().unwrap();
        assert!(matches!(error, Error::Stalled { .. }), "{error}");
        if let Err(error) = case.fetcher.pause_or_give_up(&url, error) {
            break error;
        }
    };
    assert!(matches!(error, Error::GaveUp { .. }));
    assert!(server.count() >= 4 && start.elapsed() < Duration::from_secs(5));
}
