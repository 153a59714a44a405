//! The resources of the admin API that are definitions: the same five operations
//! for every kind of the domain's registry, with that kind's own schema.

use foldgate_proto::DefinitionKind;
use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{Components, about, count, flag, list, object};
use super::written;
use crate::admin_api::definitions::{Collection, collections};

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    let all = collections().iter();
    all.flat_map(|collection| of(components, collection))
        .collect()
}

fn of(components: &mut Components, collection: &'static Collection) -> Vec<Operation> {
    let Collection { line, all, one, .. } = collection;
    let value = components.value_of(line);
    let entry = || entry(&value);
    let done = written::bare(&fields(&value), &[]);
    let tag = match line.kind {
        DefinitionKind::Model => "Models",
        _ => "Resources",
    };
    let new = |method, path: &'static str, summary: &'static str| {
        Operation::new(method, path, summary).tag(tag)
    };
    let removed = written::bare(
        &[
            ("deleted", about(flag(), "false in a dry run")),
            ("id", id()),
        ],
        &[],
    );
    let names = collection.summaries();
    vec![
        new("GET", all, &names.list)
            .about(
                "All of them, in the order in which they were made; with `limit` a page, and a \
                 `Link` to the next one.",
            )
            .answers(list(entry()))
            .counted(),
        new("POST", all, &names.create)
            .body(value.clone())
            .example("one", example(line.kind))
            .answers(done.clone())
            .tagged(),
        new("GET", one, &names.show).answers(entry()).conditional(),
        new("PUT", one, &names.replace)
            .about(
                "What is left out is not there any more. A secret stays where its mask comes back.",
            )
            .body(value.clone())
            .example("one", example(line.kind))
            .if_match()
            .answers(done),
        new("DELETE", one, &names.remove)
            .about("Refused while others refer to it; the answer lists them.")
            .if_match()
            .answers(removed),
    ]
}

/// A value of each kind.
fn example(kind: DefinitionKind) -> Value {
    match kind {
        DefinitionKind::Model => {
            json!({"display_name": "fast", "model_name": "gpt-4o-mini", "level": 1})
        }
        DefinitionKind::Guardrail => json!({
            "name": "no-keys", "kind": "keyword",
            "patterns": [{"kind": "literal", "value": "BEGIN PRIVATE KEY"}],
        }),
        DefinitionKind::GuardrailAttachment => json!({
            "guardrail_id": "01920000-0000-7000-8000-000000000001", "scope_type": "env",
            "priority": 0,
        }),
        DefinitionKind::CachePolicy => json!({"name": "an hour", "ttl_seconds": 3600}),
        DefinitionKind::RateLimitPolicy => json!({"name": "all", "limits": {"rpm": 600}}),
        DefinitionKind::ObservabilityExporter => json!({
            "name": "traces", "kind": "otlp_http", "endpoint": "https://otel.example.com/v1/traces",
        }),
        DefinitionKind::McpServer => json!({"name": "tools", "url": "https://mcp.example.com"}),
        DefinitionKind::A2aAgent => json!({"name": "helper", "url": "https://agent.example.com"}),
    }
}

fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn fields(value: &Value) -> [(&'static str, Value); 3] {
    let revision = about(count(), "the position in the log that last changed it");
    [
        ("id", id()),
        ("value", value.clone()),
        ("revision", revision),
    ]
}

fn entry(value: &Value) -> Value {
    object(&fields(value), &[])
}
