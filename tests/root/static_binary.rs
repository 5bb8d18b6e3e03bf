//! The binary that `make build` leaves needs nothing of the system it runs on, and trips over nothing there either.
//!
//! It is named by `$IMPORTD_STATIC_BINARY`, and the build for initrds by `$IMPORTD_INITRD_BINARY`. `tests/run` sets both;
//! without them these tests skip.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::{Dns, Reply, Server, TempDir, image, need, need_root, skipped, tool};
use crate::network::Network;

/// The binary, or a skip.
pub fn binary() -> Option<PathBuf> {
    named_by("IMPORTD_STATIC_BINARY")
}

fn named_by(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        skipped(&format!("no ${variable}: run it through tests/run"));
    }
    path
}

/// A server and a name server that only the network sees, and what to pull.
fn named(network: &Network) -> (Server, Dns, String) {
    let dns = Dns::bind(SocketAddr::new(Network::HOST, 53)).host("images.test", Network::HOST);
    let server = Server::http_at(SocketAddr::new(Network::HOST, 0));
    server.put("/img.raw", Reply::body(image()));
    network.resolve_at(&[dns.address()]);
    let url = format!("http://images.test:{}/img.raw", server.address().port());
    (server, dns, url)
}

/// The arguments of a pull into `/images`.
fn pull(url: &str) -> [&str; 9] {
    [
        "/importd",
        "importctl",
        "-q",
        "-m",
        "-N",
        "--verify=no",
        "--image-root=/images",
        "pull-raw",
        url,
    ]
}

fn assert_pulled(root: &Path) {
    assert_eq!(fs::read(root.join("images/img.raw")).unwrap(), image());
}

#[test]
fn it_asks_for_no_interpreter_and_no_library() {
    let Some(binary) = binary().filter(|_| need("readelf")) else {
        return;
    };
    let output = tool("readelf", ["-ld".as_ref(), binary.as_os_str()]);
    let text = String::from_utf8(output).unwrap();
    assert!(
        !text.contains("INTERP") && !text.contains("NEEDED"),
        "{text}"
    );
}

#[test]
fn it_pulls_inside_an_empty_root() {
    let Some(binary) = binary().filter(|_| need_root()) else {
        return;
    };
    let root = TempDir::new();
    fs::copy(binary, root.path().join("importd")).unwrap();
    let server = Server::http();
    server.put("/img.raw", Reply::body(image()));
    // No hosts file says what this name means.
    let url = format!("http://localhost:{}/img.raw", server.address().port());
    let root = root.path().to_str().unwrap();
    tool("chroot", [&[root], &pull(&url)[..]].concat());
    assert_pulled(Path::new(root));
}

#[test]
fn a_build_for_initrds_pulls_inside_an_empty_root_and_says_what_it_has_not() {
    let Some(binary) = named_by("IMPORTD_INITRD_BINARY").filter(|_| need_root()) else {
        return;
    };
    let root = TempDir::new();
    fs::copy(&binary, root.path().join("importd")).unwrap();
    let server = Server::http();
    server.put("/img.raw", Reply::body(image()));
    let url = format!("http://localhost:{}/img.raw", server.address().port());
    let root = root.path().to_str().unwrap();
    let pull = ["/importd", "systemd-pull", "--verify=no"];
    let image_root = "--image-root=/images";
    // Whoever is asked for does not answer: there is none.
    let socket = "--daemon=/run/systemd/io.systemd.Import";
    let what = [image_root, socket, "raw", &url];
    tool("chroot", [&[root], &pull[..], &what[..]].concat());
    assert_pulled(Path::new(root));
    let listed = String::from_utf8(tool(binary.to_str().unwrap(), ["--list"])).unwrap();
    for name in ["importctl", "systemd-importd", "systemd-export"] {
        assert!(!listed.lines().any(|line| line == name), "{listed}");
        let by_name = Path::new(root).join(name);
        symlink("importd", &by_name).unwrap();
        for command in [Command::new(&binary).arg(name), &mut Command::new(&by_name)] {
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(
                String::from_utf8(output.stderr).unwrap(),
                format!("importd: this build of importd has no `{name}`: see `importd --list`\n")
            );
        }
    }
}

#[test]
fn it_looks_names_up_where_there_is_nothing_but_a_resolv_conf() {
    let Some(binary) = binary().filter(|_| need_root()) else {
        return;
    };
    let root = TempDir::new();
    fs::copy(binary, root.path().join("importd")).unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    fs::write(
        root.path().join("etc/resolv.conf"),
        format!("nameserver {}\n", Network::HOST),
    )
    .unwrap();
    let network = Network::new();
    let (_server, dns, url) = named(&network);
    let root = root.path().to_str().unwrap();
    let [ip, arguments @ ..] = network.wrapper();
    tool(
        ip,
        [&arguments[..], &["chroot", root], &pull(&url)[..]].concat(),
    );
    assert_pulled(Path::new(root));
    assert!(!dns.queries().is_empty());
}

/// Every look-up of the C library would go through plug-ins here, which a static program cannot load.
#[test]
fn it_looks_names_up_where_the_c_library_would_load_modules() {
    let Some(binary) = binary().filter(|_| need_root()) else {
        return;
    };
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/nss-modules");
    let modules = std::env::var_os("CARGO_TARGET_DIR")
        .map_or(modules, |target| Path::new(&target).join("nss-modules"));
    if !modules.is_dir() {
        skipped("no look-up modules: tests/install-tools could not fetch them");
        return;
    }
    let scratch = TempDir::new();
    let network = Network::new();
    let (_server, dns, url) = named(&network);
    // The running system with the modules laid over it, in a mount name space of its own; what it writes is copied out.
    let script = r#"
        set -e
        scratch=$1 modules=$2 binary=$3 name_server=$4
        shift 4
        mount -t tmpfs tmpfs "$scratch"
        mkdir -p "$scratch/upper/etc" "$scratch/upper/images" "$scratch/work" "$scratch/root"
        cp "$binary" "$scratch/upper/importd"
        cp -a "$modules" "$scratch/modules" # layers must not lie within each other
        echo "nameserver $name_server" >"$scratch/upper/etc/resolv.conf"
        echo 'hosts: mymachines resolve [!UNAVAIL=return] myhostname files dns' >"$scratch/upper/etc/nsswitch.conf"
        mount -t overlay -o "lowerdir=$scratch/modules:/,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
        chroot "$scratch/root" getent hosts localhost >/dev/null # the modules are there for whoever can load them
        chroot "$scratch/root" "$@"
        cat "$scratch/upper/images/img.raw"
    "#;
    let [ip, arguments @ ..] = network.wrapper();
    let paths = [scratch.path(), &modules, &binary].map(|path| path.to_str().unwrap().to_owned());
    let name_server = Network::HOST.to_string();
    let inner = [
        "unshare",
        "-m",
        "sh",
        "-c",
        script,
        "sh",
        &paths[0],
        &paths[1],
        &paths[2],
        &name_server,
    ];
    let pulled = tool(ip, [&arguments[..], &inner, &pull(&url)[..]].concat());
    assert_eq!(pulled, image());
    assert!(!dns.queries().is_empty());
}
