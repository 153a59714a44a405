//! What happened to definitions: one pair of events for all kinds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{DefinitionId, DefinitionKind, DefinitionNumber, JsonText, ResourceId, Secrets};

/// See [`crate::Event::DefinitionPut`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionPut {
    /// The definition's id.
    pub id: DefinitionId,
    /// What it defines.
    pub kind: DefinitionKind,
    /// Its number.
    pub number: DefinitionNumber,
    /// Its name; empty for kinds that have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// All it says from now on.
    pub value: JsonText,
    /// Its secrets from now on.
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    pub secrets: Secrets,
    /// The resources it speaks of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub refers: BTreeSet<ResourceId>,
}

/// See [`crate::Event::DefinitionRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionRemoved {
    /// What it defined.
    pub kind: DefinitionKind,
    /// Which.
    pub number: DefinitionNumber,
}
