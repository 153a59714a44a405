use foldgate_proto::event::RecordUndone;
use foldgate_proto::{
    AccountNumber, AdminRole, CallerKeyNumber, Change, Event, KeyNumber, ResourceId, Revision,
};

use super::given::{Given, add, completed, given, level, map, number, set};
use super::people::{
    add_account, admin, bounded, edit, grant, issue, key_of, patch_account, patch_key_of,
    remove_account, rotate, rotate_owner,
};
use crate::command::PatchKey;
use crate::decide::Warning;
use crate::{Command, Kind, Rejection};

fn undone(events: &[Event]) -> &RecordUndone {
    match &events[0] {
        Event::RecordUndone(undone) => undone,
        other => panic!("not an undo: {other:?}"),
    }
}

fn does_not_fit(rejection: Rejection) -> (ResourceId, String) {
    match rejection {
        Rejection::DoesNotFit { resource, problem } => (resource, problem),
        other => panic!("fits: {other:?}"),
    }
}

#[test]
fn what_a_record_did_is_taken_back_whole() {
    let mut given = given();
    given.done(&add_account("team", 1, 9));
    let events = given.done(&given.undo(2));
    let account = ResourceId::Account(AccountNumber(2));
    let key = ResourceId::CallerKey(CallerKeyNumber(1));
    let gone = |resource| Change {
        resource,
        value: None,
    };
    let expected = RecordUndone {
        revision: Revision(2),
        changes: vec![gone(account), gone(key)],
    };
    assert_eq!(events, [Event::RecordUndone(expected)]);
    assert!(given.owner().accounts.is_empty() && given.owner().key_hashes.is_empty());
}

#[test]
fn a_removed_account_comes_back_with_its_keys() {
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&issue(2, 10, |_| {}));
    let before = given.at(3).expect("it stood");
    given.done(&remove_account(2, 1));
    given.done(&given.undo(4));
    let now = given.owner();
    assert!(crate::history::diff(Some(&before), now).is_empty());
    assert_eq!(now.account_names, before.account_names);
    assert_eq!(now.key_hashes, before.key_hashes);
}

#[test]
fn the_claim_of_an_owner_stays() {
    let given = given();
    let refused = given.refused(&given.undo(1));
    assert_eq!(refused, Rejection::NotUndoable(Revision(1)));
}

#[test]
fn an_undo_is_not_undone_but_a_restore_is() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&given.undo(2));
    let refused = given.refused(&given.undo(3));
    let expected = Rejection::UndoOfUndo {
        revision: Revision(3),
        undid: Revision(2),
    };
    assert_eq!(refused, expected);
    assert_eq!(
        refused.to_string(),
        "revision 3 is itself the undo of 2; to have that again, restore what it changed \
         (GET /admin/v1/history/2 names it), one resource at a time: \
         POST /admin/v1/state/restore?at=2&resource=..."
    );
    given.done(&given.restore(2, None));
    assert_eq!(given.owner().accounts.len(), 1);
    given.done(&given.undo(4));
    assert!(given.owner().accounts.is_empty());
}

#[test]
fn a_second_undo_finds_nothing_to_do() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&patch_account(2, 1, |p| p.alias = Some("x".to_owned())));
    given.done(&given.undo(3));
    assert_eq!(given.when(&given.undo(3)).map(|d| d.events), Ok(Vec::new()));
    given.done(&given.undo(2));
    assert_eq!(given.when(&given.undo(2)).map(|d| d.events), Ok(Vec::new()));
}

#[test]
fn what_builds_on_a_record_is_named_with_the_way_out() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&patch_account(2, 1, |p| p.alias = Some("x".to_owned())));
    given.done(&patch_account(2, 1, |p| p.alias = Some("y".to_owned())));
    let refused = given.refused(&given.undo(3));
    assert_eq!(refused.kind(), Kind::Conflict);
    assert_eq!(
        refused.to_string(),
        "revision 3 cannot be undone: account/2.alias has changed since, at revision 4; undo \
         the later change first, or restore that resource as it was: \
         POST /admin/v1/state/restore?at=2&resource=account/2"
    );
    let added = given.refused(&given.undo(2)).to_string();
    assert!(
        added.contains("account/2 has changed since, at revision 4"),
        "{added}"
    );
}

