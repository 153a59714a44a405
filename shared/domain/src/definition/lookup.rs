//! Accounts and caller keys by id. The state finds them by number, name and hash
//! alone: an index of ids would cost every node memory for each of up to 100,000
//! of them, and only the rare definition that speaks of one asks. So they are
//! looked for one by one, for all that a value speaks of in one pass.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{DefinitionId, DefinitionKind, ResourceId};
use uuid::Uuid;

use super::Fault;
use crate::OwnerState;

/// What a value speaks of, to be found in the state.
pub(super) struct Lookup<'o> {
    owner: &'o OwnerState,
    accounts: BTreeMap<Uuid, String>,
    caller_keys: BTreeMap<Uuid, String>,
    found: BTreeSet<ResourceId>,
}

impl<'o> Lookup<'o> {
    pub(super) fn new(owner: &'o OwnerState) -> Self {
        Self {
            owner,
            accounts: BTreeMap::new(),
            caller_keys: BTreeMap::new(),
            found: BTreeSet::new(),
        }
    }

    /// An account (a team is one, with all below it), by the field that speaks of it.
    pub(super) fn account(&mut self, path: &str, id: Uuid) {
        let known = self.accounts.entry(id);
        known.or_insert_with(|| path.to_owned());
    }

    /// A caller key.
    pub(super) fn caller_key(&mut self, path: &str, id: Uuid) {
        let known = self.caller_keys.entry(id);
        known.or_insert_with(|| path.to_owned());
    }

    /// A definition.
    pub(super) fn definition(
        &mut self,
        path: &str,
        kind: DefinitionKind,
        id: Uuid,
    ) -> Result<(), Fault> {
        let Some(found) = self.owner.definition(kind, DefinitionId(id)) else {
            let kind = kind.spoken();
            return Err(Fault::at(path, format!("no {kind} has the id {id}")));
        };
        self.found
            .insert(ResourceId::Definition(kind, found.number));
        Ok(())
    }

    /// A Model, by its id or by its name.
    pub(super) fn model(&mut self, path: &str, named: &str) -> Result<(), Fault> {
        if let Ok(id) = Uuid::parse_str(named) {
            return self.definition(path, DefinitionKind::Model, id);
        }
        let model = self.owner.definition_named(DefinitionKind::Model, named);
        let model = model.ok_or_else(|| Fault::at(path, format!("there is no model {named:?}")))?;
        self.found
            .insert(ResourceId::Definition(model.kind, model.number));
        Ok(())
    }

    /// All of it.
    ///
    /// # Errors
    /// The field that speaks of what is not there.
    pub(super) fn finish(mut self) -> Result<BTreeSet<ResourceId>, Fault> {
        let mut accounts = self.owner.accounts.values();
        while !self.accounts.is_empty() {
            let Some(account) = accounts.next() else {
                break;
            };
            if self.accounts.remove(&account.id.0).is_some() {
                self.found.insert(ResourceId::Account(account.number));
            }
        }
        let mut keys = self.owner.caller_keys.values();
        while !self.caller_keys.is_empty() {
            let Some(key) = keys.next() else { break };
            if self.caller_keys.remove(&key.id.0).is_some() {
                self.found.insert(ResourceId::CallerKey(key.number));
            }
        }
        let missing = |what: &str, left: &BTreeMap<Uuid, String>| {
            let first = left.first_key_value();
            first.map(|(id, path)| Fault::at(path, format!("no {what} has the id {id}")))
        };
        let lost =
            missing("account", &self.accounts).or_else(|| missing("api key", &self.caller_keys));
        lost.map_or(Ok(self.found), Err)
    }
}
