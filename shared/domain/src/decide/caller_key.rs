//! Caller keys. What a key may do lies within what its account may.

use std::time::Duration;

use foldgate_proto::event::{
    CallerKeyIssued, CallerKeyPatched, CallerKeyRevoked, CallerKeyRotated,
};
use foldgate_proto::{
    AccountNumber, CallerKey, Event, KeyHash, KeyTerms, Profile, ResourceId, Timestamp,
};

use super::account::{self, bounds};
use super::definition::check_unreferred;
use super::{check_line, check_more};
use crate::command::{IssueCallerKey, KeyOf, NewKey, PatchCallerKey, RotateCallerKey, TermsEdit};
use crate::{OwnerState, Rejection, State};

/// The most caller keys one account may hold.
pub const MAX_KEYS_PER_ACCOUNT: usize = 100;
/// The most caller keys one owner may hold.
pub const MAX_CALLER_KEYS_PER_OWNER: usize = 400_000;
/// The longest name of a caller key, in characters.
pub const MAX_CALLER_KEY_NAME_CHARS: usize = 128;
/// The longest a rotated key may stay good beside the new one.
pub const MAX_OVERLAP: Duration = Duration::from_hours(24 * 30);

/// What a key is called that was given no name; any number may be called so.
pub const DEFAULT_NAME: &str = "default";

pub(super) fn issue(
    state: &State,
    owner: &OwnerState,
    issue: &IssueCallerKey,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let account = issue.account;
    let is_root = owner.is_root(account);
    if !is_root && !owner.accounts.contains_key(&account) {
        return Err(Rejection::NoSuchAccount(account));
    }
    // The owner's own account is bounded by what the owner may hold in all.
    let mut held = owner.caller_keys_of(account);
    if !is_root && held.nth(MAX_KEYS_PER_ACCOUNT - 1).is_some() {
        return Err(Rejection::TooMany {
            what: "caller keys of one account",
            limit: MAX_KEYS_PER_ACCOUNT,
        });
    }
    if issue.key.mask.is_empty() {
        check_hash_elsewhere(state, owner, issue.key.hash)?;
    }
    let event = issued(owner, account, &above(owner, account), &issue.key, now)?;
    if issue.own_name {
        check_name(owner, account, &event.name)?;
    }
    Ok(vec![Event::CallerKeyIssued(event)])
}

/// A name that was chosen is one key's, among those of its account.
fn check_name(owner: &OwnerState, account: AccountNumber, name: &str) -> Result<(), Rejection> {
    if name != DEFAULT_NAME && owner.caller_keys_named(account, name).next().is_some() {
        return Err(Rejection::Taken {
            field: "Name",
            value: name.to_owned(),
        });
    }
    Ok(())
}

/// The profiles that bound a key of this account, its own first.
fn above(owner: &OwnerState, account: AccountNumber) -> Vec<&Profile> {
    let lineage = owner.lineage(account);
    lineage.map(|account| &account.profile).collect()
}

/// A key for an account, or for one that is just being made, within these
/// profiles.
pub(super) fn issued(
    owner: &OwnerState,
    account: AccountNumber,
    above: &[&Profile],
    key: &NewKey,
    now: Timestamp,
) -> Result<CallerKeyIssued, Rejection> {
    if owner.caller_keys.len() >= MAX_CALLER_KEYS_PER_OWNER {
        return Err(Rejection::TooMany {
            what: "caller keys",
            limit: MAX_CALLER_KEYS_PER_OWNER,
        });
    }
    check_hash(owner, key.hash)?;
    let name = match key.name.as_str() {
        "" => DEFAULT_NAME,
        name => name,
    };
    check_line("Name", name, MAX_CALLER_KEY_NAME_CHARS)?;
    let terms = terms(above, &KeyTerms::default(), &key.terms)?;
    check_expiry(&terms, now)?;
    Ok(CallerKeyIssued {
        id: key.id,
        number: owner.last_caller_key.next(),
        account,
        name: name.to_owned(),
        hash: key.hash,
        mask: key.mask.clone(),
        terms,
    })
}

/// A hash leads to one key only, of whatever sort.
pub(super) fn check_hash(owner: &OwnerState, hash: KeyHash) -> Result<(), Rejection> {
    let admins = owner.admin_keys.values();
    let taken = owner.caller_key_presented(hash).is_some()
        || owner.key_hash == hash.0
        || admins.into_iter().any(|key| key.hash == hash);
    if taken {
        return Err(Rejection::KeyTaken);
    }
    Ok(())
}

/// A hash that somebody brought may be that of another tenant's key, whose calls
/// would then be answered as theirs. Of keys that are drawn here no two are alike.
fn check_hash_elsewhere(state: &State, owner: &OwnerState, hash: KeyHash) -> Result<(), Rejection> {
    let mut others = state.owners.values().filter(|other| other.id != owner.id);
    others.try_for_each(|other| check_hash(other, hash))
}

