//! Caller keys and accounts by their ids. Data nodes look for neither, so the state
//! has no such index; it stands here, beside it, and follows it by what changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldgate_domain::OwnerState;
use foldgate_proto::{
    Account, AccountId, AccountNumber, CallerKey, CallerKeyId, CallerKeyNumber, OwnerId, Revision,
};
use imbl::OrdMap;
use imbl::ordmap::DiffItem;

use crate::auth::Authenticated;

/// The index of all owners.
#[derive(Default)]
pub(crate) struct Ids(Mutex<HashMap<OwnerId, Owned>>);

/// One owner's ids, as of what is seen.
#[derive(Default)]
struct Owned {
    at: Revision,
    keys: Index<CallerKeyId, CallerKeyNumber, CallerKey>,
    accounts: Index<AccountId, AccountNumber, Account>,
}

/// What was seen of a map, and its entries' ids.
struct Index<I, N, T> {
    seen: OrdMap<N, Arc<T>>,
    numbers: HashMap<I, N>,
}

impl Ids {
    /// The caller key with this id, as the caller's own table has it.
    pub(crate) fn caller_key(
        &self,
        caller: &Authenticated,
        id: CallerKeyId,
    ) -> Option<Arc<CallerKey>> {
        let number = self.of(caller).get_mut(&caller.owner_id())?.keys.get(&id)?;
        let found = caller.owner().caller_keys.get(&number)?;
        (found.id == id).then(|| Arc::clone(found))
    }

    /// The account with this id, as the caller's own table has it.
    pub(crate) fn account(&self, caller: &Authenticated, id: AccountId) -> Option<Arc<Account>> {
        let owned = &mut self.of(caller);
        let number = owned.get_mut(&caller.owner_id())?.accounts.get(&id)?;
        let found = caller.owner().accounts.get(&number)?;
        (found.id == id).then(|| Arc::clone(found))
    }

    /// The index, which knows what the caller's table knows. Costs what changed since
    /// somebody looked last.
    fn of(&self, caller: &Authenticated) -> MutexGuard<'_, HashMap<OwnerId, Owned>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let owned = all.entry(caller.owner_id()).or_default();
        // An older table has nothing that a newer one lacks, but what is gone.
        if owned.at < caller.table().revision() {
            owned.advance(caller.owner());
            owned.at = caller.table().revision();
        }
        all
    }
}

impl Owned {
    fn advance(&mut self, owner: &OwnerState) {
        self.keys.advance(&owner.caller_keys, |key| key.id);
        self.accounts.advance(&owner.accounts, |account| account.id);
    }
}

impl<I, N, T> Default for Index<I, N, T> {
    fn default() -> Self {
        Self {
            seen: OrdMap::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<I, N, T> Index<I, N, T>
where
    I: std::hash::Hash + Eq,
    N: Ord + Copy,
    T: PartialEq,
{
    fn get(&self, id: &I) -> Option<N> {
        self.numbers.get(id).copied()
    }

    fn advance(&mut self, now: &OrdMap<N, Arc<T>>, id: impl Fn(&T) -> I) {
        let before = std::mem::replace(&mut self.seen, now.clone());
        let changes: Vec<_> = before.diff(now).collect();
        // First who went: what one left, another may have taken.
        for change in &changes {
            if let DiffItem::Remove(_, gone) | DiffItem::Update { old: (_, gone), .. } = change {
                self.numbers.remove(&id(gone));
            }
        }
        for change in &changes {
            if let DiffItem::Add(number, new)
            | DiffItem::Update {
                new: (number, new), ..
            } = change
            {
                self.numbers.insert(id(new), **number);
            }
        }
    }
}
