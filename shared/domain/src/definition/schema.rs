//! What goes with what, in JSON Schema's words: rules over several fields, for
//! whoever makes values from schemas. Null is the same as not given.

use serde_json::{Map, Value, json};

/// These fields are given, and are no empty lists.
pub(super) fn given(fields: &[&str]) -> Value {
    let set = fields.iter().map(|field| {
        (
            (*field).to_owned(),
            json!({ "not": { "type": "null" }, "minItems": 1 }),
        )
    });
    json!({ "required": fields, "properties": set.collect::<Map<_, _>>() })
}

/// None of these fields is given; an empty list is as good as none.
pub(super) fn absent(fields: &[&str]) -> Value {
    let unset = json!({ "type": ["null", "array"], "maxItems": 0 });
    let unset = fields
        .iter()
        .map(|field| ((*field).to_owned(), unset.clone()));
    json!({ "properties": unset.collect::<Map<_, _>>() })
}

/// This field is given, and is one of these.
pub(super) fn is(field: &str, values: &[&str]) -> Value {
    json!({ "required": [field], "properties": { field: { "enum": values } } })
}

/// As [`is`], where the first of them is what the field is by default.
pub(super) fn is_default(field: &str, values: &[&str]) -> Value {
    json!({ "properties": { field: { "enum": values } } })
}

/// All of these hold.
pub(super) fn all(rules: impl IntoIterator<Item = Value>) -> Value {
    json!({ "allOf": rules.into_iter().collect::<Vec<_>>() })
}

/// One of these holds, at least.
pub(super) fn any(rules: impl IntoIterator<Item = Value>) -> Value {
    json!({ "anyOf": rules.into_iter().collect::<Vec<_>>() })
}
