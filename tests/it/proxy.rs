//! Proxies by scheme, exceptions and passwords. The servers' names resolve nowhere: only the proxy knows the way.

use crate::kit::{Authority, Case, Proxy, Server};

const HTTP: [&str; 4] = [
    "pull-raw",
    "-m",
    "--verify=no",
    "http://far.invalid/img.raw",
];
const HTTPS: [&str; 4] = [
    "pull-raw",
    "-m",
    "--verify=no",
    "https://far.invalid/img.raw",
];

fn lines(proxy: &Proxy) -> Vec<String> {
    proxy
        .requests()
        .iter()
        .map(|request| request.line())
        .collect()
}

#[test]
fn http_goes_through_its_proxy_as_a_whole_url() {
    for variable in ["http_proxy", "all_proxy", "ALL_PROXY"] {
        let case = Case::new().serve("img.raw");
        let proxy = Proxy::to(case.server().address());
        case.env(variable, &proxy.url()).importctl(HTTP).ok();
        assert_eq!(lines(&proxy), ["GET http://far.invalid/img.raw"]);
    }
}

#[test]
fn https_goes_through_its_proxy_as_a_tunnel() {
    let authority = Authority::new();
    for variable in ["https_proxy", "HTTPS_PROXY", "all_proxy"] {
        let case = Case::new()
            .over(Server::https(&authority.identity_for(&["far.invalid"])))
            .serve("img.raw")
            .file("roots.pem", authority.pem())
            .env("SSL_CERT_FILE", "{dir}/roots.pem");
        let proxy = Proxy::to(case.server().address());
        case.env(variable, &proxy.url()).importctl(HTTPS).ok();
        assert_eq!(lines(&proxy), ["CONNECT far.invalid:443"]);
    }
}

#[test]
fn each_scheme_has_its_own_proxy() {
    for variable in ["https_proxy", "HTTP_PROXY"] {
        let case = Case::new().serve("img.raw");
        let proxy = Proxy::to(case.server().address());
        let case = case.env(variable, &proxy.url());
        case.importctl(["pull-raw", "-m", "--verify=no", "{url}/img.raw"])
            .ok();
        assert_eq!(lines(&proxy), [""; 0]);
    }
}

#[test]
fn exempted_hosts_are_reached_directly() {
    for exempt in ["*", "far.test, 127.0.0.1", "127.0.0.0/8"] {
        let case = Case::new().serve("img.raw");
        let proxy = Proxy::to(case.server().address());
        let case = case.env("http_proxy", &proxy.url()).env("no_proxy", exempt);
        case.importctl(["pull-raw", "-m", "--verify=no", "{url}/img.raw"])
            .ok();
        assert_eq!(lines(&proxy), [""; 0]);
    }
}

#[test]
fn proxies_get_the_password_of_their_variable() {
    let authority = Authority::new();
    let https = Server::https(&authority.identity_for(&["far.invalid"]));
    for (server, pull) in [(Server::http(), HTTP), (https, HTTPS)] {
        let case = Case::new()
            .over(server)
            .serve("img.raw")
            .file("roots.pem", authority.pem())
            .env("SSL_CERT_FILE", "{dir}/roots.pem");
        let proxy = Proxy::with_password(case.server().address(), "Basic dXNlcjpwYXNz");
        let url = proxy.url().replace("http://", "http://user:pass@");
        case.env("all_proxy", &url).importctl(pull).ok();
    }
}

#[test]
fn a_proxy_that_refuses_the_password_is_named_without_it() {
    for pull in [HTTP, HTTPS] {
        let case = Case::new().serve("img.raw");
        let proxy = Proxy::with_password(case.server().address(), "Basic dXNlcjpwYXNz");
        let address = proxy.address().to_string();
        let url = proxy.url().replace("http://", "http://user:secret@");
        let outcome = case.env("all_proxy", &url).importctl(pull).code(1);
        let outcome = outcome
            .stderr_has(&address)
            .stderr_has("requires authentication");
        outcome.stderr_lacks("secret").stderr_lacks("trying again");
    }
}

#[test]
fn other_kinds_of_proxy_are_refused_by_name() {
    let case = Case::new().env("all_proxy", "socks5h://127.0.0.1:1080");
    let outcome = case.importctl(HTTP).code(1);
    outcome
        .stderr_has("$all_proxy names a socks5h:// proxy")
        .stderr_has("no_proxy");
}
