//! How much one owner may hold. Most of it is put into the state's maps as it is:
//! deciding so many things one by one would take minutes.

use std::sync::Arc;

use foldgate_proto::{AccountNumber, CallerKeyNumber};
use imbl::OrdMap;

use super::given::{Given, OWNER, given};
use super::people::{
    add_account, issue, key_of, patch_account, patch_key_of, remove_account, rotate,
};
use crate::decide::{MAX_ACCOUNTS_PER_OWNER, MAX_CALLER_KEYS_PER_OWNER};
use crate::{Command, OwnerState, Rejection};

/// Far from every number that is given out here.
const FAR: u64 = 1_000_000;

fn with(given: &Given, change: impl FnOnce(&mut OwnerState)) -> Given {
    let mut changed = given.clone();
    let owner = changed.state.owners.get_mut(&OWNER).expect("claimed");
    change(Arc::make_mut(owner));
    changed
}

/// Copies of one thing until there are so many.
fn fill<K: Ord + Copy, V>(
    map: &mut OrdMap<K, Arc<V>>,
    count: usize,
    one: &Arc<V>,
    number: fn(u64) -> K,
) {
    for n in FAR.. {
        if map.len() >= count {
            break;
        }
        map.insert(number(n), Arc::clone(one));
    }
    assert_eq!(map.len(), count);
}

fn with_accounts(given: &Given, count: usize) -> Given {
    let one = Arc::clone(
        given
            .at(2)
            .expect("claimed")
            .accounts
            .values()
            .next()
            .expect("one"),
    );
    with(given, |owner| {
        fill(&mut owner.accounts, count, &one, AccountNumber);
    })
}

fn with_keys(given: &Given, count: usize) -> Given {
    let one = Arc::clone(
        given
            .at(2)
            .expect("claimed")
            .caller_keys
            .values()
            .next()
            .expect("one"),
    );
    with(given, |owner| {
        fill(&mut owner.caller_keys, count, &one, CallerKeyNumber);
    })
}

#[track_caller]
fn too_many(given: &Given, command: &Command, what: &'static str, limit: usize) {
    assert_eq!(given.refused(command), Rejection::TooMany { what, limit });
}

#[track_caller]
fn has_no_room(given: &Given, undo: &Command, says: &str) {
    let refused = given.refused(undo);
    assert!(matches!(refused, Rejection::DoesNotFit { .. }), "{refused}");
    assert!(refused.to_string().contains(says), "{refused}");
}

#[test]
fn an_owner_holds_only_so_many_accounts() {
    let given = given().and(&add_account("team", 1, 9));
    let one_more = add_account("other", 1, 10);
    let room = with_accounts(&given, MAX_ACCOUNTS_PER_OWNER - 1);
    let full = room.and(&one_more);
    let beyond = add_account("third", 1, 11);
    too_many(&full, &beyond, "accounts", MAX_ACCOUNTS_PER_OWNER);
    let rename = patch_account(2, 1, |profile| profile.alias = Some("a".to_owned()));
    assert!(full.when(&rename).is_ok(), "what is there may change");
    let room = full.and(&remove_account(2, 1));
    assert!(room.when(&beyond).is_ok(), "one has gone");
}

#[test]
fn an_account_comes_back_only_where_there_is_room() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&remove_account(2, 1));
    let undo = given.undo(3);
    let room = with_accounts(&given, MAX_ACCOUNTS_PER_OWNER - 1);
    assert!(room.when(&undo).is_ok());
    let full = with_accounts(&given, MAX_ACCOUNTS_PER_OWNER);
    has_no_room(&full, &undo, "there are 200000 accounts already");
}

#[test]
fn an_owner_holds_only_so_many_caller_keys() {
    let given = given().and(&add_account("team", 1, 9));
    let room = with_keys(&given, MAX_CALLER_KEYS_PER_OWNER - 1);
    let full = room.and(&issue(2, 10, |_| {}));
    // Every account comes with a key.
    for beyond in [issue(2, 11, |_| {}), add_account("other", 1, 11)] {
        too_many(&full, &beyond, "caller keys", MAX_CALLER_KEYS_PER_OWNER);
    }
    let key = key_of(2, 1);
    let rename = patch_key_of(key, |patch| patch.name = Some("a".to_owned()));
    for same in [rename, rotate(key, 11, 60)] {
        assert!(full.when(&same).is_ok(), "what is there may change");
    }
    let room = full.and(&Command::RevokeCallerKey(key));
    assert!(room.when(&issue(2, 11, |_| {})).is_ok(), "one has gone");
}

#[test]
fn a_caller_key_comes_back_only_where_there_is_room() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&Command::RevokeCallerKey(key_of(2, 1)));
    let undo = given.undo(3);
    let room = with_keys(&given, MAX_CALLER_KEYS_PER_OWNER - 1);
    assert!(room.when(&undo).is_ok());
    let full = with_keys(&given, MAX_CALLER_KEYS_PER_OWNER);
    has_no_room(&full, &undo, "there are 400000 caller keys already");
}
