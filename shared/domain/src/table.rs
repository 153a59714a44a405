//! The routing table: what a request asks, compiled when the state changes, so
//! that nothing is searched linearly or parsed per request. Immutable; the one
//! task that folds publishes it, a request keeps one from start to end.
//!
//! Advancing costs what the records change: a key event replaces a few shared
//! nodes, a configuration event recompiles that owner's patterns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use foldgate_proto::{Event, Level, OwnerId, ProviderKey, Record, Revision};
use imbl::OrdMap;

use crate::pattern::{Pattern, PatternMap};
use crate::provider::FamilySet;
use crate::state::routed;
use crate::{OwnerState, State, catalogue, provider};

mod access;
mod buckets;
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
    models: OnceLock<Vec<Listed>>,
}

/// A model that may be listed.
#[derive(Debug)]
struct Listed {
    name: String,
    level: Level,
    /// Whose keys must stand there; any key's will do for what the owner named.
    by: FamilySet,
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
    /// knows. A model whose Level (with its switch-overs) has no key is left out. A
    /// bare `*` names nothing, so behind it stands only what the keys there are known
    /// to serve; of an unknown provider nothing is known.
    pub fn models(&self) -> Vec<&str> {
        let compiled = &self.compiled;
        let all = compiled
            .models
            .get_or_init(|| compiled.list_models(&self.state));
        let mut staff: BTreeMap<Level, FamilySet> = BTreeMap::new();
        let mut stands = |one: &&Listed| {
            let there = staff.entry(one.level);
            let there = there.or_insert_with_key(|level| self.families(*level));
            there.meets(one.by)
        };
        let listed = all.iter().filter(|one| stands(one));
        listed.map(|one| one.name.as_str()).collect()
    }

    /// Whose usable keys stand at a Level or where it switches over to.
    fn families(&self, level: Level) -> FamilySet {
        let levels = std::iter::once(level).chain(self.switch_over(level));
        let staff = levels.flat_map(|level| self.state.staff_of(level));
        let usable = staff.filter(|(post, staff)| staff.enabled > 0 && routed(post.kind).is_ok());
        usable.fold(FamilySet::NONE, |all, (post, _)| {
            all.with(provider::family(&post.provider))
        })
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

    fn list_models(&self, owner: &OwnerState) -> Vec<Listed> {
        let sources = owner.config.model_mapper.iter().flat_map(|m| m.keys());
        let leveled = owner.config.level_mapper.iter().flat_map(|m| m.keys());
        let patterns = sources.chain(leveled).chain(owner.completed.keys());
        let named: BTreeSet<&str> = patterns
            .map(String::as_str)
            .filter(|pattern| !pattern.contains('*'))
            .collect();
        let known = catalogue::known().iter().copied();
        let all: BTreeSet<&str> = known.chain(named.iter().copied()).collect();
        let listed = |name: &str| self.listed(name, named.contains(name));
        all.into_iter().filter_map(listed).collect()
    }

    /// How a model may be listed that the owner named, or only the catalogue did.
    fn listed(&self, name: &str, is_named: bool) -> Option<Listed> {
        let route = self.resolve(name).ok()?;
        let by_any = route.mapped_by.is_some_and(Pattern::is_any);
        if !is_named && by_any && route.model != name {
            return None;
        }
        let by = if !is_named && route.level_by.is_any() {
            provider::claimants(route.model)
        } else {
            FamilySet::ALL
        };
        Some(Listed {
            name: name.to_owned(),
            level: route.level,
            by,
        })
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
        | Event::StateRestored(_)
        | Event::DefinitionPut(_)
        | Event::DefinitionRemoved(_) => true,
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
