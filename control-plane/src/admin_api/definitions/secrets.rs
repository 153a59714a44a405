//! The secrets in a definition's value: sealed on their way in, their masks left
//! where they stood. What is no secret where one should be is refused here, in
//! words that do not repeat it; nobody behind this point sees one.

use std::collections::BTreeMap;

use foldgate_domain::command::SecretEdit;
use foldgate_domain::definition::places;
use foldgate_domain::definition::text::check_secret;
use foldgate_proto::OwnerId;
use foldgate_vault::Vault;
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::Error;
use crate::request::json::kind;
use crate::request::quote::quoted;
use crate::sealing;

/// Seals what stands at the places that a kind names, as JSON pointers in which `*`
/// is any one step, and puts masks there. A mask that came back means that its
/// secret stays.
///
/// # Errors
/// Something else than a text; a text that can be no secret; the system has no
/// random bytes.
pub(crate) fn take(
    vault: &Vault,
    place: (OwnerId, Uuid),
    patterns: &[&'static str],
    value: &mut Map<String, Value>,
) -> Result<BTreeMap<String, SecretEdit>, Error> {
    let mut whole = Value::Object(std::mem::take(value));
    let mut edits = BTreeMap::new();
    for pattern in patterns {
        check_way(&whole, pattern)?;
        for pointer in places_in(&whole, pattern) {
            if edits.contains_key(&pointer) {
                continue;
            }
            let path = path(&whole, &pointer);
            let Some(slot) = whole.pointer_mut(&pointer) else {
                continue;
            };
            let text = match slot {
                Value::String(text) => text,
                other => {
                    let problem = format!("must be a string, not {}", kind(other));
                    return Err(Error::field(path, problem));
                }
            };
            if sealing::is_mask(text) {
                edits.insert(pointer, SecretEdit::Keep);
                continue;
            }
            check_secret(text).map_err(|problem| Error::field(path, problem))?;
            let secret = SecretString::from(std::mem::take(text));
            let sealed = sealing::secret_in(vault, place, pattern, &secret)?;
            text.clone_from(&sealed.mask);
            edits.insert(pointer, SecretEdit::Set(sealed));
        }
    }
    if let Value::Object(map) = whole {
        *value = map;
    }
    Ok(edits)
}

/// Puts marks where secrets stand, for those who only want to tell two values
/// apart.
pub(crate) fn hide(
    patterns: &[&str],
    value: &mut Map<String, Value>,
    mark: impl Fn(&str) -> String,
) {
    let mut whole = Value::Object(std::mem::take(value));
    for pattern in patterns {
        for pointer in places_in(&whole, pattern) {
            if let Some(Value::String(text)) = whole.pointer_mut(&pointer)
                && !sealing::is_mask(text)
            {
                *text = mark(text);
            }
        }
    }
    if let Value::Object(map) = whole {
        *value = map;
    }
}

fn places_in(whole: &Value, pattern: &str) -> Vec<String> {
    whole
        .as_object()
        .map_or_else(Vec::new, |map| places(map, pattern))
}

/// Refuses a text or a number on the way to a secret: it may be one, and whoever
/// checks types would quote it.
fn check_way(whole: &Value, pattern: &str) -> Result<(), Error> {
    let ends = pattern.match_indices('/').map(|(at, _)| &pattern[..at]);
    for way in ends.skip(1) {
        for pointer in places_in(whole, way) {
            let met = whole.pointer(&pointer).unwrap_or(&Value::Null);
            if !matches!(met, Value::Object(_) | Value::Array(_)) {
                let problem = format!("must be an object or an array, not {}", kind(met));
                return Err(Error::field(path(whole, &pointer), problem));
            }
        }
    }
    Ok(())
}

/// A pointer as errors name fields: `targets[1].key`.
fn path(whole: &Value, pointer: &str) -> String {
    let mut at = Some(whole);
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        match at {
            Some(Value::Array(items)) => {
                path.extend(["[", &name, "]"]);
                at = name.parse().ok().and_then(|index: usize| items.get(index));
            }
            other => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&quoted(&name));
                at = other.and_then(|inner| inner.get(&name));
            }
        }
    }
    path
}

#[cfg(test)]
mod tests;
