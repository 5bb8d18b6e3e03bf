//! Names are looked up as hosts(5) and resolv.conf(5) say, in a network of the test's own.

use std::net::SocketAddr;

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::kit::{Case, Dns, Outcome, Reply, Server, image, need, need_root};
use crate::network::Network;

/// A server that can be reached from inside, and the port it has.
fn server() -> (Server, u16) {
    let server = Server::http_at(SocketAddr::new(Network::HOST, 0));
    server.put("/img.raw", Reply::body(image()));
    let port = server.address().port();
    (server, port)
}

fn name_server() -> Dns {
    Dns::bind(SocketAddr::new(Network::HOST, 53))
}

/// Pulls from `host`, inside.
fn pull(network: &Network, host: &str, port: u16) -> Outcome {
    let url = format!("http://{host}:{port}/img.raw");
    let case = Case::new().through(network.wrapper());
    let pull = ["pull-raw", "-m", "--verify=no", "--retry-timeout=0", &url];
    case.importctl(pull)
}

#[test]
fn hosts_are_found_in_the_hosts_file_and_at_the_name_server() {
    if !need_root() || !need("ip") {
        return;
    }
    let network = Network::new();
    let (_server, port) = server();
    let dns = name_server()
        .host("img.test", Network::HOST)
        .host("img.domain.test", Network::HOST)
        .alias("alias.test", "img.test");
    network.resolve_at(&[dns.address()]);
    pull(&network, "img.test", port).ok();
    pull(&network, "alias.test", port).ok();
    let outcome = pull(&network, "none.test", port).code(1);
    outcome.stderr_has("knows no address of that name; check the spelling");

    network.write(
        "resolv.conf",
        "nameserver 198.51.100.1\nsearch other.test domain.test\n",
    );
    pull(&network, "img", port).ok();

    network.write("hosts", "198.51.100.1 listed.test\n");
    let before = dns.queries();
    pull(&network, "listed.test", port).ok();
    assert_eq!(dns.queries(), before, "a listed name is not asked for");
}

#[test]
fn truncated_answers_are_asked_for_over_tcp() {
    if !need_root() || !need("ip") {
        return;
    }
    let network = Network::new();
    let (_server, port) = server();
    let dns = name_server().host("img.test", Network::HOST).truncating();
    network.resolve_at(&[dns.address()]);
    pull(&network, "img.test", port).ok();
    assert!(dns.queries().contains(&"tcp A img.test".to_owned()));
}

#[test]
fn a_second_name_server_is_asked_when_the_first_is_dead() {
    if !need_root() || !need("ip") {
        return;
    }
    let network = Network::new();
    let (_server, port) = server();
    let dns = name_server().host("img.test", Network::HOST);
    let dead = SocketAddr::new(Network::BLACK_HOLE, 53);
    network.resolve_at(&[dead, dns.address()]);
    pull(&network, "img.test", port).ok();
}

#[test]
fn signals_end_look_ups_and_connects_that_nobody_answers() {
    if !need_root() || !need("ip") {
        return;
    }
    let network = Network::new();
    let dns = name_server();
    dns.set_silent(true);
    network.resolve_at(&[dns.address(), SocketAddr::new(Network::BLACK_HOLE, 53)]);
    let nowhere = format!("http://{}/img.raw", Network::BLACK_HOLE);
    for url in ["http://img.test/img.raw", &nowhere] {
        let mut times = [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| {
            let case = Case::new().through(network.wrapper());
            let running = case.start(["pull-raw", "-m", "--verify=no", url]);
            sleep(Duration::from_millis(500));
            let signalled = Instant::now();
            running.signal(signal);
            let outcome = running.wait();
            let time = signalled.elapsed();
            outcome.code(1).stderr_has("the transfer was cancelled");
            assert!(case.images("machine").0.is_empty());
            time
        });
        // The median, since the machine may be busy.
        times.sort();
        assert!(times[1] < Duration::from_millis(500), "{url}: {times:?}");
    }
    assert!(!dns.queries().is_empty());
}
