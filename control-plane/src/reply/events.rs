//! Events as a dry run shows them: as the history would, with secrets masked, no
//! hashes, and money and times as people read them. The ciphertext would help
//! nobody and only looks like a leak; a hash would help to guess a key that
//! somebody chose.

use foldgate_domain::history::shown_event;
use foldgate_proto::Event;
use serde_json::Value;

/// Events in JSON, one object with the kind's name as its only key each.
pub(super) fn shown(events: &[Event]) -> Vec<Value> {
    events.iter().map(shown_event).collect()
}
