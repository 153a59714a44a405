//! Whether what comes back (or goes) fits: today's rules on names, keys, numbers
//! and the tree hold. What an account may do is not held against those above it:
//! as it stood it was legal, and what is beyond is bounded when it calls.

use foldgate_proto::{
    Account, AdminKey, CallerKey, Change, Definition, OwnerProfile, ProviderKey, Resource,
    ResourceId, Revision,
};

use crate::decide::{
    DEFAULT_CALLER_KEY_NAME, MAX_ACCOUNTS_PER_OWNER, MAX_ADMIN_KEYS, MAX_CALLER_KEYS_PER_OWNER,
    MAX_DEFINITIONS, MAX_KEYS_PER_ACCOUNT, MAX_KEYS_PER_OWNER, MAX_NEWS, account, admin_key,
    config, definition,
};
use crate::state::people::{folded, hashes};
use crate::{OwnerState, Rejection, is_same};

/// The owner as it is, and as the changes will leave it.
struct Fit<'o> {
    /// As it was when what comes back stood.
    then: &'o OwnerState,
    before: &'o OwnerState,
    after: OwnerState,
    changes: &'o [Change],
}

/// Checks all changes together, which lead to what stood `then`.
///
/// # Errors
/// The first that does not: [`Rejection::DoesNotFit`] of what comes back; of what
/// goes, what refuses its removal otherwise.
pub(super) fn check(
    owner: &OwnerState,
    then: &OwnerState,
    changes: &[Change],
) -> Result<(), Rejection> {
    let mut after = owner.clone();
    for change in changes {
        after.put_back(Revision::ZERO, change);
    }
    let fit = Fit {
        then,
        before: owner,
        after,
        changes,
    };
    changes.iter().try_for_each(|change| match &change.value {
        None => fit.goes_well(change.resource),
        Some(back) => fit.back(back).map_err(|problem| Rejection::DoesNotFit {
            resource: change.resource,
            problem,
        }),
    })
}

fn words(rejection: &Rejection) -> String {
    rejection.to_string()
}

fn taken(name: &str) -> String {
    format!("the name {name:?} is another's today")
}

/// Refuses a name that another has, of those that `had` these then, and had not then.
fn not_since<'n>(name: &str, mut had: impl Iterator<Item = Option<&'n str>>) -> Result<(), String> {
    if had.any(|had| !had.is_some_and(|had| is_same(had, name))) {
        return Err(taken(name));
    }
    Ok(())
}