fn terms(above: &[&Profile], base: &KeyTerms, edit: &TermsEdit) -> Result<KeyTerms, Rejection> {
    let nearest = above.iter().find_map(|p| p.allow_models.as_deref());
    let terms = KeyTerms {
        expires_at: edit.expires_at.over(base.expires_at),
        allow_models: account::models(
            edit.allow_models.as_ref(),
            base.allow_models.as_deref(),
            nearest,
        )?,
        limits: account::limited(base.limits.clone(), &edit.limits),
        disabled: edit.disabled.unwrap_or(base.disabled),
        rps: edit.rps.over(base.rps),
        concurrency: edit.concurrency.over(base.concurrency),
        more: edit.more.clone().over(base.more.clone()),
    };
    check_more(terms.more.as_ref())?;
    // What stays as it is was within bounds once, and is bounded when it calls.
    for profile in above {
        if terms.allow_models != base.allow_models {
            bounds::check_models(terms.allow_models.as_deref(), profile)?;
        }
        if terms.limits != base.limits {
            bounds::check_limits(terms.limits.as_deref(), profile)?;
        }
    }
    Ok(terms)
}

fn check_expiry(terms: &KeyTerms, now: Timestamp) -> Result<(), Rejection> {
    if terms.expires_at.is_some_and(|at| at <= now) {
        return Err(Rejection::field("ExpiresAt", "must lie in the future"));
    }
    Ok(())
}

fn find(owner: &OwnerState, key: KeyOf) -> Result<&CallerKey, Rejection> {
    let found = owner.caller_keys.get(&key.number);
    let found = found.filter(|found| found.account == key.account);
    found
        .map(AsRef::as_ref)
        .ok_or(Rejection::NoSuchCallerKey(key.number))
}

pub(super) fn patch(
    state: &State,
    owner: &OwnerState,
    patch: &PatchCallerKey,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let key = find(owner, patch.key)?;
    if patch.name.is_none() && patch.hash.is_none() && patch.terms == TermsEdit::default() {
        return Err(Rejection::NothingToChange);
    }
    let name = patch.name.as_ref().unwrap_or(&key.name);
    if name.is_empty() {
        return Err(Rejection::field("Name", "must not be empty"));
    }
    check_line("Name", name, MAX_CALLER_KEY_NAME_CHARS)?;
    if patch.own_name && !crate::is_same(name, &key.name) {
        check_name(owner, key.account, name)?;
    }
    let terms = terms(&above(owner, key.account), &key.terms, &patch.terms)?;
    if terms.expires_at != key.terms.expires_at {
        check_expiry(&terms, now)?;
    }
    let mut events = Vec::new();
    if let Some(hash) = patch.hash.filter(|hash| *hash != key.hash) {
        check_hash(owner, hash)?;
        check_hash_elsewhere(state, owner, hash)?;
        events.push(Event::CallerKeyRotated(CallerKeyRotated {
            number: key.number,
            hash,
            mask: String::new(),
            previous_until: None,
        }));
    }
    if *name != key.name || terms != *key.terms {
        events.push(Event::CallerKeyPatched(CallerKeyPatched {
            number: key.number,
            name: name.clone(),
            terms,
        }));
    }
    Ok(events)
}

pub(super) fn rotate(
    owner: &OwnerState,
    rotate: &RotateCallerKey,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let key = find(owner, rotate.key)?;
    check_hash(owner, rotate.hash)?;
    if rotate.overlap > MAX_OVERLAP {
        let problem = format!("must be at most {}", MAX_OVERLAP.as_secs());
        return Err(Rejection::field("OverlapSeconds", problem));
    }
    // A key remembers one old key: a second rotation would cut off the first, which
    // was promised to be good for longer.
    let still = key.previous.as_ref().map(|previous| previous.until);
    if let Some(until) = still.filter(|until| *until > now)
        && rotate.overlap > Duration::ZERO
    {
        let problem = format!(
            "the key that was rotated last is good until {}; rotate again then, or with 0 to cut \
             off both old keys at once",
            until.to_rfc3339()
        );
        return Err(Rejection::field("OverlapSeconds", problem));
    }
    let overlaps = rotate.overlap > Duration::ZERO;
    Ok(vec![Event::CallerKeyRotated(CallerKeyRotated {
        number: key.number,
        hash: rotate.hash,
        mask: rotate.mask.clone(),
        previous_until: overlaps.then(|| now.after(rotate.overlap)),
    })])
}

pub(super) fn revoke(owner: &OwnerState, key: KeyOf) -> Result<Vec<Event>, Rejection> {
    let number = find(owner, key)?.number;
    check_unreferred(owner, ResourceId::CallerKey(number))?;
    Ok(vec![Event::CallerKeyRevoked(CallerKeyRevoked { number })])
}
