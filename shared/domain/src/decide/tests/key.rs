use foldgate_proto::event::{KeyDisabled, KeyPatched};
use foldgate_proto::{Actor, ActorKind, Event, KeyId, ProviderConfig, Revision};
use uuid::Uuid;

use super::given::{add, completed, given, key, level, map, number, secret, set};
use crate::command::{AddKey, DisableKey, PatchKey};
use crate::decide::{MAX_KEY_NAME_CHARS, Warning};
use crate::{Command, Kind, Rejection};

const OPENAI: &str = "https://api.openai.com";
const OTHER: &str = "https://llm.example.com";

fn patch(n: u64, change: impl FnOnce(&mut PatchKey)) -> Command {
    let mut patch = PatchKey {
        number: number(n),
        ..PatchKey::default()
    };
    change(&mut patch);
    Command::PatchKey(patch)
}

#[test]
fn key_numbers_rise_and_are_never_used_again() {
    let mut given = given().and(&add(1, OTHER, 1)).and(&add(2, OTHER, 1));
    assert_eq!(given.owner().last_key, number(2));
    given.done(&Command::RemoveKey(number(2)));
    given.done(&add(3, OTHER, 1));
    let numbers: Vec<u64> = given.owner().keys.keys().map(|n| n.0).collect();
    assert_eq!(numbers, [1, 3]);
    assert!(given.owner().is_staffed(level(1)));
}

#[test]
fn a_known_provider_completes_level_mapper_in_a_layer_of_its_own() {
    let mut given = given();
    let events = given.done(&add(1, OPENAI, 1));
    assert_eq!(events.len(), 2, "the completion is an event of its own");
    let patterns = completed(&events).expect("completed");
    assert_eq!(patterns.get("gpt*"), Some(&level(1)));
    assert!(given.owner().config.level_mapper.is_none());
    assert!(completed(&given.done(&add(2, OTHER, 1))).is_none());
}

#[test]
fn completion_never_moves_a_pattern_whose_level_has_keys() {
    let mut given = given().and(&add(1, OPENAI, 1));
    assert!(completed(&given.done(&add(2, OPENAI, 2))).is_none());
    assert_eq!(given.owner().completed.get("gpt*"), Some(&level(1)));
}

#[test]
fn completion_follows_when_its_level_is_empty() {
    let mut gone = given().and(&add(1, OPENAI, 1));
    gone.done(&Command::RemoveKey(number(1)));
    let events = gone.done(&add(2, OPENAI, 2));
    assert_eq!(
        completed(&events).and_then(|p| p.get("gpt*").copied()),
        Some(level(2))
    );

    let mut moved = given().and(&add(1, OPENAI, 1));
    let events = moved.done(&patch(1, |p| p.level = Some(level(5))));
    assert_eq!(
        completed(&events).and_then(|p| p.get("gpt*").copied()),
        Some(level(5))
    );

    let mut two = given().and(&add(1, OPENAI, 1)).and(&add(2, OPENAI, 1));
    let events = two.done(&patch(1, |p| p.level = Some(level(5))));
    assert!(completed(&events).is_none(), "a key is left at Level 1");
}

#[test]
fn the_owners_layer_wins_on_equal_patterns() {
    let given = given().and(&add(1, OPENAI, 1)).and(&set(|c| {
        c.set.level_mapper = Some(map([("gpt*", level(7))]));
    }));
    let merged = given.owner().level_mapper();
    assert_eq!(merged.get("gpt*"), Some(&level(7)));
    assert_eq!(merged.get("o3*"), Some(&level(1)));
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let mut given = given().and(&add(1, OTHER, 1));
    let before = given.owner().keys[&number(1)].clone();
    given.now = given.now.after(std::time::Duration::from_mins(1));
    given.done(&patch(1, |p| p.name = Some("new".to_owned())));
    let after = given.owner().keys[&number(1)].clone();
    let mut expected = (*before).clone();
    expected.name = "new".to_owned();
    expected.updated_at = given.now;
    expected.revision = given.state.revision;
    assert_eq!(*after, expected);
}

#[test]
fn a_new_secret_begins_a_new_life() {
    let mut given = given().and(&add(1, OTHER, 1));
    assert_eq!(given.owner().keys[&number(1)].secret_revision, Revision(2));
    given.done(&patch(1, |p| p.secret = Some(secret())));
    assert_eq!(given.owner().keys[&number(1)].secret_revision, Revision(3));
}

#[test]
fn status_switches_a_key_off_and_on_and_says_who_did() {
    let mut given = given().and(&add(1, OTHER, 1));
    given.done(&patch(1, |p| p.enabled = Some(false)));
    let off = given.owner().keys[&number(1)].disabled.clone();
    assert_eq!(off.map(|off| off.by), Some(Actor::owner("root")));
    given.done(&patch(1, |p| p.enabled = Some(true)));
    assert!(given.owner().keys[&number(1)].disabled.is_none());
}

