//! A datagram socket of our own plays the journal.

use std::io::{IoSliceMut, Read};
use std::os::fd::OwnedFd;
use std::panic::Location;

use rustix::fs::fcntl_get_seals;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::*;
use crate::report::Level;

/// A journal that listens at a path which vanishes with it.
struct Listener {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Listener {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("importd-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        Self { socket, path }
    }

    /// The datagram and the descriptors that came with it.
    fn receive(&self) -> (Vec<u8>, Vec<OwnedFd>) {
        let mut bytes = vec![0; 1 << 16];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let got = recvmsg(&self.socket, &mut parts, &mut control, RecvFlags::empty()).unwrap();
        let mut files = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                files.extend(rights);
            }
        }
        bytes.truncate(got.bytes);
        (bytes, files)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[track_caller]
fn record(message: &str) -> Record<'_> {
    Record {
        level: Level::Warning,
        message,
        location: Location::caller(),
        transfer: Some(7),
    }
}

fn text_of(entry: &[u8]) -> String {
    String::from_utf8(entry.to_vec()).unwrap()
}

#[test]
fn an_entry_carries_every_field_on_a_line_of_its_own() {
    let listener = Listener::new("journal-fields");
    let journal = Journal::new(&listener.path, "importctl").unwrap();
    let record = record("");
    journal.write(&record, "pulled \x1b it").unwrap();
    let (entry, files) = listener.receive();
    let expected = format!(
        "MESSAGE=pulled \x1b it\nPRIORITY=4\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=importctl\nCODE_FILE={}\nCODE_LINE={}\nIMPORT_TRANSFER=7\nTID={}\n",
        file!(),
        record.location.line(),
        rustix::thread::gettid().as_raw_nonzero(),
    );
    assert_eq!((text_of(&entry), files.len()), (expected, 0));
}

#[test]
fn a_message_with_line_feeds_cannot_add_fields() {
    let listener = Listener::new("journal-lines");
    let journal = Journal::new(&listener.path, "importctl").unwrap();
    journal.write(&record(""), "a\nPRIORITY=0").unwrap();
    let (entry, _) = listener.receive();
    assert!(entry.starts_with(b"MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\nPRIORITY=4\n"));
}

#[test]
fn an_entry_too_large_for_a_datagram_arrives_as_a_sealed_file() {
    let listener = Listener::new("journal-large");
    let journal = Journal::new(&listener.path, "importctl").unwrap();
    let message = "x".repeat(4 << 20);
    journal.write(&record(""), &message).unwrap();
    let (bytes, files) = listener.receive();
    assert!(bytes.is_empty());
    let [file] = <[OwnedFd; 1]>::try_from(files).unwrap();
    let seals = fcntl_get_seals(&file).unwrap();
    assert!(
        seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)
    );
    let mut entry = String::new();
    let mut file = File::from(file);
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut entry).unwrap();
    assert!(entry.starts_with(&format!("MESSAGE={message}\nPRIORITY=4\n")));
}

#[test]
fn nobody_listening_is_an_error_and_nothing_else() {
    let path = std::env::temp_dir().join("importd-no-such-journal");
    let journal = Journal::new(&path, "importctl").unwrap();
    assert!(journal.write(&record(""), "lost").is_err());
}
