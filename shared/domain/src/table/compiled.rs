//! What is compiled of an owner's configuration: its mappers, its RESOURCES, and
//! the models that can be listed of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use foldgate_proto::Level;

use super::OwnerTable;
use super::limited::{ModelLimits, model_limits};
use super::resources::Resources;
use crate::pattern::{Pattern, PatternMap};
use crate::provider::FamilySet;
use crate::{OwnerState, catalogue, provider};

/// What is compiled from an owner's configuration; shared as long as that stands.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) mapper: PatternMap<String>,
    pub(super) levels: PatternMap<Level>,
    resources: Option<Resources>,
    model_limits: ModelLimits,
    listed: OnceLock<Vec<Listed>>,
}

/// A model that may be listed.
#[derive(Debug)]
struct Listed {
    name: String,
    level: Level,
    /// Whose keys must stand there; any key's will do for what the owner named.
    by: FamilySet,
}

impl OwnerTable {
    /// The models a caller may name, as far as they can be listed: every exact
    /// name of the two mappers and of Models, and of the wildcards what the built-in
    /// catalogue knows. A model whose Level (with its switch-overs) has no key is left
    /// out. A bare `*` names nothing, so behind it stands only what the keys there are
    /// known to serve; of an unknown provider nothing is known.
    pub fn models(&self) -> Vec<&str> {
        let compiled = &self.compiled;
        let all = compiled
            .listed
            .get_or_init(|| compiled.list_models(&self.state));
        let mut staff: BTreeMap<Level, FamilySet> = BTreeMap::new();
        let mut stands = |one: &&Listed| {
            let there = staff.entry(one.level);
            let there = there.or_insert_with_key(|level| self.families(*level));
            there.meets(one.by)
        };
        let listed = all.iter().filter(|one| stands(one));
        let mut names: Vec<&str> = listed.map(|one| one.name.as_str()).collect();
        if !self.models.is_empty() {
            let mapper = compiled.mapper.iter().filter(|(from, to)| {
                let leads = || self.models.exact(to).or_else(|| self.models.wild(to));
                from.is_exact() && leads().is_some()
            });
            names.extend(mapper.map(|(from, _)| from.as_str()));
            names.extend(self.models.names());
            names.sort_unstable();
            names.dedup();
        }
        names
    }

    /// Whose usable keys stand at a Level or where it switches over to.
    fn families(&self, level: Level) -> FamilySet {
        let levels = self.state.chain(level);
        let staff = levels.flat_map(|level| self.state.staff_of(level));
        let usable = staff.filter(|(_, staff)| staff.enabled > 0);
        usable.fold(FamilySet::NONE, |all, (post, _)| {
            all.with(provider::family(&post.provider))
        })
    }
}

impl Compiled {
    pub(super) fn new(owner: &OwnerState) -> Self {
        let mapper = owner.config.model_mapper.iter().flatten();
        let levels = owner.level_mapper();
        Self {
            mapper: PatternMap::new(mapper.map(|(from, to)| (from.as_str(), to.clone()))),
            levels: PatternMap::new(levels),
            resources: owner.config.resources.as_ref().map(Resources::new),
            model_limits: model_limits(owner.config.model_limits.iter().flatten()),
            listed: OnceLock::new(),
        }
    }

    pub(super) const fn model_limits(&self) -> &ModelLimits {
        &self.model_limits
    }

    pub(super) fn allows(&self, path: &str) -> bool {
        let resources = self.resources.as_ref();
        resources.is_none_or(|resources| resources.allows(path))
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
        let mapped = self.mapper.get(name);
        let model = mapped.map_or(name, |(_, target)| target.as_str());
        let (level_by, level) = self.levels.get(model)?;
        let by_any = mapped.is_some_and(|(by, _)| Pattern::is_any(by));
        if !is_named && by_any && model != name {
            return None;
        }
        let by = if !is_named && level_by.is_any() {
            provider::claimants(model)
        } else {
            FamilySet::ALL
        };
        Some(Listed {
            name: name.to_owned(),
            level: *level,
            by,
        })
    }
}
