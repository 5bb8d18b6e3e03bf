//! How much memory transfers take at most, held by a limit of the kernel's: what goes beyond `RLIMIT_DATA` is refused, and
//! the transfer fails.
//!
//! It counts whatever a process may write to that is its own, used or not: what it has allocated and the stacks of its
//! threads, 2 MiB each, as a whole. The program's own file is not counted.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::kit::{Authority, Bus, Case, Outcome, Reply, Server, TempDir, need, need_root, tool};
use crate::static_binary::binary;

/// What a transfer takes on one thread, beyond the window that its file names; and on many.
const ONE: u64 = 32;
const MANY: u64 = 256;
/// What packing xz takes on one, beyond that.
const PACKING_XZ: u64 = 180;

/// An archive of one file in three: its head, eight times a part of noise, text and much nothing, and its end. What is costly to
/// pack is packed once and repeated, which a file of any of these kinds may be.
///
/// It is 40 MiB of noise among 256 MiB: neither what is packed nor what comes of it would fit if it were kept.
const PARTS: &str = r#"
    cd "$1"
    truncate -s 256M disk
    tar -c disk | head -c 512 >head
    head -c 5M /dev/urandom >part
    yes 'This packs well, and is no noise.' | head -c 2M >>part
    truncate -s 32M part
    head -c 1M /dev/zero >end
    parts() { for part in 1 2 3 4 5 6 7 8; do cat "$1"; done; }
    joined() {
      for name in head part end; do "${@:2}" -c $name >$name.$1; done
      cat head.$1 <(parts part.$1) end.$1 >tree.tar.$1
    }
"#;
/// That, packed in every way, and disks with the file.
const PACKED: &str = r#"
    cat head <(parts part) end >tree.tar
    xz -T1 --lzma2=preset=0,dict=64MiB -c tree.tar >wide.tar.xz &
    gzip -1 -c tree.tar >tree.tar.gz
    lz4 -1 -q -c tree.tar >tree.tar.lz4
    zstd -q -1 -c tree.tar >tree.tar.zst
    zstd -q -1 --long=27 -c tree.tar >long.tar.zst
    joined bz2 bzip2 -1
    joined xz xz -0 -T1
    mv tree.tar.xz small.tar.xz
    joined xz xz -0 -T2 --block-size=4MiB
    cat part part | xz -0 -T2 --block-size=64MiB >twice.xz
    cat head.xz twice.xz twice.xz twice.xz twice.xz end.xz >large.tar.xz
    cat part part part part >disk
    for type in zlib zstd; do qemu-img convert -O qcow2 -c -o compression_type=$type disk $type.qcow2; done
    qemu-img convert -O qcow2 disk plain.qcow2
    wait
"#;
/// A part of that, and what is to be packed.
const SOME: &str = r#"
    cat head <(parts part) end | zstd -q -1 >tree.tar.zst
    joined xz xz -0 -T2 --block-size=4MiB
"#;
/// What is to be packed.
const PLAIN: &str = r#"
    cat part part >out
    truncate -s 256M out
    mkdir tree
    cp --sparse=never out tree/file
"#;

/// A file, and the window it names in MiB.
const FILES: [(&str, u64); 10] = [
    ("tree.tar", 0),
    ("tree.tar.gz", 0),
    ("tree.tar.bz2", 0),
    ("tree.tar.lz4", 0),
    ("tree.tar.zst", 0),
    ("long.tar.zst", 128),
    ("small.tar.xz", 0),
    ("wide.tar.xz", 64),
    ("tree.tar.xz", 0),
    ("large.tar.xz", 0),
];
const DISKS: [&str; 3] = ["plain.qcow2", "zlib.qcow2", "zstd.qcow2"];

/// The binary, and a directory where these scripts were run, or a skip.
fn made(scripts: &[&str]) -> Option<(PathBuf, TempDir)> {
    let binary = binary().filter(|_| need_root() && need("prlimit") && need("qemu-img"))?;
    let directory = TempDir::new();
    let script = [PARTS, &scripts.concat()].concat();
    let place = directory.path().to_str().unwrap();
    tool("bash", ["-euc", &script, "-", place]);
    Some((binary, directory))
}

