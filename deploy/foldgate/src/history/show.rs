//! `foldgate log show`: one record, and what it changed.

use foldgate_domain::State;
use foldgate_domain::history::shown_event;
use foldgate_log::Stored;
use foldgate_proto::{Record, Revision};
use foldgate_runtime::Settings;
use serde_json::{Value, json};

use super::diff::{changed, table};
use super::grid::{Grid, shown};
use super::out::Out;
use super::remote::Remote;
use super::source::Source;
use super::walk::Walk;
use crate::exit::Failure;

/// Shows the record at a revision.
pub(super) async fn run(
    settings: &Settings,
    revision: Revision,
    json: bool,
) -> Result<(), Failure> {
    let source = Source::open(settings).await?;
    let shown = match (find(&source, revision).await, &source) {
        (Err(refused), Source::Remote(remote)) if refused.is_usage() => {
            told(remote, revision, refused).await?
        }
        (found, _) => found?,
    };
    Out::show(&shown, json, lines)
}

/// What a control plane tells of one record to those whom it does not give the
/// log itself: later owners, and admin keys. Without that the first refusal stands.
async fn told(remote: &Remote, revision: Revision, refused: Failure) -> Result<Value, Failure> {
    let asked = remote.json(&format!("/admin/v1/history/{revision}")).await;
    let mut record = asked.map_err(|_| refused)?;
    if let Some(fields) = record.as_object_mut() {
        fields.remove("success");
    }
    Ok(record)
}

/// What a record changed shows only against the state before it.
async fn find(source: &Source, revision: Revision) -> Result<Value, Failure> {
    let mut walk = Walk::begin(source, "folding").await?;
    let head = walk.head().revision;
    if revision > head {
        return Err(Failure::usage(format!(
            "there is no revision {revision}: the log ends at {head}"
        )));
    }
    let mut state = State::new(walk.log_id());
    loop {
        let entries = walk.next().await?;
        if entries.is_empty() {
            return Err(Failure::internal("the log ended early"));
        }
        for (stored, record) in entries {
            let before = (stored.revision == revision).then(|| state.clone());
            state.apply(stored.revision, stored.hash, &record);
            if let Some(before) = before {
                return Ok(whole(&stored, &record, [&before, &state]));
            }
        }
    }
}

fn whole(stored: &Stored, record: &Record, [before, after]: [&State; 2]) -> Value {
    let owner = |state: &State| state.owner(record.owner).cloned();
    let (before, after) = (owner(before), owner(after));
    let changes = changed(before.as_deref(), after.as_deref());
    json!({
        "revision": stored.revision,
        "hash": stored.hash.to_string(),
        "prev": record.prev.to_string(),
        "record": record.id,
        "at": record.at.to_string(),
        "owner": record.owner,
        "actor": record.actor.to_string(),
        "address": record.address,
        "request_id": record.request_id,
        "reason": record.reason,
        "writer_version": record.writer_version,
        "command": record.command,
        "events": record.events.iter().map(shown_event).collect::<Vec<Value>>(),
        "changes": changes,
    })
}

fn lines(record: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for name in [
        "revision",
        "at",
        "owner",
        "actor",
        "address",
        "request_id",
        "reason",
        "command",
        "record",
        "hash",
        "prev",
    ] {
        let text = match &record[name] {
            Value::Null => continue,
            Value::String(text) => shown(text),
            other => other.to_string(),
        };
        lines.push(format!("{name:<10} {text}"));
    }
    let mut events = Grid::new(&["EVENT", "WHAT"]);
    for event in record["events"].as_array().into_iter().flatten() {
        for (kind, what) in event.as_object().into_iter().flatten() {
            events.row([kind.clone(), what.to_string()]);
        }
    }
    // Where only the history tells, their kinds have to do.
    for kind in record["kinds"].as_array().into_iter().flatten() {
        events.row([kind.as_str().unwrap_or_default().to_owned(), "-".to_owned()]);
    }
    lines.push(String::new());
    lines.extend(events.lines());
    lines.push(String::new());
    let changes = record["changes"].as_array();
    lines.extend(table(changes.map_or(&[][..], Vec::as_slice)));
    lines
}
