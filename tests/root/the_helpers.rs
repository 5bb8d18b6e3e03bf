//! Mounts come and go, networks have a host and a black hole.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::kit::{Case, Dns, Reply, Server, need, need_root};
use crate::mount::{LoopDevice, Mount};
use crate::network::Network;

fn is_mounted(path: &std::path::Path) -> bool {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    mounts.contains(path.to_str().unwrap())
}

#[test]
fn mounts_are_small_and_vanish_when_dropped() {
    if !need_root() || !need("mkfs.ext4") {
        return;
    }
    for mount in [Mount::tmpfs(1 << 20), Mount::ext4(4 << 20)] {
        let path = mount.path();
        assert!(is_mounted(&path));
        let full = std::fs::write(path.join("big"), vec![1; 5 << 20]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        drop(mount);
        assert!(!is_mounted(&path) && !path.exists());
    }
}

#[test]
fn loop_devices_are_block_devices() {
    if !need_root() || !need("losetup") {
        return;
    }
    let device = LoopDevice::new(1 << 20);
    let file = std::fs::File::open(device.path()).unwrap();
    let end = std::io::Seek::seek(&mut &file, std::io::SeekFrom::End(0)).unwrap();
    assert_eq!(end, 1 << 20);
}

#[test]
fn network_reaches_the_host_and_nothing_else() {
    if !need_root() || !need("ip") || !need("bash") {
        return;
    }
    let network = Network::new();
    let server = Server::http_at(SocketAddr::new(Network::HOST, 0));
    server.put("/", Reply::body("hello from outside"));
    let inside = |line: &str| {
        Case::new()
            .through(network.wrapper().into_iter().chain(["bash", "-c", line]))
            .importd([])
    };

    let port = server.address().port();
    let get = format!(
        "exec 3<>/dev/tcp/{}/{port}; printf 'GET / HTTP/1.0\r\nConnection: close\r\n\r\n' >&3; cat <&3",
        Network::HOST
    );
    inside(&get).ok().stdout_has("hello from outside");

    let start = Instant::now();
    let nowhere = format!(
        "/usr/bin/timeout 1 bash -c 'exec 3<>/dev/tcp/{}/80'",
        Network::BLACK_HOLE
    );
    inside(&nowhere).code(124);
    assert!(start.elapsed() >= Duration::from_secs(1));

    network.set_connected(false);
    inside(&format!(
        "/usr/bin/timeout 1 bash -c '{}'",
        get.replace('\'', "\"")
    ))
    .code(124);
    network.set_connected(true);

    let dns = Dns::bind(SocketAddr::new(Network::HOST, 53)).host("img.test", Network::HOST);
    network.resolve_at(&[dns.address()]);
    inside("/usr/bin/getent ahostsv4 img.test")
        .ok()
        .stdout_has("198.51.100.1");
    assert!(dns.queries().contains(&"udp A img.test".to_owned()));
}