/// A case of so many threads and so much memory, in MiB.
fn limited(binary: &Path, threads: u64, limit: u64) -> Case {
    let limit = format!("--data={}", limit << 20);
    Case::new()
        .of_binary(binary)
        .env("IMPORTD_THREADS", &threads.to_string())
        .env("SYSTEMD_IMPORT_SYNC", "0")
        .through(["prlimit", &limit])
}

/// How a file becomes an image.
const WAYS: [(&str, &str); 4] = [
    ("systemd-pull", "raw"),
    ("systemd-import", "tar"),
    ("systemd-import", "raw"),
    ("systemd-pull", "tar"),
];

/// Brings a file in; whoever wants more memory than there is fails.
fn bring(case: Case, (program, form): (&str, &str), file: &Path) -> Outcome {
    if program == "systemd-import" {
        return case.helper(program, [form, file.to_str().unwrap(), "made"]);
    }
    let case = case.serve_as("file", Reply::body(fs::read(file).unwrap()));
    let plain = [
        "settings",
        "roothash",
        "roothash-signature",
        "verity",
        "keep-download",
    ];
    let plain = plain.map(|name| format!("--{name}=no"));
    // A sum of its own has it hashed.
    let sum = format!(
        "--verify={}",
        importd::stream::sha256(&fs::read(file).unwrap())
    );
    let options = plain.iter().map(String::as_str);
    let words = [&sum, form, "{url}/file", "made"];
    case.helper(program, options.chain(words))
}

#[test]
fn unpacking_takes_no_more_than_it_may_on_any_number_of_threads() {
    let Some((binary, made)) = made(&[PACKED]) else {
        return;
    };
    let tarred = |ways: &[usize], threads: u64, limit: &dyn Fn(u64) -> u64| {
        for ((name, window), way) in FILES.iter().zip(ways.iter().cycle()) {
            let case = limited(&binary, threads, limit(*window));
            bring(case, WAYS[*way], &made.path().join(name)).ok();
        }
    };
    let disks = |way: usize, threads: u64, limit: u64| {
        for name in DISKS {
            let case = limited(&binary, threads, limit);
            bring(case, WAYS[way], &made.path().join(name)).ok();
        }
    };
    let one = |window| ONE + window;
    tarred(&[0], 1, &one);
    tarred(&[1], 1, &one);
    disks(0, 1, ONE);
    disks(2, 1, ONE);
    tarred(&[2, 3], 2, &|_| MANY);
    tarred(&[3, 2], 4, &|_| MANY);
    tarred(&[2, 3], 16, &|_| MANY);
    disks(2, 16, MANY);
}

#[test]
fn packing_takes_no_more_than_it_may_on_any_number_of_threads() {
    let Some((binary, made)) = made(&[PLAIN]) else {
        return;
    };
    let pack = |kind: &str, form: &str, (threads, limit): (u64, u64)| {
        let case = limited(&binary, threads, limit);
        let image = made.path().join(if form == "raw" { "out" } else { "tree" });
        let kind = format!("--format={kind}");
        let words = [&kind, form, image.to_str().unwrap(), "{dir}/packed"];
        case.helper("systemd-export", words).ok();
    };
    for kind in ["uncompressed", "gzip", "bzip2", "lz4", "zstd", "xz"] {
        let beside = if kind == "xz" { PACKING_XZ } else { 0 };
        pack(kind, "raw", (1, ONE + beside));
        if kind != "xz" {
            pack(kind, "tar", (16, MANY));
        }
    }
    // The others take their time.
    for kind in ["uncompressed", "gzip", "lz4", "zstd"] {
        pack(kind, "tar", (1, ONE));
        pack(kind, "raw", (2, MANY));
    }
}

