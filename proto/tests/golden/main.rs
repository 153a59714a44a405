//! Every event kind and both reports have a fixture per schema version: stored
//! bytes that this and every later program must read as the same thing. A
//! fixture that has landed is never edited (`tests/tidy` holds their hashes).
//!
//! `FOLDGATE_BLESS=1 cargo test -p foldgate-proto` writes fixtures that do not
//! exist yet; it never overwrites one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use foldgate_proto::event::{
    ConfigPatched, ConfigReset, KeyAdded, KeyDisabled, KeyPatched, KeyRemoved,
    LevelMapperCompleted, LevelMapperRetracted, NewsPublished, NewsRetracted, OwnerClaimed,
};
use foldgate_proto::report::{self, StateHash};
use foldgate_proto::{
    AccountNumber, Actor, ActorKind, Config, ConfigKey, DefinitionKind, Event, Generation,
    Heartbeat, Idempotency, KeyId, KeyNumber, Level, LogId, MaskedSecret, ModelLimit, NewsId,
    NewsNumber, NewsTarget, OwnerId, ProviderConfig, Rates, Record, RecordHash, RecordId, Revision,
    Role, Sealed, SleepCause, SleepReport, Timestamp,
};
use uuid::Uuid;

mod definitions;
mod kept;
mod keys;
mod people;

const AT: Timestamp = Timestamp(1_735_689_600_123);

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/v1")
        .join(name)
}

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | n)
}

fn level(n: u64) -> Level {
    Level::new(n).expect("a Level")
}

fn secret(mask: &str) -> MaskedSecret {
    MaskedSecret {
        sealed: Sealed((0..60).collect()),
        mask: mask.to_owned(),
    }
}

fn record(command: &str, events: Vec<Event>) -> Record {
    Record {
        id: RecordId(uuid(1)),
        schema: 1,
        writer_version: "0.1.0".to_owned(),
        at: AT,
        owner: OwnerId(uuid(2)),
        actor: Actor::owner("root"),
        address: Some("192.0.2.7:50000".to_owned()),
        request_id: Some("req-1".to_owned()),
        reason: Some("because \u{e9}\u{4e2d}".to_owned()),
        idempotency: Some(Idempotency {
            key: "retry-1".to_owned(),
            request_hash: RecordHash::of(b"request"),
        }),
        command: command.to_owned(),
        prev: RecordHash::genesis(LogId(uuid(3))),
        events,
    }
}

fn key_added(number: u64, config: ProviderConfig) -> Event {
    Event::KeyAdded(KeyAdded {
        id: KeyId(uuid(4)),
        number: KeyNumber(number),
        name: "OpenAI Production".to_owned(),
        level: level(1),
        provider: "https://api.openai.com".to_owned(),
        config,
        secret: secret("sk-\u{2026}cdef"),
        enabled: true,
        more: None,
        more_secrets: BTreeMap::new(),
    })
}

fn azure() -> ProviderConfig {
    ProviderConfig::Azure {
        model_mapping: BTreeMap::from([("gpt-3.5*".to_owned(), "gpt35-turbo".to_owned())]),
        api_versions: BTreeMap::from([("chat".to_owned(), "2025-01-01-preview".to_owned())]),
    }
}

fn vertex() -> ProviderConfig {
    ProviderConfig::Vertex {
        base_url: Some("https://us-central1-aiplatform.googleapis.com/v1".to_owned()),
        project_id: "my-gcp-project".to_owned(),
        location: "us-central1".to_owned(),
        client_email: "robot@my-gcp-project.iam.gserviceaccount.com".to_owned(),
        private_key: secret("PEM"),
        token_uri: None,
    }
}

