//! D-Bus: `org.freedesktop.import1(5)`, and what of other services is spoken to.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use zbus::{Message, MessageStream, block_on};

mod interface;
mod introspect;

pub use interface::{
    Argument, INTROSPECTABLE1, Interface, LOG_CONTROL1, MANAGER1, Method, PEER1, PROPERTIES1,
    Property, Signal, TRANSFER1,
};
pub use introspect::introspection;

/// Our well-known name.
pub const NAME: &str = "org.freedesktop.import1";
/// The Manager object.
pub const MANAGER_PATH: &str = "/org/freedesktop/import1";
/// What the paths of transfers begin with; a node of its own in the tree.
pub const TRANSFERS_PATH: &str = "/org/freedesktop/import1/transfer";
pub const LOG_CONTROL_PATH: &str = "/org/freedesktop/LogControl1";

pub const MANAGER: &str = "org.freedesktop.import1.Manager";
pub const TRANSFER: &str = "org.freedesktop.import1.Transfer";
pub const LOG_CONTROL: &str = "org.freedesktop.LogControl1";
pub const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
pub const PEER: &str = "org.freedesktop.DBus.Peer";
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The bus itself, as somebody on it: name, path and interface.
pub const DBUS: (&str, &str, &str) = (
    "org.freedesktop.DBus",
    "/org/freedesktop/DBus",
    "org.freedesktop.DBus",
);
/// Where the system's bus listens, below the root directory.
pub const SYSTEM_BUS_SOCKET: &str = "run/dbus/system_bus_socket";

/// Bits of the `flags` arguments.
pub const FORCE: u64 = 1;
pub const READ_ONLY: u64 = 1 << 1;
pub const KEEP_DOWNLOAD: u64 = 1 << 2;

/// Of what transfers there are: number, type, remote, local name, progress, path.
pub type ListedTransfer = (u32, String, String, String, f64, ObjectPath);
/// The same with the class before the progress.
pub type ListedTransferEx = (u32, String, String, String, String, f64, ObjectPath);
/// Of what images there are: class, name, type, path, read-only, created and modified in microseconds, usage, of that what
/// no other shares, limit, the same of that, in bytes. All ones: unknown.
pub type ListedImage = (
    String,
    String,
    String,
    String,
    bool,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
);

pub type ObjectPath = zbus::OwnedObjectPath;

/// Waits for the next message of a connection; none once that has ended.
pub fn next(messages: &mut MessageStream) -> Option<zbus::Result<Message>> {
    block_on(poll_fn(|context| {
        Pin::new(&mut *messages).poll_next(context)
    }))
}

/// The number in the path of a transfer.
pub fn transfer_of(path: &str) -> Option<u32> {
    let number = path.strip_prefix(TRANSFERS_PATH)?.strip_prefix("/_")?;
    let id: u32 = number.parse().ok()?;
    (transfer_path(id) == path).then_some(id)
}

/// The path of the transfer of that number.
pub fn transfer_path(id: u32) -> String {
    format!("{TRANSFERS_PATH}/_{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_transfers_have_their_number() {
        assert_eq!(transfer_path(7), "/org/freedesktop/import1/transfer/_7");
        assert_eq!(transfer_of(&transfer_path(u32::MAX)), Some(u32::MAX));
        for path in ["", "_1", "_07", "/_07", "/_", "/_+1", "/_4294967296", "/1"] {
            assert_eq!(transfer_of(&format!("{TRANSFERS_PATH}{path}")), None);
        }
    }
}
