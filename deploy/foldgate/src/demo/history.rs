//! The log, as a person reads it.

use foldgate_log::EventLog;
use foldgate_proto::{Record, Revision};
use serde_json::Value;

use crate::exit::Failure;

/// The most records a demo shows.
const MAX_SHOWN: usize = 50;

/// The longest line, in characters; the rest is left out.
const MAX_LINE: usize = 240;

/// Sealed secrets are longer than this and say nothing; numbers are not.
const LONGEST_SHOWN_LIST: usize = 12;

/// One line per record, from the first on.
pub(super) async fn lines(log: &dyn EventLog) -> Result<Vec<String>, Failure> {
    let stored = log.read(Revision(1), MAX_SHOWN).await?;
    stored
        .iter()
        .map(|stored| {
            let record = Record::decode(&stored.bytes).map_err(Failure::internal)?;
            Ok(line(stored.revision, &record))
        })
        .collect()
}

fn line(revision: Revision, record: &Record) -> String {
    let events: Vec<String> = record
        .events
        .iter()
        .map(|event| {
            let mut value = serde_json::to_value(event).unwrap_or_default();
            shorten(&mut value);
            value.to_string()
        })
        .collect();
    let text = format!(
        "{revision}  {}  {}  {}  {}",
        record.at,
        record.actor,
        record.command,
        events.join(" ")
    );
    if text.chars().count() <= MAX_LINE {
        return text;
    }
    text.chars().take(MAX_LINE).chain("...".chars()).collect()
}

/// Puts a word in place of bytes.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) if items.len() > LONGEST_SHOWN_LIST => {
            *value = Value::from(format!("{} bytes", items.len()));
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}
