//! What is compiled of accounts and caller keys, and who presents which key.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldgate_proto::{
    Account, AccountNumber, AdminKey, AdminKeyNumber, AdminRole, CallerKeyNumber, KeyHash,
    KeyTerms, Level, List, OwnerId, Timestamp,
};
use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use ipnet::IpNet;

use super::buckets::Buckets;
use super::limited::AccountLimits;
use super::resources::Resources;
use crate::definition::applies::member;
use crate::limits::{Rule, rules};
use crate::pattern::PatternMap;
use crate::state::people::hashes;
use crate::{OwnerState, State, acl};

/// Who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Whose keys and configuration serve the call.
    pub owner: OwnerId,
    /// The calling account.
    pub account: AccountNumber,
    /// The key that was presented; `None` is the owner's own.
    pub key: Option<CallerKeyNumber>,
    /// From when on what was presented is refused.
    pub expires_at: Option<Timestamp>,
}

/// Who administers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admin {
    /// Whose configuration.
    pub owner: OwnerId,
    /// The key that was presented.
    pub key: AdminKeyNumber,
    /// What it may do.
    pub role: AdminRole,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// Everybody who presents a key, by its SHA-256.
#[derive(Debug, Clone, Default)]
pub(super) struct Presented {
    callers: Buckets<[u8; 32], Caller>,
    admins: OrdMap<[u8; 32], Admin>,
}

/// One owner's accounts and keys: what a call asks of them, and no more.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    accounts: Buckets<AccountNumber, Node>,
    keys: Buckets<CallerKeyNumber, CompiledKey>,
}

/// An account's place in the tree.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) parent: AccountNumber,
    /// `None` where it bounds nothing: so it is with most.
    pub(super) bounds: Option<Arc<CompiledAccount>>,
}

/// What a caller key narrows; `None` of one that narrows nothing, as most do.
#[derive(Debug, Clone)]
pub(super) struct CompiledKey {
    pub(super) bounds: Option<Arc<KeyBounds>>,
}

/// How a caller key bounds those who present it.
#[derive(Debug)]
pub(super) struct KeyBounds {
    pub(super) disabled: bool,
    pub(super) models: Option<PatternMap<()>>,
    pub(super) concurrency: Option<u32>,
    pub(super) rules: Vec<Rule>,
    /// Who uses it, as another system knows them.
    pub(super) member: Option<String>,
}

/// How an account bounds those who call.
#[derive(Debug)]
pub(super) struct CompiledAccount {
    pub(super) number: AccountNumber,
    pub(super) limits: Option<AccountLimits>,
    pub(super) suspended: bool,
    pub(super) levels: Option<List<Level>>,
    pub(super) ips: Option<Vec<IpNet>>,
    pub(super) models: Option<PatternMap<()>>,
    pub(super) mapper: PatternMap<String>,
    pub(super) resources: Option<Resources>,
}

impl Presented {
    pub(super) fn caller(&self, hash: &[u8; 32]) -> Option<&Caller> {
        self.callers.get(hash)
    }

    pub(super) fn admin(&self, hash: &[u8; 32]) -> Option<&Admin> {
        self.admins.get(hash)
    }

    /// Takes up what changed from one state of an owner to the next, which stands
    /// in `state`.
    pub(super) fn advance(
        &mut self,
        before: Option<&OwnerState>,
        after: &OwnerState,
        state: &State,
    ) {
        let mut touched = BTreeSet::new();
        let owner_key = |owner: &OwnerState| <[u8; 32]>::try_from(owner.key_hash.as_slice()).ok();
        touched.extend(before.and_then(owner_key));
        touched.extend(owner_key(after));
        let empty = OrdMap::new();
        let old = before.map_or(&empty, |before| &before.caller_keys);
        for item in old.diff(&after.caller_keys) {
            let (gone, new) = sides(&item);
            for key in gone.into_iter().chain(new) {
                touched.extend(hashes(key).map(|hash| hash.0));
            }
        }
        for hash in touched {
            self.settle(hash, after, state);
        }
        self.advance_admins(before, after, state);
    }

    /// Finds who presents a key. Decisions give no two one key; should a log say
    /// so all the same, the first owner's it is, whatever the order of folding.
    fn settle(&mut self, hash: [u8; 32], owner: &OwnerState, state: &State) {
        let before = self.callers.get(&hash);
        let alone = before.is_none_or(|before| before.owner == owner.id);
        let mut claim = claimed(owner, hash);
        if !alone || (claim.is_none() && before.is_some()) {
            claim = state.owners.values().find_map(|owner| claimed(owner, hash));
        }
        match claim {
            Some(caller) => self.callers.insert(hash, caller),
            None => self.callers.remove(&hash),
        }
    }

    /// As with callers; who shares a key with another is found by looking at all.
    fn advance_admins(&mut self, before: Option<&OwnerState>, after: &OwnerState, state: &State) {
        let empty = OrdMap::new();
        let old = before.map_or(&empty, |before| &before.admin_keys);
        for item in old.diff(&after.admin_keys) {
            let (gone, new) = sides(&item);
            for hash in gone.into_iter().chain(new).map(|key| key.hash) {
                let claim = match (self.admins.contains_key(&hash.0), gone, new) {
                    (false, None, Some(new)) => Some(admin(after, new)),
                    _ => state
                        .owners
                        .values()
                        .find_map(|owner| admin_of(owner, hash)),
                };
                match claim {
                    Some(admin) => self.admins.insert(hash.0, admin),
                    None => self.admins.remove(&hash.0),
                };
            }
        }
    }
}

