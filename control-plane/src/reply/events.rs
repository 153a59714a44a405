//! Events as a dry run shows them: as they would be written, but with secrets
//! masked and without hashes. The ciphertext would help nobody and only looks
//! like a leak; a hash would help to guess a key that somebody chose.

use foldgate_proto::Event;
use serde_json::Value;

/// The names of hashes of keys.
const HASHES: &[&str] = &["hash", "key_hash"];

/// Events in JSON, one object with the kind's name as its only key each.
pub(super) fn shown(events: &[Event]) -> Vec<Value> {
    let encoded = events.iter().map(serde_json::to_value);
    encoded
        .filter_map(Result::ok)
        .map(|mut event| {
            mask_within(&mut event);
            event
        })
        .collect()
}

/// Puts the mask in the place of every sealed secret, and takes hashes out.
fn mask_within(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("sealed")
                && let Some(mask) = map.remove("mask")
            {
                *value = mask;
                return;
            }
            map.retain(|name, _| !HASHES.contains(&name.as_str()));
            map.values_mut().for_each(mask_within);
        }
        Value::Array(items) => items.iter_mut().for_each(mask_within),
        _ => {}
    }
}
