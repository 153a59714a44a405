//! What happened, the states that were, bringing them back, and why a request
//! goes where it goes.

use foldgate_proto::DefinitionKind;
use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{
    Components, about, closed, count, list, map, named, object, or_null, pattern, success, text,
};
use super::written;

mod explain;

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    components.name("HistoryRecord", record());
    let new = |method, path, summary| Operation::new(method, path, summary);
    let seen = json!({
        "name": "Last-Event-ID",
        "in": "header",
        "description": "the last event the client saw; stronger than `since`",
        "schema": pattern("^[0-9]{1,19}$"),
    });
    let all = vec![
        new("GET", "/admin/v1/history", "List the records, page by page").answers(object(
            &[
                ("success", success()),
                ("items", list(named("HistoryRecord"))),
                ("next_cursor", or_null(text())),
            ],
            &[],
        )),
        new(
            "GET",
            "/admin/v1/history/stream",
            "Follow the history as it goes on",
        )
        .about("Server-sent events that do not end; each is one record, its id the revision.")
        .header(seen)
        .answers_with("text/event-stream", text())
        .also(404),
        new(
            "GET",
            "/admin/v1/history/{revision}",
            "Show one record and what it changed",
        )
        .answers(json!({"allOf": [named("HistoryRecord"), whole()]})),
        new(
            "POST",
            "/admin/v1/history/{revision}/undo",
            "Take back what one record did",
        )
        .body(closed(&[], &[]))
        .optional()
        .answers(back(("undid", count()))),
    ];
    all.into_iter()
        .chain(states())
        .map(|operation| operation.tag("History"))
        .collect()
}

fn states() -> Vec<Operation> {
    let new = |method, path, summary| Operation::new(method, path, summary);
    vec![
        new("GET", "/admin/v1/state", "Show everything as it stood")
            .answers(state())
            .also(404),
        new(
            "GET",
            "/admin/v1/state/diff",
            "Show what differs between two states",
        )
        .answers(object(
            &[
                ("success", success()),
                ("from", count()),
                ("to", count()),
                ("changes", list(named("ResourceChange"))),
            ],
            &[],
        ))
        .also(404),
        new(
            "POST",
            "/admin/v1/state/restore",
            "Bring back everything, or one resource, as it stood",
        )
        .body(closed(&[], &[]))
        .optional()
        .answers(back(("restored", count()))),
        new(
            "GET",
            "/admin/v1/explain",
            "Explain how a request for a model would travel",
        )
        .answers(explain::answer())
        .also(404),
    ]
}

/// The answer to a write that brings back what was.
fn back(own: (&'static str, Value)) -> Value {
    written::done(
        &[own, ("resources", list(text())), ("message", text())],
        &[("revision", about(count(), "where it is written, if it is"))],
    )
}

fn record() -> Value {
    object(
        &[
            ("revision", count()),
            ("at", text()),
            ("actor", text()),
            ("command", text()),
            ("kind", or_null(text())),
            ("kinds", list(text())),
            ("resource", or_null(text())),
            ("resources", list(text())),
            ("resources_total", count()),
            ("reason", or_null(text())),
        ],
        &[("undid", count()), ("restored", count())],
    )
}

fn whole() -> Value {
    object(
        &[
            ("success", success()),
            ("address", or_null(text())),
            ("request_id", or_null(text())),
            ("record", text()),
            ("hash", text()),
            ("changes", list(named("ResourceChange"))),
        ],
        &[],
    )
}

fn state() -> Value {
    let any = || map(Value::Bool(true));
    let many = || list(any());
    let kinds = DefinitionKind::ALL.iter();
    let mut fields: Vec<(&str, Value)> = kinds.map(|kind| (kind.plural(), many())).collect();
    fields.extend([
        ("success", success()),
        ("revision", count()),
        ("at", text()),
        ("state_hash", text()),
        ("owner", or_null(any())),
        ("config", or_null(any())),
        ("level_mapper", or_null(any())),
        ("keys", many()),
        ("news", many()),
        ("accounts", many()),
        ("caller_keys", many()),
        ("admin_keys", many()),
    ]);
    object(&fields, &[])
}
