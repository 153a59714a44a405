//! An owner's Models, compiled: found by name at once, those that route with their
//! targets resolved.
//!
//! A change costs what it changes: the Models that changed and those that route to
//! them are compiled anew (a few microseconds each), at 10,000 Models as at ten.
//! Only a change of the *names* with wildcards compiles these into one map again,
//! which is what a change of LEVEL_MAPPER costs (about 10 ms at 10,000 of them).
//!
//! What is compiled is a function of the state: targets are found among the
//! resources that a definition says it refers to, and nowhere else.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldgate_proto::{Definition, DefinitionId, DefinitionKind, DefinitionNumber, ResourceId};
use imbl::{HashMap, OrdMap};

use super::people::sides;
use crate::OwnerState;
use crate::definition::model::Target as Spoken;
use crate::definition::{Model, stored};
use crate::pattern::PatternMap;

mod cooling;
mod named;

pub use cooling::Cooling;
pub use named::{Direct, Named, Routing, Serves, Target};

/// The Models of one owner. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Models {
    by_number: OrdMap<DefinitionNumber, Arc<Named>>,
    /// Those without wildcards.
    exact: HashMap<Arc<str>, Arc<Named>>,
    /// The names with wildcards, and whose they are.
    wilds: OrdMap<Arc<str>, DefinitionNumber>,
    /// The same, compiled.
    wild: Arc<PatternMap<DefinitionNumber>>,
    /// What this program does not understand.
    unread: OrdMap<DefinitionNumber, ()>,
}

impl Models {
    /// The Model with this very name.
    pub(super) fn exact(&self, name: &str) -> Option<&Arc<Named>> {
        if self.exact.is_empty() {
            return None;
        }
        self.exact.get(name)
    }

    /// The Model whose pattern wins for a name, of those with wildcards.
    pub(super) fn wild(&self, name: &str) -> Option<&Arc<Named>> {
        let (_, number) = self.wild.get(name)?;
        self.by_number.get(number)
    }

    pub(super) fn numbered(&self, number: DefinitionNumber) -> Option<&Arc<Named>> {
        self.by_number.get(&number)
    }

    /// The exact names, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.exact.keys().map(AsRef::as_ref)
    }

    pub(super) fn unread(&self) -> impl Iterator<Item = DefinitionNumber> {
        self.unread.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Compiles what changed from one state of an owner to the next.
    pub(super) fn advance(&mut self, before: Option<&OwnerState>, after: &OwnerState) {
        let empty = OrdMap::new();
        let old = before.map_or(&empty, |before| &before.definitions);
        let mut touched: BTreeSet<DefinitionNumber> = BTreeSet::new();
        let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
        for item in old.diff(&after.definitions) {
            let (gone, new) = sides(&item);
            let both = gone.into_iter().chain(new);
            for definition in both.filter(|one| one.kind == DefinitionKind::Model) {
                touched.insert(definition.number);
                names.insert(definition.name.as_str().into());
            }
        }
        if touched.is_empty() {
            return;
        }
        let leading: Vec<&Arc<Definition>> = touched
            .iter()
            .flat_map(|number| after.referrers_of(id_of(*number)))
            .filter(|one| one.kind == DefinitionKind::Model)
            .collect();
        touched.extend(leading.iter().map(|one| one.number));
        names.extend(leading.iter().map(|one| Arc::from(one.name.as_str())));
        self.compile(&touched, after);
        self.settle(&names, after);
    }

    /// Compiles these Models: first those that others may lead to.
    fn compile(&mut self, touched: &BTreeSet<DefinitionNumber>, owner: &OwnerState) {
        let mut routing = Vec::new();
        for number in touched {
            self.by_number.remove(number);
            self.unread.remove(number);
            let Some(definition) = owner.definitions.get(&(DefinitionKind::Model, *number)) else {
                continue;
            };
            match stored::<Model>(&definition.value) {
                Some(model) if model.routing.is_some() => routing.push((definition, model)),
                model => {
                    let named = model.and_then(|model| Named::direct(definition, &model));
                    self.put(definition, named);
                }
            }
        }
        for (definition, model) in routing {
            let named = Named::routing(definition, &model, |target| {
                self.target(owner, definition, target)
            });
            self.put(definition, named);
        }
    }

    fn put(&mut self, definition: &Definition, named: Option<Named>) {
        match named {
            Some(named) => {
                self.by_number.insert(definition.number, Arc::new(named));
            }
            None => {
                self.unread.insert(definition.number, ());
            }
        }
    }

    /// The Model that a target names, among those its own speaks of.
    fn target(&self, owner: &OwnerState, by: &Definition, target: &Spoken) -> Option<Arc<Named>> {
        let spoken_of = |one: &Definition| by.refers.contains(&id_of(one.number));
        let found = match (&target.model_id, &target.model) {
            (Some(id), _) => owner
                .definition(DefinitionKind::Model, DefinitionId(*id))
                .filter(|one| spoken_of(one)),
            (None, Some(name)) => owner
                .definitions_named(DefinitionKind::Model, name)
                .find(|one| spoken_of(one)),
            (None, None) => None,
        }?;
        let named = self.by_number.get(&found.number)?;
        matches!(named.serves, Serves::Direct(_)).then(|| Arc::clone(named))
    }

    /// Finds anew whose these names are.
    fn settle(&mut self, names: &BTreeSet<Arc<str>>, owner: &OwnerState) {
        let before = self.wilds.clone();
        for name in names {
            self.exact.remove(name);
            self.wilds.remove(name);
            let mut so_named = owner.definitions_named(DefinitionKind::Model, name);
            let found = so_named.find_map(|one| {
                let compiled = self.by_number.get(&one.number)?;
                (*one.name == **name).then_some(compiled)
            });
            match found {
                Some(model) if model.pattern.is_exact() => {
                    self.exact.insert(Arc::clone(name), Arc::clone(model));
                }
                Some(model) => {
                    self.wilds.insert(Arc::clone(name), model.number);
                }
                None => {}
            }
        }
        if self.wilds != before {
            let all = self.wilds.iter();
            self.wild = Arc::new(PatternMap::new(
                all.map(|(name, number)| (name.as_ref(), *number)),
            ));
        }
    }
}

const fn id_of(number: DefinitionNumber) -> ResourceId {
    ResourceId::Definition(DefinitionKind::Model, number)
}