#[test]
fn keys_that_do_not_exist_are_refused() {
    let given = given().and(&add(1, OTHER, 1));
    for command in [
        patch(2, |p| p.enabled = Some(true)),
        Command::RemoveKey(number(2)),
        patch(1, |p| {
            p.sealed_for = Some(KeyId(Uuid::from_u128(5)));
            p.secret = Some(secret());
        }),
    ] {
        assert_eq!(given.refused(&command).kind(), Kind::NotFound);
    }
}

#[test]
fn broken_keys_are_refused() {
    let given = given().and(&add(1, OTHER, 1));
    let mut long = key(2, OTHER, 1);
    long.name = "n".repeat(MAX_KEY_NAME_CHARS + 1);
    assert_eq!(given.refused(&Command::AddKey(long)).param(), Some("Name"));
    assert_eq!(given.refused(&add(1, OTHER, 1)), Rejection::KeyIdTaken);
    assert_eq!(given.refused(&patch(1, |_| ())), Rejection::NothingToChange);
    for (mapping, versions, param) in [
        (
            map([("a b", "d".to_owned())]),
            map([]),
            "Config.model_mapping",
        ),
        (map([("a", String::new())]), map([]), "Config.model_mapping"),
        (
            map([]),
            map([("chat", "2025 01".to_owned())]),
            "Config.api_versions",
        ),
        (
            map([]),
            map([("chat", String::new())]),
            "Config.api_versions",
        ),
    ] {
        let mut azure = key(3, "https://x.openai.azure.com", 2);
        azure.config = ProviderConfig::Azure {
            model_mapping: mapping,
            api_versions: versions,
        }
        .into();
        let rejection = given.refused(&Command::AddKey(azure));
        assert_eq!(rejection.param(), Some(param));
        assert_eq!(rejection.kind(), Kind::Invalid);
    }
}

fn retracted(events: &[Event]) -> Vec<String> {
    let gone = events.iter().find_map(|event| match event {
        Event::LevelMapperRetracted(retracted) => Some(retracted.patterns.clone()),
        _ => None,
    });
    gone.into_iter().flatten().collect()
}

#[test]
fn a_pattern_follows_its_own_providers_keys_only() {
    let mut shared = given()
        .and(&add(1, "https://api.anthropic.com", 1))
        .and(&add(2, OPENAI, 1));
    let events = shared.done(&patch(2, |p| p.level = Some(level(2))));
    let moved = completed(&events).expect("completed");
    assert_eq!(moved.get("gpt*"), Some(&level(2)));
    assert!(!moved.contains_key("claude*"));

    let mut off = given().and(&add(1, OPENAI, 4));
    off.done(&patch(1, |p| p.enabled = Some(false)));
    assert_eq!(
        off.owner().completed.get("gpt*"),
        Some(&level(4)),
        "a disabled key keeps it"
    );
    let events = off.done(&add(2, OPENAI, 6));
    assert_eq!(
        completed(&events).and_then(|p| p.get("gpt*").copied()),
        Some(level(6)),
        "an enabled one takes it along"
    );
}

#[test]
fn the_last_key_takes_its_patterns_with_it_or_hands_them_on() {
    let mut given = given().and(&add(1, OPENAI, 1)).and(&add(2, OPENAI, 3));
    let events = given.done(&Command::RemoveKey(number(1)));
    assert_eq!(
        completed(&events).and_then(|p| p.get("gpt*").copied()),
        Some(level(3))
    );
    assert!(retracted(&events).is_empty());
    let events = given.done(&Command::RemoveKey(number(2)));
    assert!(retracted(&events).contains(&"gpt*".to_owned()));
    assert!(given.owner().completed.is_empty());
}

#[test]
fn keys_that_routing_passes_over_complete_nothing() {
    let mut azure = key(1, "https://x.openai.azure.com", 2);
    azure.config = ProviderConfig::Azure {
        model_mapping: map([("gpt-4o", "a".to_owned()), ("*", "b".to_owned())]),
        api_versions: map([]),
    }
    .into();
    let events = given().done(&Command::AddKey(azure));
    assert!(completed(&events).is_none());
}

#[test]
fn what_is_so_already_is_not_written_again() {
    let mut given = given().and(&add(1, OTHER, 1));
    let same = patch(1, |p| {
        p.level = Some(level(1));
        p.enabled = Some(true);
        p.provider = Some(OTHER.to_owned());
        p.config = Some(ProviderConfig::STANDARD.into());
    });
    assert!(given.done(&same).is_empty());
}