#[test]
fn an_account_is_not_undone_under_its_keys_and_children() {
    let build: [Command; 2] = [add_account("member", 2, 10), issue(2, 10, |_| {})];
    let on = ["account/3", "caller_key/2"];
    for (command, on) in build.iter().zip(on) {
        let mut given = given().and(&add_account("team", 1, 9));
        given.done(command);
        let refused = given.refused(&given.undo(2)).to_string();
        assert!(
            refused.contains(&format!("{on} has changed since")),
            "{refused}"
        );
        given.done(&given.undo(3));
        given.done(&given.undo(2));
        assert!(given.owner().accounts.is_empty());
    }
}

#[test]
fn nothing_comes_back_that_another_took_since() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&remove_account(2, 1));
    given.done(&bounded("TEAM", 1, 10, |p| {
        p.email = Some("b@c.example".to_owned());
    }));
    let (resource, problem) = does_not_fit(given.refused(&given.undo(3)));
    assert_eq!(resource, ResourceId::Account(AccountNumber(2)));
    assert_eq!(problem, "the name \"team\" is another's today");
    given.done(&patch_account(3, 1, |p| {
        p.name = Some("crew".to_owned());
        p.email = Some("Team@example.com".to_owned());
    }));
    let (_, problem) = does_not_fit(given.refused(&given.undo(3)));
    assert!(problem.contains("e-mail"), "{problem}");
    given.done(&patch_account(3, 1, |p| {
        p.email = Some("b@c.example".to_owned());
    }));
    given.done(&issue(3, 9, |_| {}));
    let (resource, _) = does_not_fit(given.refused(&given.undo(3)));
    assert_eq!(resource, ResourceId::CallerKey(CallerKeyNumber(1)));
    given.done(&Command::RevokeCallerKey(key_of(3, 3)));
    given.done(&given.undo(3));
    assert_eq!(given.owner().accounts.len(), 2);
}

#[test]
fn a_name_comes_back_only_if_it_is_free() {
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("other", 1, 10));
    given.done(&patch_account(2, 1, |p| p.name = Some("crew".to_owned())));
    given.done(&patch_account(3, 1, |p| p.name = Some("Team".to_owned())));
    let (resource, _) = does_not_fit(given.refused(&given.undo(4)));
    assert_eq!(resource, ResourceId::Account(AccountNumber(2)));
}

#[test]
fn an_account_comes_back_only_below_one_that_is_there() {
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10));
    given.done(&remove_account(3, 2));
    given.done(&remove_account(2, 1));
    let (resource, problem) = does_not_fit(given.refused(&given.undo(4)));
    assert_eq!(resource, ResourceId::Account(AccountNumber(3)));
    assert_eq!(problem, "the account above it, 2, is gone");
    given.done(&given.undo(5));
    given.done(&given.undo(4));
    assert_eq!(given.owner().dna(AccountNumber(3)), ".1.2.3.");
}

#[test]
fn a_presented_key_comes_back_only_if_nobody_else_presents_it() {
    let mut given =
        given()
            .and(&add_account("team", 1, 9))
            .and(&admin("ops", AdminRole::Operator, 20));
    given.done(&Command::RevokeCallerKey(key_of(2, 1))); // 4
    given.done(&Command::RevokeAdminKey(foldgate_proto::AdminKeyNumber(1))); // 5
    given.done(&admin("first", AdminRole::Auditor, 9));
    given.done(&issue(2, 20, |_| {}));
    for revision in [4, 5] {
        let refused = given.refused(&given.undo(revision));
        assert_eq!(refused.kind(), Kind::Conflict, "{revision}: {refused}");
        assert!(matches!(refused, Rejection::DoesNotFit { .. }), "{refused}");
    }
}

