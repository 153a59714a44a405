//! JSON Schemas in few words. Where a serde type is what is written, its schema
//! comes from it ([`Components::answer`]); bodies that are read by hand, field by
//! field, have theirs written by hand too, as strict as the reading is.

use foldgate_domain::definition::Registered;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Text on one line: no control characters, nothing that turns text around.
pub(crate) const LINE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$";

/// The same, of several lines.
pub(crate) const TEXT: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$";

/// The schemas that others point to.
pub(crate) struct Components {
    generator: SchemaGenerator,
    /// Of what clients send: what has a default may be left out.
    sent: SchemaGenerator,
    named: Map<String, Value>,
}

impl Components {
    /// None yet.
    pub(crate) fn new() -> Self {
        let settings = |contract: Contract| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
                settings.contract = contract;
            })
        };
        Self {
            generator: settings(Contract::Serialize).into_generator(),
            sent: settings(Contract::Deserialize).into_generator(),
            named: Map::new(),
        }
    }

    /// The schema of what a type writes.
    pub(crate) fn answer<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// The schema of what a type reads.
    pub(crate) fn sent<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.sent.subschema_for::<T>().to_value()
    }

    /// The schema of a kind's values.
    pub(crate) fn value_of(&mut self, line: &Registered) -> Value {
        line.schema(&mut self.sent).to_value()
    }

    /// The schema of what a type reads, itself.
    pub(crate) fn read_as<T: JsonSchema>(&mut self) -> Value {
        self.sent::<T>();
        let name = T::schema_name();
        let made = self.sent.definitions().get(name.as_ref());
        made.cloned().unwrap_or_default()
    }

    /// Gives a schema a name, and a pointer to it.
    pub(crate) fn name(&mut self, name: &str, schema: Value) -> Value {
        self.named.insert(name.to_owned(), schema);
        named(name)
    }

    /// The names of all of them, each as often as it was given.
    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<&String> {
        let made = [self.generator.definitions(), self.sent.definitions()];
        let made = made.into_iter().flat_map(Map::keys);
        self.named.keys().chain(made).collect()
    }

    /// All of them.
    pub(crate) fn finish(mut self) -> Map<String, Value> {
        let mut all = self.named;
        all.extend(self.generator.take_definitions(true));
        all.extend(self.sent.take_definitions(true));
        all
    }
}

/// A pointer to a schema that has a name.
pub(crate) fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object that may have more fields in a later version.
pub(crate) fn object(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = required
        .iter()
        .chain(optional)
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    let required: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// An object that may have no other fields.
pub(crate) fn closed(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let mut schema = object(required, optional);
    schema["additionalProperties"] = json!(false);
    schema
}

/// An object with whatever keys.
#[expect(
    clippy::needless_pass_by_value,
    reason = "schemas are built out of schemas"
)]
pub(crate) fn map(values: Value) -> Value {
    json!({"type": "object", "additionalProperties": values})
}

/// A list.
#[expect(
    clippy::needless_pass_by_value,
    reason = "schemas are built out of schemas"
)]
pub(crate) fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// Any text.
pub(crate) fn text() -> Value {
    json!({"type": "string"})
}

/// A text of so many characters, on one line.
pub(crate) fn line(least: usize, most: usize) -> Value {
    json!({"type": "string", "minLength": least, "maxLength": most, "pattern": LINE})
}

/// A text that a pattern describes.
pub(crate) fn pattern(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

/// One of some words.
pub(crate) fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

/// A whole number within bounds.
pub(crate) fn whole(least: u64, most: u64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

/// A whole number that is not negative.
pub(crate) fn count() -> Value {
    json!({"type": "integer", "format": "uint64", "minimum": 0})
}

/// A number.
pub(crate) fn number() -> Value {
    json!({"type": "number"})
}

/// True or false.
pub(crate) fn flag() -> Value {
    json!({"type": "boolean"})
}

/// Always true: how the owner API marks a success.
pub(crate) fn success() -> Value {
    json!({"type": "boolean", "const": true})
}

/// A point in time, RFC 3339.
pub(crate) fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// The schema, or `null`.
pub(crate) fn or_null(mut schema: Value) -> Value {
    match schema.get("type") {
        Some(Value::String(kind)) if schema.get("enum").is_none() => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        _ => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

/// One of several.
pub(crate) fn any_of(schemas: &[Value]) -> Value {
    json!({"anyOf": schemas})
}

/// The schema with words about it.
pub(crate) fn about(mut schema: Value, description: &str) -> Value {
    schema["description"] = json!(description);
    schema
}

/// The limits of one model; where it is sent, `null` takes one out.
pub(crate) fn limit_fields(sent: bool) -> Value {
    let names = ["rpm", "rph", "rpd", "tpm", "tph", "tpd"];
    let limit = if sent {
        or_null(whole(0, u64::MAX))
    } else {
        count()
    };
    let fields: Vec<(&str, Value)> = names.iter().map(|name| (*name, limit.clone())).collect();
    closed(&[], &fields)
}
