//! The tree of accounts: who stands above and below whom.

use std::sync::Arc;

use foldgate_proto::{Account, AccountNumber, CallerKey, CallerKeyNumber, KeyHash};
use imbl::OrdMap;

use super::OwnerState;
use super::people::{digest, folded, hashes, prefix};

/// How deep accounts may be nested below the owner; decisions go no deeper, and
/// no walk up the tree takes more steps.
pub const MAX_DEPTH: usize = 10;

/// The numbers that stand in an index under a digest, in order.
fn holders<N>(index: &OrdMap<(u64, N), ()>, of: u64) -> impl Iterator<Item = N>
where
    N: Ord + Copy + Default,
{
    index
        .range((of, N::default())..)
        .take_while(move |((digest, _), ())| *digest == of)
        .map(|((_, number), ())| *number)
}

impl OwnerState {
    /// Whether a number is the owner's root account's.
    pub fn is_root(&self, account: AccountNumber) -> bool {
        account == self.account
    }

    /// The account with this name, whatever its case.
    pub fn account_named(&self, name: &str) -> Option<&Arc<Account>> {
        self.accounts_named(name).next()
    }

    /// The account with this e-mail address, whatever its case.
    pub fn account_mailed(&self, email: &str) -> Option<&Arc<Account>> {
        self.accounts_mailed(email).next()
    }

    /// The caller key that is presented by what has this hash.
    pub fn caller_key_presented(&self, hash: KeyHash) -> Option<&Arc<CallerKey>> {
        self.caller_keys_presented(hash).next()
    }

    /// All accounts with this name, by number; decisions see to it that there is one.
    pub(crate) fn accounts_named(&self, name: &str) -> impl Iterator<Item = &Arc<Account>> {
        let name = folded(name);
        holders(&self.account_names, digest(&name))
            .filter_map(|number| self.accounts.get(&number))
            .filter(move |account| folded(&account.profile.name) == name)
    }

    /// As [`OwnerState::accounts_named`], by e-mail address.
    pub(crate) fn accounts_mailed(&self, email: &str) -> impl Iterator<Item = &Arc<Account>> {
        let email = folded(email);
        holders(&self.account_emails, digest(&email))
            .filter_map(|number| self.accounts.get(&number))
            .filter(move |account| folded(&account.profile.email) == email)
    }

    /// As [`OwnerState::accounts_named`], of keys by their hash.
    pub(crate) fn caller_keys_presented(
        &self,
        hash: KeyHash,
    ) -> impl Iterator<Item = &Arc<CallerKey>> {
        holders(&self.key_hashes, prefix(hash))
            .filter_map(|number| self.caller_keys.get(&number))
            .filter(move |key| hashes(key).any(|one| one == hash))
    }

    /// The accounts directly below one, by number.
    pub fn children_of(&self, parent: AccountNumber) -> impl Iterator<Item = &Arc<Account>> {
        let first = (parent, AccountNumber::default());
        self.children
            .range(first..)
            .take_while(move |((above, _), ())| *above == parent)
            .filter_map(|((_, number), ())| self.accounts.get(number))
    }

    /// Whether any account stands below one.
    pub fn has_children(&self, parent: AccountNumber) -> bool {
        self.children_of(parent).next().is_some()
    }

    /// An account with those above it, nearest first, the root not among them.
    /// Ends early where the way up is broken or longer than it may be.
    pub fn lineage(&self, account: AccountNumber) -> impl Iterator<Item = &Arc<Account>> {
        // Most parents are the root: that is told without looking it up.
        let above = |number| {
            let below_root = !self.is_root(number);
            below_root.then(|| self.accounts.get(&number)).flatten()
        };
        std::iter::successors(above(account), move |below| above(below.parent)).take(MAX_DEPTH)
    }

    /// Whether an account's way up ends at the root: of one that hangs loose
    /// nothing is allowed.
    pub fn is_rooted(&self, account: AccountNumber) -> bool {
        let top = self.lineage(account).last();
        self.is_root(account) || top.is_some_and(|top| self.is_root(top.parent))
    }

    /// Whether one account stands below another, at whatever depth.
    pub fn is_below(&self, account: AccountNumber, above: AccountNumber) -> bool {
        self.lineage(account)
            .any(|account| account.parent == above && account.number != above)
    }

    /// How deep an account stands; the root is at 0, its children at 1.
    pub fn depth(&self, account: AccountNumber) -> usize {
        self.lineage(account).count()
    }

    /// An account's DNA path: the numbers from the root down to itself (`.1.42.`).
    pub fn dna(&self, account: AccountNumber) -> String {
        let mut path: Vec<AccountNumber> = self.lineage(account).map(|a| a.number).collect();
        path.push(self.account);
        let numbers = path.iter().rev().map(ToString::to_string);
        format!(".{}.", numbers.collect::<Vec<_>>().join("."))
    }

    /// The account whose DNA path this is, if it is one's.
    pub fn account_at(&self, path: &str) -> Option<AccountNumber> {
        let inner = path.strip_prefix('.')?.strip_suffix('.')?;
        let number = inner.rsplit('.').next()?.parse().map(AccountNumber).ok()?;
        let stands = self.is_root(number) || self.accounts.contains_key(&number);
        (stands && self.dna(number) == path).then_some(number)
    }

    /// Everybody below an account, parents before their children.
    pub fn descendants(&self, above: AccountNumber) -> impl Iterator<Item = &Arc<Account>> {
        let mut levels = vec![self.children_of(above).collect::<Vec<_>>().into_iter()];
        std::iter::from_fn(move || {
            loop {
                match levels.last_mut()?.next() {
                    Some(account) => {
                        if levels.len() < MAX_DEPTH {
                            let below: Vec<_> = self.children_of(account.number).collect();
                            levels.push(below.into_iter());
                        }
                        return Some(account);
                    }
                    None => {
                        levels.pop();
                    }
                }
            }
        })
    }

    /// The caller keys of one account, by number.
    pub fn caller_keys_of(&self, account: AccountNumber) -> impl Iterator<Item = &Arc<CallerKey>> {
        let first = (account, CallerKeyNumber::default());
        self.account_keys
            .range(first..)
            .take_while(move |((of, _), ())| *of == account)
            .filter_map(|((_, number), ())| self.caller_keys.get(number))
    }
}
