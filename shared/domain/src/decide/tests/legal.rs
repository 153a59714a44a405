//! Commands at random, decided one behind the other: what a history promises of
//! every log that decisions can write.

mod defined;
mod naive;
mod op;

use std::sync::Arc;

use foldgate_proto::{Change, ResourceId, Revision, Timestamp};
use imbl::OrdMap;
use proptest::prelude::*;

use self::op::{Op, ops};
use super::given::{Given, OWNER, given};
use crate::history::{diff, fields, shown};
use crate::state::tests::check_whole;
use crate::{Command, OwnerState, Rejection, Table};

/// An owner without what an undo does not bring back: counters, and the revisions
/// that say when something changed.
fn bare(owner: &OwnerState) -> OwnerState {
    let never = Revision::ZERO;
    let mut bare = owner.clone();
    bare.last_key = foldgate_proto::KeyNumber::default();
    bare.last_news = foldgate_proto::NewsNumber::default();
    bare.last_caller_key = foldgate_proto::CallerKeyNumber::default();
    bare.last_admin_key = foldgate_proto::AdminKeyNumber::default();
    bare.last_definition = foldgate_proto::DefinitionNumber::default();
    bare.owner_revision = never;
    bare.config_revision = never;
    each(&mut bare.keys, |key| {
        key.revision = never;
        key.secret_revision = never;
    });
    each(&mut bare.news, |news| news.revision = never);
    each(&mut bare.accounts, |account| account.revision = never);
    each(&mut bare.caller_keys, |key| key.revision = never);
    each(&mut bare.admin_keys, |key| key.revision = never);
    each(&mut bare.definitions, |definition| {
        definition.revision = never;
    });
    bare
}

fn each<K: Ord + Copy, V: Clone>(map: &mut OrdMap<K, Arc<V>>, change: impl Fn(&mut V)) {
    let changed = map.iter().map(|(key, value)| {
        let mut value = (**value).clone();
        change(&mut value);
        (*key, Arc::new(value))
    });
    *map = changed.collect();
}

fn assert_same(one: &OwnerState, other: &OwnerState, what: &str) {
    let (one, other) = (bare(one), bare(other));
    assert_eq!(one, other, "{what}");
    let bytes = |owner: &OwnerState| rmp_serde::to_vec_named(owner).expect("encodable");
    assert_eq!(bytes(&one), bytes(&other), "{what}");
}

/// Decides an operation; the command, if something was written.
fn step(given: &mut Given, op: Op) -> Option<Command> {
    let command = op.command(given)?;
    given.now = given.now.after(std::time::Duration::from_secs(1));
    match given.when(&command) {
        Ok(decision) if decision.events.is_empty() => return None,
        Ok(_) => {}
        // An undo or a restore that is refused says so of a resource, never of an id
        // or a field that its caller did not name.
        Err(rejection) => {
            let brings_back = matches!(command, Command::Undo(_) | Command::Restore(_));
            let fits = matches!(
                rejection,
                Rejection::BuiltUpon { .. }
                    | Rejection::DoesNotFit { .. }
                    | Rejection::Referred { .. }
                    | Rejection::HasChildren(_)
                    | Rejection::UndoOfUndo { .. }
                    | Rejection::NotUndoable(_)
            );
            assert!(!brings_back || fits, "{rejection}");
            return None;
        }
    }
    given.done(&command);
    check_whole(given.owner());
    Some(command)
}

fn check_diff(given: &Given) {
    let before = given.at(given.last() - 1).expect("claimed");
    let after = given.owner();
    let mut patched = (*before).clone();
    for difference in diff(Some(&before), after) {
        assert_ne!(difference.before, difference.after);
        patched.put_back(
            Revision::ZERO,
            &Change {
                resource: difference.resource,
                value: difference.after,
            },
        );
    }
    assert_same(&patched, after, "what differs is told whole");
}

