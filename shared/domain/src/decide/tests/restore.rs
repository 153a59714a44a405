use foldgate_proto::event::StateRestored;
use foldgate_proto::{
    AccountNumber, AdminRole, Change, DefinitionKind, Event, KeyNumber, ResourceId, Revision,
};
use serde_json::json;

use super::definition::{id, keyword, put};
use super::given::{Given, add, given, map, number, set};
use super::people::{
    add_account, admin, bounded, edit, issue, patch_account, remove_account, rotate_owner,
};
use crate::decide::Warning;
use crate::history::diff;
use crate::{Command, Rejection};

/// Some of everything, all of it changed again: restores of 5 have work.
fn changed() -> Given {
    given()
        .and(&add_account("team", 1, 9))
        .and(&add(1, "https://api.openai.com", 1))
        .and(&admin("ops", AdminRole::Operator, 20))
        .and(&set(|patch| {
            patch.set.model_mapper = Some(map([("a", "b".to_owned())]));
        }))
        .and(&add_account("member", 2, 10))
        .and(&issue(2, 11, |_| {}))
        .and(&patch_account(2, 1, |p| p.name = Some("crew".to_owned())))
        .and(&Command::RemoveKey(number(1)))
        .and(&Command::RevokeAdminKey(foldgate_proto::AdminKeyNumber(1)))
        .and(&set(|patch| {
            patch.set.model_mapper = Some(map([("a", "c".to_owned())]));
        }))
        .and(&rotate_owner(2))
}

#[test]
fn a_whole_restore_brings_back_everything_but_the_owner_key() {
    let mut given = changed();
    let then = given.at(5).expect("it stood");
    let restore = given.restore(5, None);
    let warnings = given.when(&restore).expect("legal").warnings;
    assert_eq!(warnings, [Warning::KeysBack(1)], "the admin key");
    given.done(&restore);
    let left: Vec<ResourceId> = diff(Some(&then), given.owner())
        .into_iter()
        .map(|difference| difference.resource)
        .collect();
    assert_eq!(left, [ResourceId::Owner]);
    assert_eq!(given.owner().key_hash, vec![2; 32]);
    assert_eq!(
        given.when(&restore).map(|d| d.events),
        Ok(Vec::new()),
        "once"
    );
}

#[test]
fn one_resource_comes_back_alone() {
    let mut given = changed();
    let key = ResourceId::Key(KeyNumber(1));
    let events = given.done(&given.restore(5, Some(key)));
    let back = Change {
        resource: key,
        value: given.at(5).and_then(|then| then.resource(key)),
    };
    let restored = StateRestored {
        revision: Revision(5),
        changes: vec![back],
    };
    assert_eq!(events[0], Event::StateRestored(restored));
    let completes = events
        .iter()
        .any(|e| matches!(e, Event::LevelMapperCompleted(_)));
    assert!(completes, "a key that is back serves its models");
    assert_eq!(given.owner().keys.len(), 1);
    assert!(given.owner().admin_keys.is_empty());
    let nobody = ResourceId::Account(AccountNumber(77));
    let nothing = given.when(&given.restore(5, Some(nobody)));
    assert_eq!(nothing.map(|d| d.events), Ok(Vec::new()));
}

#[test]
fn a_key_that_one_restore_takes_away_takes_its_patterns() {
    let mut given = given().and(&add(1, "https://api.openai.com", 1));
    given.done(&given.restore(1, Some(ResourceId::Key(KeyNumber(1)))));
    assert!(given.owner().keys.is_empty());
    assert!(given.owner().completed.is_empty());
}

#[test]
fn what_came_later_goes_children_first() {
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10))
        .and(&add_account("guest", 3, 11));
    given.done(&given.restore(1, None));
    assert!(given.owner().accounts.is_empty() && given.owner().caller_keys.is_empty());
    given.done(&given.restore(4, None));
    assert_eq!(given.owner().dna(AccountNumber(4)), ".1.2.3.4.");
    assert_eq!(given.owner().caller_keys.len(), 3);
}

#[test]
fn one_account_does_not_go_from_above_others() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10));
    let team = ResourceId::Account(AccountNumber(2));
    let refused = given.refused(&given.restore(1, Some(team)));
    assert_eq!(refused, Rejection::HasChildren(AccountNumber(2)));
}

#[test]
fn one_account_does_not_go_with_a_key_that_is_spoken_of() {
    let attached = json!({ "guardrail_id": id(1), "scope_type": "api_key", "priority": 1,
        "scope_id": "00000000-0000-0000-0000-000000000009" });
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&put(DefinitionKind::Guardrail, 1, &keyword("words")))
        .and(&put(DefinitionKind::GuardrailAttachment, 2, &attached));
    let team = ResourceId::Account(AccountNumber(2));
    let refused = given.refused(&given.restore(1, Some(team)));
    let said = refused.to_string();
    assert!(said.starts_with("caller_key/1 stays"), "{said}");
    // With what speaks of it, it goes.
    given.done(&given.restore(1, None));
    assert!(given.owner().caller_keys.is_empty());
}

#[test]
fn a_taken_name_is_no_hindrance_where_all_is_restored() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&remove_account(2, 1));
    given.done(&bounded("TEAM", 1, 10, |_| {}));
    let team = ResourceId::Account(AccountNumber(2));
    let refused = given.refused(&given.restore(2, Some(team)));
    assert!(matches!(refused, Rejection::DoesNotFit { .. }), "{refused}");
    given.done(&given.restore(2, None));
    let now = given.owner().account_named("team").map(|a| a.number);
    assert_eq!(now, Some(AccountNumber(2)));
}

#[test]
fn swapped_names_are_swapped_back() {
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("crew", 1, 10));
    let rename = |n, name: &str| patch_account(n, 1, |p| p.name = Some(name.to_owned()));
    given.done(&rename(2, "temp"));
    given.done(&rename(3, "team"));
    given.done(&rename(2, "crew"));
    given.done(&given.restore(3, None));
    for (name, number) in [("team", 2), ("crew", 3)] {
        let found = given.owner().account_named(name).map(|a| a.number.0);
        assert_eq!(found, Some(number));
    }
    assert_eq!(given.owner().account_names.len(), 2);
}

/// A state in which a parent was narrowed below its child is one to go back to.
#[test]
fn what_stood_beyond_its_bounds_comes_back_so() {
    let mut given = given()
        .and(&bounded("team", 1, 9, |p| p.allow_models = edit("a b")))
        .and(&bounded("member", 2, 10, |p| p.allow_models = edit("a b")));
    given.done(&patch_account(2, 1, |p| p.allow_models = edit("-b")));
    given.done(&patch_account(3, 2, |p| p.allow_models = edit("-b")));
    given.done(&given.restore(4, None));
    let then = given.at(4).expect("it stood");
    assert!(diff(Some(&then), given.owner()).is_empty());
}

#[test]
fn the_completed_layer_follows_the_keys_and_is_not_restored_alone() {
    let given = changed();
    let refused = given.refused(&given.restore(5, Some(ResourceId::Completed)));
    assert_eq!(
        refused.to_string(),
        "completed cannot come back as it was: it follows the provider keys; restore those"
    );
}
