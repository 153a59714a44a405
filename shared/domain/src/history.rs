//! What changed between two states of an owner, resource by resource and field
//! by field: what histories show, and what an undo takes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldgate_proto::{
    DefinitionKind, DefinitionNumber, OwnerProfile, Resource, ResourceId, Revision,
};
use imbl::OrdMap;
use imbl::ordmap::DiffItem;

use crate::OwnerState;

mod merge;
mod show;
#[cfg(test)]
mod tests;

pub use merge::{Merged, merge};
pub use show::{FieldChange, fields, shown, shown_event};

/// One resource as it was and as it is; `None` is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub resource: ResourceId,
    /// Before.
    pub before: Option<Resource>,
    /// Behind.
    pub after: Option<Resource>,
}

impl OwnerState {
    /// A resource's value, if it is there.
    pub fn resource(&self, id: ResourceId) -> Option<Resource> {
        Some(match id {
            ResourceId::Owner => Resource::Owner(Box::new(OwnerProfile {
                name: self.name.clone(),
                key_hash: self.key_hash.clone(),
                key_mask: self.key_mask.clone(),
            })),
            ResourceId::Config => Resource::Config(Box::new((*self.config).clone())),
            ResourceId::Completed => Resource::Completed((*self.completed).clone()),
            ResourceId::Key(number) => Resource::Key(boxed(self.keys.get(&number)?)),
            ResourceId::News(number) => Resource::News(boxed(self.news.get(&number)?)),
            ResourceId::Account(number) => Resource::Account(boxed(self.accounts.get(&number)?)),
            ResourceId::CallerKey(number) => {
                Resource::CallerKey(boxed(self.caller_keys.get(&number)?))
            }
            ResourceId::AdminKey(number) => {
                Resource::AdminKey(boxed(self.admin_keys.get(&number)?))
            }
            ResourceId::Definition(kind, number) => {
                Resource::Definition(boxed(self.definitions.get(&(kind, number))?))
            }
        })
    }

    /// The revision that last changed a resource, if it is there. The two layers of
    /// the configuration are read as one and share theirs.
    pub fn resource_revision(&self, id: ResourceId) -> Option<Revision> {
        match id {
            ResourceId::Owner => Some(self.owner_revision),
            ResourceId::Config | ResourceId::Completed => Some(self.config_revision),
            ResourceId::Key(number) => self.keys.get(&number).map(|key| key.revision),
            ResourceId::News(number) => self.news.get(&number).map(|news| news.revision),
            ResourceId::Account(number) => self.accounts.get(&number).map(|a| a.revision),
            ResourceId::CallerKey(number) => self.caller_keys.get(&number).map(|k| k.revision),
            ResourceId::AdminKey(number) => self.admin_keys.get(&number).map(|k| k.revision),
            ResourceId::Definition(kind, number) => {
                self.definitions.get(&(kind, number)).map(|d| d.revision)
            }
        }
    }

    /// Every resource there is.
    pub fn resources(&self) -> impl Iterator<Item = ResourceId> {
        let whole = [ResourceId::Owner, ResourceId::Config, ResourceId::Completed];
        whole
            .into_iter()
            .chain(self.keys.keys().copied().map(ResourceId::Key))
            .chain(self.news.keys().copied().map(ResourceId::News))
            .chain(self.accounts.keys().copied().map(ResourceId::Account))
            .chain(self.caller_keys.keys().copied().map(ResourceId::CallerKey))
            .chain(self.admin_keys.keys().copied().map(ResourceId::AdminKey))
            .chain(self.definitions.keys().copied().map(definition))
    }
}

fn definition((kind, number): (DefinitionKind, DefinitionNumber)) -> ResourceId {
    ResourceId::Definition(kind, number)
}

fn boxed<T: Clone>(shared: &Arc<T>) -> Box<T> {
    Box::new((**shared).clone())
}

/// What differs between two states of one owner, in the order of the resources'
/// names. Costs what differs where the states share their parts, as those of one
/// fold do. Stamps alone (revisions, times of change) are no difference.
pub fn diff(before: Option<&OwnerState>, after: &OwnerState) -> Vec<Difference> {
    let Some(before) = before else {
        let all = after.resources().map(|resource| Difference {
            resource,
            before: None,
            after: after.resource(resource),
        });
        return all.collect();
    };
    touched(before, after)
        .into_iter()
        .map(|resource| Difference {
            resource,
            before: before.resource(resource),
            after: after.resource(resource),
        })
        .filter(|difference| !merge::is_same(difference.before.as_ref(), difference.after.as_ref()))
        .collect()
}

/// The resources whose values are not the same in both.
fn touched(before: &OwnerState, after: &OwnerState) -> BTreeSet<ResourceId> {
    let mut touched = BTreeSet::new();
    let owner = |o: &OwnerState| (o.name.clone(), o.key_hash.clone(), o.key_mask.clone());
    if owner(before) != owner(after) {
        touched.insert(ResourceId::Owner);
    }
    if !Arc::ptr_eq(&before.config, &after.config) && before.config != after.config {
        touched.insert(ResourceId::Config);
    }
    if !Arc::ptr_eq(&before.completed, &after.completed) && before.completed != after.completed {
        touched.insert(ResourceId::Completed);
    }
    compare(&before.keys, &after.keys, ResourceId::Key, &mut touched);
    compare(&before.news, &after.news, ResourceId::News, &mut touched);
    compare(
        &before.accounts,
        &after.accounts,
        ResourceId::Account,
        &mut touched,
    );
    compare(
        &before.caller_keys,
        &after.caller_keys,
        ResourceId::CallerKey,
        &mut touched,
    );
    compare(
        &before.admin_keys,
        &after.admin_keys,
        ResourceId::AdminKey,
        &mut touched,
    );
    compare(
        &before.definitions,
        &after.definitions,
        definition,
        &mut touched,
    );
    touched
}

fn compare<K, V>(
    before: &OrdMap<K, Arc<V>>,
    after: &OrdMap<K, Arc<V>>,
    name: impl Fn(K) -> ResourceId,
    touched: &mut BTreeSet<ResourceId>,
) where
    K: Ord + Copy,
    V: PartialEq,
{
    for item in before.diff(after) {
        let key = match item {
            DiffItem::Add(key, _)
            | DiffItem::Remove(key, _)
            | DiffItem::Update { new: (key, _), .. } => *key,
        };
        touched.insert(name(key));
    }
}

/// What a whole restore to `then` has to change in `now`: each resource that
/// differs, as it was.
pub(crate) fn towards(now: &OwnerState, then: &OwnerState) -> BTreeMap<ResourceId, Difference> {
    let differing = diff(Some(now), then);
    differing.into_iter().map(|d| (d.resource, d)).collect()
}