fn check_undo(given: &Given, command: &Command) {
    let mut given = given.clone();
    let last = given.last();
    let before = given.at(last - 1).expect("claimed");
    let undo = given.undo(last);
    let refused = given.tried(&undo).err();
    if let Command::Undo(_) = command {
        assert!(matches!(refused, Some(Rejection::UndoOfUndo { .. })));
        return;
    }
    if let Command::RotateOwnerKey(_) = command {
        assert!(matches!(refused, Some(Rejection::DoesNotFit { .. })));
        return;
    }
    assert_eq!(refused, None, "the last record can be undone: {command:?}");
    assert_same(given.owner(), &before, "the undo of the last record");
}

proptest! {
    #[test]
    fn every_record_is_told_whole_and_can_be_undone(ops in ops(1..40)) {
        let mut given = given();
        for op in ops {
            if let Some(command) = step(&mut given, op) {
                check_diff(&given);
                check_undo(&given, &command);
            }
        }
    }

    #[test]
    fn a_whole_restore_leaves_no_difference(
        ops in ops(1..50),
        at in any::<prop::sample::Index>(),
    ) {
        let mut given = given();
        for op in ops {
            step(&mut given, op);
        }
        let revision = 1 + at.index(usize::try_from(given.last()).expect("few")) as u64;
        let then = given.at(revision).expect("claimed");
        given.done(&given.restore(revision, None));
        for left in diff(Some(&then), given.owner()) {
            prop_assert_eq!(left.resource, ResourceId::Owner);
        }
        let (now, then) = (bare(given.owner()), bare(&then));
        prop_assert_eq!(now.account_names, then.account_names);
        prop_assert_eq!(now.account_emails, then.account_emails);
        prop_assert_eq!(now.children, then.children);
        prop_assert_eq!(now.account_keys, then.account_keys);
        prop_assert_eq!(now.key_hashes, then.key_hashes);
        prop_assert_eq!(now.staff, then.staff);
        prop_assert_eq!(now.definition_names, then.definition_names);
        prop_assert_eq!(now.definition_ids, then.definition_ids);
        prop_assert_eq!(now.referrers, then.referrers);
    }

    #[test]
    fn no_account_is_allowed_what_one_above_denies(ops in ops(1..50)) {
        let mut given = given();
        let mut table = Table::new(&given.state);
        for op in ops {
            step(&mut given, op);
        }
        let mut checked = 0;
        table = table.advance(&given.state, &[marker(&given)]);
        for key in given.owner().caller_keys.values() {
            let caller = table.caller(&key.hash.0).expect("its key is known");
            prop_assert_eq!(caller.key, Some(key.number));
            let owner = table.owner(OWNER).expect("claimed");
            match owner.access(caller, Timestamp(given.now.0)) {
                Ok(access) => naive::check(&access, given.owner(), key),
                Err(denied) => naive::check_denied(&denied, given.owner(), key, given.now),
            }
            checked += 1;
        }
        prop_assert_eq!(checked, given.owner().caller_keys.len());
    }

    #[test]
    fn no_history_shows_a_secret(ops in ops(1..40)) {
        let mut given = given();
        for op in ops {
            step(&mut given, op);
        }
        for difference in diff(None, given.owner()) {
            let after = difference.after.as_ref().expect("it is there");
            naive::check_masked(&shown(after));
            for change in fields(&difference) {
                naive::check_masked(&change.after);
            }
        }
    }
}

/// A record that makes the table look at the owner again, as any does.
fn marker(given: &Given) -> foldgate_proto::Record {
    let nothing = Command::RevokeAdminKey(foldgate_proto::AdminKeyNumber(0));
    let events = vec![foldgate_proto::Event::StateRestored(
        foldgate_proto::event::StateRestored {
            revision: Revision::ZERO,
            changes: Vec::new(),
        },
    )];
    crate::decide::record(&given.state, OWNER, &nothing, &given.context(), events)
}
