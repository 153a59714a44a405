use std::collections::BTreeSet;

use foldgate_proto::event::ConfigReset;
use foldgate_proto::{ConfigKey, Event, ModelLimit};

use super::given::{add, config_refusal, given, level, map, set};
use crate::decide::Warning;
use crate::{Command, Rejection};

fn limit(rpm: u64) -> ModelLimit {
    ModelLimit {
        rpm: Some(rpm),
        ..ModelLimit::default()
    }
}

#[test]
fn a_patch_leaves_other_keys_alone() {
    let given = given()
        .and(&set(|c| c.set.email_tls = Some(true)))
        .and(&set(|c| {
            c.set.email_smtp = Some("smtp.example.com".to_owned());
        }));
    let config = &given.owner().config;
    assert_eq!(config.email_tls, Some(true));
    assert_eq!(config.keys(), [ConfigKey::EmailSmtp, ConfigKey::EmailTls]);
}

#[test]
fn limits_merge_model_by_model_or_are_replaced() {
    let mut given = given().and(&set(|c| {
        c.set.model_limits = Some(map([("a", limit(1)), ("b", limit(2))]));
    }));
    given.done(&set(|c| {
        c.merge_limits = Some(map([("b", limit(9)), ("c", limit(3))]));
    }));
    assert_eq!(
        given.owner().config.model_limits,
        Some(map([("a", limit(1)), ("b", limit(9)), ("c", limit(3))]))
    );
    given.done(&set(|c| c.set.model_limits = Some(map([("z", limit(1))]))));
    assert_eq!(
        given.owner().config.model_limits,
        Some(map([("z", limit(1))]))
    );
}

#[test]
fn a_reset_reverts_only_the_owners_layer() {
    let mut given = given()
        .and(&add(1, "https://api.openai.com", 1))
        .and(&set(|c| c.set.level_mapper = Some(map([("x*", level(1))]))));
    let keys = BTreeSet::from([ConfigKey::LevelMapper]);
    let events = given.done(&Command::ResetConfig(keys.clone()));
    assert_eq!(events, [Event::ConfigReset(ConfigReset { keys })]);
    let merged = given.owner().level_mapper();
    assert!(merged.contains_key("gpt*"));
    assert!(!merged.contains_key("x*"));
}

#[test]
fn every_broken_value_is_refused_by_name() {
    let given = given();
    let text = |text: &str| Some(text.to_owned());
    let cases: Vec<(ConfigKey, Command)> = vec![
        (
            ConfigKey::ModelMapper,
            set(|c| c.set.model_mapper = Some(map([("a b", "c".to_owned())]))),
        ),
        (
            ConfigKey::ModelMapper,
            set(|c| c.set.model_mapper = Some(map([("a", String::new())]))),
        ),
        (
            ConfigKey::LevelMapper,
            set(|c| c.set.level_mapper = Some(map([("", level(1))]))),
        ),
        (
            ConfigKey::SwitchOver,
            set(|c| c.set.switch_over = Some([(level(1), level(1))].into())),
        ),
        (
            ConfigKey::Resources,
            set(|c| c.set.resources = Some(BTreeSet::new())),
        ),
        (
            ConfigKey::Resources,
            set(|c| c.set.resources = Some(BTreeSet::from(["v1".to_owned()]))),
        ),
        (
            ConfigKey::ModelLimits,
            set(|c| c.merge_limits = Some(map([("a,b", limit(1))]))),
        ),
        (
            ConfigKey::Pricing,
            set(|c| c.set.pricing = text("{\"ChatPricing\":{\"m\":{\"InputText\":-1}}}")),
        ),
        (ConfigKey::XaiMail, set(|c| c.set.xai_mail = text("nobody"))),
        (
            ConfigKey::EmailSmtp,
            set(|c| c.set.email_smtp = text("a b")),
        ),
        (
            ConfigKey::EmailAuth,
            set(|c| c.set.email_auth = Some("x".repeat(321))),
        ),
        (ConfigKey::EmailPort, set(|c| c.set.email_port = Some(0))),
    ];
    for (key, command) in cases {
        let (named, problem) = config_refusal(given.refused(&command));
        assert_eq!(named, key);
        assert!(!problem.is_empty());
    }
}

#[test]
fn nothing_to_change_is_refused() {
    let given = given();
    assert_eq!(given.refused(&set(|_| ())), Rejection::NothingToChange);
    assert_eq!(
        given.refused(&Command::ResetConfig(BTreeSet::new())),
        Rejection::NothingToChange
    );
}

#[test]
fn legal_changes_that_hurt_are_warned_of() {
    let given = given().and(&add(1, "https://api.openai.com", 1));
    let warnings = |command: Command| given.when(&command).expect("legal").warnings;
    let only = |path: &str| {
        let paths = BTreeSet::from([path.to_owned()]);
        set(|c| c.set.resources = Some(paths))
    };
    assert_eq!(warnings(only("/v1/embeddings")), [Warning::ChatBlocked]);
    assert_eq!(warnings(only("/v1")), []);
    assert_eq!(warnings(only("/chat")), []);
    assert_eq!(
        warnings(set(
            |c| c.set.switch_over = Some([(level(1), level(2))].into())
        )),
        [Warning::EmptyBackup(level(1), level(2))]
    );
    assert_eq!(
        warnings(set(|c| c.set.level_mapper = Some(map([("a*", level(3))])))),
        [Warning::EmptyLevel("a*".to_owned(), level(3))]
    );
    let many = (0..15).map(|n| (format!("m{n}"), level(3))).collect();
    let many = warnings(set(|c| c.set.level_mapper = Some(many)));
    assert_eq!(many.len(), 11);
    assert_eq!(many.last(), Some(&Warning::MoreEmptyLevels(5)));
}
