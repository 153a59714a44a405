//! The limits of a field in words, as the JSON Schema of its type states them: what a
//! refusal says is what the API's document says.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

/// How deep references may lead to references; ours do once.
const MAX_REFERENCES: usize = 4;

/// A type's schema.
pub(super) struct Limits(Value);

impl Limits {
    pub(super) fn of<T: JsonSchema>() -> Self {
        let schema = SchemaGenerator::default().into_root_schema_for::<T>();
        Self(schema.to_value())
    }

    /// What number stands at a path, such as `routing.targets[0].weight`.
    pub(super) fn number(&self, path: &str) -> Option<String> {
        self.first(path, number)
    }

    /// How long the text or the list at a path is.
    pub(super) fn length(&self, path: &str) -> Option<String> {
        self.first(path, length)
    }

    fn first(&self, path: &str, said: fn(&Value) -> Option<String>) -> Option<String> {
        let mut at = self.with_references(&self.0, 0);
        for step in steps(path) {
            let inner = at.into_iter().filter_map(|schema| child(schema, &step));
            at = inner
                .flat_map(|schema| self.with_references(schema, 0))
                .collect();
        }
        at.into_iter().find_map(said)
    }

    /// A schema, and those that it leads to.
    fn with_references<'s>(&'s self, schema: &'s Value, depth: usize) -> Vec<&'s Value> {
        let mut all = vec![schema];
        if depth == MAX_REFERENCES {
            return all;
        }
        let reference = schema["$ref"].as_str();
        let target = reference.and_then(|to| self.0.pointer(to.trim_start_matches('#')));
        // Rules over several fields are no forms of it: they have no type.
        let among = ["anyOf", "oneOf"].into_iter();
        let among = among.filter_map(|of| schema[of].as_array()).flatten();
        let among = among.filter(|one| one.get("$ref").is_some() || one["type"] == "object");
        for next in target.into_iter().chain(among) {
            all.extend(self.with_references(next, depth + 1));
        }
        all
    }
}

enum Step {
    Field(String),
    Item,
}

fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        if let Some(field) = pieces.next().filter(|field| !field.is_empty()) {
            steps.push(Step::Field(field.to_owned()));
        }
        steps.extend(pieces.map(|_| Step::Item));
    }
    steps
}

fn child<'s>(schema: &'s Value, step: &Step) -> Option<&'s Value> {
    match step {
        Step::Item => schema.get("items"),
        Step::Field(name) => {
            let field = schema.get("properties").and_then(|all| all.get(name));
            field.or_else(|| schema.get("additionalProperties"))
        }
    }
}

fn number(schema: &Value) -> Option<String> {
    let limit = |name: &str| {
        let limit = schema.get(name)?;
        let whole = limit.as_f64().filter(|limit| limit.fract() == 0.0);
        Some(match (limit.is_f64(), whole) {
            (true, Some(whole)) => format!("{whole:.0}"),
            _ => limit.to_string(),
        })
    };
    let of = &schema["type"];
    let is_whole = of == "integer"
        || of
            .as_array()
            .is_some_and(|all| all.contains(&"integer".into()));
    let what = if is_whole {
        "a whole number"
    } else {
        "a number"
    };
    match (limit("minimum"), limit("maximum")) {
        (None, None) => None,
        (Some(least), Some(most)) => Some(format!("{what} from {least} to {most}")),
        (Some(least), None) => Some(format!("{what}, {least} or more")),
        (None, Some(most)) => Some(format!("{what}, {most} at most")),
    }
}

fn length(schema: &Value) -> Option<String> {
    let sorts = [
        ("minLength", "maxLength", "characters"),
        ("minItems", "maxItems", "entries"),
        ("minProperties", "maxProperties", "entries"),
    ];
    sorts.into_iter().find_map(|(least, most, what)| {
        match (schema[least].as_u64(), schema[most].as_u64()) {
            (None, None) => None,
            (Some(least), Some(most)) => Some(format!("{least} to {most} {what}")),
            (Some(least), None) => Some(format!("at least {least} {what}")),
            (None, Some(most)) => Some(format!("at most {most} {what}")),
        }
    })
}
