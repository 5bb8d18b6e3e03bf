//! What the units would do, done at once, for an initrd without a service manager.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::io::Errno;

use super::expression::Download;
use super::plan::Plan;
use super::unit::arguments;
use crate::report::Reporter;
use crate::sys::{Loop, configure_loop, free_loop_device};

/// How often a loop device is tried to be had that somebody else may be faster with.
const TRIES: usize = 64;

/// Fetches all images at the same time, each by a process of `program` as its unit would, and makes block devices of those
/// that are to be some. What fails costs nothing else; returns how many did.
pub(super) fn fetch(plan: &Plan, program: &Path, reporter: &Reporter) -> usize {
    if plan.actions.success.is_some() || plan.actions.failure.is_some() {
        reporter.warning("An action after a download is the service manager's to take, ignoring");
    }
    let started: Vec<_> = plan
        .downloads
        .iter()
        .map(|download| (download, start(download, program)))
        .collect();
    let mut failed = 0;
    for (download, child) in started {
        let done = child
            .and_then(ended)
            .and_then(|()| match download.block_device {
                true => attach(download).map(Some).map_err(no_device),
                false => Ok(None),
            });
        match done {
            Ok(None) => {}
            Ok(Some(device)) => reporter.info(format_args!(
                "`{}` is the block device {}",
                download.path(),
                device.display()
            )),
            Err(error) => {
                failed += 1;
                reporter.error(format_args!("`{}` is not ready: {error}", download.path()));
            }
        }
    }
    failed
}

fn start(download: &Download, program: &Path) -> io::Result<Child> {
    let mut words = arguments(download).into_iter();
    Command::new(program)
        .arg0(words.next().unwrap_or_default())
        .args(words)
        .spawn()
}

fn ended(mut child: Child) -> io::Result<()> {
    match child.wait()? {
        status if status.success() => Ok(()),
        status => Err(io::Error::other(format!(
            "its download ended with {status}"
        ))),
    }
}

fn no_device(cause: io::Error) -> io::Error {
    io::Error::other(format!("no block device can be made of it, {cause}"))
}

/// Makes a block device of a disk image, with one for each partition, named after the file. Returns its path.
fn attach(download: &Download) -> io::Result<PathBuf> {
    let path = download.path();
    let path = Path::new(&path);
    let read_only = download.read_only;
    let file = OpenOptions::new().read(true).write(!read_only).open(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let how = Loop {
        file: file.as_fd(),
        reference: &name,
        read_only,
        sector_bytes: sector_bytes(&file)?,
    };
    let open = |path: &Path| {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let remedy = "(is the kernel's module loop loaded?)";
        opened.map_err(|cause| io::Error::other(format!("{}: {cause} {remedy}", path.display())))
    };
    let control = open(Path::new("/dev/loop-control"))?;
    for _ in 0..TRIES {
        let number = free_loop_device(control.as_fd())?;
        let device = PathBuf::from(format!("/dev/loop{number}"));
        match configure_loop(open(&device)?.as_fd(), &how) {
            Ok(()) => return Ok(device),
            // Somebody was faster.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::BUSY) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(
        "no loop device is to be had: all are taken as soon as they are free",
    ))
}

/// The size of a disk's sectors, which where its partition table begins tells; 512 where there is none.
fn sector_bytes(file: &File) -> io::Result<u32> {
    const SIGNATURE: &[u8; 8] = b"EFI PART";
    for size in [512, 1024, 2048, 4096] {
        let mut found = [0; SIGNATURE.len()];
        match file.read_exact_at(&mut found, size.into()) {
            Ok(()) if found == *SIGNATURE => return Ok(size),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => {}
        }
    }
    Ok(512)
}
