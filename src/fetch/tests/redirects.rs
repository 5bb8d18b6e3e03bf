//! Where redirects may lead.

use super::kit::{Case, Server, say};
use crate::fetch::Error;
use crate::terms::Etag;

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 3\r\n\r\nxyz")
}

fn ok() -> Server {
    Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}

#[test]
fn redirects_are_followed_with_the_condition_kept() {
    let end = ok();
    let to = end.url("/end").to_string();
    for code in [301, 302, 303, 307, 308] {
        let server = Server::saying(redirect(&to).replace("302", &code.to_string()));
        let tags = [Etag::parse("\"a\"").unwrap()];
        assert!(Case::new().fetcher.get(&server.url("/"), &tags).is_ok());
    }
    assert_eq!(end.count(), 5);
    assert!(end.request(4).starts_with("GET /end ") && end.request(4).contains("\"a\""));
}

#[test]
fn relative_and_sloppy_locations_are_followed() {
    let server = Server::new(|_, request, stream| {
        let answer = if request.starts_with("GET /a/b ") {
            redirect("../c d\u{e9}?x")
        } else {
            "HTTP/1.1 200 OK\r\n\r\nok".to_owned()
        };
        say(stream, &answer);
    });
    assert_eq!(Case::new().read(&server.url("/a/b")).unwrap(), "ok");
    assert!(server.request(1).starts_with("GET /c%20d%C3%A9?x "));
}

#[test]
fn credentials_stay_with_their_server() {
    let other = ok();
    let to = format!("http://localhost:{}/", other.address.port());
    let server = Server::new(move |number, _, stream| {
        say(stream, &redirect(if number == 0 { "/again" } else { &to }));
    });
    let url = format!("http://u:p@{}/", server.address);
    assert_eq!(Case::new().read(&url.parse().unwrap()).unwrap(), "ok");
    let sends = |server: &Server, index| server.request(index).contains("Basic ");
    assert!(sends(&server, 0) && sends(&server, 1) && !sends(&other, 0));
}

#[test]
fn redirects_that_go_round_lead_elsewhere_or_nowhere_are_refused() {
    let case = Case::new();
    let round = Server::saying(redirect("/"));
    assert!(matches!(
        case.error(&round.url("/")),
        Error::TooManyRedirects { .. }
    ));
    assert_eq!(round.count(), 11);
    let file = Server::saying(redirect("file:///etc/passwd"));
    assert!(matches!(
        case.error(&file.url("/")),
        Error::UnsafeRedirect { .. }
    ));
    let ftp = Server::saying(redirect("ftp://h/"));
    assert!(matches!(
        case.error(&ftp.url("/")),
        Error::InvalidLocation { .. }
    ));
    let nowhere = Server::saying("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(
        case.error(&nowhere.url("/")),
        Error::NoLocation { .. }
    ));
}