/// A case of many threads for which so much is free, which is laid over what the kernel says in a mount name space of its own.
fn short_of_memory(binary: &Path, free: u64, limit: u64) -> Case {
    let script = r#"mount --bind "$0" /proc/meminfo; exec prlimit "$@""#;
    let meminfo = format!("MemTotal: 8000000 kB\nMemAvailable: {} kB\n", free << 10);
    let limit = format!("--data={}", limit << 20);
    Case::new()
        .of_binary(binary)
        .file("meminfo", meminfo)
        .env("IMPORTD_THREADS", "16")
        .through(["unshare", "--mount", "sh", "-ec", script, "meminfo", &limit])
}

fn export_short_of_memory(
    (binary, made): (&Path, &TempDir),
    kind: &str,
    (free, limit): (u64, u64),
) {
    let image = made.path().join("out");
    let kind = format!("--format={kind}");
    let words = [&kind, "raw", image.to_str().unwrap(), "{dir}/packed"];
    let case = short_of_memory(binary, free, limit);
    case.helper("systemd-export", words).ok();
}

#[test]
fn nobody_takes_more_than_a_quarter_of_what_is_free() {
    let Some((binary, made)) = made(&[SOME, PLAIN]).filter(|_| need("unshare")) else {
        return;
    };
    // The last is too little for more than one thread.
    for (free, limit) in [(800, 200), (400, 100), (180, ONE)] {
        for name in ["tree.tar.xz", "tree.tar.zst"] {
            let case = short_of_memory(&binary, free, limit);
            bring(case, WAYS[2], &made.path().join(name)).ok();
        }
        export_short_of_memory((&binary, &made), "gzip", (free, limit));
    }
    // Two threads at most that pack xz.
    export_short_of_memory((&binary, &made), "xz", (1600, 400));
}

#[test]
fn transfers_that_wait_for_their_server_take_little() {
    const TRANSFERS: u64 = 64;
    let Some(binary) = binary().filter(|_| need_root() && need("dbus-daemon")) else {
        return;
    };
    let authority = Authority::new();
    let server = Server::https(&authority.identity());
    for number in 0..TRANSFERS {
        let reply = Reply::body("").header("Content-Length", "1000000000");
        server.put(&format!("/image{number}.raw"), reply.stall_after(0));
    }
    let case = Case::new()
        .of_binary(&binary)
        .over(server)
        .file("roots.pem", authority.pem())
        .env("SSL_CERT_FILE", "{dir}/roots.pem");
    let bus = Bus::new();
    let daemon = case.daemon(&bus);
    let client = bus.client();
    let before = resident_bytes(daemon.pid(), "RssAnon");
    for number in 0..TRANSFERS {
        let name = format!("image{number}");
        let url = case.fill(&format!("{{url}}/{name}.raw"));
        client.begin("PullRaw", &(url.as_str(), name.as_str(), "no", false));
    }
    let begun = Instant::now();
    while case.server().requests().len() < TRANSFERS as usize {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    // All have their answer's head by then, and wait.
    std::thread::sleep(Duration::from_secs(1));
    let each = (resident_bytes(daemon.pid(), "RssAnon") - before) / TRANSFERS;
    assert!(each <= 2 << 20, "{each} bytes each");
}

#[test]
fn a_daemon_that_has_nothing_to_do_takes_little() {
    let Some(binary) = binary().filter(|_| need("dbus-daemon")) else {
        return;
    };
    let case = Case::new().of_binary(&binary);
    let bus = Bus::new();
    let daemon = case.daemon(&bus);
    // With what is mapped of its own file.
    let resident = resident_bytes(daemon.pid(), "VmRSS");
    assert!(resident <= 6 << 20, "{resident} bytes");
}

/// A line of how much memory a process has, as the kernel counts it.
fn resident_bytes(pid: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|it| it.strip_prefix(line));
    let kibibytes = found.unwrap().trim_matches([':', '\t', ' ', 'k', 'B']);
    kibibytes.parse::<u64>().unwrap() * 1024
}
