//! Resources as histories show them: flat, with secrets masked, times in RFC 3339
//! and money in dollars.

use foldgate_proto::event::{RecordUndone, StateRestored};
use foldgate_proto::{Definition, Event, NanoDollars, Rates, Resource, Timestamp};
use serde_json::{Map, Value, json};

use super::Difference;
use super::merge::fields_of;
use crate::kept::conceal;

/// Objects whose fields are shown beside the others.
const FLAT: &[&str] = &["profile", "terms"];

/// What is not shown: hashes would only help to guess keys that people chose.
const HIDDEN: &[&str] = &["hash", "key_hash", "revision", "secret_revision"];

/// Maps whose keys are an owner's own words: nothing in them is read by its name.
const VERBATIM: &[&str] = &[
    "api_versions",
    "level_mapper",
    "model_limits",
    "model_mapper",
    "model_mapping",
    "switch_over",
];

/// Fields of which a change alone says nothing.
const STAMPS: &[&str] = &["updated_at"];

/// What stands behind a secret's mask where only the mask stayed as it was.
const GIVEN_ANEW: &str = " (given anew)";

/// One field, before and behind; null is not there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    /// Its name; below a resource's own fields with dots.
    pub field: String,
    /// What it was.
    pub before: Value,
    /// What it is.
    pub after: Value,
}

/// A resource, to be shown.
pub fn shown(resource: &Resource) -> Value {
    Value::Object(flat(resource))
}

/// What of a resource differs, to be shown. A secret that was given anew says so
/// where its mask alone would not.
pub fn fields(difference: &Difference) -> Vec<FieldChange> {
    let raw = |resource: &Option<Resource>| resource.as_ref().and_then(fields_of);
    let (before, mut after) = (raw(&difference.before), raw(&difference.after));
    if let (Some(before), Some(after)) = (&before, &mut after) {
        tell_secrets(before, after);
    }
    if let (Some(Resource::Definition(was)), Some(Resource::Definition(is)), Some(after)) =
        (&difference.before, &difference.after, &mut after)
    {
        tell_secrets_of(was, is, after);
    }
    let side = |resource: &Option<Resource>, fields: Option<Map<String, Value>>| {
        let resource = resource.as_ref().zip(fields);
        resource.map(|(of, fields)| flattened(of, fields))
    };
    let before = side(&difference.before, before).unwrap_or_default();
    let mut after = side(&difference.after, after).unwrap_or_default();
    let mut changes: Vec<FieldChange> = Vec::new();
    for (field, was) in before {
        let is = after.remove(&field).unwrap_or(Value::Null);
        changes.push(FieldChange {
            field,
            before: was,
            after: is,
        });
    }
    changes.extend(after.into_iter().map(|(field, is)| FieldChange {
        field,
        before: Value::Null,
        after: is,
    }));
    let stands = difference.before.is_some() && difference.after.is_some();
    changes.retain(|change| {
        change.before != change.after && !(stands && STAMPS.contains(&change.field.as_str()))
    });
    changes.sort_by(|one, other| one.field.cmp(&other.field));
    changes
}

/// An event, to be shown: as it was written, but with secrets masked.
pub fn shown_event(event: &Event) -> Value {
    let mut shown = serde_json::to_value(event)
        .map(|value| readable("", value))
        .unwrap_or_default();
    if let Event::DefinitionPut(put) = event {
        // Its value holds the masks of its secrets.
        let put = json!({
            "id": put.id,
            "number": put.number,
            "value": serde_json::from_str::<Value>(&put.value.0).unwrap_or_default(),
        });
        return json!({event.kind(): put});
    }
    if let Event::DefinitionRemoved(removed) = event {
        return json!({event.kind(): {"number": removed.number}});
    }
    // Of these, unlike of a resource, it says what they are about.
    if let Event::RecordUndone(RecordUndone { revision, .. })
    | Event::StateRestored(StateRestored { revision, .. }) = event
    {
        shown[event.kind()]["revision"] = json!(revision);
    }
    shown
}

/// Marks each secret that was sealed again though its mask is the same. Whether it
/// is another one nobody can say without opening both; a retry that sends the same
/// writes it anew as well.
fn tell_secrets(before: &Map<String, Value>, after: &mut Map<String, Value>) {
    for (name, is) in after {
        let (Some(Value::Object(was)), Value::Object(is)) = (before.get(name), is) else {
            continue;
        };
        if VERBATIM.contains(&name.as_str()) {
            continue;
        }
        if !is.contains_key("sealed") {
            tell_secrets(was, is);
            continue;
        }
        if was.get("sealed") != is.get("sealed")
            && was.get("mask") == is.get("mask")
            && let Some(Value::String(mask)) = is.get_mut("mask")
        {
            mask.push_str(GIVEN_ANEW);
        }
    }
}

