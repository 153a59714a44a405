//! The routing table: what a request asks, compiled when the state changes, so
//! that nothing is searched linearly or parsed per request. Immutable; the one
//! task that folds publishes it, a request keeps one from start to end.
//!
//! Advancing costs what the records change: a key event replaces a few shared
//! nodes, a configuration event recompiles that owner's patterns.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use foldgate_proto::{Event, Level, OwnerId, ProviderKey, Record, Revision};
use imbl::OrdMap;

use crate::pattern::{Pattern, PatternMap};
use crate::state::routed;
use crate::{OwnerState, State, catalogue};

mod access;
mod people;
pub mod resources;
#[cfg(test)]
mod tests;

pub use access::{Access, Bound, Denied};
pub use people::{Admin, Caller};
use people::{People, Presented};
use resources::Resources;

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
    people: People,
}

/// What is compiled from an owner's configuration; shared as long as that stands.
#[derive(Debug)]
struct Compiled {
    mapper: PatternMap<String>,
    levels: PatternMap<Level>,
    resources: Option<Resources>,
    models: OnceLock<Vec<(String, Level)>>,
}

/// Where a request for a model goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// The model to ask the upstream for, after MODEL_MAPPER.
    pub model: &'a str,
    /// The pool that serves it.
    pub level: Level,
    /// The MODEL_MAPPER pattern that applied.
    pub mapped_by: Option<&'a Pattern>,
    /// The LEVEL_MAPPER pattern that won.
    pub level_by: &'a Pattern,
}

/// No LEVEL_MAPPER pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Level serves the model {model:?}")]
pub struct NoRoute {
    /// The model, after MODEL_MAPPER.
    pub model: String,
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
        let table = OwnerTable {
            state: Arc::clone(owner),
            compiled: compiled.unwrap_or_else(|| Arc::new(Compiled::new(owner))),
            people,
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
        let resources = self.compiled.resources.as_ref();
        resources.is_none_or(|resources| resources.allows(path))
    }

    /// Where a request for `model` goes: MODEL_MAPPER once, then LEVEL_MAPPER.
    ///
    /// # Errors
    /// No pattern matches.
    pub fn resolve<'a>(&'a self, model: &'a str) -> Result<Route<'a>, NoRoute> {
        self.compiled.resolve(model)
    }

    /// The Levels to try after `level`, in order; a circle ends where it began.
    pub fn switch_over(&self, level: Level) -> Vec<Level> {
        let Some(switches) = &self.state.config.switch_over else {
            return Vec::new();
        };
        let mut chain = Vec::new();
        let mut seen = BTreeSet::from([level]);
        let mut at = level;
        while let Some(next) = switches.get(&at).copied() {
            if !seen.insert(next) {
                break;
            }
            chain.push(next);
            at = next;
        }
        chain
    }

    /// The models a caller may name, as far as they can be listed: every exact
    /// name of the two mappers, and of the wildcards what the built-in catalogue
    /// knows. A model whose Level (with its switch-overs) has no key is left out.
    pub fn models(&self) -> Vec<&str> {
        let compiled = &self.compiled;
        let all = compiled
            .models
            .get_or_init(|| compiled.list_models(&self.state));
        all.iter()
            .filter(|(_, level)| self.is_staffed(*level))
            .map(|(model, _)| model.as_str())
            .collect()
    }

    fn is_staffed(&self, level: Level) -> bool {
        self.state.is_staffed(level)
            || self
                .switch_over(level)
                .into_iter()
                .any(|next| self.state.is_staffed(next))
    }
}

impl Compiled {
    fn new(owner: &OwnerState) -> Self {
        let mapper = owner.config.model_mapper.iter().flatten();
        let levels = owner.level_mapper();
        Self {
            mapper: PatternMap::new(mapper.map(|(from, to)| (from.as_str(), to.clone()))),
            levels: PatternMap::new(levels),
            resources: owner.config.resources.as_ref().map(Resources::new),
            models: OnceLock::new(),
        }
    }

    fn resolve<'a>(&'a self, requested: &'a str) -> Result<Route<'a>, NoRoute> {
        let mapped = self.mapper.get(requested);
        let model = mapped.map_or(requested, |(_, target)| target.as_str());
        match self.levels.get(model) {
            Some((level_by, level)) => Ok(Route {
                model,
                level: *level,
                mapped_by: mapped.map(|(pattern, _)| pattern),
                level_by,
            }),
            None => Err(NoRoute {
                model: model.to_owned(),
            }),
        }
    }

    fn list_models(&self, owner: &OwnerState) -> Vec<(String, Level)> {
        let sources = owner.config.model_mapper.iter().flat_map(|m| m.keys());
        let leveled = owner.config.level_mapper.iter().flat_map(|m| m.keys());
        let exact = sources
            .chain(leveled)
            .chain(owner.completed.keys())
            .map(String::as_str)
            .filter(|pattern| !pattern.contains('*'));
        let names: BTreeSet<&str> = exact.chain(catalogue::known().iter().copied()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let level = self.resolve(name).ok()?.level;
                Some((name.to_owned(), level))
            })
            .collect()
    }
}

/// Why routing passes over a key for good, whatever its condition.
pub fn skipped(key: &ProviderKey) -> Option<&'static str> {
    routed(key.config.provider_type()).err()
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
        | Event::CallerKeyRevoked(_) => false,
    }
}
