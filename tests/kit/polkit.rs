//! Whoever answers for polkit on a bus of the test's own.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use importd::wire::bus::next;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, OwnedVariant, block_on, connection};

use super::Bus;

/// What `CheckAuthorization` was asked.
#[derive(Debug)]
pub struct Asked {
    /// What kind of subject, and what tells one of these.
    pub subject: (String, HashMap<String, OwnedVariant>),
    pub action: String,
    pub details: HashMap<String, String>,
    /// Whether a person may be asked.
    pub interactive: bool,
}

/// It says no to everything, and that a person would be needed; but yes to what may be interactive.
pub struct Polkit {
    bus: Connection,
    asked: Receiver<Asked>,
}

impl Polkit {
    pub fn new(bus: &Bus) -> Self {
        let address = bus.address();
        let builder = connection::Builder::address(address.as_str());
        let bus = block_on(builder.build()).unwrap();
        let mut messages = MessageStream::from(&bus);
        block_on(bus.request_name("org.freedesktop.PolicyKit1")).unwrap();
        let (sender, asked) = channel();
        let answering = bus.clone();
        std::thread::spawn(move || {
            while let Some(Ok(message)) = next(&mut messages) {
                if message.message_type() == Type::MethodCall {
                    let (reply, asked) = answer(&message);
                    block_on(answering.send(&reply)).unwrap();
                    if sender.send(asked).is_err() {
                        return;
                    }
                }
            }
        });
        Self { bus, asked }
    }

    /// The next question.
    #[track_caller]
    pub fn asked(&self) -> Asked {
        self.asked.recv_timeout(Duration::from_secs(60)).unwrap()
    }
}

fn answer(message: &Message) -> (Message, Asked) {
    assert_eq!(
        message.header().member().unwrap().as_str(),
        "CheckAuthorization"
    );
    let body = message.body();
    assert_eq!(body.signature().to_string(), "((sa{sv})sa{ss}us)");
    type Question = (
        (String, HashMap<String, OwnedVariant>),
        String,
        HashMap<String, String>,
        u32,
        String,
    );
    let (subject, action, details, flags, _): Question = body.deserialize().unwrap();
    let interactive = flags & 1 != 0;
    let result = (interactive, !interactive, HashMap::<&str, &str>::new());
    let reply = Message::method_return(&message.header()).build(&(result,));
    let reply = reply.unwrap();
    // One structure, as polkit sends it.
    assert!(reply.header().signature().to_string().contains("(bba{ss})"));
    let asked = Asked {
        subject,
        action,
        details,
        interactive,
    };
    (reply, asked)
}
