//! Network name spaces: a place for a program from which only the test's own servers can be reached.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::kit::tool;

/// A network name space with one cable to the host: the host is 198.51.100.1 there, the inside 198.51.100.2, and
/// everything else is a black hole whose packets vanish. Programs run inside by `case.through(network.wrapper())`, with
/// an `/etc/resolv.conf` of their own. Gone on drop.
///
/// One exists at a time on a machine, since the addresses are fixed: another run of the tests waits.
pub struct Network {
    name: String,
    _lock: File,
}

impl Network {
    /// The host as seen from inside; servers that are to be reached bind here.
    pub const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    /// An address (RFC 5737) from which nothing ever comes back.
    pub const BLACK_HOLE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

    #[track_caller]
    pub fn new() -> Self {
        let lock = File::create(std::env::temp_dir().join("importd-test-network.lock")).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let name = format!("importd-{}", std::process::id());
        let network = Self { name, _lock: lock };
        let name = &network.name;
        ip(&format!("netns add {name}"));
        ip(&format!(
            "link add importd0 type veth peer name inner0 netns {name}"
        ));
        ip("address add 198.51.100.1/24 dev importd0");
        ip("link set importd0 up");
        ip(&format!("-n {name} address add 198.51.100.2/24 dev inner0"));
        ip(&format!("-n {name} link set inner0 up"));
        ip(&format!("-n {name} link set lo up"));
        // Through a neighbour whose address is known and who is not there: nothing answers, not even an error.
        ip(&format!(
            "-n {name} neighbour add 198.51.100.9 lladdr 02:00:00:00:00:09 dev inner0"
        ));
        ip(&format!("-n {name} route add default via 198.51.100.9"));
        network
    }

    /// Has names looked up at that server, whose port has to be 53, and nothing in the hosts file.
    pub fn resolve_at(&self, servers: &[SocketAddr]) {
        let line = |server: &SocketAddr| {
            assert_eq!(server.port(), 53, "resolv.conf knows no ports");
            format!("nameserver {}\n", server.ip())
        };
        self.write("resolv.conf", &servers.iter().map(line).collect::<String>());
        self.write("hosts", "127.0.0.1 localhost\n");
    }

    /// A file that stands for that one of `/etc` inside; `ip netns exec` sees to it.
    pub fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.directory()).unwrap();
        fs::write(self.directory().join(name), text).unwrap();
    }

    pub fn wrapper(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    /// Pulls the cable, or puts it in again.
    pub fn set_connected(&self, connected: bool) {
        let state = if connected { "up" } else { "down" };
        ip(&format!("link set importd0 {state}"));
    }

    fn directory(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["link", "del", "importd0"])
            .output();
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .output();
        let _ = fs::remove_dir_all(self.directory());
    }
}

#[track_caller]
fn ip(arguments: &str) {
    tool("ip", arguments.split(' '));
}
