//! The journal's native protocol: one datagram per entry (systemd.io/JOURNAL_NATIVE_PROTOCOL), and a sealed memory
//! file in its place where an entry is too large for one.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr,
};

use super::Record;
use super::console::FACILITY;

/// A stuck journal must not hold up a transfer for longer than this per line.
const PATIENCE: Duration = Duration::from_secs(1);

/// A way to the journal. It names the socket with each datagram, so that a restarted journal is found again.
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    identifier: String,
}

impl Journal {
    /// `identifier` is the program's name in the journal's lines. Whether anyone listens at `path` shows when writing.
    pub fn new(path: &Path, identifier: &str) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            socket,
            path: path.to_owned(),
            identifier: identifier.to_owned(),
        })
    }

    /// Sends one entry; `message` may stand for the record's own with something before it.
    pub fn write(&self, record: &Record<'_>, message: &str) -> io::Result<()> {
        let entry = self.entry(record, message);
        match self.socket.send_to(&entry, &self.path) {
            Ok(_) => Ok(()),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::MSGSIZE | Errno::NOBUFS) => self.send_file(&entry),
                _ => Err(error),
            },
        }
    }

    fn entry(&self, record: &Record<'_>, message: &str) -> Vec<u8> {
        let mut entry = Vec::new();
        field(&mut entry, "MESSAGE", message);
        field(&mut entry, "PRIORITY", &record.level.number().to_string());
        field(&mut entry, "SYSLOG_FACILITY", &(FACILITY >> 3).to_string());
        field(&mut entry, "SYSLOG_IDENTIFIER", &self.identifier);
        field(&mut entry, "CODE_FILE", record.location.file());
        field(&mut entry, "CODE_LINE", &record.location.line().to_string());
        if let Some(transfer) = record.transfer {
            field(&mut entry, "IMPORT_TRANSFER", &transfer.to_string());
        }
        let thread = rustix::thread::gettid().as_raw_nonzero();
        field(&mut entry, "TID", &thread.to_string());
        entry
    }

    fn send_file(&self, entry: &[u8]) -> io::Result<()> {
        let mut file = File::from(memfd_create(
            "journal-entry",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?);
        file.write_all(entry)?;
        fcntl_add_seals(
            &file,
            SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL,
        )?;
        let files = [file.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&files)) {
            return Err(Errno::NOBUFS.into());
        }
        let address = SocketAddrUnix::new(&self.path)?;
        sendmsg_addr(
            &self.socket,
            &address,
            &[IoSlice::new(&[])],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }
}

/// Appends a field, in the form with a length before the value where that has line feeds in it.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests;