impl Fit<'_> {
    fn back(&self, back: &Resource) -> Result<(), String> {
        match back {
            Resource::Owner(owner) => self.owner(owner),
            Resource::Config(set) => config::check(set).map_err(|e| words(&e)),
            Resource::Key(key) => self.provider_key(key),
            Resource::News(_) => self.room("news", |o| o.news.len(), MAX_NEWS),
            Resource::Account(account) => self.account(account),
            Resource::CallerKey(key) => self.caller_key(key),
            Resource::AdminKey(key) => self.admin_key(key),
            Resource::Definition(back) => self.definition(back),
            Resource::Completed(_) => Ok(()),
        }
    }

    /// What goes leaves nobody behind who speaks of it or stands below it.
    fn goes_well(&self, resource: ResourceId) -> Result<(), Rejection> {
        definition::check_unreferred(&self.after, resource)?;
        let ResourceId::Account(number) = resource else {
            return Ok(());
        };
        if self.after.has_children(number) {
            return Err(Rejection::HasChildren(number));
        }
        // Its caller keys go with it.
        let mut keys = self.before.caller_keys_of(number);
        keys.try_for_each(|key| {
            definition::check_unreferred(&self.after, ResourceId::CallerKey(key.number))
        })
    }

    /// More than there may be are refused, but not where there were as many.
    fn room(
        &self,
        what: &str,
        count: impl Fn(&OwnerState) -> usize,
        limit: usize,
    ) -> Result<(), String> {
        let (before, after) = (count(self.before), count(&self.after));
        if after > limit.max(before) {
            return Err(format!("there are {limit} {what} already"));
        }
        Ok(())
    }

    /// An owner key never comes back: whoever presents the one that is good today
    /// would be locked out, and the old one may be the one that leaked.
    fn owner(&self, owner: &OwnerProfile) -> Result<(), String> {
        if owner.key_hash != self.before.key_hash {
            return Err("an owner key that was rotated stays so; rotate it again".to_owned());
        }
        if self.after.account_named(&owner.name).is_some() {
            return Err("an account has its name".to_owned());
        }
        Ok(())
    }

    fn provider_key(&self, key: &ProviderKey) -> Result<(), String> {
        self.room("keys", |o| o.keys.len(), MAX_KEYS_PER_OWNER)?;
        let now = self.before.key(key.id);
        let other = now.filter(|now| now.number != key.number);
        let pushed_out = other.is_some_and(|other| !self.goes(ResourceId::Key(other.number)));
        let stays = self
            .after
            .key(key.id)
            .is_some_and(|now| now.number == key.number);
        if pushed_out || !stays {
            return Err("another key has its id".to_owned());
        }
        // The owner API lets several have one name: those that had it then may again.
        let others = self.after.keys_named(&key.name);
        let others = others.filter(|other| other.number != key.number);
        let had = others.map(|other| self.then.keys.get(&other.number));
        not_since(&key.name, had.map(|had| had.map(|had| had.name.as_str())))
    }

    fn goes(&self, resource: ResourceId) -> bool {
        let mut gone = self.changes.iter().filter(|change| change.value.is_none());
        gone.any(|change| change.resource == resource)
    }

    fn account(&self, back: &Account) -> Result<(), String> {
        self.room("accounts", |o| o.accounts.len(), MAX_ACCOUNTS_PER_OWNER)?;
        if !self.after.is_rooted(back.number) {
            return Err(format!("the account above it, {}, is gone", back.parent));
        }
        account::check_own(&back.profile).map_err(|e| words(&e))?;
        let (name, email) = (&back.profile.name, &back.profile.email);
        let other = |account: &std::sync::Arc<Account>| account.number != back.number;
        let owners = folded(&self.after.name) == folded(name);
        if owners || self.after.accounts_named(name).any(other) {
            return Err(taken(name));
        }
        if self.after.accounts_mailed(email).any(other) {
            return Err(format!("the e-mail address {email:?} is another's today"));
        }
        Ok(())
    }

    fn caller_key(&self, key: &CallerKey) -> Result<(), String> {
        self.room(
            "caller keys",
            |o| o.caller_keys.len(),
            MAX_CALLER_KEYS_PER_OWNER,
        )?;
        if !self.after.is_root(key.account) {
            let of_account = |o: &OwnerState| o.caller_keys_of(key.account).count();
            self.room(
                "caller keys of its account",
                of_account,
                MAX_KEYS_PER_ACCOUNT,
            )?;
        }
        let stands =
            self.after.is_root(key.account) || self.after.accounts.contains_key(&key.account);
        if !stands {
            return Err(format!("its account, {}, is gone", key.account));
        }
        let shared = hashes(key).any(|hash| {
            let admins = self.after.admin_keys.values();
            let mut presented = self.after.caller_keys_presented(hash);
            presented.any(|other| other.number != key.number)
                || self.after.key_hash == hash.0
                || admins.into_iter().any(|admin| admin.hash == hash)
        });
        if shared {
            return Err("another key presents the same".to_owned());
        }
        if key.name == DEFAULT_CALLER_KEY_NAME {
            return Ok(());
        }
        let others = self.after.caller_keys_named(key.account, &key.name);
        let others = others.filter(|other| other.number != key.number);
        let had = others.map(|other| self.then.caller_keys.get(&other.number));
        not_since(&key.name, had.map(|had| had.map(|had| had.name.as_str())))
    }

    fn definition(&self, back: &Definition) -> Result<(), String> {
        let of_kind = |o: &OwnerState| o.definition_count(back.kind);
        self.room("definitions of its kind", of_kind, MAX_DEFINITIONS)?;
        let now = self.after.definition(back.kind, back.id);
        if now.is_none_or(|now| now.number != back.number) {
            return Err("another definition has its id".to_owned());
        }
        let now = self.before.definition(back.kind, back.id);
        definition::check_back(&self.after, (now.map(AsRef::as_ref), back))
    }

    fn admin_key(&self, key: &AdminKey) -> Result<(), String> {
        self.room("admin keys", |o| o.admin_keys.len(), MAX_ADMIN_KEYS)?;
        let mut others = self
            .after
            .admin_keys
            .values()
            .filter(|o| o.number != key.number);
        let shared = self.after.caller_key_presented(key.hash).is_some()
            || self.after.key_hash == key.hash.0
            || others.any(|other| other.hash == key.hash);
        if shared {
            return Err("another key presents the same".to_owned());
        }
        admin_key::check_name(&self.after, &key.name, Some(key.number)).map_err(|e| words(&e))
    }
}
