//! Commands about definitions at random: of few names, speaking of what is there.

use foldgate_proto::{Definition, DefinitionKind};
use serde_json::{Value, json};

use super::super::definition::{agent, keyword, put, remove, replace};
use super::super::given::Given;
use super::op::{nth, pick};
use crate::Command;

const NAMES: [&str; 5] = ["gpt-4o", "Fast", "FAST", "a-*", "crew"];

/// The kinds of which there are some, one of each sort: with references by name and
/// by id, with secrets, with neither.
const KINDS: [DefinitionKind; 6] = [
    DefinitionKind::Model,
    DefinitionKind::Guardrail,
    DefinitionKind::GuardrailAttachment,
    DefinitionKind::RateLimitPolicy,
    DefinitionKind::ObservabilityExporter,
    DefinitionKind::A2aAgent,
];

/// A new definition, another value for one, or one less.
pub(super) fn command(given: &Given, [op, a, b, c]: [u8; 4]) -> Option<Command> {
    let all = || given.owner().definitions.values();
    match op % 6 {
        0 => {
            let one = nth(all(), a)?;
            Some(remove(one.kind, one.number.0))
        }
        1 | 2 => {
            let one = nth(all(), a)?;
            let value = value(given, one.kind, b, c)?;
            Some(Command::PutDefinition(Box::new(replace(
                given,
                one.kind,
                one.number.0,
                &value,
            ))))
        }
        _ => {
            let kind = pick(&KINDS, a);
            Some(put(
                kind,
                u128::from(given.last()),
                &value(given, kind, b, c)?,
            ))
        }
    }
}

fn value(given: &Given, kind: DefinitionKind, b: u8, c: u8) -> Option<Value> {
    let owner = given.owner();
    let name = pick(&NAMES, b);
    Some(match kind {
        DefinitionKind::Model => model(given, name, c)?,
        DefinitionKind::Guardrail if c < 128 => keyword(name),
        DefinitionKind::Guardrail => {
            json!({ "kind": "lakera", "name": name, "api_key": format!("\u{2026}{c}") })
        }
        DefinitionKind::GuardrailAttachment => {
            let guardrail = nth(owner.definitions_of(DefinitionKind::Guardrail), b)?;
            let (scope, to) = match c % 4 {
                0 => ("env", Value::Null),
                1 => ("model", json!(some(given, DefinitionKind::Model, c)?.id)),
                2 => ("team", json!(nth(owner.accounts.values(), c)?.id)),
                _ => ("api_key", json!(nth(owner.caller_keys.values(), c)?.id)),
            };
            json!({ "guardrail_id": guardrail.id, "scope_type": scope, "scope_id": to,
                "priority": c })
        }
        DefinitionKind::RateLimitPolicy => {
            let model = &some(given, DefinitionKind::Model, c)?.name;
            json!({ "name": name, "scope": "model", "scope_ref": model, "window": "hour",
                "max_requests": 1 + u64::from(c) })
        }
        DefinitionKind::ObservabilityExporter => json!({
            "kind": "otlp_http", "name": name, "endpoint": "https://otel.example.com",
            "headers": { pick(&["a", "b", "c~d"], c): format!("\u{2026}{b}") },
            "sample_rate": f64::from(c) / 255.0,
        }),
        _ => agent(if name == "a-*" { "a" } else { name }),
    })
}

fn model(given: &Given, name: &str, c: u8) -> Option<Value> {
    Some(match c % 4 {
        0 => json!({ "display_name": name, "model_name": "x", "level": c % 5, "timeout": c }),
        1 => {
            let key = nth(given.owner().keys.values(), c)?;
            json!({ "display_name": name, "model_name": "y", "provider_key_id": key.id })
        }
        2 => {
            let target = &some(given, DefinitionKind::Model, c)?.name;
            json!({ "display_name": name, "routing": { "targets": [{ "model": target }] } })
        }
        _ => {
            let target = some(given, DefinitionKind::Model, c)?.id;
            json!({ "display_name": name, "routing": {
                "targets": [{ "model_id": target, "weight": c }] } })
        }
    })
}

fn some(given: &Given, kind: DefinitionKind, by: u8) -> Option<&Definition> {
    nth(given.owner().definitions_of(kind), by).map(AsRef::as_ref)
}
