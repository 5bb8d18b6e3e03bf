//! A method's parameters taken one after the other, each by its name and as what it must be.

use super::{Parameters, Value};

/// The parameter that is missing, unknown, there twice, or not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter `{0}` is invalid")]
pub struct InvalidParameter(pub String);

/// Parameters that are yet to be taken. What is wrong is told in the order in which they are, unknown ones last.
pub struct Fields<'a>(Vec<&'a (String, Value)>);

impl<'a> Fields<'a> {
    pub fn of(parameters: &'a Parameters) -> Self {
        Self(parameters.0.iter().collect())
    }

    /// One that must be there; `parse` says what it is, if it is that.
    pub fn needed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, InvalidParameter> {
        let value = self.take(name)?.and_then(parse);
        value.ok_or_else(|| InvalidParameter(name.to_owned()))
    }

    /// One that need not be there. `null` is as none (the reference refuses it, the language of interfaces does not).
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, InvalidParameter> {
        match self.take(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match parse(value) {
                None => Err(InvalidParameter(name.to_owned())),
                parsed => Ok(parsed),
            },
        }
    }

    /// That was all: whatever is left is unknown.
    pub fn finish(self) -> Result<(), InvalidParameter> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(InvalidParameter(name.clone())),
        }
    }

    fn take(&mut self, name: &str) -> Result<Option<&'a Value>, InvalidParameter> {
        let is_it = |field: &&(String, Value)| field.0 == name;
        let Some(at) = self.0.iter().position(is_it) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(at);
        match self.0.iter().any(is_it) {
            true => Err(InvalidParameter(name.to_owned())),
            false => Ok(Some(value)),
        }
    }
}

/// A string, for [`Fields`].
pub fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// A boolean, for [`Fields`].
pub fn flag(value: &Value) -> Option<bool> {
    value.as_bool()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(String, Option<bool>), InvalidParameter> {
        let parameters: Parameters = serde_json::from_str(json).unwrap();
        let mut fields = Fields::of(&parameters);
        let name = fields.needed("name", text)?.to_owned();
        let force = fields.optional("force", flag)?;
        fields.finish()?;
        Ok((name, force))
    }

    #[test]
    fn fields_are_taken_as_what_they_must_be() {
        let named = |force| Ok(("a".to_owned(), force));
        assert_eq!(read(r#"{"name":"a"}"#), named(None));
        assert_eq!(read(r#"{"force":true,"name":"a"}"#), named(Some(true)));
        assert_eq!(read(r#"{"force":null,"name":"a"}"#), named(None));
    }

    #[test]
    fn what_is_wrong_is_told_by_name_in_the_order_of_the_method() {
        for (json, wrong) in [
            ("{}", "name"),
            ("null", "name"),
            (r#"{"name":null}"#, "name"),
            (r#"{"force":5,"bogus":1}"#, "name"),
            (r#"{"bogus":1,"name":"a","force":"yes"}"#, "force"),
            (r#"{"name":"a","force":1}"#, "force"),
            (r#"{"name":"a","bogus":null,"other":1}"#, "bogus"),
            (r#"{"name":"a","name":"a"}"#, "name"),
            (r#"{"name":"a","force":true,"force":true}"#, "force"),
        ] {
            assert_eq!(read(json), Err(InvalidParameter(wrong.into())), "{json}");
        }
    }
}
