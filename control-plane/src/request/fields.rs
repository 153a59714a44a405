//! A body's fields, taken out one by one; what nobody asked for is refused by
//! name, so that a misspelt field never passes for an accepted one. A `null` is
//! as good as absent.

use serde_json::{Map, Value};

use super::json::kind;
use super::quote::quoted;
use crate::error::Error;

/// The fields of a JSON object that are still to be read.
#[derive(Debug)]
pub(crate) struct Fields {
    rest: Map<String, Value>,
    within: Option<&'static str>,
}

impl Fields {
    /// A whole body.
    pub(crate) const fn new(rest: Map<String, Value>) -> Self {
        Self { rest, within: None }
    }

    /// An object inside a body; errors name its fields as `within.field`.
    pub(crate) const fn within(rest: Map<String, Value>, within: &'static str) -> Self {
        Self {
            rest,
            within: Some(within),
        }
    }

    /// The field's name as errors give it.
    pub(crate) fn path(&self, name: &str) -> String {
        let name = quoted(name);
        match self.within {
            None => name,
            Some(within) => format!("{within}.{name}"),
        }
    }

    /// An error about one field.
    pub(crate) fn error(&self, name: &str, problem: impl Into<String>) -> Error {
        Error::field(self.path(name), problem)
    }

    /// Whether a field stands here, be it as `null`.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.rest.contains_key(name)
    }

    /// Any value.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name).filter(|value| !value.is_null())
    }

    /// Any value, be it `null`.
    pub(crate) fn nullable(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name)
    }

    /// A string.
    ///
    /// # Errors
    /// Another sort of value.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.expected(name, "a string", &other)),
        }
    }

    /// A boolean.
    ///
    /// # Errors
    /// Another sort of value.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(self.expected(name, "true or false", &other)),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// Another sort of value.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.error(name, format!("must be a whole number, not {number}"))),
            },
            Some(other) => Err(self.expected(name, "a whole number", &other)),
        }
    }

    /// An object.
    ///
    /// # Errors
    /// Another sort of value.
    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Map<String, Value>>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(self.expected(name, "an object", &other)),
        }
    }

    /// Drops fields that may come but say nothing.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.rest.remove(*name);
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A field is left that nobody asked for.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.error(name, "is no field of this request")),
        }
    }

    /// What is left, with names.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.rest
    }

    /// An error about one field of another sort than it should be.
    pub(crate) fn expected(&self, name: &str, wanted: &str, got: &Value) -> Error {
        self.error(name, format!("must be {wanted}, not {}", kind(got)))
    }
}
