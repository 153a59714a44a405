//! Finds strings by their names, wherever they stand in a text.

use std::borrow::Cow;
use std::fmt;

use memchr::memmem;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The strings that members called one of `names` have, or the lists that they have,
/// at any depth; at most `most` different ones.
///
/// # Errors
/// When `text` is no JSON, or lies too deep in itself to be read.
pub(crate) fn strings(text: &str, names: &[&str], most: usize) -> serde_json::Result<Vec<String>> {
    let plain = names
        .iter()
        .any(|name| memmem::find(text.as_bytes(), name.as_bytes()).is_some());
    // Only who wants to hide a name writes its letters so; then all of it is read.
    if !plain && !has_escaped_letters(text.as_bytes()) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let walk = Walk {
        names,
        most,
        wanted: false,
        found: &mut found,
    };
    walk.deserialize(&mut reader)?;
    Ok(found)
}

/// Whether letters stand there as `\u0066`: those between `@` and DEL.
fn has_escaped_letters(text: &[u8]) -> bool {
    let escapes = memmem::find_iter(text, br"\u00");
    escapes
        .filter_map(|at| text.get(at + 4))
        .any(|digit| (b'4'..=b'7').contains(digit))
}

struct Walk<'w> {
    names: &'w [&'w str],
    most: usize,
    /// Whether what stands here has one of the names.
    wanted: bool,
    found: &'w mut Vec<String>,
}

impl Walk<'_> {
    fn inside(&mut self, wanted: bool) -> Walk<'_> {
        Walk {
            names: self.names,
            most: self.most,
            wanted,
            found: self.found,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let is_new = self.wanted && !self.found.iter().any(|found| found == text);
        if is_new && self.found.len() < self.most {
            self.found.push(text.to_owned());
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            let wanted = self.names.contains(&name.as_ref());
            map.next_value_seed(self.inside(wanted))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let wanted = self.wanted;
        while list.next_element_seed(self.inside(wanted))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::strings;

    fn files(text: &str) -> Vec<String> {
        strings(text, &["file_id", "file_ids"], 3).unwrap()
    }

    #[test]
    fn strings_are_found_at_any_depth_and_once() {
        let text = r#"{"input":[{"content":[{"type":"input_file","file_id":"a"},1,null,true]}],
            "tools":[{"container":{"file_ids":["b","a",-1.5]}}],"text":"file_id","file_id":{"x":"y"}}"#;
        assert_eq!(files(text), ["a", "b"]);
    }

    #[test]
    fn a_hidden_name_is_found_and_words_about_one_are_not() {
        assert_eq!(files(r#"{"file\u005fid":"a"}"#), ["a"]);
        assert_eq!(files(r#"{"\u0066ile_ids":["a"]}"#), ["a"]);
        let words = r#"{"text":"{\"file_id\":\"a\"}","arguments":"file_id: a \u00e9"}"#;
        assert_eq!(files(words), Vec::<String>::new());
    }

    #[test]
    fn there_are_bounds() {
        assert_eq!(files(r#"{"file_ids":["a","b","c","d"]}"#).len(), 3);
        assert_eq!(files(r#"["file_id"]"#), Vec::<String>::new());
        let deep = format!("{}\"file_id\"{}", "[".repeat(500), "]".repeat(500));
        for text in [r#"{"file_id":"a""#, "file_id", &deep] {
            assert!(strings(text, &["file_id"], 3).is_err(), "{text}");
        }
    }
}
