//! Every kind's values: what is taken, what is refused and why, and that the JSON
//! Schemas say the same.

mod random;
mod refusals;
mod schemas;
pub(crate) mod values;

use foldgate_proto::DefinitionKind;
use serde_json::{Map, Value, json};

use self::values::{good, owner};
use super::{Checked, Fault, KINDS, Registered};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn line(kind: DefinitionKind) -> &'static Registered {
    Registered::of(kind).expect("every kind is registered")
}

fn checked(kind: DefinitionKind, value: &Value) -> Result<Checked, Fault> {
    line(kind).check(&object(value), &owner())
}

fn stored(checked: &Checked) -> Value {
    serde_json::from_str(&checked.value.0).expect("JSON")
}

#[test]
fn every_kind_is_registered_once() {
    let kinds: Vec<DefinitionKind> = KINDS.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, DefinitionKind::ALL);
}

#[test]
fn the_example_of_a_kind_is_one() {
    for line in KINDS {
        let example: Value = serde_json::from_str(line.example).expect("JSON");
        match checked(line.kind, &example) {
            Ok(_) => {}
            // That of an attachment can only speak of a guardrail that is not there.
            Err(fault) => assert_eq!(fault.path, "guardrail_id", "{example}: {fault}"),
        }
    }
}

#[test]
fn good_values_are_taken_and_stored_in_one_form() {
    for (kind, value) in good() {
        let once = checked(kind, &value).unwrap_or_else(|fault| panic!("{kind} {value}: {fault}"));
        let again = checked(kind, &stored(&once)).expect("its own form is legal");
        assert_eq!(once, again, "{value}");
        for pointer in line(kind).secrets {
            let before = super::places(&object(&value), pointer);
            assert_eq!(before, super::places(&object(&stored(&once)), pointer));
        }
    }
}

#[test]
fn defaults_are_filled_in() {
    let cases = [
        (
            DefinitionKind::CachePolicy,
            json!({ "name": "c" }),
            json!({
                "name": "c", "enabled": true, "applies_to": "all", "backend": "memory",
                "scope": "api_key", "ttl_seconds": 3600, "purge_generation": 0,
            }),
        ),
        (
            DefinitionKind::A2aAgent,
            json!({ "display_name": "a", "url": "https://a.example.com" }),
            json!({
                "name": "a", "url": "https://a.example.com", "enabled": true,
                "protocol_version": "1.0", "auth_type": "none",
            }),
        ),
        (
            DefinitionKind::Guardrail,
            json!({ "kind": "keyword", "name": "g", "created_at": null,
                "patterns": [{ "kind": "literal", "value": "x" }] }),
            json!({
                "kind": "keyword", "name": "g", "enabled": true,
                "patterns": [{ "kind": "literal", "value": "x" }],
                "hook_point": "both", "direction": "both", "enforcement_mode": "block",
                "fail_open": true, "output_fail_open": false, "mandatory": false,
            }),
        ),
        (
            DefinitionKind::ObservabilityExporter,
            json!({ "kind": "datadog", "name": "d", "site": "datadoghq.eu",
                "credential_ref": "dd", "service": "llm" }),
            json!({
                "kind": "datadog", "name": "d", "site": "datadoghq.eu", "credential_ref": "dd",
                "service": "llm", "enabled": true, "ddsource": "foldgate", "tags": [],
                "content_mode": "metadata_only", "content_max_bytes": 131_072,
            }),
        ),
    ];
    for (kind, value, expected) in cases {
        let checked = checked(kind, &value).expect("legal");
        assert_eq!(stored(&checked), expected);
    }
}

#[test]
fn kinds_that_nothing_acts_on_yet_say_so() {
    for (kind, value) in good() {
        let checked = checked(kind, &value).expect("legal");
        let all = line(kind).unenforced(&checked.value) == ["*"];
        // Of policies, those in the plain form.
        let acted_upon = match kind {
            DefinitionKind::Model => true,
            DefinitionKind::RateLimitPolicy => value["limits"].is_null(),
            _ => false,
        };
        assert_eq!(all, !acted_upon, "{kind} {value}");
    }
}
