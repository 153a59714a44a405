//! Undo and restore: bringing back what was, as events of their own. What comes
//! back is checked against today's rules and today's other resources.

use foldgate_proto::event::{RecordUndone, StateRestored};
use foldgate_proto::{Change, Event, Resource, ResourceId, Revision};

use super::{MAX_KEYS_PER_OWNER, MAX_NEWS, account, admin_key, config};
use crate::command::{Restore, Undo};
use crate::history::{self, Merged, diff, merge};
use crate::state::MAX_DEPTH;
use crate::{OwnerState, Rejection};

pub(super) fn undo(owner: &OwnerState, undo: &Undo) -> Result<Vec<Event>, Rejection> {
    let revision = undo.revision;
    if let Some(undid) = undo.undid {
        return Err(Rejection::UndoOfUndo { revision, undid });
    }
    let Some(before) = &undo.before else {
        return Err(Rejection::NotUndoable(revision));
    };
    let mut changes = Vec::new();
    for difference in diff(Some(before), &undo.after) {
        let resource = difference.resource;
        let now = owner.resource(resource);
        match merge(
            difference.before.as_ref(),
            difference.after.as_ref(),
            now.as_ref(),
        ) {
            Merged::Unchanged => {}
            Merged::Value(value) => changes.push(Change { resource, value }),
            Merged::Conflict(field) => {
                return Err(Rejection::BuiltUpon {
                    revision,
                    resource,
                    field,
                });
            }
        }
    }
    check_followers(owner, revision, &changes)?;
    fit(owner, &changes)?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::RecordUndone(RecordUndone {
        revision,
        changes,
    })])
}

/// What goes may not take along what came later: an account's keys and children.
fn check_followers(
    owner: &OwnerState,
    revision: Revision,
    changes: &[Change],
) -> Result<(), Rejection> {
    for change in changes {
        let (ResourceId::Account(number), None) = (change.resource, &change.value) else {
            continue;
        };
        let goes = |id: ResourceId| {
            let mut gone = changes.iter().filter(|change| change.value.is_none());
            gone.any(|change| change.resource == id)
        };
        let children = owner
            .children_of(number)
            .map(|a| ResourceId::Account(a.number));
        let keys = owner
            .caller_keys_of(number)
            .map(|k| ResourceId::CallerKey(k.number));
        if let Some(resource) = children.chain(keys).find(|id| !goes(*id)) {
            return Err(Rejection::BuiltUpon {
                revision,
                resource,
                field: String::new(),
            });
        }
    }
    Ok(())
}

pub(super) fn restore(owner: &OwnerState, restore: &Restore) -> Result<Vec<Event>, Rejection> {
    let mut changes: Vec<Change> = history::towards(owner, &restore.then)
        .into_values()
        .filter(|difference| match restore.only {
            Some(only) => only == difference.resource,
            // Whoever brings everything back does not mean an old owner key.
            None => difference.resource != ResourceId::Owner,
        })
        .map(|difference| Change {
            resource: difference.resource,
            value: difference.after,
        })
        .collect();
    // Parents come before their children and go after them.
    changes.sort_by_key(|change| match (change.resource, &change.value) {
        (ResourceId::Account(number), None) => (1, usize::MAX - owner.depth(number)),
        (ResourceId::CallerKey(_), None) => (0, 0),
        (ResourceId::Account(number), Some(_)) => (2, restore.then.depth(number)),
        _ => (3, 0),
    });
    fit(owner, &changes)?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let revision = restore.revision;
    Ok(vec![Event::StateRestored(StateRestored {
        revision,
        changes,
    })])
}

/// Checks what comes back (and what goes) against the owner as it will be.
fn fit(owner: &OwnerState, changes: &[Change]) -> Result<(), Rejection> {
    let mut after = owner.clone();
    for change in changes {
        after.put_back(Revision::ZERO, change);
    }
    for change in changes {
        fits(owner, &after, change).map_err(|problem| Rejection::DoesNotFit {
            resource: change.resource,
            problem,
        })?;
    }
    Ok(())
}

fn fits(before: &OwnerState, after: &OwnerState, change: &Change) -> Result<(), String> {
    let words = |rejection: Rejection| rejection.to_string();
    match (change.resource, &change.value) {
        (_, Some(Resource::Config(set))) => config::check(set).map_err(words),
        (_, Some(Resource::Key(key))) => {
            let stays = after
                .key(key.id)
                .is_some_and(|now| now.number == key.number);
            match after.keys.len() {
                count if count > MAX_KEYS_PER_OWNER && count > before.keys.len() => {
                    Err(format!("there are {MAX_KEYS_PER_OWNER} keys already"))
                }
                _ if !stays => Err("another key has its id".to_owned()),
                _ => Ok(()),
            }
        }
        (_, Some(Resource::News(_))) if after.news.len() > MAX_NEWS.max(before.news.len()) => {
            Err(format!("there are {MAX_NEWS} news already"))
        }
        (_, Some(Resource::Account(back))) => {
            if !after.is_rooted(back.number) || after.depth(back.number) > MAX_DEPTH {
                return Err(format!("the account above it, {}, is gone", back.parent));
            }
            let mut others = after.clone();
            others.remove_account_only(back.number);
            account::check(&others, Some(back), back.parent, &back.profile).map_err(words)
        }
        (ResourceId::Account(number), None) if after.has_children(number) => {
            Err("it has accounts below it".to_owned())
        }
        (_, Some(Resource::CallerKey(key))) => {
            let stands = after.is_root(key.account) || after.accounts.contains_key(&key.account);
            if !stands {
                return Err(format!("its account, {}, is gone", key.account));
            }
            match after.key_hashes.get(&key.hash) {
                Some(number) if *number == key.number => Ok(()),
                _ => Err("another key presents the same".to_owned()),
            }
        }
        (_, Some(Resource::AdminKey(key))) => {
            admin_key::check_name(after, &key.name, Some(key.number)).map_err(words)
        }
        _ => Ok(()),
    }
}