fn config() -> Config {
    Config {
        model_mapper: Some(BTreeMap::from([(
            "gpt-3.5*".to_owned(),
            "gpt-4o-mini".to_owned(),
        )])),
        level_mapper: Some(BTreeMap::from([("gpt-4*".to_owned(), level(2))])),
        switch_over: Some(BTreeMap::from([(level(1), level(2))])),
        resources: Some(BTreeSet::from(["/v1/chat/completions".to_owned()])),
        model_limits: Some(BTreeMap::from([(
            "gpt-4o".to_owned(),
            ModelLimit {
                rpm: Some(30),
                tpm: Some(90_000),
                ..ModelLimit::default()
            },
        )])),
        pricing: Some("{\"ChatPricing\":{}}".to_owned()),
        factor: None,
        xai_mail: Some("ops@example.com".to_owned()),
        email_smtp: Some("smtp.example.com".to_owned()),
        email_port: Some(587),
        email_auth: Some("mailer".to_owned()),
        email_pass: Some(secret("pa\u{2026}word")),
        email_tls: Some(true),
    }
}

fn first_records() -> Vec<(&'static str, Record)> {
    let factor = Event::ConfigPatched(ConfigPatched {
        patch: Config {
            factor: Some(Rates(1_150_000)),
            ..Config::default()
        },
    });
    let claimed = Event::OwnerClaimed(OwnerClaimed {
        account: AccountNumber(1),
        name: "root".to_owned(),
        key_hash: (0..32).collect(),
        key_mask: "sk-Fg\u{2026}wxyz".to_owned(),
    });
    let completed = Event::LevelMapperCompleted(LevelMapperCompleted {
        patterns: BTreeMap::from([("gpt*".to_owned(), level(1))]),
    });
    let patched = Event::KeyPatched(KeyPatched {
        number: KeyNumber(123),
        name: Some("renamed".to_owned()),
        level: Some(level(9999)),
        provider: Some("https://api.deepseek.com".to_owned()),
        config: Some(ProviderConfig::STANDARD),
        secret: Some(secret("sk-\u{2026}0000")),
        enabled: Some(false),
        more: None,
        more_secrets: BTreeMap::new(),
    });
    let disabled = Event::KeyDisabled(KeyDisabled {
        number: KeyNumber(123),
        by: Actor {
            kind: ActorKind::Node,
            name: "node-a".to_owned(),
        },
        reason: "401 invalid_api_key".to_owned(),
    });
    let published = Event::NewsPublished(NewsPublished {
        id: NewsId(uuid(5)),
        number: NewsNumber(7),
        title: "Maintenance".to_owned(),
        content: "tomorrow".to_owned(),
        target: Some(NewsTarget::Dna(".1.42.".to_owned())),
        expires_at: Timestamp(AT.0 + 86_400_000),
    });
    let removed = Event::KeyRemoved(KeyRemoved {
        number: KeyNumber(123),
    });
    let reset = Event::ConfigReset(ConfigReset {
        keys: BTreeSet::from([ConfigKey::Pricing, ConfigKey::ModelMapper]),
    });
    let retracted = Event::NewsRetracted(NewsRetracted {
        number: NewsNumber(7),
    });
    vec![
        ("owner_claimed", record("ClaimOwner", vec![claimed])),
        (
            "key_added_standard",
            record("AddKey", vec![key_added(123, ProviderConfig::STANDARD)]),
        ),
        (
            "key_added_azure",
            record("AddKey", vec![key_added(124, azure())]),
        ),
        (
            "key_added_vertex",
            record("AddKey", vec![key_added(125, vertex())]),
        ),
        ("key_patched", record("PatchKey", vec![patched])),
        ("key_removed", record("RemoveKey", vec![removed])),
        ("key_disabled", record("DisableKey", vec![disabled])),
        (
            "config_patched",
            record(
                "PatchConfig",
                vec![Event::ConfigPatched(ConfigPatched { patch: config() })],
            ),
        ),
        ("config_patched_factor", record("PatchConfig", vec![factor])),
        ("config_reset", record("ResetConfig", vec![reset])),
        ("level_mapper_completed", record("AddKey", vec![completed])),
        (
            "level_mapper_retracted",
            record(
                "RemoveKey",
                vec![Event::LevelMapperRetracted(LevelMapperRetracted {
                    patterns: BTreeSet::from(["gpt*".to_owned(), "o1*".to_owned()]),
                })],
            ),
        ),
        ("news_published", record("PublishNews", vec![published])),
        ("news_retracted", record("RetractNews", vec![retracted])),
    ]
}

