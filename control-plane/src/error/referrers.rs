//! Who refers to what was to be removed, as a refusal tells it: a program can
//! remove those first.

use foldgate_domain::Rejection;
use foldgate_domain::rejection::Referrer;
use serde_json::{Value, json};

use super::Error;

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

impl Error {
    /// The definitions for which something stays as it is, where that is the error.
    pub(super) fn referrers(&self) -> Option<&[Referrer]> {
        let (Self::Rejected(rejection) | Self::Said { rejection, .. }) = self else {
            return None;
        };
        match rejection {
            Rejection::Referred { by, .. } | Rejection::Named { by, .. } => Some(by),
            _ => None,
        }
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<&str> {
        let named = self.referrers().unwrap_or_default().iter();
        named.map(|one| one.name.as_str()).collect()
    }
}
