//! Undo field by field: what others changed since stays.

use foldgate_proto::AccountNumber;

use super::given::{add, given, map, number, set};
use super::people::{add_account, key_of, patch_account, patch_key_of};
use crate::Command;
use crate::command::{Change, LimitPatch, PatchKey};

#[test]
fn other_fields_of_a_profile_stay_as_they_are_now() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&patch_account(2, 1, |p| {
        p.alias = Some("x".to_owned());
        p.suspended = Some(true);
    }));
    given.done(&patch_account(2, 1, |p| p.name = Some("crew".to_owned())));
    given.done(&given.undo(3));
    let profile = &given.owner().accounts[&AccountNumber(2)].profile;
    assert_eq!(profile.alias.as_str(), "");
    assert!(!profile.suspended);
    assert_eq!(profile.name, "crew");
    assert!(
        given.owner().account_named("crew").is_some(),
        "the index too"
    );
}

#[test]
fn a_field_that_is_as_before_already_is_no_conflict() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&patch_account(2, 1, |p| {
        p.alias = Some("x".to_owned());
        p.suspended = Some(true);
    }));
    given.done(&patch_account(2, 1, |p| p.suspended = Some(false)));
    given.done(&given.undo(3));
    assert_eq!(
        given.owner().accounts[&AccountNumber(2)]
            .profile
            .alias
            .as_str(),
        ""
    );
}

#[test]
fn other_keys_of_the_configuration_stay_and_the_conflicting_one_is_named() {
    let mapper = |to: &str| Some(map([("a", to.to_owned())]));
    let mut given = given();
    given.done(&set(|patch| {
        patch.set.model_mapper = mapper("b");
        patch.set.email_port = Some(25);
    }));
    given.done(&set(|patch| patch.set.email_tls = Some(true)));
    given.done(&given.undo(2));
    let config = &given.owner().config;
    assert_eq!((config.email_port, config.email_tls), (None, Some(true)));
    given.done(&given.restore(3, None));
    given.done(&set(|patch| patch.set.model_mapper = mapper("c")));
    let refused = given.refused(&given.undo(2)).to_string();
    assert!(
        refused.contains("config.MODEL_MAPPER has changed since"),
        "{refused}"
    );
}

#[test]
fn other_fields_of_keys_stay() {
    let patch = |change: fn(&mut PatchKey)| {
        let mut patch = PatchKey {
            number: number(1),
            ..PatchKey::default()
        };
        change(&mut patch);
        Command::PatchKey(patch)
    };
    let mut given = given().and(&add(1, "https://llm.example.com", 1));
    given.done(&patch(|p| p.name = Some("x".to_owned())));
    given.done(&patch(|p| p.enabled = Some(false)));
    given.done(&given.undo(3));
    let key = &given.owner().keys[&number(1)];
    assert_eq!(key.name, "key 1");
    assert!(key.disabled.is_some());
    assert_eq!(key.revision.0, 5, "the undo changed it");
}

#[test]
fn other_terms_of_a_caller_key_stay() {
    let rpm = LimitPatch {
        rpm: Change::Set(5),
        ..LimitPatch::default()
    };
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&patch_key_of(key_of(2, 1), |p| {
        p.name = Some("x".to_owned());
    }));
    given.done(&patch_key_of(key_of(2, 1), |p| p.terms.limits = rpm));
    given.done(&given.undo(3));
    let key = given.owner().caller_keys.values().next().expect("one");
    assert_eq!(key.name, "default");
    assert_eq!(key.terms.limits.as_deref().and_then(|l| l.rpm), Some(5));
}

#[test]
fn patterns_are_words_and_not_stamps() {
    let mut given = given();
    given.done(&set(|patch| {
        patch.set.model_mapper = Some(map([("revision", "updated_at".to_owned())]));
    }));
    let before = given.at(1).expect("claimed");
    assert_eq!(crate::history::diff(Some(&before), given.owner()).len(), 1);
    given.done(&given.undo(2));
    assert_eq!(given.owner().config.model_mapper, None);
}
