//! Commands about definitions.

use std::collections::BTreeMap;

use foldgate_proto::{DefinitionId, DefinitionKind, DefinitionNumber, MaskedSecret};
use serde_json::{Map, Value};

/// Make a definition, or put another value in one's place.
#[derive(Debug, Clone, PartialEq)]
pub struct PutDefinition {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Its id: drawn for a new one; secrets are sealed for it.
    pub id: DefinitionId,
    /// Which one it replaces; `None` makes one.
    pub number: Option<DefinitionNumber>,
    /// The whole value, with masks where its secrets stand.
    pub value: Map<String, Value>,
    /// Its secrets, by JSON pointer.
    pub secrets: BTreeMap<String, SecretEdit>,
}

/// What becomes of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretEdit {
    /// It is this.
    Set(MaskedSecret),
    /// It stays: its mask, as it was shown, came back.
    Keep,
}

/// Remove a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoveDefinition {
    /// What it defines.
    pub kind: DefinitionKind,
    /// Which.
    pub number: DefinitionNumber,
}
