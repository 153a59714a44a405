//! The Models that this program does not understand, because a newer one wrote
//! them: no request goes there, and the operator is told. Which they are, the table
//! knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldgate_domain::Table;
use foldgate_proto::{Definition, DefinitionNumber, OwnerId, Revision};

use super::{Pools, lock};
use crate::account::metrics;

/// Which Models are left out, as they were when that was told.
pub(super) type Unread = HashMap<OwnerId, BTreeMap<DefinitionNumber, Revision>>;

impl Pools {
    /// Looks at the Models of these owners, or of all.
    pub(super) fn look_at_models(&self, table: &Table, changed: Option<&BTreeSet<OwnerId>>) {
        let mut unread = lock(&self.unread);
        if let Some(changed) = changed {
            for owner in changed {
                look(&mut unread, table, *owner);
            }
        } else {
            unread.retain(|owner, _| table.owner(*owner).is_some());
            for owner in table.state.owners.keys() {
                look(&mut unread, table, *owner);
            }
        }
        metrics::models_left_out(unread.values().map(BTreeMap::len).sum());
    }
}

fn look(unread: &mut Unread, table: &Table, owner: OwnerId) {
    let models = table.owner(owner).into_iter();
    let models = models.flat_map(|owner| owner.unread_models());
    let mut now = BTreeMap::new();
    let told = unread.remove(&owner).unwrap_or_default();
    for model in models {
        if told.get(&model.number) != Some(&model.revision) {
            tell(owner, model);
        }
        now.insert(model.number, model.revision);
    }
    if !now.is_empty() {
        unread.insert(owner, now);
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
