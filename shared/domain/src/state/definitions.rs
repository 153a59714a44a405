//! The fold of definitions, and how they are found.

use std::ops::Bound;
use std::sync::Arc;

use foldgate_proto::event::{DefinitionPut, DefinitionRemoved};
use foldgate_proto::{
    Definition, DefinitionId, DefinitionKind, DefinitionNumber, Record, ResourceId, Revision,
};

use super::OwnerState;
use super::people::{digest, folded};

#[cfg(test)]
mod tests;

impl OwnerState {
    /// The definition with this id, if it is of this kind.
    pub fn definition(&self, kind: DefinitionKind, id: DefinitionId) -> Option<&Arc<Definition>> {
        let at = self.definition_ids.get(&id)?;
        self.definitions.get(at).filter(|found| found.kind == kind)
    }

    /// The definitions of a kind, in the order in which they were made.
    pub fn definitions_of(&self, kind: DefinitionKind) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions_behind(kind, None)
    }

    /// As [`OwnerState::definitions_of`], those made after the one with this number.
    pub fn definitions_behind(
        &self,
        kind: DefinitionKind,
        after: Option<DefinitionNumber>,
    ) -> impl Iterator<Item = &Arc<Definition>> {
        let from = after.map_or(Bound::Included(DefinitionNumber(0)), Bound::Excluded);
        self.definitions
            .range((from.map(|number| (kind, number)), Bound::Unbounded))
            .take_while(move |((of, _), _)| *of == kind)
            .map(|(_, definition)| definition)
    }

    /// How many definitions of a kind there are; does not walk them.
    pub fn definition_count(&self, kind: DefinitionKind) -> usize {
        let count = self.definition_counts.get(&kind).copied();
        usize::try_from(count.unwrap_or_default()).unwrap_or(usize::MAX)
    }

    /// The definition of a kind that has this name, whatever its case.
    pub fn definition_named(&self, kind: DefinitionKind, name: &str) -> Option<&Arc<Definition>> {
        self.definitions_named(kind, name).next()
    }

    /// As [`OwnerState::definition_named`]: one, as decisions see to.
    pub(crate) fn definitions_named(
        &self,
        kind: DefinitionKind,
        name: &str,
    ) -> impl Iterator<Item = &Arc<Definition>> {
        let name = folded(name);
        let of = digest(&name);
        self.definition_names
            .range((kind, of, DefinitionNumber(0))..)
            .take_while(move |((k, d, _), ())| (*k, *d) == (kind, of))
            .filter_map(move |((_, _, number), ())| self.definitions.get(&(kind, *number)))
            .filter(move |found| folded(&found.name) == name)
    }

    /// The definitions that speak of a resource, which therefore stays.
    pub fn referrers_of(&self, resource: ResourceId) -> impl Iterator<Item = &Arc<Definition>> {
        let first = DefinitionKind::ALL.first().copied();
        let from = first.unwrap_or(DefinitionKind::Model);
        self.referrers
            .range((resource, from, DefinitionNumber(0))..)
            .take_while(move |((of, _, _), ())| *of == resource)
            .filter_map(|((_, kind, number), ())| self.definitions.get(&(*kind, *number)))
    }

    pub(super) fn apply_definition(
        &mut self,
        revision: Revision,
        record: &Record,
        put: &DefinitionPut,
    ) {
        let before = self.definitions.get(&(put.kind, put.number));
        let created_at = before.map_or(record.at, |before| before.created_at);
        self.put_definition(Definition {
            id: put.id,
            kind: put.kind,
            number: put.number,
            name: put.name.clone(),
            value: put.value.clone(),
            secrets: put.secrets.clone().into(),
            refers: put.refers.clone().into(),
            created_at,
            updated_at: record.at,
            revision,
        });
    }

    pub(super) fn apply_removed(&mut self, removed: &DefinitionRemoved) {
        self.remove_definition(removed.kind, removed.number);
    }

    /// Puts a definition into its place, and whatever stood there or had its id out.
    pub(super) fn put_definition(&mut self, definition: Definition) {
        let at = (definition.kind, definition.number);
        self.remove_definition(at.0, at.1);
        if let Some((kind, number)) = self.definition_ids.get(&definition.id).copied() {
            self.remove_definition(kind, number);
        }
        self.last_definition = self.last_definition.max(definition.number);
        self.definition_ids.insert(definition.id, at);
        if let Some(name) = indexed(&definition) {
            self.definition_names.insert(name, ());
        }
        for resource in &definition.refers {
            self.referrers.insert((*resource, at.0, at.1), ());
        }
        self.definitions.insert(at, Arc::new(definition));
        self.count(at.0, |count| count.saturating_add(1));
    }

    pub(super) fn remove_definition(&mut self, kind: DefinitionKind, number: DefinitionNumber) {
        let Some(definition) = self.definitions.remove(&(kind, number)) else {
            return;
        };
        self.count(kind, |count| count.saturating_sub(1));
        self.definition_ids.remove(&definition.id);
        if let Some(name) = indexed(&definition) {
            self.definition_names.remove(&name);
        }
        for resource in &definition.refers {
            self.referrers.remove(&(*resource, kind, number));
        }
    }

    fn count(&mut self, kind: DefinitionKind, counted: impl Fn(u64) -> u64) {
        let count = self.definition_counts.get(&kind).copied();
        let count = counted(count.unwrap_or_default());
        if count == 0 {
            self.definition_counts.remove(&kind);
        } else {
            self.definition_counts.insert(kind, count);
        }
    }
}

fn indexed(definition: &Definition) -> Option<(DefinitionKind, u64, DefinitionNumber)> {
    let name = &definition.name;
    (!name.is_empty()).then(|| (definition.kind, digest(&folded(name)), definition.number))
}
