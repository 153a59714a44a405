//! Commands that bring back what was.

use std::sync::Arc;

use foldgate_proto::{ResourceId, Revision};

use crate::OwnerState;

/// Take back what one record did.
#[derive(Debug, Clone, PartialEq)]
pub struct Undo {
    /// The record.
    pub revision: Revision,
    /// The record it undid itself, if it is an undo.
    pub undid: Option<Revision>,
    /// The owner before it.
    pub before: Option<Arc<OwnerState>>,
    /// The owner behind it.
    pub after: Arc<OwnerState>,
}

/// Put resources back as they stood at a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Restore {
    /// The revision.
    pub revision: Revision,
    /// The owner as it stood there.
    pub then: Arc<OwnerState>,
    /// Only this resource; `None` is everything.
    pub only: Option<ResourceId>,
}
