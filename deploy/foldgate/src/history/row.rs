//! A record as one line.

use foldgate_proto::{Record, Revision};
use serde_json::{Value, json};

use super::grid::{aligned, shown};

/// The headings of `line`.
const HEADS: [&str; 6] = ["REVISION", "AT", "ACTOR", "COMMAND", "EVENTS", "REASON"];

/// Lines come one at a time, so their columns cannot wait for the widest cell.
const WIDTHS: [usize; 6] = [8, 24, 20, 16, 24, 0];

/// A record's line for programs; the same names as in a control plane's history.
pub(super) fn of(revision: Revision, record: &Record) -> Value {
    let mut kinds: Vec<&str> = Vec::new();
    for event in &record.events {
        if !kinds.contains(&event.kind()) {
            kinds.push(event.kind());
        }
    }
    json!({
        "revision": revision,
        "at": record.at.to_string(),
        "owner": record.owner,
        "actor": record.actor.to_string(),
        "command": record.command,
        "kind": kinds.first(),
        "kinds": kinds,
        "reason": record.reason,
    })
}

/// The headings, for people.
pub(super) fn heads() -> String {
    aligned(&HEADS.map(str::to_owned), &WIDTHS)
}

/// A record's line for people.
pub(super) fn line(row: &Value) -> String {
    let text = |name: &str| match &row[name] {
        Value::String(text) => shown(text),
        Value::Null => String::new(),
        other => shown(&other.to_string()),
    };
    let kinds: Vec<&str> = row["kinds"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let cells = [
        text("revision"),
        text("at"),
        text("actor"),
        text("command"),
        shown(&kinds.join(" ")),
        text("reason"),
    ];
    aligned(&cells, &WIDTHS)
}