#[test]
fn a_key_put_back_into_use_begins_a_new_life() {
    let mut given = given().and(&add(1, OTHER, 1));
    given.done(&patch(1, |p| p.enabled = Some(false)));
    assert_eq!(given.owner().keys[&number(1)].secret_revision, Revision(2));
    given.done(&patch(1, |p| p.enabled = Some(true)));
    assert_eq!(given.owner().keys[&number(1)].secret_revision, Revision(4));
}

#[test]
fn names_stand_on_one_line() {
    let given = given().and(&add(1, OTHER, 1));
    for name in ["a\nb", "a\tb", "a\u{202e}b", "a\u{0}b"] {
        let command = patch(1, |p| p.name = Some(name.to_owned()));
        assert_eq!(given.refused(&command).param(), Some("Name"), "{name:?}");
    }
}

#[test]
fn an_owner_holds_only_so_many_keys() {
    let mut given = given();
    let command = add(1, OTHER, 1);
    given.done(&command);
    let first = given.owner().keys[&number(1)].clone();
    let owner = given
        .state
        .owners
        .get_mut(&super::given::OWNER)
        .expect("claimed");
    let owner = std::sync::Arc::make_mut(owner);
    for n in 0..u64::try_from(crate::decide::MAX_KEYS_PER_OWNER).expect("fits") {
        owner.keys.insert(number(n), first.clone());
    }
    assert!(matches!(
        given.refused(&add(2, OTHER, 1)),
        Rejection::TooMany { what: "keys", .. }
    ));
}

#[test]
fn a_level_that_lost_its_last_key_is_warned_of() {
    let given = given().and(&add(1, OPENAI, 1)).and(&set(|c| {
        c.set.level_mapper = Some(map([("gpt*", level(1))]));
    }));
    for command in [
        Command::RemoveKey(number(1)),
        patch(1, |p| p.enabled = Some(false)),
        patch(1, |p| p.level = Some(level(1000))),
    ] {
        let warnings = given.when(&command).expect("legal").warnings;
        assert!(
            warnings.contains(&Warning::Emptied(level(1))),
            "{warnings:?}"
        );
    }
}

#[test]
fn a_refused_key_is_disabled_once_and_only_while_its_secret_stands() {
    let mut given = given().and(&add(1, OTHER, 1));
    let disable = Command::DisableKey(DisableKey {
        id: key(1, OTHER, 1).id,
        secret_revision: Revision(2),
        by: Actor {
            kind: ActorKind::Node,
            name: "node-a".to_owned(),
        },
        reason: "401 invalid_api_key".to_owned(),
    });
    let events = given.done(&disable);
    assert!(matches!(
        events.as_slice(),
        [Event::KeyDisabled(KeyDisabled { .. })]
    ));
    let off = given.owner().keys[&number(1)]
        .disabled
        .clone()
        .expect("off");
    assert_eq!(off.reason, "401 invalid_api_key");
    assert!(
        given.done(&disable).is_empty(),
        "a second report is no news"
    );
    given.done(&patch(1, |p| {
        p.secret = Some(secret());
        p.enabled = Some(true);
    }));
    assert!(given.done(&disable).is_empty(), "the secret is a newer one");
    given.done(&Command::RemoveKey(number(1)));
    assert!(given.done(&disable).is_empty());
}

#[test]
fn legal_changes_that_hurt_are_warned_of() {
    let given = given();
    let warnings = |command: &Command| given.when(command).expect("legal").warnings;
    assert_eq!(warnings(&add(1, OTHER, 4)), [Warning::Unreached(level(4))]);
    assert_eq!(warnings(&add(1, OPENAI, 4)), []);
    let azure = |model_mapping| {
        let config = ProviderConfig::Azure {
            model_mapping,
            api_versions: map([]),
        };
        warnings(&Command::AddKey(AddKey {
            config: config.into(),
            ..key(2, "https://x.openai.azure.com", 2)
        }))
    };
    // Its deployments are its own business: no pattern is completed for it.
    let mapping = map([("gpt-4o", "deployment".to_owned())]);
    assert_eq!(azure(mapping), [Warning::Unreached(level(2))]);
    let bare = [Warning::Unreached(level(2)), Warning::NoDeployments];
    assert_eq!(azure(map([])), bare);
}

#[test]
fn an_empty_patch_event_is_not_written() {
    let given = given().and(&add(1, OTHER, 1));
    let events = given
        .when(&patch(1, |p| p.level = Some(level(3))))
        .expect("legal")
        .events;
    assert_eq!(
        events,
        [Event::KeyPatched(KeyPatched {
            number: number(1),
            level: Some(level(3)),
            ..KeyPatched::default()
        })]
    );
}
