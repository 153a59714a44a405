//! A definition as the admin API shows it.

use std::sync::Arc;

use foldgate_proto::{Definition, Revision};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// One definition. Where its secrets stand, its value holds their masks.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'d> {
    id: Uuid,
    /// As it is stored, numbers to the digit; null if that is no JSON, which no
    /// program of ours writes.
    value: Option<&'d RawValue>,
    revision: Revision,
}

impl<'d> Entry<'d> {
    /// What is shown of a definition.
    pub(super) fn of(definition: &'d Definition) -> Self {
        Self {
            id: definition.id.0,
            value: serde_json::from_str(&definition.value.0).ok(),
            revision: definition.revision,
        }
    }
}

/// An entry as text. Of text and numbers alone, it can always be written.
pub(super) fn written(definition: &Arc<Definition>) -> String {
    serde_json::to_string(&Entry::of(definition)).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests;
