//! Admin keys, and the owner's own.

use foldgate_proto::event::{AdminKeyIssued, AdminKeyRevoked, OwnerKeyRotated};
use foldgate_proto::{AdminKeyNumber, Event, Timestamp};

use super::caller_key::check_hash;
use super::check_line;
use crate::command::{IssueAdminKey, RotateOwnerKey};
use crate::state::people::folded;
use crate::{OwnerState, Rejection, State};

/// The most admin keys one owner may hold; each is looked at when one is issued.
pub const MAX_ADMIN_KEYS: usize = 1_000;
/// The longest name of an admin key, in characters.
pub const MAX_ADMIN_KEY_NAME_CHARS: usize = 63;

pub(super) fn issue(
    owner: &OwnerState,
    issue: &IssueAdminKey,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    if owner.admin_keys.len() >= MAX_ADMIN_KEYS {
        return Err(Rejection::TooMany {
            what: "admin keys",
            limit: MAX_ADMIN_KEYS,
        });
    }
    if issue.name.is_empty() || issue.name.trim() != issue.name {
        let problem = "must not be empty, nor begin or end with white space";
        return Err(Rejection::field("name", problem));
    }
    check_line("name", &issue.name, MAX_ADMIN_KEY_NAME_CHARS)?;
    check_name(owner, &issue.name, None)?;
    check_hash(owner, issue.hash)?;
    if issue.expires_at.is_some_and(|at| at <= now) {
        return Err(Rejection::field("expires_at", "must lie in the future"));
    }
    Ok(vec![Event::AdminKeyIssued(AdminKeyIssued {
        id: issue.id,
        number: owner.last_admin_key.next(),
        name: issue.name.clone(),
        role: issue.role,
        hash: issue.hash,
        mask: issue.mask.clone(),
        expires_at: issue.expires_at,
    })])
}

/// Histories name who did something by it, so it names one only.
pub(super) fn check_name(
    owner: &OwnerState,
    name: &str,
    mine: Option<AdminKeyNumber>,
) -> Result<(), Rejection> {
    let mut others = owner.admin_keys.values();
    let taken = others.any(|key| Some(key.number) != mine && folded(&key.name) == folded(name));
    if taken || folded(&owner.name) == folded(name) {
        return Err(Rejection::Taken {
            field: "name",
            value: name.to_owned(),
        });
    }
    Ok(())
}

pub(super) fn revoke(owner: &OwnerState, number: AdminKeyNumber) -> Result<Vec<Event>, Rejection> {
    if !owner.admin_keys.contains_key(&number) {
        return Err(Rejection::NoSuchAdminKey(number));
    }
    Ok(vec![Event::AdminKeyRevoked(AdminKeyRevoked { number })])
}

pub(super) fn rotate_owner(
    state: &State,
    owner: &OwnerState,
    rotate: &RotateOwnerKey,
) -> Result<Vec<Event>, Rejection> {
    check_hash(owner, rotate.hash)?;
    let mut others = state.owners.values();
    others.try_for_each(|other| check_hash(other, rotate.hash))?;
    Ok(vec![Event::OwnerKeyRotated(OwnerKeyRotated {
        key_hash: rotate.hash,
        key_mask: rotate.mask.clone(),
    })])
}
