//! Events as no decision would make them: numbers that do not exist, ids twice,
//! owners nobody claimed, anything in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use foldgate_proto::event::{
    ConfigPatched, ConfigReset, KeyAdded, KeyDisabled, KeyPatched, KeyRemoved,
    LevelMapperCompleted, LevelMapperRetracted, NewsPublished, NewsRetracted, OwnerClaimed,
};
use foldgate_proto::{
    AccountNumber, Actor, Config, ConfigKey, Event, Idempotency, JsonText, KeyId, KeyNumber, Level,
    LogId, MaskedSecret, ModelLimit, NewsId, NewsNumber, NewsTarget, OwnerId, ProviderConfig,
    Record, RecordHash, RecordId, Sealed, Secrets, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

mod definitions;
mod people;

pub(super) use people::HASHES;

/// Few owners, so that events meet.
pub(super) const OWNERS: [OwnerId; 2] =
    [OwnerId(Uuid::from_u128(10)), OwnerId(Uuid::from_u128(11))];

pub(super) fn record(owner: OwnerId, events: Vec<Event>) -> Record {
    Record {
        id: RecordId(Uuid::from_u128(1)),
        schema: 1,
        writer_version: "test".to_owned(),
        at: Timestamp(0),
        owner,
        actor: Actor::owner("root"),
        address: None,
        request_id: None,
        reason: None,
        idempotency: None,
        command: "Anything".to_owned(),
        prev: RecordHash::genesis(LogId(Uuid::from_u128(1))),
        events,
    }
}

pub(super) fn records(count: Range<usize>) -> impl Strategy<Value = Vec<Record>> {
    let one = (
        any::<u128>(),
        0..50_i64,
        0..OWNERS.len(),
        proptest::collection::vec(event(), 0..4),
        proptest::option::of("[a-c]"),
    );
    let one = one.prop_map(|(id, at, owner, events, retry)| Record {
        id: RecordId(Uuid::from_u128(id)),
        at: Timestamp(at * 5_000_000),
        idempotency: retry.map(|key| Idempotency {
            request_hash: RecordHash::of(key.as_bytes()),
            key,
        }),
        ..record(OWNERS[owner], events)
    });
    proptest::collection::vec(one, count)
}

fn level() -> impl Strategy<Value = Level> {
    (0..4_u64).prop_map(|n| Level::new(n).expect("a Level"))
}

fn number() -> impl Strategy<Value = KeyNumber> {
    prop_oneof![9 => 0..6_u64, 1 => u64::MAX - 1..=u64::MAX].prop_map(KeyNumber)
}

fn provider() -> impl Strategy<Value = String> {
    "https://(api\\.openai\\.com|llm\\.example\\.com)"
}

fn provider_config() -> impl Strategy<Value = ProviderConfig> {
    prop_oneof![
        Just(ProviderConfig::STANDARD),
        proptest::collection::btree_map(pattern(), "[ab]", 0..3).prop_map(|model_mapping| {
            ProviderConfig::Azure {
                model_mapping,
                api_versions: BTreeMap::new(),
            }
        }),
        (secret(), proptest::option::of("[ab]")).prop_map(|(private_key, base_url)| {
            ProviderConfig::Vertex {
                base_url,
                project_id: "p".to_owned(),
                location: "l".to_owned(),
                client_email: "e".to_owned(),
                private_key,
                token_uri: None,
            }
        }),
    ]
}

fn secret() -> impl Strategy<Value = MaskedSecret> {
    any::<u8>().prop_map(|byte| MaskedSecret {
        sealed: Sealed(vec![byte]),
        mask: byte.to_string(),
    })
}

fn pattern() -> impl Strategy<Value = String> {
    "[ab*]{1,3}|gpt\\*|claude\\*"
}

fn levels() -> impl Strategy<Value = BTreeMap<String, Level>> {
    proptest::collection::btree_map(pattern(), level(), 0..4)
}

fn config() -> impl Strategy<Value = Config> {
    let option = proptest::option::of::<BoxedStrategy<BTreeMap<String, String>>>;
    (
        option(proptest::collection::btree_map(pattern(), "[ab]{1,2}", 0..3).boxed()),
        proptest::option::of(levels()),
        proptest::option::of(proptest::collection::btree_map(level(), level(), 0..3)),
        proptest::option::of(proptest::collection::btree_set("/v1/(chat|audio)", 1..3)),
        proptest::option::of(any::<u16>()),
    )
        .prop_map(
            |(model_mapper, level_mapper, switch_over, resources, port)| Config {
                model_mapper,
                level_mapper,
                switch_over,
                resources,
                model_limits: port.map(|p| {
                    let limit = ModelLimit {
                        rpm: Some(u64::from(p)),
                        ..ModelLimit::default()
                    };
                    BTreeMap::from([("a".to_owned(), limit)])
                }),
                email_port: port,
                pricing: port.map(|p| format!(r#"{{"CallPricing":{{"a*":{{"Call":{p}}}}}}}"#)),
                factor: port.map(|p| foldgate_proto::Rates(u64::from(p) + 1)),
                xai_mail: port.map(|p| p.to_string()),
                email_tls: port.map(|p| p > 9),
                ..Config::default()
            },
        )
}

fn key_added() -> impl Strategy<Value = Event> {
    (
        (number(), 0..6_u128, level(), secret(), any::<bool>()),
        (provider(), provider_config(), more(), hidden()),
    )
        .prop_map(
            |((number, id, level, secret, enabled), (provider, config, more, hidden))| {
                Event::KeyAdded(KeyAdded {
                    id: KeyId(Uuid::from_u128(id)),
                    number,
                    name: "key".to_owned(),
                    level,
                    provider,
                    config,
                    secret,
                    enabled,
                    more,
                    more_secrets: hidden,
                })
            },
        )
}

/// The secrets in what is kept.
pub(super) fn hidden() -> impl Strategy<Value = Secrets> {
    proptest::collection::btree_map("/a", secret(), 0..2)
}

/// What is kept for the admin API; now and then an empty object.
pub(super) fn more() -> impl Strategy<Value = Option<JsonText>> {
    proptest::option::of("\\{\\}|\\{\"a\":1\\}".prop_map(JsonText))
}

fn key_patched() -> impl Strategy<Value = Event> {
    (
        number(),
        proptest::option::of(level()),
        proptest::option::of(secret()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(provider()),
        proptest::option::of(provider_config()),
        (proptest::option::of("[ab]"), more(), hidden()),
    )
        .prop_map(
            |(number, level, secret, enabled, provider, config, named)| {
                let (name, more, more_secrets) = named;
                Event::KeyPatched(KeyPatched {
                    number,
                    name,
                    level,
                    provider,
                    config,
                    secret,
                    enabled,
                    more,
                    more_secrets,
                })
            },
        )
}

fn news() -> impl Strategy<Value = Event> {
    let target = prop_oneof![
        Just(None),
        any::<u64>().prop_map(|n| Some(NewsTarget::Account(AccountNumber(n)))),
        "[ab]".prop_map(|text| Some(NewsTarget::Dna(text))),
    ];
    (0..4_u64, any::<i64>(), target).prop_map(|(number, expires, target)| {
        Event::NewsPublished(NewsPublished {
            id: NewsId(Uuid::from_u128(u128::from(number))),
            number: NewsNumber(number),
            title: "t".to_owned(),
            content: "c".to_owned(),
            target,
            expires_at: Timestamp(expires),
        })
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        16 => people::people(),
        5 => definitions::definitions(),
        1 => (0..4_u64, HASHES).prop_map(|(account, key)| Event::OwnerClaimed(OwnerClaimed {
            account: AccountNumber(account),
            name: "owner".to_owned(),
            key_hash: vec![key; 32],
            key_mask: "mask".to_owned(),
        })),
        4 => key_added(),
        3 => key_patched(),
        2 => number().prop_map(|number| Event::KeyRemoved(KeyRemoved { number })),
        1 => number().prop_map(|number| Event::KeyDisabled(KeyDisabled {
            number,
            by: Actor::system("test"),
            reason: "dead".to_owned(),
        })),
        2 => config().prop_map(|patch| Event::ConfigPatched(ConfigPatched { patch })),
        1 => proptest::sample::subsequence(ConfigKey::ALL, 0..4).prop_map(|keys| {
            Event::ConfigReset(ConfigReset { keys: BTreeSet::from_iter(keys) })
        }),
        1 => levels().prop_map(|patterns| {
            Event::LevelMapperCompleted(LevelMapperCompleted { patterns })
        }),
        1 => proptest::collection::btree_set(pattern(), 0..3).prop_map(|patterns| {
            Event::LevelMapperRetracted(LevelMapperRetracted { patterns })
        }),
        1 => news(),
        1 => (0..4_u64).prop_map(|n| Event::NewsRetracted(NewsRetracted { number: NewsNumber(n) })),
    ]
}
