//! Names of keys, so that a name that is to be one key's is found without looking
//! at all keys. Made of what the keys say: it is no part of the state's bytes.
//!
//! It costs a digest of 8 bytes and a number of 8 for each provider key and for
//! each caller key that was given a name, about 25 bytes with the map's nodes.

use std::sync::Arc;

use foldgate_proto::{AccountNumber, CallerKey, CallerKeyNumber, KeyNumber, ProviderKey};
use imbl::OrdMap;

use super::OwnerState;
use super::people::{digest, folded};
use crate::decide::DEFAULT_CALLER_KEY_NAME;

/// See the module.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct KeyNames {
    provider: OrdMap<(u64, KeyNumber), ()>,
    caller: OrdMap<(u64, CallerKeyNumber), ()>,
}

impl KeyNames {
    /// The names of an owner's keys.
    pub(super) fn of(owner: &OwnerState) -> Self {
        let mut names = Self::default();
        owner.keys.values().for_each(|key| names.add_key(key));
        let callers = owner.caller_keys.values();
        callers.for_each(|key| names.add_caller_key(key));
        names
    }

    pub(super) fn add_key(&mut self, key: &ProviderKey) {
        self.provider.insert((of_key(&key.name), key.number), ());
    }

    pub(super) fn remove_key(&mut self, key: &ProviderKey) {
        self.provider.remove(&(of_key(&key.name), key.number));
    }

    pub(super) fn add_caller_key(&mut self, key: &CallerKey) {
        if key.name != DEFAULT_CALLER_KEY_NAME {
            let name = of_caller_key(key.account, &folded(&key.name));
            self.caller.insert((name, key.number), ());
        }
    }

    pub(super) fn remove_caller_key(&mut self, key: &CallerKey) {
        if key.name != DEFAULT_CALLER_KEY_NAME {
            let name = of_caller_key(key.account, &folded(&key.name));
            self.caller.remove(&(name, key.number));
        }
    }
}

fn of_key(name: &str) -> u64 {
    digest(&folded(name))
}

/// Accounts name their keys without knowing of one another.
fn of_caller_key(account: AccountNumber, folded: &str) -> u64 {
    digest(&format!("{account}\n{folded}"))
}

impl OwnerState {
    /// The provider keys that have this name, whatever its case.
    pub fn keys_named(&self, name: &str) -> impl Iterator<Item = &Arc<ProviderKey>> {
        let name = folded(name);
        let of = digest(&name);
        self.key_names
            .provider
            .range((of, KeyNumber(0))..)
            .take_while(move |((found, _), ())| *found == of)
            .filter_map(|((_, number), ())| self.keys.get(number))
            .filter(move |key| folded(&key.name) == name)
    }

    /// The caller keys of an account that were given this name, whatever its case.
    pub fn caller_keys_named(
        &self,
        account: AccountNumber,
        name: &str,
    ) -> impl Iterator<Item = &Arc<CallerKey>> {
        let name = folded(name);
        let of = of_caller_key(account, &name);
        self.key_names
            .caller
            .range((of, CallerKeyNumber(0))..)
            .take_while(move |((found, _), ())| *found == of)
            .filter_map(|((_, number), ())| self.caller_keys.get(number))
            .filter(move |key| key.account == account && folded(&key.name) == name)
    }
}