fn admin_of(owner: &OwnerState, hash: KeyHash) -> Option<Admin> {
    let mut keys = owner.admin_keys.values();
    keys.find(|key| key.hash == hash)
        .map(|key| admin(owner, key))
}

fn admin(owner: &OwnerState, key: &AdminKey) -> Admin {
    Admin {
        owner: owner.id,
        key: key.number,
        role: key.role,
        expires_at: key.expires_at,
    }
}

/// What an owner knows the presenter of a key as.
fn claimed(owner: &OwnerState, hash: [u8; 32]) -> Option<Caller> {
    if owner.key_hash == hash {
        return Some(Caller {
            owner: owner.id,
            account: owner.account,
            key: None,
            expires_at: None,
        });
    }
    let key = owner.caller_key_presented(KeyHash(hash))?;
    let until = key
        .previous
        .as_ref()
        .filter(|old| old.hash.0 == hash && key.hash.0 != hash);
    let ends = key
        .terms
        .expires_at
        .into_iter()
        .chain(until.map(|old| old.until));
    Some(Caller {
        owner: owner.id,
        account: key.account,
        key: Some(key.number),
        expires_at: ends.min(),
    })
}

pub(super) fn sides<'m, K, V>(item: &DiffItem<'m, 'm, K, V>) -> (Option<&'m V>, Option<&'m V>) {
    match item {
        DiffItem::Add(_, new) => (None, Some(new)),
        DiffItem::Remove(_, old) => (Some(old), None),
        DiffItem::Update {
            old: (_, old),
            new: (_, new),
        } => (Some(old), Some(new)),
    }
}

impl People {
    /// Compiles what changed from one state of an owner to the next.
    pub(super) fn advance(&mut self, before: Option<&OwnerState>, after: &OwnerState) {
        let (no_accounts, no_keys) = (OrdMap::new(), OrdMap::new());
        let old = before.map_or(&no_accounts, |before| &before.accounts);
        for item in old.diff(&after.accounts) {
            let (gone, new) = sides(&item);
            if let Some(account) = new {
                let bounds = CompiledAccount::new(account).map(Arc::new);
                let parent = account.parent;
                self.accounts
                    .insert(account.number, Node { parent, bounds });
            } else if let Some(gone) = gone {
                self.accounts.remove(&gone.number);
            }
        }
        let old = before.map_or(&no_keys, |before| &before.caller_keys);
        for item in old.diff(&after.caller_keys) {
            let (gone, new) = sides(&item);
            if let Some(key) = new {
                let bounds = KeyBounds::new(&key.terms).map(Arc::new);
                self.keys.insert(key.number, CompiledKey { bounds });
            } else if let Some(gone) = gone {
                self.keys.remove(&gone.number);
            }
        }
    }

    pub(super) fn account(&self, number: AccountNumber) -> Option<&Node> {
        self.accounts.get(&number)
    }

    pub(super) fn key(&self, number: CallerKeyNumber) -> Option<&CompiledKey> {
        self.keys.get(&number)
    }
}

impl KeyBounds {
    fn new(terms: &KeyTerms) -> Option<Self> {
        let per_second = terms.rps.map(Rule::per_second).into_iter();
        let rules: Vec<Rule> = per_second
            .chain(terms.limits.iter().flat_map(|limits| rules(limits)))
            .collect();
        let member = member(terms);
        let plain = !terms.disabled
            && terms.allow_models.is_none()
            && terms.concurrency.is_none()
            && rules.is_empty()
            && member.is_none();
        (!plain).then(|| Self {
            disabled: terms.disabled,
            models: terms.allow_models.as_deref().map(patterns),
            concurrency: terms.concurrency,
            rules,
            member,
        })
    }
}

impl CompiledAccount {
    fn new(account: &Account) -> Option<Self> {
        let profile = &account.profile;
        let limits = AccountLimits::new(profile.limits.as_deref(), profile.model_limits.iter());
        let plain = !profile.suspended
            && limits.is_none()
            && profile.allow_ips.is_none()
            && profile.allow_models.is_none()
            && profile.allow_levels.is_none()
            && profile.resources.is_none()
            && profile.model_mapper.is_empty();
        let mapper = profile.model_mapper.iter();
        (!plain).then(|| Self {
            number: account.number,
            limits,
            suspended: profile.suspended,
            levels: profile.allow_levels.clone(),
            ips: profile
                .allow_ips
                .as_ref()
                .map(|ips| ips.iter().filter_map(|ip| acl::net(ip)).collect()),
            models: profile.allow_models.as_deref().map(patterns),
            mapper: PatternMap::new(mapper.map(|(from, to)| (from.as_str(), to.clone()))),
            resources: profile.resources.as_deref().map(Resources::new),
        })
    }
}

fn patterns(models: &BTreeSet<String>) -> PatternMap<()> {
    PatternMap::new(models.iter().map(|model| (model.as_str(), ())))
}
