use std::collections::BTreeSet;

use foldgate_proto::event::ConfigReset;
use foldgate_proto::{ConfigKey, Event, ModelLimit};

use super::given::{add, config_refusal, given, level, map, set};
use crate::command::{Change, LimitPatch};
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
        let tokens = ModelLimit {
            tpm: Some(7),
            ..ModelLimit::default()
        };
        c.merge_limits = Some(map([
            ("a", None),
            ("b", Some(tokens.into())),
            ("c", Some(limit(3).into())),
        ]));
    }));
    let both = ModelLimit {
        tpm: Some(7),
        ..limit(2)
    };
    assert_eq!(
        given.owner().config.model_limits,
        Some(map([("b", both), ("c", limit(3))]))
    );
    given.done(&set(|c| c.set.model_limits = Some(map([("z", limit(1))]))));
    assert_eq!(
        given.owner().config.model_limits,
        Some(map([("z", limit(1))]))
    );
}

#[test]
fn one_limit_of_a_model_can_be_cleared() {
    let both = ModelLimit {
        tpm: Some(7),
        ..limit(1)
    };
    let mut given = given().and(&set(|c| {
        c.set.model_limits = Some(map([("a", both), ("b", limit(2))]));
    }));
    let clear = |model: &'static str| {
        let over = LimitPatch {
            rpm: Change::Clear,
            ..LimitPatch::default()
        };
        set(|c| c.merge_limits = Some(map([(model, Some(over))])))
    };
    given.done(&clear("a"));
    let left = ModelLimit { rpm: None, ..both };
    let limits = Some(map([("a", left), ("b", limit(2))]));
    assert_eq!(given.owner().config.model_limits, limits);
    assert!(given.done(&clear("a")).is_empty(), "it is so already");
    assert!(given.done(&clear("nobody")).is_empty());
    given.done(&clear("b"));
    assert_eq!(
        given.owner().config.model_limits,
        Some(map([("a", left)])),
        "a model leaves with its last limit"
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
            set(|c| c.merge_limits = Some(map([("a,b", Some(limit(1).into()))]))),
        ),
        (
            ConfigKey::Pricing,
            set(|c| c.set.pricing = text("{\"ChatPricing\":{\"m\":{\"InputText\":-1}}}")),
        ),
        (
            ConfigKey::Factor,
            set(|c| c.set.factor = Some(foldgate_proto::Rates(0))),
        ),
        (
            ConfigKey::Factor,
            set(|c| c.set.factor = Some(foldgate_proto::Rates(1_000_000_001))),
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
fn mail_settings_are_hosts_and_addresses() {
    let given = given();
    let smtp = |text: &str| {
        let text = text.to_owned();
        set(move |c| c.set.email_smtp = Some(text))
    };
    let mail = |text: &str| {
        let text = text.to_owned();
        set(move |c| c.set.xai_mail = Some(text))
    };
    for good in ["smtp.gmail.com", "localhost", "127.0.0.1", "::1", "mail"] {
        assert!(given.when(&smtp(good)).is_ok(), "{good}");
    }
    for bad in ["http://x/", "smtp.gmail.com:587", "a..b", "-a.com"] {
        let (key, _) = config_refusal(given.refused(&smtp(bad)));
        assert_eq!(key, ConfigKey::EmailSmtp, "{bad}");
    }
    assert!(given.when(&mail("ops@example.com")).is_ok());
    for bad in ["a@b", "@example.com", "a@b..c", "a@b@c.d", "a b@c.d"] {
        let (key, _) = config_refusal(given.refused(&mail(bad)));
        assert_eq!(key, ConfigKey::XaiMail, "{bad}");
    }
}

#[test]
fn what_is_so_already_is_not_written_again() {
    let mut given = given();
    let both = |c: &mut crate::command::PatchConfig| {
        c.set.email_tls = Some(true);
        c.set.email_port = Some(25);
    };
    given.done(&set(both));
    assert!(given.done(&set(both)).is_empty());
    let events = given.done(&set(|c| {
        both(c);
        c.set.email_port = Some(587);
    }));
    let Event::ConfigPatched(patched) = &events[0] else {
        panic!("{events:?}");
    };
    assert_eq!(patched.patch.keys(), [ConfigKey::EmailPort]);
    let unset = Command::ResetConfig(BTreeSet::from([ConfigKey::Pricing]));
    assert!(given.done(&unset).is_empty());
}

#[test]
fn a_mapping_that_leads_nowhere_is_warned_of() {
    let given = given().and(&add(1, "https://api.openai.com", 1));
    let command = set(|c| {
        let text = |t: &str| t.to_owned();
        c.set.model_mapper = Some(map([("a", text("gpt-4o")), ("b", text("nowhere"))]));
    });
    assert_eq!(
        given.when(&command).expect("legal").warnings,
        [Warning::Unserved(
            "MODEL_MAPPER",
            "b".to_owned(),
            "nowhere".to_owned()
        )]
    );
}

#[test]
fn keys_that_a_mapper_strands_are_warned_of() {
    let given = given()
        .and(&add(1, "https://llm.example.com", 5))
        .and(&set(|c| c.set.level_mapper = Some(map([("a*", level(5))]))));
    let reset = Command::ResetConfig(BTreeSet::from([ConfigKey::LevelMapper]));
    assert_eq!(
        given.when(&reset).expect("legal").warnings,
        [Warning::Unreached(level(5))]
    );
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
    assert_eq!(
        warnings(only("/v1/embeddings")),
        [Warning::ChatBlocked("RESOURCES")]
    );
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
