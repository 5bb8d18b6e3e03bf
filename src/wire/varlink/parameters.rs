//! What a message carries: values by name.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
pub use serde_json::Value;

/// Values by name, in the order in which they were put in or came. A name that came twice is here twice, so that whoever
/// looks can refuse it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(pub(super) Vec<(String, Value)>);

impl Parameters {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Parameters> for Value {
    fn from(parameters: Parameters) -> Self {
        Self::Object(parameters.0.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = Parameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Parameters, M::Error> {
                let mut values = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    values.push(entry);
                }
                Ok(Parameters(values))
            }

            // As if there were none.
            fn visit_unit<E>(self) -> Result<Parameters, E> {
                Ok(Parameters::new())
            }
        }
        deserializer.deserialize_any(Values)
    }
}
