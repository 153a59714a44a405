//! A string of a JSON body, escapes and all. Dialects differ in what is around a
//! text, hardly ever in the text: as it stood in one body it goes into the other,
//! unread and, where it is large, uncopied.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

/// The inside of a JSON string literal, as it is written there: without its
/// quotes, with its escapes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// From a JSON value as it stands in a body; `None` when that is no string.
    pub(crate) fn literal(json: &'a str) -> Option<Self> {
        let inside = json.strip_prefix('"')?.strip_suffix('"')?;
        Some(Self(Cow::Borrowed(inside)))
    }

    /// From a text that has no escapes yet; only one that needs some is copied.
    pub(crate) fn of(plain: impl Into<Cow<'a, str>>) -> Self {
        let plain = plain.into();
        if !plain.bytes().any(needs_escape) {
            return Self(plain);
        }
        let mut literal = serde_json::Value::from(plain.as_ref()).to_string();
        literal.pop();
        literal.remove(0);
        Self(Cow::Owned(literal))
    }

    /// As it is written between quotes.
    pub(crate) fn escaped(&self) -> &str {
        &self.0
    }

    /// What it means. Half a surrogate pair means nothing: then as it is written.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        if !self.0.contains('\\') {
            return Cow::Borrowed(&self.0);
        }
        let literal = format!("\"{}\"", self.0);
        serde_json::from_str(&literal).map_or(Cow::Borrowed(&self.0), Cow::Owned)
    }

    /// What it means, borrowed from the body if it has no escapes.
    pub(crate) fn into_plain(self) -> Cow<'a, str> {
        match self.0 {
            Cow::Borrowed(text) if !text.contains('\\') => Cow::Borrowed(text),
            _ => Cow::Owned(self.plain().into_owned()),
        }
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it means `plain`.
    pub(crate) fn is(&self, plain: &str) -> bool {
        self.plain() == plain
    }

    /// The media type and the base64 of a `data:` URL; `None` when it is none.
    pub(crate) fn data_url(&self) -> Option<(Text<'a>, Text<'a>)> {
        const BASE64: &str = ";base64,";
        let at = self.0.strip_prefix("data:")?.find(BASE64)? + "data:".len();
        let part = |from: usize, to: usize| match &self.0 {
            Cow::Borrowed(text) => Some(Text(Cow::Borrowed(text.get(from..to)?))),
            Cow::Owned(text) => Some(Text(Cow::Owned(text.get(from..to)?.to_owned()))),
        };
        let parameters = self.0.get("data:".len()..at)?;
        let named = parameters.find(';').map_or(at, |end| end + "data:".len());
        Some((
            part("data:".len(), named)?,
            part(at + BASE64.len(), self.0.len())?,
        ))
    }

    /// The same, borrowed from this one.
    pub(crate) fn by_ref(&self) -> Text<'_> {
        Text(Cow::Borrowed(&self.0))
    }

    /// The same, borrowed from nothing.
    pub(crate) fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = <&'de RawValue>::deserialize(deserializer)?;
        Self::literal(value.get()).ok_or_else(|| D::Error::custom("must be a string"))
    }
}

const fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

#[cfg(test)]
mod tests;
