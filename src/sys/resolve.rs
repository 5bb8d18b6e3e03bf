//! Opening by a path whose way is bounded: `openat2(2)`.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::path::Arg;
use rustix::thread::sched_yield;

/// After so many of them in a row somebody does it on purpose.
const RENAMES_LIMIT: u32 = 10_000;

/// Opens what the path leads to from that directory, by no way but those that `resolve` leaves.
///
/// Where the way leads through `..`, the kernel cannot tell whether it led nowhere else if anybody has renamed anything
/// meanwhile, anywhere on the machine, and wants to be asked again.
pub fn open_resolved(
    directory: impl AsFd,
    path: impl Arg + Copy,
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let mut tries = 0;
    loop {
        match openat2(&directory, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tries < RENAMES_LIMIT => {
                tries += 1;
                sched_yield();
            }
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn renames_elsewhere_are_no_errors() {
        let path = std::env::temp_dir().join(format!("importd-resolve-{}", std::process::id()));
        fs::create_dir_all(path.join("a/b")).unwrap();
        let directory = File::open(&path).unwrap();
        let (begun, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let rename = || {
            let names = [path.join("one"), path.join("other")];
            File::create(&names[0]).unwrap();
            while !stop.load(Ordering::Relaxed) {
                fs::rename(&names[0], &names[1]).unwrap();
                fs::rename(&names[1], &names[0]).unwrap();
                begun.store(true, Ordering::Relaxed);
            }
        };
        let failed = std::thread::scope(|scope| {
            scope.spawn(rename);
            while !begun.load(Ordering::Relaxed) {
                sched_yield();
            }
            let way = "a/b/../../a/../../a/b";
            let open = || open_resolved(&directory, way, OFlags::PATH, ResolveFlags::IN_ROOT);
            let failed = (0..20_000).find_map(|_| open().err());
            stop.store(true, Ordering::Relaxed);
            failed
        });
        fs::remove_dir_all(path).unwrap();
        assert_eq!(failed, None);
    }
}
