//! The JSON Schemas and the checks agree, and no object is open by mistake.

use foldgate_proto::DefinitionKind;
use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::refusals::{bad, beyond};
use super::values::good;
use super::{checked, line, stored};

/// A kind's schema with all that it leans on.
pub(super) fn document(kind: DefinitionKind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let schema = line(kind).schema(&mut generator);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": generator.take_definitions(true),
        "allOf": [schema],
    })
}

pub(super) fn judge(kind: DefinitionKind) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&document(kind)).expect("a JSON Schema")
}

#[test]
fn what_is_taken_and_what_is_stored_is_what_the_schema_says() {
    for (kind, value) in good() {
        let judge = judge(kind);
        let fault = judge.validate(&value).err().map(|e| e.to_string());
        assert_eq!(fault, None, "{kind} {value}");
        let stored = stored(&checked(kind, &value).expect("legal"));
        assert!(judge.is_valid(&stored), "{kind} {stored}");
    }
}

#[test]
fn what_the_schema_forbids_is_refused() {
    for (kind, value, _) in bad() {
        assert!(!judge(kind).is_valid(&value), "{kind} {value}");
    }
}

/// If the schema could say these, it should.
#[test]
fn some_rules_are_beyond_the_schema() {
    for (kind, value, _) in beyond() {
        assert!(judge(kind).is_valid(&value), "{kind} {value}");
    }
}

/// Objects of any content: where documents of others stand.
const OPEN: &[&str] = &["/$defs/McpServer/properties/spec"];

fn check_closed(schema: &Value, at: &str, open: &mut Vec<String>) {
    let Value::Object(fields) = schema else {
        if let Value::Array(items) = schema {
            for (index, item) in items.iter().enumerate() {
                check_closed(item, &format!("{at}/{index}"), open);
            }
        }
        return;
    };
    let of = fields.get("type");
    let object = of.is_some_and(|of| match of {
        Value::Array(types) => types.contains(&json!("object")),
        one => one == "object",
    });
    if object {
        match fields.get("additionalProperties") {
            Some(Value::Bool(false)) => {}
            // A map: its values are described, or are nobody's business here.
            Some(Value::Object(_)) if !fields.contains_key("properties") => {}
            _ => open.push(at.to_owned()),
        }
    }
    for (name, inner) in fields {
        check_closed(inner, &format!("{at}/{name}"), open);
    }
}

#[test]
fn every_object_is_closed() {
    let mut open = Vec::new();
    for kind in DefinitionKind::ALL {
        check_closed(&document(*kind), "", &mut open);
    }
    open.sort_unstable();
    open.dedup();
    assert_eq!(open, OPEN);
}

/// Whoever makes values from a schema must not be led astray by one without bounds.
#[test]
fn every_text_and_list_has_a_bound() {
    fn walk(schema: &Value, at: &str, loose: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                let is = |name: &str| {
                    fields.get("type").is_some_and(|of| match of {
                        Value::Array(types) => types.contains(&json!(name)),
                        one => one == name,
                    })
                };
                let has = |names: &[&str]| names.iter().any(|name| fields.contains_key(*name));
                if is("string") && !has(&["maxLength", "enum", "const", "format", "pattern"]) {
                    loose.push(at.to_owned());
                }
                if is("array") && !has(&["maxItems"]) {
                    loose.push(at.to_owned());
                }
                if (is("integer") || is("number")) && !(has(&["minimum"]) && has(&["maximum"])) {
                    loose.push(at.to_owned());
                }
                for (name, inner) in fields {
                    walk(inner, &format!("{at}/{name}"), loose);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{at}/{index}"), loose);
                }
            }
            _ => {}
        }
    }
    let mut loose = Vec::new();
    for kind in DefinitionKind::ALL {
        walk(&document(*kind), "", &mut loose);
    }
    loose.sort_unstable();
    loose.dedup();
    assert_eq!(loose, Vec::<String>::new());
}
