//! Reads a JSON text and, where it is not what it should be, names the field.
//! Looking for the field costs a second reading, which only what is wrong pays.

use serde::Deserialize;

use super::Refusal;

/// Reads `json`.
///
/// # Errors
/// The field that is wrong, missing or unknown.
pub(crate) fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(json).map_err(|_| fault::<T>(json))
}

fn fault<'a, T: Deserialize<'a>>(json: &'a str) -> Refusal {
    let mut reader = serde_json::Deserializer::from_str(json);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) else {
        return Refusal::wrong("", "there is text behind the JSON value");
    };
    let path = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let said = error.inner().to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    if let Some(name) = quoted(said, "unknown field `") {
        return Refusal::wrong(below(&path, name), "no field that can be translated");
    }
    if let Some(name) = quoted(said, "missing field `") {
        return Refusal::wrong(below(&path, name), "missing");
    }
    Refusal::wrong(path, said)
}

fn quoted<'s>(said: &'s str, before: &str) -> Option<&'s str> {
    said.strip_prefix(before)?.split('`').next()
}

/// `name` in the object at `path`; a path may name its field already.
fn below(path: &str, name: &str) -> String {
    if path.is_empty() || path == name {
        return name.to_owned();
    }
    if path.ends_with(&format!(".{name}")) {
        return path.to_owned();
    }
    format!("{path}.{name}")
}

#[cfg(test)]
mod tests;
