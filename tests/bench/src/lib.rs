//! What the benches share: states of a given size, made of records like those a
//! real log holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldgate_domain::pool::{Pool, PoolKey};
use foldgate_domain::{State, provider};
use foldgate_proto::event::{ConfigPatched, KeyAdded, KeyPatched, OwnerClaimed};
use foldgate_proto::{
    AccountNumber, Actor, Config, Event, KeyId, KeyNumber, Level, LogId, MaskedSecret, OwnerId,
    ProviderConfig, Record, RecordHash, RecordId, Sealed, Timestamp,
};
use uuid::Uuid;

pub mod accounts;
pub mod models;

/// The tenant of every bench.
pub const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

/// A Level by number.
///
/// # Panics
/// Above 9999.
pub fn level(n: u64) -> Level {
    Level::new(n).expect("a bench names real Levels")
}

fn record(command: &str, events: Vec<Event>) -> Record {
    Record {
        id: RecordId(Uuid::from_u128(7)),
        schema: 1,
        writer_version: "bench".to_owned(),
        at: Timestamp(1_735_689_600_000),
        owner: OWNER,
        actor: Actor::owner("root"),
        address: None,
        request_id: None,
        reason: None,
        idempotency: None,
        command: command.to_owned(),
        prev: RecordHash([0; 32]),
        events,
    }
}

fn key_added(number: u64) -> Record {
    record(
        "AddKey",
        vec![Event::KeyAdded(KeyAdded {
            id: KeyId(Uuid::from_u128(u128::from(number) + 1000)),
            number: KeyNumber(number),
            name: format!("key {number}"),
            level: level(1),
            provider: "https://llm.example.com".to_owned(),
            config: ProviderConfig::STANDARD,
            secret: MaskedSecret {
                sealed: Sealed(vec![7; 96]),
                mask: "sk-\u{2026}1234".to_owned(),
            },
            enabled: true,
            more: None,
            more_secrets: std::collections::BTreeMap::new(),
        })],
    )
}

/// A log that adds this many keys to Level 1.
pub fn log_of_keys(count: u64) -> Vec<Record> {
    (1..=count).map(key_added).collect()
}

/// A change of one key that leaves it in its pool.
pub fn key_event(number: u64) -> Record {
    record(
        "PatchKey",
        vec![Event::KeyPatched(KeyPatched {
            number: KeyNumber(number),
            name: Some("renamed".to_owned()),
            ..KeyPatched::default()
        })],
    )
}

/// Patterns as owners write them: three quarters prefixes, the rest suffixes,
/// middles and exact names.
fn patterns(count: usize) -> BTreeMap<String, Level> {
    let one = |n: usize| match n % 8 {
        0 => format!("*-suffix-{n}"),
        1 => format!("vendor-*-{n}"),
        2 => format!("exact-model-{n}"),
        _ => format!("family-{n}-*"),
    };
    (0..count).map(|n| (one(n), level(1))).collect()
}

/// Names that hit each of those patterns.
pub fn models(count: usize) -> Vec<String> {
    let one = |n: usize| match n % 8 {
        0 => format!("some-model-suffix-{n}"),
        1 => format!("vendor-large-{n}"),
        2 => format!("exact-model-{n}"),
        _ => format!("family-{n}-2026-01"),
    };
    (0..count).map(one).collect()
}

/// A state with this many keys at Level 1 and this many LEVEL_MAPPER patterns.
pub fn state_with(keys: u64, level_patterns: usize) -> State {
    let mut state = State::new(LogId(Uuid::from_u128(2)));
    let claimed = Event::OwnerClaimed(OwnerClaimed {
        account: AccountNumber(1),
        name: "root".to_owned(),
        key_hash: vec![7; 32],
        key_mask: "sk".to_owned(),
    });
    let config = Event::ConfigPatched(ConfigPatched {
        patch: Config {
            level_mapper: Some(patterns(level_patterns)),
            ..Config::default()
        },
    });
    let first = record("ClaimOwner", vec![claimed, config]);
    for record in std::iter::once(first).chain((1..=keys).map(key_added)) {
        let revision = state.revision.next();
        state.apply(revision, RecordHash([0; 32]), &record);
    }
    state
}

/// The live pool of one Level, with every key of the state that stands there.
pub fn full_pool(state: &State, at: Level) -> Pool<Arc<str>> {
    let mut pool = Pool::new(1);
    for owner in state.owners.values() {
        for key in owner.keys.values().filter(|key| key.level == at) {
            upsert(&mut pool, state, key.number.0);
        }
    }
    pool
}

/// Brings one key of the pool up to date.
pub fn upsert(pool: &mut Pool<Arc<str>>, state: &State, number: u64) {
    let owner = state.owner(OWNER);
    let Some(key) = owner.and_then(|owner| owner.keys.get(&KeyNumber(number))) else {
        return;
    };
    let entry = PoolKey {
        id: key.id,
        number: key.number,
        family: provider::Family::of(&key.provider, &key.config),
        secret_revision: key.secret_revision,
    };
    pool.upsert(entry, Arc::from(key.provider.as_str()));
}
