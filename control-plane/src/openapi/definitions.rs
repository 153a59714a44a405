//! The resources of the admin API that are definitions: the same five operations
//! for every kind of the domain's registry, with that kind's own schema.

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
    let value = components.sent(line);
    let entry = || entry(&value);
    let done = written::bare(&fields(&value), &[]);
    let new = |method, path: &'static str, summary: &'static str| {
        Operation::new(method, path, summary).tag("Resources")
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
            .answers(done.clone()),
        new("GET", one, &names.show).answers(entry()).tagged(),
        new("PUT", one, &names.replace)
            .about(
                "What is left out is not there any more. A secret stays where its mask comes back.",
            )
            .body(value.clone())
            .if_match()
            .answers(done),
        new("DELETE", one, &names.remove)
            .about("Refused while others refer to it; the answer lists them.")
            .if_match()
            .answers(removed),
    ]
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
