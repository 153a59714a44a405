//! JSON objects with their keys as written: in order, doubled ones seen, numbers
//! still text, and the path to each value.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Fault, PricingError};

/// The most characters of a key that an error repeats.
const MAX_SHOWN: usize = 64;

/// An object's keys and unread values, in the order of writing.
pub(crate) struct Object<'a>(Vec<(String, &'a RawValue)>);

/// Why a text is no object.
#[derive(Debug)]
pub(crate) enum Error {
    /// It is another JSON value.
    NotAnObject,
    /// It is no JSON.
    Syntax(String),
}

impl<'a> Object<'a> {
    /// Reads an object's top level. The values are checked to be JSON, not read.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Error> {
        let value: &RawValue =
            serde_json::from_str(text).map_err(|error| Error::Syntax(error.to_string()))?;
        if !value.get().starts_with('{') {
            return Err(Error::NotAnObject);
        }
        serde_json::from_str(text).map_err(|error| Error::Syntax(error.to_string()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys and values, in the order of writing.
    pub(crate) fn entries(&self) -> &[(String, &'a RawValue)] {
        &self.0
    }

    /// The keys and values, once it is sure that no key stands twice.
    pub(super) fn unique(&self, at: &Path<'_>) -> Result<&[(String, &'a RawValue)], PricingError> {
        let mut seen = HashSet::with_capacity(self.0.len());
        match self.0.iter().find(|(key, _)| !seen.insert(key)) {
            Some((key, _)) => Err(at.key(key).fault(Fault::Duplicate)),
            None => Ok(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The way to a value, for errors.
pub(super) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    key: &'a str,
    /// Whether the key is shown as a name (`.InputText`) or a key (`["gpt-4o"]`).
    name: bool,
}

impl<'a> Path<'a> {
    pub(super) fn root() -> Self {
        Self {
            above: None,
            key: "",
            name: true,
        }
    }

    /// The way to a field of known or unknown name.
    pub(super) fn field(&'a self, key: &'a str) -> Self {
        Self {
            above: Some(self),
            key,
            name: !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
        }
    }

    /// The way to an entry whose key is free.
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self {
            above: Some(self),
            key,
            name: false,
        }
    }

    /// What is wrong there.
    pub(super) fn fault(&self, fault: Fault) -> PricingError {
        PricingError::At {
            path: self.to_string(),
            fault,
        }
    }

    /// The object that must stand there.
    pub(super) fn object<'t>(&self, text: &'t str) -> Result<Object<'t>, PricingError> {
        Object::parse(text).map_err(|error| match error {
            Error::NotAnObject => self.fault(Fault::NotAnObject),
            Error::Syntax(why) => PricingError::Syntax(why),
        })
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(above) = self.above else {
            return f.write_str("$");
        };
        above.fmt(f)?;
        let shown: String = self.key.chars().take(MAX_SHOWN).collect();
        let more = if shown.len() < self.key.len() {
            "…"
        } else {
            ""
        };
        if self.name {
            write!(f, ".{shown}{more}")
        } else {
            write!(f, "[{:?}]", format!("{shown}{more}"))
        }
    }
}
