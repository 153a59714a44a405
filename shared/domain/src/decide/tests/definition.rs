//! Definitions: made, replaced and removed. Their commands in few words.

mod back;
mod put;
mod stays;

use std::collections::BTreeMap;

use foldgate_proto::{DefinitionId, DefinitionKind, DefinitionNumber, MaskedSecret, Sealed};
use serde_json::{Value, json};
use uuid::Uuid;

use super::given::Given;
use crate::command::{PutDefinition, RemoveDefinition, SecretEdit};
pub(crate) use crate::definition::tests::values::keyword;
use crate::definition::{Registered, places};
use crate::{Command, Kind, Rejection};

pub(crate) fn id(n: u128) -> DefinitionId {
    DefinitionId(Uuid::from_u128(5000 + n))
}

/// A definition's command; its secrets are what stands in its value.
fn command(kind: DefinitionKind, id: DefinitionId, value: &Value) -> PutDefinition {
    let value = value.as_object().cloned().expect("an object");
    let patterns = Registered::of(kind).map_or(&[][..], |line| line.secrets);
    let pointers = patterns.iter().flat_map(|pattern| places(&value, pattern));
    let secrets = pointers.map(|pointer| {
        let at = Value::Object(value.clone());
        let mask = at.pointer(&pointer).and_then(Value::as_str);
        let secret = MaskedSecret {
            sealed: Sealed(pointer.bytes().collect()),
            mask: mask.unwrap_or_default().to_owned(),
        };
        (pointer, SecretEdit::Set(secret))
    });
    PutDefinition {
        kind,
        id,
        number: None,
        secrets: secrets.collect::<BTreeMap<_, _>>(),
        value,
    }
}

/// A new definition with the id `n`.
pub(crate) fn put(kind: DefinitionKind, n: u128, value: &Value) -> Command {
    Command::PutDefinition(Box::new(command(kind, id(n), value)))
}

/// Another value in the place of the definition with this number.
pub(crate) fn replace(
    given: &Given,
    kind: DefinitionKind,
    number: u64,
    value: &Value,
) -> PutDefinition {
    let number = DefinitionNumber(number);
    let stands = given.owner().definitions.get(&(kind, number));
    PutDefinition {
        number: Some(number),
        ..command(kind, stands.expect("it is there").id, value)
    }
}

pub(crate) fn remove(kind: DefinitionKind, number: u64) -> Command {
    Command::RemoveDefinition(RemoveDefinition {
        kind,
        number: DefinitionNumber(number),
    })
}

pub(crate) fn stands(given: &Given, kind: DefinitionKind, number: u64) -> Value {
    let stands = given
        .owner()
        .definitions
        .get(&(kind, DefinitionNumber(number)));
    serde_json::from_str(&stands.expect("it is there").value.0).expect("JSON")
}

pub(crate) fn field(rejection: &Rejection) -> (Kind, Option<&str>) {
    (rejection.kind(), rejection.param())
}

pub(crate) fn model(name: &str) -> Value {
    json!({ "display_name": name, "model_name": "x", "level": 1 })
}

pub(crate) fn agent(name: &str) -> Value {
    json!({ "name": name, "url": "https://a.example.com" })
}

pub(crate) fn otlp(headers: &Value) -> Value {
    json!({ "kind": "otlp_http", "name": "o", "endpoint": "https://o.example.com",
        "headers": headers })
}
