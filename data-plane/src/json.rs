//! Finds members of a JSON object by name without parsing the rest, so that a
//! body can be edited where it must be and passed through where it need not.

mod strings;

use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

pub(crate) use strings::strings;

/// Values of the wanted members, in the order they were asked for, as they
/// stand in the text.
#[derive(Debug)]
pub(crate) struct Members<'a, const N: usize> {
    /// One slot per wanted name.
    pub(crate) values: [Option<&'a str>; N],
    /// A wanted name that stands there more than once.
    pub(crate) duplicate: Option<&'static str>,
}

/// Reads the members called `names` of the object that `text` is. Names are
/// compared after unescaping, so `"mod\u0065l"` is `model`.
///
/// # Errors
/// When `text` is not exactly one JSON object.
pub(crate) fn members<'a, const N: usize>(
    text: &'a str,
    names: &[&'static str; N],
) -> serde_json::Result<Members<'a, N>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = reader.deserialize_map(Pick(names))?;
    reader.end()?;
    Ok(found)
}

/// Where `part` stands in `whole`; `part` must be borrowed from it.
pub(crate) fn range_in(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

struct Pick<'n, const N: usize>(&'n [&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Members {
            values: [None; N],
            duplicate: None,
        };
        while let Some(index) = map.next_key_seed(Index(self.0))? {
            let Some(index) = index else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &'de RawValue = map.next_value()?;
            let slot = found
                .values
                .get_mut(index)
                .ok_or_else(|| A::Error::custom("no such member"))?;
            if slot.replace(value.get()).is_some() {
                found.duplicate = self.0.get(index).copied();
            }
        }
        Ok(found)
    }
}

struct Index<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for Index<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Index<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

#[cfg(test)]
mod tests;
