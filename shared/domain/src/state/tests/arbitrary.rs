//! Events as no decision would make them: numbers that do not exist, ids twice,
//! owners nobody claimed, anything in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use foldgate_proto::event::{
    ConfigPatched, ConfigReset, KeyAdded, KeyDisabled, KeyPatched, KeyRemoved,
    LevelMapperCompleted, NewsPublished, NewsRetracted, OwnerClaimed,
};
use foldgate_proto::{
    AccountNumber, Actor, Config, ConfigKey, Event, KeyId, KeyNumber, Level, LogId, MaskedSecret,
    ModelLimit, NewsId, NewsNumber, OwnerId, ProviderConfig, Record, RecordHash, RecordId, Sealed,
    Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

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
    );
    let one = one.prop_map(|(id, at, owner, events)| Record {
        id: RecordId(Uuid::from_u128(id)),
        at: Timestamp(at * 1_000_000),
        ..record(OWNERS[owner], events)
    });
    proptest::collection::vec(one, count)
}

fn level() -> impl Strategy<Value = Level> {
    (0..4_u64).prop_map(|n| Level::new(n).expect("a Level"))
}

fn number() -> impl Strategy<Value = KeyNumber> {
    (0..6_u64).prop_map(KeyNumber)
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
                ..Config::default()
            },
        )
}

fn key_added() -> impl Strategy<Value = Event> {
    (number(), 0..6_u128, level(), secret(), any::<bool>()).prop_map(
        |(number, id, level, secret, enabled)| {
            Event::KeyAdded(KeyAdded {
                id: KeyId(Uuid::from_u128(id)),
                number,
                name: "key".to_owned(),
                level,
                provider: "https://llm.example.com".to_owned(),
                config: ProviderConfig::Standard,
                secret,
                enabled,
            })
        },
    )
}

fn key_patched() -> impl Strategy<Value = Event> {
    (
        number(),
        proptest::option::of(level()),
        proptest::option::of(secret()),
        proptest::option::of(any::<bool>()),
    )
        .prop_map(|(number, level, secret, enabled)| {
            Event::KeyPatched(KeyPatched {
                number,
                level,
                secret,
                enabled,
                ..KeyPatched::default()
            })
        })
}

fn news() -> impl Strategy<Value = Event> {
    (0..4_u64, any::<i64>()).prop_map(|(number, expires)| {
        Event::NewsPublished(NewsPublished {
            id: NewsId(Uuid::from_u128(u128::from(number))),
            number: NewsNumber(number),
            title: "t".to_owned(),
            content: "c".to_owned(),
            target: None,
            expires_at: Timestamp(expires),
        })
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => (any::<u64>(), any::<u8>()).prop_map(|(account, key)| Event::OwnerClaimed(OwnerClaimed {
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
        1 => news(),
        1 => (0..4_u64).prop_map(|n| Event::NewsRetracted(NewsRetracted { number: NewsNumber(n) })),
    ]
}
