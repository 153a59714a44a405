//! The routing table: what a request asks, compiled when the state changes, so
//! that nothing is searched linearly or parsed per request. Immutable; the one
//! task that folds publishes it, a request keeps one from start to end.
//!
//! Advancing costs what the records change: a key event replaces a few shared
//! nodes, a configuration event recompiles that owner's patterns, a Model event
//! that Model and those that route to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldgate_proto::{
    Definition, DefinitionKind, DefinitionNumber, Event, OwnerId, ProviderConfig, ProviderKey,
    Record, Revision,
};
use imbl::OrdMap;

use crate::pattern::Pattern;
use crate::price::Prices;
use crate::{OwnerState, State};

mod access;
mod buckets;
mod compiled;
mod limited;
pub mod models;
mod paid;
mod people;
pub mod resources;
mod route;
#[cfg(test)]
mod tests;

pub use access::{Access, Bound, Denied, Leg};
use compiled::Compiled;
use limited::Policies;
pub use limited::{Limited, Whose, at_once};
use models::{Models, Named};
pub use people::{Admin, Caller};
use people::{People, Presented};
pub(crate) use route::Routes;
pub use route::{Destination, NoRoute, Route};

/// Everything a request needs to know, at one revision.
#[derive(Debug, Clone)]
pub struct Table {
    /// The state it was compiled from.
    pub state: State,
    presented: Presented,
    owners: OrdMap<OwnerId, Arc<OwnerTable>>,
}

/// One tenant's part.
#[derive(Debug, Clone)]
pub struct OwnerTable {
    /// The tenant as folded.
    pub state: Arc<OwnerState>,
    compiled: Arc<Compiled>,
    prices: Arc<Prices>,
    models: Models,
    people: People,
    policies: Arc<Policies>,
}

impl Table {
    /// Compiles a whole state.
    pub fn new(state: &State) -> Self {
        let mut table = Self {
            state: state.clone(),
            presented: Presented::default(),
            owners: OrdMap::new(),
        };
        for owner in state.owners.values() {
            table.put(owner, None);
        }
        table
    }

    /// The table after these records, which `state` has folded.
    #[must_use]
    pub fn advance<'r>(
        &self,
        state: &State,
        records: impl IntoIterator<Item = &'r Record>,
    ) -> Self {
        let mut touched: BTreeSet<OwnerId> = BTreeSet::new();
        let mut recompile: BTreeSet<OwnerId> = BTreeSet::new();
        for record in records {
            touched.insert(record.owner);
            if record.events.iter().any(changes_compiled) {
                recompile.insert(record.owner);
            }
        }
        let mut next = Self {
            state: state.clone(),
            presented: self.presented.clone(),
            owners: self.owners.clone(),
        };
        for id in touched {
            let Some(owner) = state.owner(id) else {
                continue;
            };
            let kept = self
                .owners
                .get(&id)
                .filter(|_| !recompile.contains(&id))
                .map(|table| Arc::clone(&table.compiled));
            next.put(owner, kept);
        }
        next
    }

    fn put(&mut self, owner: &Arc<OwnerState>, compiled: Option<Arc<Compiled>>) {
        let before = self.owners.get(&owner.id).map(Arc::clone);
        let old = before.as_ref().map(|before| before.state.as_ref());
        let state = self.state.clone();
        self.presented.advance(old, owner, &state);
        let mut people = before
            .as_ref()
            .map_or_else(People::default, |b| b.people.clone());
        people.advance(old, owner);
        let mut models = before
            .as_ref()
            .map_or_else(Models::default, |b| b.models.clone());
        models.advance(old, owner);
        let policies = match &before {
            Some(before) if !policies_differ(&before.state, owner) => Arc::clone(&before.policies),
            _ => Arc::new(Policies::new(owner)),
        };
        let table = OwnerTable {
            state: Arc::clone(owner),
            compiled: compiled.unwrap_or_else(|| Arc::new(Compiled::new(owner))),
            prices: paid::prices(before.as_deref(), owner),
            models,
            people,
            policies,
        };
        self.owners.insert(owner.id, Arc::new(table));
    }

    /// The revision it stands at.
    pub const fn revision(&self) -> Revision {
        self.state.revision
    }

    /// Who presents the key with this SHA-256.
    pub fn caller(&self, key_hash: &[u8; 32]) -> Option<&Caller> {
        self.presented.caller(key_hash)
    }

    /// Who presents the admin key with this SHA-256.
    pub fn admin(&self, key_hash: &[u8; 32]) -> Option<&Admin> {
        self.presented.admin(key_hash)
    }

    /// One tenant's part.
    pub fn owner(&self, id: OwnerId) -> Option<&Arc<OwnerTable>> {
        self.owners.get(&id)
    }
}

