//! The Models that this program does not understand, because a newer one wrote
//! them: no request goes there, and the operator is told.

use std::collections::HashSet;

use foldgate_domain::State;
use foldgate_domain::table::models::is_understood;
use foldgate_proto::{
    Change, Definition, DefinitionKind, DefinitionNumber, Event, OwnerId, Record, ResourceId,
};

use super::{Pools, lock};
use crate::account::metrics;

/// Which Models are left out.
pub(super) type Unread = HashSet<(OwnerId, DefinitionNumber)>;

impl Pools {
    /// Looks at every Model of a state.
    pub(super) fn look_at_models(&self, state: &State) {
        let mut unread = Unread::new();
        for owner in state.owners.values() {
            for model in owner.definitions_of(DefinitionKind::Model) {
                if !is_understood(model) {
                    tell(owner.id, model);
                    unread.insert((owner.id, model.number));
                }
            }
        }
        metrics::models_left_out(unread.len());
        *lock(&self.unread) = unread;
    }

    /// Looks at the Models that a record changed.
    pub(super) fn look_again(&self, state: &State, record: &Record) {
        let numbers: Vec<DefinitionNumber> = record.events.iter().flat_map(models_of).collect();
        if numbers.is_empty() {
            return;
        }
        let owner = state.owner(record.owner);
        let mut unread = lock(&self.unread);
        for number in numbers {
            let at = (DefinitionKind::Model, number);
            let model = owner.and_then(|owner| owner.definitions.get(&at));
            match model.filter(|model| !is_understood(model)) {
                Some(model) => {
                    tell(record.owner, model);
                    unread.insert((record.owner, number));
                }
                None => {
                    unread.remove(&(record.owner, number));
                }
            }
        }
        metrics::models_left_out(unread.len());
    }
}

fn tell(owner: OwnerId, model: &Definition) {
    tracing::warn!(
        %owner,
        model = model.name,
        number = %model.number,
        revision = model.revision.0,
        "a model is left out: this version does not understand it"
    );
}

/// The Models that an event is about.
fn models_of(event: &Event) -> Vec<DefinitionNumber> {
    let back = |changes: &[Change]| {
        let models = changes.iter().filter_map(|change| match change.resource {
            ResourceId::Definition(DefinitionKind::Model, number) => Some(number),
            _ => None,
        });
        models.collect()
    };
    match event {
        Event::DefinitionPut(put) if put.kind == DefinitionKind::Model => vec![put.number],
        Event::DefinitionRemoved(gone) if gone.kind == DefinitionKind::Model => vec![gone.number],
        Event::RecordUndone(event) => back(&event.changes),
        Event::StateRestored(event) => back(&event.changes),
        _ => Vec::new(),
    }
}
