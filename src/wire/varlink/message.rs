//! Calls and replies, as values and as bytes.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Map;

use super::{Parameters, Value};

/// A method that is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// With its interface before it.
    pub method: String,
    pub parameters: Parameters,
    pub mode: Mode,
}

/// What the caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One reply.
    Once,
    /// As many as there are.
    More,
    /// None.
    Oneway,
    /// One reply, and another protocol after it; nobody here speaks one.
    Upgrade,
}

/// An answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Another one follows.
    Continued(Parameters),
    Last(Parameters),
    Failed(Failure),
}

/// An error as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// With its interface before it.
    pub name: String,
    pub parameters: Parameters,
}

/// Bytes that are no message.
#[derive(Debug, thiserror::Error)]
#[error("a message makes no sense: {0}")]
pub struct InvalidMessage(#[from] serde_json::Error);

impl Call {
    pub fn new(method: &str, parameters: Parameters, mode: Mode) -> Self {
        Self {
            method: method.to_owned(),
            parameters,
            mode,
        }
    }

    /// Reads a call. Fields that are unknown, there twice or at odds make it none: who sends them means something that we
    /// would miss.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// As it is sent, with the NUL at its end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut fields = Map::new();
        fields.insert("method".to_owned(), self.method.as_str().into());
        insert_parameters(&mut fields, &self.parameters);
        let flag = match self.mode {
            Mode::Once => None,
            Mode::More => Some("more"),
            Mode::Oneway => Some("oneway"),
            Mode::Upgrade => Some("upgrade"),
        };
        fields.extend(flag.map(|flag| (flag.to_owned(), true.into())));
        sent(fields)
    }
}

impl Reply {
    /// Reads a reply. Fields that are unknown are left to those who know them.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// As it is sent, with the NUL at its end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut fields = Map::new();
        match self {
            Self::Continued(parameters) => {
                insert_parameters(&mut fields, parameters);
                fields.insert("continues".to_owned(), true.into());
            }
            Self::Last(parameters) => insert_parameters(&mut fields, parameters),
            Self::Failed(Failure { name, parameters }) => {
                fields.insert("error".to_owned(), name.as_str().into());
                insert_parameters(&mut fields, parameters);
            }
        }
        sent(fields)
    }
}

/// Without any, there is no field for them: so does the reference since 262.
fn insert_parameters(fields: &mut Map<String, Value>, parameters: &Parameters) {
    if !parameters.is_empty() {
        fields.insert("parameters".to_owned(), parameters.clone().into());
    }
}

fn sent(fields: Map<String, Value>) -> Vec<u8> {
    let mut bytes = Value::Object(fields).to_string().into_bytes();
    bytes.push(0);
    bytes
}

/// Whatever an object's fields are read into.
trait Message: Sized {
    const WHAT: &'static str;
    type Read: Default;

    /// Takes one field's value, or refuses the field.
    fn take<'de, M: MapAccess<'de>>(
        read: &mut Self::Read,
        field: &str,
        map: &mut M,
    ) -> Result<(), M::Error>;

    fn made<E: serde::de::Error>(read: Self::Read) -> Result<Self, E>;
}

/// Reads an object; everything else is none.
fn read<'de, T: Message, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Fields<T>(PhantomData<T>);
    impl<'de, T: Message> Visitor<'de> for Fields<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::WHAT)
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<T, M::Error> {
            let mut read = T::Read::default();
            while let Some(field) = map.next_key::<String>()? {
                T::take(&mut read, &field, &mut map)?;
            }
            T::made(read)
        }
    }
    deserializer.deserialize_map(Fields(PhantomData))
}

/// Takes a field's value, which must not be there yet.
fn put<'de, M: MapAccess<'de>, V: Deserialize<'de>>(
    place: &mut Option<V>,
    field: &'static str,
    map: &mut M,
) -> Result<(), M::Error> {
    match place.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(M::Error::duplicate_field(field)),
    }
}

#[derive(Default)]
struct CallFields {
    method: Option<String>,
    parameters: Option<Parameters>,
    oneway: Option<bool>,
    more: Option<bool>,
    upgrade: Option<bool>,
}

impl Message for Call {
    const WHAT: &'static str = "a call";
    type Read = CallFields;

    fn take<'de, M: MapAccess<'de>>(
        read: &mut CallFields,
        field: &str,
        map: &mut M,
    ) -> Result<(), M::Error> {
        match field {
            "method" => put(&mut read.method, "method", map),
            "parameters" => put(&mut read.parameters, "parameters", map),
            "oneway" => put(&mut read.oneway, "oneway", map),
            "more" => put(&mut read.more, "more", map),
            "upgrade" => put(&mut read.upgrade, "upgrade", map),
            other => Err(M::Error::unknown_field(
                other,
                &["method", "parameters", "oneway", "more", "upgrade"],
            )),
        }
    }

    fn made<E: serde::de::Error>(read: CallFields) -> Result<Self, E> {
        let flags = [read.more, read.oneway, read.upgrade];
        let mode = match flags.map(Option::unwrap_or_default) {
            [false, false, false] => Mode::Once,
            [true, false, false] => Mode::More,
            [false, true, false] => Mode::Oneway,
            [false, false, true] => Mode::Upgrade,
            _ => return Err(E::custom("more, oneway and upgrade exclude each other")),
        };
        Ok(Self {
            method: read.method.ok_or_else(|| E::missing_field("method"))?,
            parameters: read.parameters.unwrap_or_default(),
            mode,
        })
    }
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

#[derive(Default)]
struct ReplyFields {
    parameters: Option<Parameters>,
    continues: Option<bool>,
    error: Option<String>,
}

impl Message for Reply {
    const WHAT: &'static str = "a reply";
    type Read = ReplyFields;

    fn take<'de, M: MapAccess<'de>>(
        read: &mut ReplyFields,
        field: &str,
        map: &mut M,
    ) -> Result<(), M::Error> {
        match field {
            "parameters" => put(&mut read.parameters, "parameters", map),
            "continues" => put(&mut read.continues, "continues", map),
            "error" => put(&mut read.error, "error", map),
            _ => map.next_value::<IgnoredAny>().map(drop),
        }
    }

    fn made<E: serde::de::Error>(read: ReplyFields) -> Result<Self, E> {
        let parameters = read.parameters.unwrap_or_default();
        Ok(match (read.error, read.continues) {
            (Some(name), _) => Self::Failed(Failure { name, parameters }),
            (None, Some(true)) => Self::Continued(parameters),
            (None, _) => Self::Last(parameters),
        })
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

#[cfg(test)]
mod tests;
