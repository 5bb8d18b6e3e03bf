//! The bus of a container that runs here. It is reached from within its namespaces, which only a process with a single
//! thread may enter: that is another one of ours, which connects and hands over what it has connected.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::{Gid, Pid, PidfdFlags, Uid, pidfd_open};
use rustix::thread::{
    ThreadNameSpaceType, move_into_thread_name_spaces, set_thread_gid, set_thread_groups,
    set_thread_uid,
};

use super::Error;
use super::reach::system_bus;

/// The first word of a process that does nothing but [`enter`].
pub(in crate::ctl) const ENTER: &str = "--enter-machine";

/// The host itself, as if it were a container.
const HOST: &str = ".host";

/// A connection to the container's bus; none where that is the host's own.
pub(super) fn bus_of(name: &str, program: &Path) -> Result<Option<UnixStream>, Error> {
    if name == HOST {
        return Ok(None);
    }
    let failed = |cause| Error::Machine {
        name: name.to_owned(),
        cause,
    };
    let connect = || {
        let leader = leader(name)?;
        let (ours, theirs) = UnixStream::pair()?;
        let status = Command::new(program)
            .arg0("importctl")
            .arg(ENTER)
            .arg(leader.to_string())
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(theirs))
            .status()?;
        if !status.success() {
            return Err(io::Error::other("its namespaces cannot be entered"));
        }
        receive(&ours)
    };
    connect().map(Some).map_err(failed)
}

/// Whether containers may be called so.
pub(super) fn is_machine_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.bytes().all(allowed)
}

/// The first process of a container, as systemd-machined records it.
fn leader(name: &str) -> io::Result<i32> {
    if name.starts_with('.') || !is_machine_name(name) {
        return Err(io::Error::other("that is no name of a machine"));
    }
    let record = Path::new("/").join("run/systemd/machines").join(name);
    let text = fs::read_to_string(record).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other("no such machine runs here"),
        _ => error,
    })?;
    let leader = text.lines().find_map(|line| line.strip_prefix("LEADER="));
    leader
        .and_then(|leader| leader.parse().ok())
        .ok_or_else(|| io::Error::other("nobody knows its first process"))
}

/// Goes where that process is, connects to the bus there, and hands the connection over on standard output.
pub(in crate::ctl) fn enter(leader: &str) -> io::Result<()> {
    let pid = leader.parse().ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let user_namespace = |of: &str| {
        let link = PathBuf::from("/").join("proc").join(of).join("ns/user");
        fs::read_link(link)
    };
    let mut kinds = ThreadNameSpaceType::MOUNT;
    let other_users = user_namespace("self")? != user_namespace(leader)?;
    kinds.set(ThreadNameSpaceType::USER, other_users);
    move_into_thread_name_spaces(process.as_fd(), kinds)?;
    if other_users {
        // Who we were is nobody there.
        set_thread_groups(&[])?;
        set_thread_gid(Gid::ROOT)?;
        set_thread_uid(Uid::ROOT)?;
    }
    let bus = UnixStream::connect(system_bus())?;
    send(&bus)
}

fn send(bus: &UnixStream) -> io::Result<()> {
    let fds = [bus.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    let output = io::stdout();
    sendmsg(
        &output,
        &[IoSlice::new(&[0])],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

fn receive(from: &UnixStream) -> io::Result<UnixStream> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        from,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut fds) = message
            && let Some(fd) = fds.next()
        {
            return Ok(fd.into());
        }
    }
    Err(io::Error::other("it has no bus"))
}
