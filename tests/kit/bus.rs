//! A bus of the test's own, the daemon on it, and a client that writes down what it hears.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use importd::wire::bus::{DBUS, MANAGER, MANAGER_PATH, NAME, TRANSFER, next};
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, block_on, connection};

use super::run::{Running, find};
use super::temp::TempDir;

/// Longer than anything takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A `dbus-daemon(1)` that lets everybody do everything. It ends on drop.
pub struct Bus {
    temp: TempDir,
    daemon: Option<Running>,
}

const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

impl Bus {
    /// None yet: only the place for one.
    pub fn absent() -> Self {
        Self {
            temp: TempDir::new(),
            daemon: None,
        }
    }

    pub fn new() -> Self {
        let mut bus = Self::absent();
        bus.start();
        bus
    }

    pub fn start(&mut self) {
        let configuration = self.temp.path().join("bus.conf");
        let socket = self.socket();
        let text = CONFIGURATION.replace("SOCKET", socket.to_str().unwrap());
        fs::write(&configuration, text).unwrap();
        let mut command = std::process::Command::new(find("dbus-daemon").unwrap());
        command
            .arg("--nofork")
            .arg("--config-file")
            .arg(configuration);
        let _ = fs::remove_file(&socket);
        self.daemon = Some(Running::start(command, None));
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(begun.elapsed() < DEADLINE);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The bus ends, and with it every connection.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    fn socket(&self) -> PathBuf {
        self.temp.path().join("bus")
    }

    /// As `$DBUS_SYSTEM_BUS_ADDRESS` has it.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    /// Waits until somebody serves, if there is a bus.
    #[track_caller]
    pub fn wait_for_name(&self) {
        if self.daemon.is_none() {
            return;
        }
        let client = self.client();
        let begun = Instant::now();
        loop {
            let reply = client.call(DBUS, "NameHasOwner", &NAME).unwrap();
            if reply.body().deserialize::<bool>().unwrap() {
                return;
            }
            assert!(begun.elapsed() < DEADLINE, "nobody serves");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A client that hears every signal of the daemon's.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::new(&self.address())
    }
}

/// A program on the bus.
pub struct Client {
    bus: Connection,
    /// Replies and signals in the order in which they came.
    heard: Receiver<Message>,
}

/// An error's name and its sentence.
pub type Fault = (String, String);

impl Client {
    #[track_caller]
    fn new(address: &str) -> Self {
        let bus = block_on(connection::Builder::address(address).build()).unwrap();
        let mut messages = MessageStream::from(&bus);
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            while let Some(Ok(message)) = next(&mut messages) {
                let passed = matches!(message.message_type(), Type::Signal | Type::MethodReturn);
                if passed && sender.send(message).is_err() {
                    return;
                }
            }
        });
        let client = Self { bus, heard };
        let rule = format!("type='signal',sender='{NAME}'");
        client.call(DBUS, "AddMatch", &rule.as_str()).unwrap();
        client
    }

    /// Calls a method of some object: destination, path and interface.
    pub fn call<B>(
        &self,
        (destination, path, interface): (&str, &str, &str),
        method: &str,
        values: &B,
    ) -> Result<Message, Fault>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let call = self
            .bus
            .call_method(Some(destination), path, Some(interface), method, values);
        block_on(call).map_err(|error| match error {
            zbus::Error::MethodError(name, text, _) => (name.to_string(), text.unwrap_or_default()),
            zbus::Error::FDO(error) => {
                let error = zbus::Error::FDO(error);
                let text = error.to_string();
                let (name, text) = text.split_once(": ").unwrap();
                (name.to_owned(), text.to_owned())
            }
            other => panic!("{other}"),
        })
    }

    /// Calls a method of the Manager.
    pub fn manager<B>(&self, method: &str, values: &B) -> Result<Message, Fault>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.call((NAME, MANAGER_PATH, MANAGER), method, values)
    }

    /// Starts a transfer and says its number.
    #[track_caller]
    pub fn begin<B>(&self, method: &str, values: &B) -> u32
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let reply = self.manager(method, values).unwrap();
        let (id, path): (u32, zbus::OwnedObjectPath) = reply.body().deserialize().unwrap();
        assert_eq!(path.as_str(), importd::wire::bus::transfer_path(id));
        id
    }

    /// The name of the error that the Manager's method must come to.
    #[track_caller]
    pub fn refused<B>(&self, method: &str, values: &B) -> String
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let (name, text) = self.manager(method, values).unwrap_err();
        assert!(!text.is_empty(), "{name}");
        name
    }

    /// The next message but for those of the bus itself.
    #[track_caller]
    pub fn next(&self) -> Message {
        loop {
            let message = self.heard.recv_timeout(DEADLINE).unwrap();
            let header = message.header();
            let sender = header.sender().map(ToString::to_string);
            if sender.as_deref() != Some(DBUS.0) {
                return message;
            }
        }
    }

    /// Everything that is heard until that transfer is over: members of signals, `reply` for replies, and what has come of
    /// the transfer last.
    #[track_caller]
    pub fn until_over(&self, id: u32) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let message = self.next();
            let header = message.header();
            let Some(member) = header.member() else {
                all.push("reply".to_owned());
                continue;
            };
            if member.as_str() != "TransferRemoved" {
                all.push(member.to_string());
                continue;
            }
            let (removed, _, result): (u32, zbus::OwnedObjectPath, String) =
                message.body().deserialize().unwrap();
            if removed == id {
                all.push(result);
                return all;
            }
        }
    }

    /// What has come of a transfer.
    #[track_caller]
    pub fn result(&self, id: u32) -> String {
        self.until_over(id).pop().unwrap()
    }

    /// A transfer's property as it is shown.
    pub fn property(&self, id: u32, name: &str) -> Result<String, Fault> {
        let path = importd::wire::bus::transfer_path(id);
        let properties = "org.freedesktop.DBus.Properties";
        let reply = self.call((NAME, &path, properties), "Get", &(TRANSFER, name))?;
        let value: zbus::OwnedVariant = reply.body().deserialize().unwrap();
        Ok(value.to_string())
    }
}