/// As [`tell_secrets`], of a definition, whose value holds the masks.
fn tell_secrets_of(was: &Definition, is: &Definition, fields: &mut Map<String, Value>) {
    let Some(value) = fields.get_mut("value") else {
        return;
    };
    for (pointer, secret) in &*is.secrets {
        let before = was.secrets.get(pointer);
        if before.is_some_and(|was| was.mask == secret.mask && was.sealed != secret.sealed)
            && let Some(Value::String(mask)) = value.pointer_mut(pointer)
        {
            mask.push_str(GIVEN_ANEW);
        }
    }
}

fn flat(resource: &Resource) -> Map<String, Value> {
    flattened(resource, fields_of(resource).unwrap_or_default())
}

/// The fields of a resource, side by side and readable.
fn flattened(resource: &Resource, mut fields: Map<String, Value>) -> Map<String, Value> {
    if let Resource::Key(_) = resource {
        conceal(&mut fields);
    }
    if let Resource::Completed(_) = resource {
        return fields;
    }
    if let Resource::Definition(definition) = resource {
        let own = match fields.remove("value") {
            Some(Value::Object(own)) => own,
            _ => Map::new(),
        };
        return flat_definition(definition, own);
    }
    let is_config = matches!(resource, Resource::Config(_));
    let mut shown = Map::new();
    for (name, value) in fields {
        match value {
            Value::Object(inner) if FLAT.contains(&name.as_str()) => {
                shown.extend(inner.into_iter().map(|(name, value)| entry(name, value)));
            }
            value if is_config => {
                let (name, value) = entry(name, value);
                shown.insert(name.to_ascii_uppercase(), value);
            }
            value => shown.extend([entry(name, value)]),
        }
    }
    shown.retain(|name, _| !HIDDEN.contains(&name.as_str()));
    shown
}

/// What a definition says, in its own words; secrets stand in it as their masks.
fn flat_definition(definition: &Definition, own: Map<String, Value>) -> Map<String, Value> {
    let stamps = [
        ("id", json!(definition.id)),
        ("number", json!(definition.number.0)),
        ("created_at", json!(definition.created_at.to_string())),
        ("updated_at", json!(definition.updated_at.to_string())),
    ];
    let stamps = stamps.map(|(name, value)| (name.to_owned(), value));
    stamps.into_iter().chain(own).collect()
}

fn entry(name: String, value: Value) -> (String, Value) {
    let value = readable(&name, value);
    (name, value)
}

/// A value as people read it, by its field's name.
fn readable(name: &str, value: Value) -> Value {
    match value {
        map if VERBATIM.contains(&name) => map,
        Value::Object(map) if name == "definition" && map.contains_key("secrets") => {
            let fields = map.clone();
            match serde_json::from_value::<Definition>(Value::Object(map)) {
                Ok(definition) => {
                    let own = serde_json::from_str(&definition.value.0).unwrap_or_default();
                    Value::Object(flat_definition(&definition, own))
                }
                Err(_) => masked(fields),
            }
        }
        Value::Object(map) => masked(map),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| readable(name, item)).collect())
        }
        // Kept as the text of an object.
        Value::String(text) if name == "more" => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        Value::Number(number) => match number.as_i64() {
            Some(at) if name.ends_with("_at") || matches!(name, "at" | "until") => {
                json!(Timestamp(at).to_string())
            }
            Some(nanos) if matches!(name, "amount" | "hard_limit" | "soft_limit") => {
                decimal(&NanoDollars(nanos).to_string())
            }
            Some(millionths) if name == "rates" => {
                decimal(&Rates(u64::try_from(millionths).unwrap_or(0)).to_string())
            }
            _ => Value::Number(number),
        },
        other => other,
    }
}

/// The fields of an object, or the mask of a secret.
fn masked(mut map: Map<String, Value>) -> Value {
    if map.contains_key("sealed")
        && let Some(mask) = map.remove("mask")
    {
        return mask;
    }
    conceal(&mut map);
    for hidden in HIDDEN {
        map.remove(*hidden);
    }
    let inner = map.into_iter().map(|(name, value)| entry(name, value));
    Value::Object(inner.collect())
}

/// A decimal as a JSON number.
fn decimal(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