impl OwnerTable {
    /// Whether RESOURCES lets this path be called; unset is every path.
    pub fn allows(&self, path: &str) -> bool {
        self.compiled.allows(path)
    }

    /// A Model by its number.
    pub fn model(&self, number: DefinitionNumber) -> Option<&Named> {
        self.models.numbered(number).map(Arc::as_ref)
    }

    /// Whether a name is exactly a Model's.
    pub fn is_model(&self, name: &str) -> bool {
        self.models.exact(name).is_some()
    }

    /// The Models that this program does not understand (a newer one wrote them); no
    /// request goes there.
    pub fn unread_models(&self) -> impl Iterator<Item = &Arc<Definition>> {
        let unread = self.models.unread();
        unread.filter_map(|number| {
            let at = (DefinitionKind::Model, number);
            self.state.definitions.get(&at)
        })
    }
}

/// Why a key is passed over for a model, whatever its condition: by its own settings.
pub fn skipped(key: &ProviderKey, model: &str) -> Option<&'static str> {
    match &key.config {
        ProviderConfig::Azure { model_mapping, .. } => {
            let leads = |pattern: &String| Pattern::parse(pattern).is_ok_and(|p| p.matches(model));
            let served = model_mapping.is_empty() || model_mapping.keys().any(leads);
            (!served).then_some("its model_mapping leads the model to no deployment")
        }
        ProviderConfig::Standard { .. } | ProviderConfig::Vertex { .. } => None,
    }
}

fn policies_differ(before: &OwnerState, after: &OwnerState) -> bool {
    let changed = before.definitions.diff(&after.definitions);
    changed.into_iter().any(|item| {
        let (gone, new) = people::sides(&item);
        let mut either = gone.into_iter().chain(new);
        either.any(|one| one.kind == DefinitionKind::RateLimitPolicy)
    })
}

const fn changes_compiled(event: &Event) -> bool {
    match event {
        Event::OwnerClaimed(_)
        | Event::ConfigPatched(_)
        | Event::ConfigReset(_)
        | Event::LevelMapperCompleted(_)
        | Event::LevelMapperRetracted(_)
        | Event::OwnerKeyRotated(_)
        | Event::RecordUndone(_)
        | Event::StateRestored(_) => true,
        Event::KeyAdded(_)
        | Event::KeyPatched(_)
        | Event::KeyRemoved(_)
        | Event::KeyDisabled(_)
        | Event::NewsPublished(_)
        | Event::NewsRetracted(_)
        | Event::AdminKeyIssued(_)
        | Event::AdminKeyRevoked(_)
        | Event::AccountAdded(_)
        | Event::AccountPatched(_)
        | Event::AccountRemoved(_)
        | Event::CreditGranted(_)
        | Event::CallerKeyIssued(_)
        | Event::CallerKeyPatched(_)
        | Event::CallerKeyRotated(_)
        | Event::CallerKeyRevoked(_)
        | Event::DefinitionPut(_)
        | Event::DefinitionRemoved(_) => false,
    }
}
