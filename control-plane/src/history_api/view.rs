//! Records as the history shows them.

use serde_json::{Value, json};

use crate::history::Row;

/// A line of a list.
pub(super) fn line(row: &Row) -> Value {
    let mut shown = json!({
        "revision": row.revision.0,
        "at": row.at.to_string(),
        "actor": row.actor.to_string(),
        "command": row.command,
        "kind": row.kinds.first(),
        "kinds": row.kinds,
        "resource": row.resource,
        "resources": row.resources,
        "resources_total": row.resources_total,
        "reason": row.reason,
    });
    if let Some(undid) = row.undid {
        shown["undid"] = json!(undid.0);
    }
    if let Some(restored) = row.restored {
        shown["restored"] = json!(restored.0);
    }
    shown
}

/// All that is told of one record, but for what changed.
pub(super) fn whole(row: &Row) -> Value {
    let mut shown = line(row);
    shown["address"] = json!(row.address);
    shown["request_id"] = json!(row.request_id);
    shown["record"] = json!(row.record.to_string());
    shown["hash"] = json!(row.hash.to_string());
    shown
}