fn records() -> Vec<(&'static str, Record)> {
    let mut records = first_records();
    records.extend(people::records());
    records.extend(keys::records());
    records.extend(kept::records());
    records.extend(definitions::records());
    records
}

fn sleep_report() -> SleepReport {
    SleepReport {
        owner: OwnerId(uuid(2)),
        key: KeyId(uuid(4)),
        model: Some("gpt-4o".to_owned()),
        generation: Generation {
            secret: Revision(12),
            wake: 3,
        },
        until: Timestamp(AT.0 + 30_000),
        cause: SleepCause::RateLimit,
        status: Some(429),
        detail: "rate_limit_exceeded".to_owned(),
        failures: 2,
        confirmed: false,
        at: AT,
        node: "node-a".to_owned(),
        region: "east".to_owned(),
    }
}

fn heartbeat() -> Heartbeat {
    Heartbeat {
        node: "node-a".to_owned(),
        region: "east".to_owned(),
        role: Role::DataPlane,
        version: "0.1.0".to_owned(),
        boot: uuid(6),
        at: AT,
        revision: Revision(12),
        chain: RecordHash::of(b"chain"),
        state_hash: Some(StateHash {
            revision: Revision(10),
            hash: RecordHash::of(b"state"),
            fold_version: 1,
        }),
        held: Some("revision 13: unreadable".to_owned()),
        listeners: vec!["127.0.0.1:3000".to_owned()],
        sleeping: vec![sleep_report()],
        sleeping_total: 1,
        time_zone: None,
    }
}

/// Reads a fixture; writes it first where it is new and blessing is on.
fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = fixture(name);
    if !path.exists() && std::env::var_os("FOLDGATE_BLESS").is_some() {
        std::fs::write(&path, bytes).expect("the fixture is written");
    }
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; FOLDGATE_BLESS=1 writes a new one",
            path.display()
        )
    })
}

#[test]
fn stored_records_read_as_what_they_were_and_write_the_same_bytes() {
    for (name, record) in records() {
        let encoded = record.encode().expect("the sample is encodable");
        let stored = golden(&format!("{name}.record"), &encoded.bytes);
        let read = Record::decode(&stored).expect(name);
        assert_eq!(read, record, "{name}");
        assert_eq!(encoded.bytes, stored, "{name} encodes to other bytes now");
        assert_eq!(encoded.hash, RecordHash::of(&stored), "{name}");
    }
}

#[test]
fn stored_reports_read_as_what_they_were() {
    let bytes = report::encode(&sleep_report()).expect("encodable");
    let stored = golden("sleep.report", &bytes);
    assert_eq!(
        report::decode::<SleepReport>(&stored).expect("readable"),
        sleep_report()
    );
    let bytes = report::encode(&heartbeat()).expect("encodable");
    let stored = golden("heartbeat.report", &bytes);
    assert_eq!(
        report::decode::<Heartbeat>(&stored).expect("readable"),
        heartbeat()
    );
}

#[test]
fn a_damaged_fixture_is_read_or_refused_and_never_a_panic() {
    for (_, record) in records() {
        let bytes = record.encode().expect("the sample is encodable").bytes;
        for at in 0..bytes.len() {
            drop(Record::decode(&bytes[..at]));
            for byte in [0xc0, 0xdf] {
                let mut damaged = bytes.clone();
                damaged[at] = byte;
                drop(Record::decode(&damaged));
            }
        }
    }
}

#[test]
fn every_event_kind_has_a_fixture() {
    let have: BTreeSet<&str> = records()
        .iter()
        .flat_map(|(_, record)| record.events.iter().map(Event::kind))
        .collect();
    let source = include_str!("../../src/event.rs");
    let kinds: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once("(_) => \""))
        .map(|(kind, _)| kind)
        .collect();
    assert!(kinds.len() >= 10, "the kinds are read from the source");
    let defined = DefinitionKind::ALL.iter();
    let defined = defined.flat_map(|kind| [kind.put(), kind.removed()]);
    let kinds = kinds.into_iter().chain(defined).collect();
    assert_eq!(have, kinds);
}
