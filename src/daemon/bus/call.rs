//! A call that was received, and how it is answered.

use zbus::Message;
use zbus::message::Flags;

use super::fault::Fault;
use super::outbox::Outbox;
use crate::daemon::authority::{Action, Subject};
use crate::daemon::service::Service;

/// A call, and the way back to who has made it.
#[derive(Clone)]
pub(super) struct Call {
    message: Message,
    outbox: Outbox,
}

/// What a method comes to.
pub(super) enum Answer {
    Reply(Message),
    /// The caller has it already.
    Given,
}

impl Call {
    pub(super) fn new(message: Message, outbox: Outbox) -> Self {
        Self { message, outbox }
    }

    pub(super) fn path(&self) -> String {
        let header = self.message.header();
        header.path().map(ToString::to_string).unwrap_or_default()
    }

    pub(super) fn member(&self) -> String {
        let header = self.message.header();
        header.member().map(ToString::to_string).unwrap_or_default()
    }

    pub(super) fn interface(&self) -> Option<String> {
        self.message.header().interface().map(ToString::to_string)
    }

    pub(super) fn signature(&self) -> String {
        let text = self.message.body().signature().to_string();
        // Of several values it is that of a structure.
        match text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
        {
            Some(inner) => inner.to_owned(),
            None => text,
        }
    }

    /// The arguments. Their signature has been looked at.
    pub(super) fn arguments<T>(&self) -> Result<T, Fault>
    where
        T: for<'de> serde::Deserialize<'de> + zbus::Type,
    {
        let body = self.message.body();
        body.deserialize()
            .map_err(|error| Fault::invalid(format_args!("The arguments make no sense: {error}")))
    }

    /// Asks whether the caller may do that. It may take as long as a person takes.
    pub(super) fn authorize(&self, service: &Service, action: Action) -> Result<(), Fault> {
        let interactive = self
            .message
            .primary_header()
            .flags()
            .contains(Flags::ALLOW_INTERACTIVE_AUTH);
        let verdict = service
            .authority
            .check(&self.subject(), action, &[], interactive);
        Fault::of_verdict(verdict)
    }

    /// Refuses everybody but root and ourselves.
    pub(super) fn need_privilege(&self, service: &Service) -> Result<(), Fault> {
        match service.authority.is_privileged(&self.subject()) {
            true => Ok(()),
            false => Err(Fault::denied()),
        }
    }

    fn subject(&self) -> Subject {
        let header = self.message.header();
        Subject::BusName(header.sender().map(ToString::to_string).unwrap_or_default())
    }

    /// A reply with these values.
    pub(super) fn reply<B>(&self, values: &B) -> Result<Answer, Fault>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let reply = Message::method_return(&self.message.header()).build(values);
        let reply = reply.map_err(|error| Fault::failed(format_args!("No reply: {error}")))?;
        Ok(Answer::Reply(reply))
    }

    /// Sends the answer, if anybody waits for one.
    pub(super) fn answer(&self, answer: Result<Answer, Fault>) {
        let flags = self.message.primary_header().flags();
        if flags.contains(Flags::NO_REPLY_EXPECTED) {
            return;
        }
        match answer {
            Ok(Answer::Reply(reply)) => self.outbox.send(reply),
            Ok(Answer::Given) => {}
            Err(Fault { name, message }) => {
                let error = Message::error(&self.message.header(), name).build(&message.as_str());
                if let Ok(error) = error {
                    self.outbox.send(error);
                }
            }
        }
    }
}
