//! What answers mean.

use super::kit::{Case, Server, failure, hold, say};
use crate::fetch::{Answer, Error};
use crate::terms::Etag;
use std::time::{Duration, SystemTime};

const OK: &str = "HTTP/1.1 200 OK\r\n";

fn tag(text: &str) -> Etag {
    Etag::parse(text).unwrap()
}

#[test]
fn a_resource_is_found_with_its_tag_date_and_length() {
    let server = Server::saying(format!(
        "{OK}ETag: \"x\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\nhello and more"
    ));
    let case = Case::new();
    let found = case.found(&server.url("/a?b#c"));
    assert_eq!(found.etag, Some(tag("\"x\"")));
    assert_eq!(found.length_bytes, Some(5));
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    assert_eq!(found.last_modified, Some(date));
    assert_eq!(case.read(&server.url("/a")).unwrap(), "hello");
    let request = server.request(0).to_ascii_lowercase();
    let mut lines: Vec<&str> = request.trim_end().lines().collect();
    assert_eq!(lines.remove(0), "get /a?b http/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    assert_eq!(lines, ["accept: */*", &host, "user-agent: importd/test"]);
}

#[test]
fn chunks_and_a_clean_close_end_a_body_too() {
    let case = Case::new();
    let chunked = Server::saying(format!(
        "{OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    ));
    assert_eq!(case.read(&chunked.url("/")).unwrap(), "abcde");
    let closed = Server::saying(format!("{OK}\r\nabc"));
    assert_eq!(case.found(&closed.url("/")).length_bytes, None);
    assert_eq!(case.read(&closed.url("/")).unwrap(), "abc");
    let empty = Server::saying(format!("{OK}Content-Length: 0\r\n\r\n"));
    assert_eq!(case.read(&empty.url("/")).unwrap(), "");
    let hinted = Server::saying(format!(
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{OK}\r\nabc"
    ));
    assert_eq!(case.read(&hinted.url("/")).unwrap(), "abc");
}

#[test]
fn a_body_that_ends_early_is_an_error_that_says_where() {
    let case = Case::new();
    for (response, expected, received) in [
        ("Content-Length: 9\r\n\r\nabc", Some(9), 3),
        (
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde",
            None,
            5,
        ),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", None, 3),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5", None, 3),
    ] {
        let server = Server::saying(format!("{OK}{response}"));
        let error = case.read(&server.url("/")).unwrap_err();
        let Some(Error::CutShort {
            received_bytes,
            expected_bytes,
            ..
        }) = failure(&error)
        else {
            panic!("{response:?}: {error}");
        };
        assert_eq!((*received_bytes, *expected_bytes), (received, expected));
        assert!(!failure(&error).unwrap().is_transient());
    }
}

#[test]
fn a_reset_connection_is_not_the_end_of_a_body() {
    let server = Server::wrapped(
        |stream, talk| {
            talk(stream);
            std::thread::sleep(Duration::from_millis(100));
            rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO)).unwrap();
        },
        |_, _, stream| say(stream, &format!("{OK}\r\nabc")),
    );
    let error = Case::new().read(&server.url("/")).unwrap_err();
    assert!(
        matches!(failure(&error), Some(Error::CutShort { .. })),
        "{error}"
    );
}

#[test]
fn garbage_is_refused() {
    let case = Case::new();
    for response in [
        "SSH-2.0-x\r\n\r\n".to_owned(),
        format!("{OK}Content-Length: x\r\n\r\n"),
        format!("{OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        format!("{OK}{}\r\n", "X: y\r\n".repeat(1000)),
        format!("{OK}X: {}\r\n\r\n", "y".repeat(100_000)),
        format!("{OK}{}", "X: y\r\n".repeat(100_000)),
    ] {
        let error = case.error(&Server::saying(response.clone()).url("/"));
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
    }
    let server = Server::saying(format!("{OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n"));
    let error = case.read(&server.url("/")).unwrap_err();
    assert!(matches!(failure(&error), Some(Error::Protocol { .. })));
    let error = case.error(&Server::saying("").url("/"));
    assert!(matches!(error, Error::Broken { .. }) && error.is_transient());
}

#[test]
fn statuses_mean_what_they_should() {
    let case = Case::new();
    for (code, transient) in [
        (204, false),
        (205, false),
        (206, false),
        (300, false),
        (304, false),
        (400, false),
        (403, false),
        (408, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let server = Server::saying(format!("HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n"));
        let error = case.error(&server.url("/"));
        assert!(error.to_string().contains(&code.to_string()), "{error}");
        assert_eq!(error.is_transient(), transient, "{code}");
    }
    for code in [404, 410] {
        let server = Server::saying(format!("HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n"));
        let answer = case.fetcher.get(&server.url("/"), &[]);
        assert!(matches!(answer, Ok(Answer::NotFound)));
    }
}

#[test]
fn what_the_caller_has_already_is_not_sent_again() {
    let case = Case::new();
    let tags = [tag("\"a\""), tag("W/\"b\"")];
    let etag = |head: &str| {
        let server = Server::saying(format!("HTTP/1.1 {head}\r\nContent-Length: 3\r\n\r\nabc"));
        let answer = case.fetcher.get(&server.url("/"), &tags).unwrap();
        assert!(server.request(0).contains("\"a\", W/\"b\""));
        match answer {
            Answer::NotModified { etag } => Some(etag),
            _ => None,
        }
    };
    assert_eq!(etag("304 X"), Some(None));
    assert_eq!(etag("304 X\r\nETag: \"a\""), Some(Some(tag("\"a\""))));
    assert_eq!(etag("200 X\r\nETag: W/\"b\""), Some(Some(tag("W/\"b\""))));
    assert_eq!(etag("200 X\r\nETag: \"c\""), None);
}

#[test]
fn an_encoding_nobody_asked_for_is_refused_unless_it_is_the_files_own() {
    let case = Case::new();
    let server = Server::saying(format!("{OK}Content-Encoding: aws-chunked\r\n\r\nabc"));
    assert_eq!(case.read(&server.url("/a.raw")).unwrap(), "abc");
    let server = Server::saying(format!("{OK}Content-Encoding: x-gzip\r\n\r\nabc"));
    assert_eq!(case.read(&server.url("/a.tar.gz")).unwrap(), "abc");
    let error = case.error(&server.url("/a.raw"));
    assert!(matches!(&error, Error::Encoded { encoding, .. } if encoding == "x-gzip"));
    let server = Server::saying(format!(
        "{OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    ));
    assert!(matches!(
        case.error(&server.url("/a")),
        Error::Encoded { .. }
    ));
}

#[test]
fn credentials_of_the_url_are_sent_and_missing_ones_asked_for() {
    let server = Server::new(|_, request, stream| {
        let request = request.to_ascii_lowercase();
        let status = if request.contains("authorization: basic dtpwqa==") {
            "200 OK"
        } else {
            "401 No"
        };
        say(
            stream,
            &format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"),
        );
    });
    let case = Case::new();
    let with = |user: &str| {
        let url = format!("http://{user}{}/", server.address);
        url.parse().unwrap()
    };
    assert!(case.fetcher.get(&with("u:p%40@"), &[]).is_ok());
    assert!(!server.request(0).contains("u:p"));
    let error = case.error(&with("u:wrong@"));
    assert!(matches!(error, Error::CredentialsRefused { .. }));
    assert!(!error.to_string().contains("wrong"));
    assert!(matches!(
        case.error(&with("")),
        Error::AuthenticationRequired { .. }
    ));
}

#[test]
fn a_stalled_server_is_found_out_at_every_stage() {
    let case = Case::with(|config| config.stall = Duration::from_millis(200));
    let silent = Server::new(|_, _, stream| hold(stream));
    let error = case.error(&silent.url("/"));
    assert!(matches!(error, Error::Stalled { .. }) && error.is_transient());
    let quiet = Server::new(|_, _, stream| {
        say(stream, &format!("{OK}Content-Length: 9\r\n\r\nabc"));
        hold(stream);
    });
    let error = case.read(&quiet.url("/")).unwrap_err();
    assert!(matches!(failure(&error), Some(Error::Stalled { .. })));
}
