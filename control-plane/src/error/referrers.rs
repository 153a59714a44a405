//! Who refers to what was to be removed, as a refusal tells it: a program can
//! remove those first.

use foldgate_domain::rejection::Referrer;
use serde_json::{Value, json};

/// The most that are named; how many there are is told beside.
const MAX_NAMED: usize = 100;

/// The fields of the refusal.
pub(super) fn shown(by: &[Referrer]) -> [(String, Value); 2] {
    let named = by.iter().take(MAX_NAMED).map(|referrer| {
        json!({
            "kind": referrer.kind.as_str(),
            "id": referrer.id.to_string(),
            "name": referrer.name,
        })
    });
    [
        ("referrers".to_owned(), named.collect()),
        ("referrer_count".to_owned(), json!(by.len())),
    ]
}
