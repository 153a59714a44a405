//! The resources of the admin API that are definitions: the same five operations
//! for every kind of the domain's registry, with that kind's own schema.

use foldgate_domain::definition::Registered;
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
            .example("one", example(line))
            .answers(done.clone())
            .tagged(),
        new("GET", one, &names.show).answers(entry()).conditional(),
        new("PUT", one, &names.replace)
            .about(
                "What is left out is not there any more. A secret stays where its mask comes back.",
            )
            .body(value.clone())
            .example("one", example(line))
            .if_match()
            .answers(done),
        new("DELETE", one, &names.remove)
            .about("Refused while others refer to it; the answer lists them.")
            .if_match()
            .answers(removed),
    ]
}

/// A value of a kind; a test of the domain holds it to be one.
fn example(line: &Registered) -> Value {
    serde_json::from_str(line.example).unwrap_or_default()
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
