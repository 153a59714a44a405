//! Undo and restore: bringing back what was, as events of their own. What comes
//! back is checked against today's rules and today's other resources.

use foldgate_proto::event::{RecordUndone, StateRestored};
use foldgate_proto::{Change, Event, ResourceId, Revision};

use crate::command::{Restore, Undo};
use crate::history::{self, Merged, diff, merge};
use crate::{OwnerState, Rejection};

mod fit;

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
                    since: owner.resource_revision(resource),
                });
            }
        }
    }
    check_followers(owner, revision, &changes)?;
    fit::check(owner, before, &changes)?;
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
                since: owner.resource_revision(resource),
            });
        }
    }
    Ok(())
}

pub(super) fn restore(owner: &OwnerState, restore: &Restore) -> Result<Vec<Event>, Rejection> {
    if restore.only == Some(ResourceId::Completed) {
        return Err(Rejection::DoesNotFit {
            resource: ResourceId::Completed,
            problem: "it follows the provider keys; restore those".to_owned(),
        });
    }
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
    fit::check(owner, &restore.then, &changes)?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let revision = restore.revision;
    Ok(vec![Event::StateRestored(StateRestored {
        revision,
        changes,
    })])
}
