//! Servers that cannot be trusted, or do not send what they announced: each has its own message, and nothing is left.

use std::io::Write;
use std::net::TcpListener;

use crate::kit::{Authority, Case, Identity, Outcome, Reply, Server, image};

const PULL: [&str; 4] = ["pull-raw", "-m", "--verify=no", "{url}/img.raw"];

/// Pulls over TLS from a server with that identity, trusting `authority`.
fn pull_over_tls(authority: &Authority, identity: &Identity, variable: &str) -> Outcome {
    Case::new()
        .over(Server::https(identity))
        .serve("img.raw")
        .file("roots.pem", authority.pem())
        .env(
            variable.split('=').next().unwrap(),
            variable.split('=').nth(1).unwrap(),
        )
        .importctl(PULL)
}

const ROOTS: &str = "SSL_CERT_FILE={dir}/roots.pem";

#[test]
fn certificates_of_a_named_authority_are_trusted() {
    let authority = Authority::new();
    let identity = authority.identity();
    for variable in [ROOTS, "SSL_CERT_DIR={dir}", "SSL_CERT_DIR=/nowhere:{dir}"] {
        pull_over_tls(&authority, &identity, variable).ok();
    }
}

#[test]
fn each_bad_certificate_has_its_own_message() {
    let authority = Authority::new();
    let stranger = Authority::new().identity();
    for (identity, message) in [
        (&stranger, "issuer that is not trusted here"),
        (&stranger, "$SSL_CERT_FILE"),
        (&authority.expired_identity(), "has expired"),
        (
            &authority.identity_for(&["other.example"]),
            "is for another name",
        ),
    ] {
        let outcome = pull_over_tls(&authority, identity, ROOTS).code(1);
        // Another try would change nothing.
        outcome.stderr_has(message).stderr_lacks("trying again");
    }
}

#[test]
fn roots_that_were_named_must_be_there() {
    let authority = Authority::new();
    for (variable, message) in [
        (
            "SSL_CERT_FILE={dir}/none.pem",
            "failed to read TLS roots from",
        ),
        ("SSL_CERT_FILE=/dev/null", "holds no certificates"),
        ("SSL_CERT_DIR=/nowhere", "failed to read TLS roots from"),
    ] {
        let outcome = pull_over_tls(&authority, &authority.identity(), variable).code(1);
        outcome.stderr_has(message);
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_told_apart() {
    let silent = Case::new().env("IMPORTD_RETRY_TIMEOUT", "0");
    let url = silent.server().url().replace("http:", "https:") + "/img.raw";
    let pull = ["pull-raw", "-m", "--verify=no", &url];
    // The kit's server hangs up.
    silent
        .importctl(pull)
        .code(1)
        .stderr_has("before TLS was set up");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/img.raw", listener.local_addr().unwrap());
    let case = Case::new();
    let talking = case.start(["pull-raw", "-m", "--verify=no", &url]);
    let (mut stream, _) = listener.accept().unwrap();
    stream
        .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .unwrap();
    let outcome = talking.wait().code(1);
    outcome.stderr_has("does not speak TLS there; check port and scheme");
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    let plain = Server::http();
    plain.put("/img.raw", Reply::body(image()));
    let authority = Authority::new();
    let case = Case::new()
        .over(Server::https(&authority.identity()))
        .serve_as(
            "img.raw",
            Reply::redirect(302, &format!("{}/img.raw", plain.url())),
        )
        .file("roots.pem", authority.pem())
        .env("SSL_CERT_FILE", "{dir}/roots.pem");
    case.importctl(PULL)
        .code(1)
        .stderr_has("never from https:// to http://");
    assert!(plain.requests().is_empty());
}

#[test]
fn a_body_that_is_cut_short_is_an_error_at_once() {
    for (reply, message) in [
        (
            Reply::body(image()).cut_after(100_000),
            "ended early, after ",
        ),
        (
            Reply::body(image()).chunked().cut_after(100_000),
            "ended early, after ",
        ),
    ] {
        let case = Case::new().serve_as("img.raw", reply);
        let outcome = case.importctl(PULL).code(1);
        outcome.stderr_has(message).stderr_lacks("trying again");
        assert!(case.images("machine").0.is_empty());
        assert_eq!(case.server().requests().len(), 1);
    }
}

#[test]
fn an_answer_that_is_no_http_is_an_error_at_once() {
    let case = Case::new().serve_as("img.raw", Reply::raw("SSH-2.0-OpenSSH_9\r\n"));
    let outcome = case.importctl(PULL).code(1);
    outcome.stderr_has("failed to understand what came from");
}
