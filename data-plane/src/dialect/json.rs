//! Writes JSON. What is large and was borrowed from the body that is translated
//! becomes a slice of it; all else is written behind one another.

use bytes::Bytes;

use super::Text;
use crate::splice::Segments;

/// From this size a text is not copied but sliced from its body.
const SLICE_BYTES: usize = 4 * 1024;

/// A JSON text in the making. Commas come by themselves.
#[derive(Debug, Default)]
pub(crate) struct Json<'s> {
    source: Option<&'s Bytes>,
    done: Vec<Bytes>,
    open: Vec<u8>,
    comma: bool,
}

impl<'s> Json<'s> {
    /// A new one, made from what was read of `source`.
    pub(crate) fn from(source: &'s Bytes) -> Self {
        Self {
            source: Some(source),
            ..Self::default()
        }
    }

    /// One that goes on behind `written`, copying all.
    pub(crate) fn behind(written: Vec<u8>) -> Self {
        Self {
            open: written,
            ..Self::default()
        }
    }

    /// An object; `members` writes them.
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.within(b'{', members, b'}');
    }

    /// A list; `elements` writes them.
    pub(crate) fn list(&mut self, elements: impl FnOnce(&mut Self)) {
        self.within(b'[', elements, b']');
    }

    /// A member's name, to be followed by its value. `name` needs no escapes.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.separate();
        self.open.push(b'"');
        self.open.extend_from_slice(name.as_bytes());
        self.open.extend_from_slice(b"\":");
        self.comma = false;
        self
    }

    /// A string as it stood in a body.
    pub(crate) fn text(&mut self, text: &Text<'_>) {
        self.joined(&[text.escaped()]);
    }

    /// A string that has no escapes yet.
    pub(crate) fn string(&mut self, plain: &str) {
        self.text(&Text::of(plain));
    }

    /// A string made of several that are escaped.
    pub(crate) fn joined(&mut self, escaped: &[&str]) {
        self.separate();
        self.open.push(b'"');
        for part in escaped {
            self.verbatim(part);
        }
        self.open.push(b'"');
        self.comma = true;
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.separate();
        self.verbatim(json);
        self.comma = true;
    }

    /// A whole number.
    pub(crate) fn count(&mut self, count: u64) {
        self.raw(&count.to_string());
    }

    /// A number; one that is not finite is null.
    pub(crate) fn number(&mut self, number: f64) {
        self.raw(&serde_json::Value::from(number).to_string());
    }

    /// True or false.
    pub(crate) fn flag(&mut self, flag: bool) {
        self.raw(if flag { "true" } else { "false" });
    }

    /// Nothing.
    pub(crate) fn null(&mut self) {
        self.raw("null");
    }

    /// Bytes that are no JSON, such as what is around the data of an event.
    pub(crate) fn around(&mut self, bytes: &str) {
        self.open.extend_from_slice(bytes.as_bytes());
        self.comma = false;
    }

    /// What was written, in pieces.
    pub(crate) fn into_segments(mut self) -> Segments {
        self.cut();
        Segments::of(self.done)
    }

    /// What was written, as one; nothing may have been sliced.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        if self.done.is_empty() {
            return self.open;
        }
        let mut whole = self.done.concat();
        whole.extend_from_slice(&self.open);
        whole
    }

    fn within(&mut self, open: u8, inside: impl FnOnce(&mut Self), close: u8) {
        self.separate();
        self.open.push(open);
        self.comma = false;
        inside(self);
        self.open.push(close);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.open.push(b',');
        }
    }

    fn verbatim(&mut self, part: &str) {
        match self.source.filter(|_| part.len() >= SLICE_BYTES) {
            Some(source) => match slice_of(source, part) {
                Some(slice) => {
                    self.cut();
                    self.done.push(slice);
                }
                None => self.open.extend_from_slice(part.as_bytes()),
            },
            None => self.open.extend_from_slice(part.as_bytes()),
        }
    }

    fn cut(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open).into());
        }
    }
}

/// `part` as a slice of `source`; `None` when it does not lie there.
fn slice_of(source: &Bytes, part: &str) -> Option<Bytes> {
    let from = (part.as_ptr() as usize).checked_sub(source.as_ptr() as usize)?;
    let to = from.checked_add(part.len())?;
    (to <= source.len()).then(|| source.slice(from..to))
}

#[cfg(test)]
mod tests;