/// Whoever undoes presents today's owner key: it would be gone, and the one that
/// was rotated away, perhaps because it leaked, good again.
#[test]
fn an_owner_key_that_was_rotated_does_not_come_back() {
    let given = given().and(&rotate_owner(2));
    for command in [given.undo(2), given.restore(1, Some(ResourceId::Owner))] {
        assert_eq!(
            given.refused(&command).to_string(),
            "owner cannot come back as it was: an owner key that was rotated stays so; rotate it \
             again"
        );
    }
    let same = given.restore(2, Some(ResourceId::Owner));
    assert_eq!(given.when(&same).map(|d| d.events), Ok(Vec::new()));
}

#[test]
fn an_admin_key_comes_back_under_its_name_only() {
    let mut given = given().and(&admin("ops", AdminRole::Operator, 20));
    given.done(&Command::RevokeAdminKey(foldgate_proto::AdminKeyNumber(1)));
    given.done(&admin("OPS", AdminRole::Auditor, 21));
    let (_, problem) = does_not_fit(given.refused(&given.undo(3)));
    assert!(problem.contains("taken"), "{problem}");
}

#[test]
fn a_provider_key_comes_back_only_if_its_id_is_free() {
    let mut given = given().and(&add(1, "https://llm.example.com", 1));
    given.done(&Command::RemoveKey(number(1)));
    given.done(&add(1, "https://llm.example.com", 2));
    let (resource, problem) = does_not_fit(given.refused(&given.undo(3)));
    assert_eq!(resource, ResourceId::Key(KeyNumber(1)));
    assert_eq!(problem, "another key has its id");
}

#[test]
fn keys_that_are_good_again_are_warned_of() {
    let warned = |given: &Given, revision| {
        let decision = given.when(&given.undo(revision)).expect("legal");
        decision.warnings
    };
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&rotate(key_of(2, 1), 10, 0)); // 3
    given.done(&admin("ops", AdminRole::Operator, 20));
    given.done(&Command::RevokeAdminKey(foldgate_proto::AdminKeyNumber(1))); // 5
    given.done(&patch_account(2, 1, |p| p.suspended = Some(true))); // 6
    for revision in [3, 5] {
        assert_eq!(
            warned(&given, revision),
            [Warning::KeysBack(1)],
            "{revision}"
        );
    }
    assert_eq!(warned(&given, 6), []);
}

#[test]
fn what_is_bounded_above_today_may_come_back_wider() {
    let mut given = given()
        .and(&bounded("team", 1, 9, |p| p.allow_models = edit("a b")))
        .and(&bounded("member", 2, 10, |p| p.allow_models = edit("a b")));
    given.done(&patch_account(3, 2, |p| p.allow_models = edit("-b")));
    given.done(&patch_account(2, 1, |p| p.allow_models = edit("-b")));
    given.done(&given.undo(4));
    let member = &given.owner().accounts[&AccountNumber(3)];
    assert_eq!(
        member
            .profile
            .allow_models
            .as_deref()
            .map(std::collections::BTreeSet::len),
        Some(2)
    );
}

#[test]
fn a_key_that_came_later_keeps_its_patterns() {
    let mut given =
        given()
            .and(&add(1, "https://api.openai.com", 1))
            .and(&add(2, "https://api.openai.com", 2));
    let events = given.done(&given.undo(2));
    undone(&events);
    let moved = completed(&events).expect("they lead to the other key");
    assert_eq!(moved.get("gpt*"), Some(&level(2)));
    assert_eq!(given.owner().completed.get("gpt*"), Some(&level(2)));
}

#[test]
fn a_disabled_key_and_credit_and_terms_come_back() {
    let mut given =
        given()
            .and(&add_account("team", 1, 9))
            .and(&add(1, "https://llm.example.com", 1));
    given.done(&Command::PatchKey(PatchKey {
        number: number(1),
        enabled: Some(false),
        ..PatchKey::default()
    }));
    given.done(&grant(2, 1, 50, None));
    given.done(&patch_key_of(key_of(2, 1), |p| {
        p.name = Some("x".to_owned());
    }));
    given.done(&set(|patch| {
        patch.set.model_mapper = Some(map([("a", "b".to_owned())]));
    }));
    for revision in [4, 5, 6, 7] {
        given.done(&given.undo(revision));
    }
    let then = given.at(3).expect("it stood");
    assert!(crate::history::diff(Some(&then), given.owner()).is_empty());
}
