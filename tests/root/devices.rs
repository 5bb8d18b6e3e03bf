//! Images that go straight onto block devices, and into parts of them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::kit::{Case, Reply, image, need_root, pack, tool};
use crate::mount::LoopDevice;

const SIZE: u64 = 4 << 20;

/// A device that is full of `z`.
fn device() -> LoopDevice {
    let device = LoopDevice::new(SIZE);
    fs::write(device.path(), vec![b'z'; SIZE as usize]).unwrap();
    device
}

fn read(device: &Path) -> Vec<u8> {
    let mut bytes = vec![0; SIZE as usize];
    File::open(device)
        .unwrap()
        .read_exact_at(&mut bytes, 0)
        .unwrap();
    bytes
}

fn is_z(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b'z')
}

#[test]
fn a_device_is_written_in_part_or_from_its_beginning_and_the_rest_of_it_stays() {
    if !need_root() {
        return;
    }
    let case = Case::new()
        .serve_as("img.raw.gz", Reply::body(pack("x.gz", &image())))
        .file("source.raw", image());
    let pin = importd::stream::sha256(&pack("x.gz", &image()));
    let verify = format!("--verify={pin}");
    let size = image().len();
    let device = device();
    let path = device.path().to_str().unwrap();
    let part = ["--offset=1048576", "--size-max=1M"];
    let words = ["raw", "--direct", &verify, "{url}/img.raw.gz", path];
    case.helper("systemd-pull", words.into_iter().chain(part))
        .ok();
    let at = 1 << 20;
    let bytes = read(device.path());
    assert!(bytes[at..at + size] == image());
    assert!(is_z(&bytes[..at]) && is_z(&bytes[at + size..]));
    // The rest of the part, and not a byte more.
    let zero = part.into_iter().chain(["--zero-fill=yes"]);
    case.helper("systemd-pull", words.into_iter().chain(zero))
        .ok();
    let bytes = read(device.path());
    assert!(bytes[at..at + size] == image());
    assert!(bytes[at + size..2 * at].iter().all(|byte| *byte == 0));
    assert!(is_z(&bytes[..at]) && is_z(&bytes[2 * at..]));
    // From its beginning.
    case.helper("systemd-import", ["raw", "--direct", "source.raw", path])
        .ok();
    let bytes = read(device.path());
    assert!(bytes[..size] == image() && bytes[size] == b'z');
    let read_only = || String::from_utf8(tool("blockdev", ["--getro", path])).unwrap();
    assert_eq!(read_only(), "0\n");
    let words = ["raw", "--direct", "--read-only", "source.raw", path];
    case.helper("systemd-import", words).ok();
    assert_eq!(read_only(), "1\n");
}

#[test]
fn what_does_not_fit_a_device_is_refused_before_it_is_touched_where_that_is_known() {
    if !need_root() {
        return;
    }
    let large = vec![b'x'; SIZE as usize + 1];
    let case = Case::new()
        .serve_as("large.raw", Reply::body(&large[..]))
        .serve_as("large.raw.gz", Reply::body(pack("x.gz", &large)))
        .serve("img.raw");
    let device = device();
    let path = device.path().to_str().unwrap();
    let pull = |words: &[&str]| {
        let fixed = ["raw", "--direct", "--verify=no"].into_iter();
        case.helper("systemd-pull", fixed.chain(words.iter().copied()))
    };
    pull(&["{url}/large.raw", path])
        .code(1)
        .stderr_has("it is larger than the limit of 4M");
    for part in [
        ["--offset=4194304", "--size-max=1"],
        ["--offset=1", "--size-max=4M"],
    ] {
        pull(&[part[0], part[1], "{url}/img.raw", path])
            .code(1)
            .stderr_has("the device ends before that part does");
    }
    assert!(is_z(&read(device.path())));
    // Packed, it is known only in the end, and said all the same.
    pull(&["{url}/large.raw.gz", path])
        .code(1)
        .stderr_has("it is larger than the limit of 4M");
    let words = ["tar", "--direct", "--verify=no", "{url}/img.raw", path];
    case.helper("systemd-pull", words)
        .code(1)
        .stderr_has("a tree goes into a directory");
}
