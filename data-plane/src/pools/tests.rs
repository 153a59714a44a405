use std::sync::Arc;

use foldgate_domain::command::{AddKey, ClaimOwner, Command, Context, DisableKey, PatchKey};
use foldgate_domain::failure::Failure;
use foldgate_domain::pool::Ask;
use foldgate_domain::provider::FamilySet;
use foldgate_domain::{State, decide};
use foldgate_log::Reports;
use foldgate_proto::{
    Actor, KeyId, KeyNumber, Level, LogId, OwnerId, ProviderConfig, Record, RecordHash, RecordId,
};
use foldgate_vault::{MasterKey, SealContext, Vault};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::SecretString;
use uuid::Uuid;

use crate::dialect::Target;
use crate::upstream::{AccountError, Ask as Call};

use super::{Picked, Place, Pools, Skipped, Sleeps, Wish, now};

mod models;

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

/// A call of an OpenAI client.
const CALL: Call<'_> = Call {
    path: "/v1/chat/completions",
    query: None,
    model: "m",
    stream: false,
    dialect: Target::OpenAi,
};
const SECRET: &str = "sk-0123456789-0123456789";

struct World {
    state: State,
    vault: Vault,
    pools: Pools,
}

fn level(number: u64) -> Level {
    Level::new(number).unwrap()
}

fn pools(vault: &Vault) -> Pools {
    let place = Place {
        node: "n".to_owned(),
        region: "r".to_owned(),
    };
    let sleeps = Arc::new(Sleeps::new(place, Reports::local()));
    Pools::new(vault.clone(), sleeps, 7)
}

impl World {
    fn new() -> Self {
        let vault = Vault::new(&MasterKey::generate().unwrap(), &[]);
        let mut world = Self {
            state: State::new(LogId(Uuid::from_u128(9))),
            pools: pools(&vault),
            vault,
        };
        world.pools.load(&world.state);
        world.run(&Command::ClaimOwner(ClaimOwner {
            name: "owner".to_owned(),
            key_hash: [1; 32],
            key_mask: "x".to_owned(),
        }));
        world
    }

    fn run(&mut self, command: &Command) {
        let record = self.recorded(command);
        self.take(&record);
    }

    fn recorded(&self, command: &Command) -> Record {
        let context = Context {
            now: now(),
            record: RecordId(Uuid::new_v4()),
            actor: Actor::system("test"),
            address: None,
            request_id: None,
            reason: None,
            idempotency: None,
            precondition: None,
            writer_version: "test".to_owned(),
        };
        let decision = decide(&self.state, OWNER, command, &context).unwrap();
        foldgate_domain::decide::record(&self.state, OWNER, command, &context, decision.events)
    }

    fn take(&mut self, record: &Record) {
        let next = self.state.revision.next();
        self.state.apply(next, RecordHash([0; 32]), record);
        self.pools.fold(&self.state, record);
    }

    fn sealed(&self, id: KeyId, field: &'static str, secret: &str) -> foldgate_proto::MaskedSecret {
        let context = SealContext {
            owner: OWNER,
            resource: id.0,
            field,
        };
        self.vault
            .seal_masked(&context, &SecretString::from(secret))
            .unwrap()
    }

    fn add(&mut self, id: u128, at: u64, config: ProviderConfig, field: &'static str) {
        let id = KeyId(Uuid::from_u128(id));
        let secret = self.sealed(id, field, SECRET);
        self.run(&Command::AddKey(AddKey {
            id,
            name: String::new(),
            level: level(at),
            provider: "https://api.example.test".to_owned(),
            config: config.into(),
            secret,
            enabled: true,
        }));
    }

    fn picks(&self, at: u64) -> Option<KeyId> {
        match pick(&self.pools, at) {
            Picked::Key(held) => Some(held.key()),
            Picked::Asleep(..) | Picked::Empty => None,
        }
    }
}

fn pick(pools: &Pools, at: u64) -> Picked {
    let ask = Ask {
        model: "m",
        serves: FamilySet::ALL,
        tried: &[],
    };
    let wish = Wish {
        owner: OWNER,
        ask,
        only: None,
        anyway: false,
    };
    pools.pick(level(at), &wish)
}

const ONE: KeyId = KeyId(Uuid::from_u128(11));

fn patch(patch: PatchKey) -> Command {
    Command::PatchKey(PatchKey {
        number: KeyNumber(1),
        ..patch
    })
}

#[test]
fn keys_come_move_and_go_with_the_log() {
    let mut world = World::new();
    assert_eq!(world.picks(1), None);
    world.add(11, 1, ProviderConfig::STANDARD, "secret");
    assert_eq!(world.picks(1), Some(ONE));
    world.run(&patch(PatchKey {
        level: Some(level(2)),
        ..PatchKey::default()
    }));
    assert_eq!((world.picks(1), world.picks(2)), (None, Some(ONE)));
    world.run(&patch(PatchKey {
        enabled: Some(false),
        ..PatchKey::default()
    }));
    assert_eq!(world.picks(2), None);
    world.run(&patch(PatchKey {
        enabled: Some(true),
        ..PatchKey::default()
    }));
    assert_eq!(world.picks(2), Some(ONE));
    let secret_revision = world.state.owner(OWNER).unwrap().keys[&KeyNumber(1)].secret_revision;
    world.run(&Command::DisableKey(DisableKey {
        id: ONE,
        secret_revision,
        by: Actor::system("test"),
        reason: "dead".to_owned(),
    }));
    assert_eq!(world.picks(2), None);
    world.run(&patch(PatchKey {
        enabled: Some(true),
        ..PatchKey::default()
    }));
    assert_eq!(world.picks(2), Some(ONE));
    world.run(&Command::RemoveKey(KeyNumber(1)));
    assert_eq!(world.picks(2), None);
}

#[test]
fn a_credential_follows_its_secret_and_its_provider() {
    let mut world = World::new();
    world.add(11, 1, ProviderConfig::STANDARD, "secret");
    let shows = |world: &World| match pick(&world.pools, 1) {
        Picked::Key(held) => {
            let credential = held.credential();
            let address = credential.address(0, &CALL).unwrap();
            let mut headers = HeaderMap::new();
            credential.authorize(&mut headers, address.auth, None);
            let secret = headers.remove(AUTHORIZATION).unwrap();
            assert!(secret.is_sensitive() && headers.is_empty());
            (secret.to_str().unwrap().to_owned(), address.uri.to_string())
        }
        Picked::Asleep(..) | Picked::Empty => panic!("no key"),
    };
    let chat = |host: &str| format!("https://{host}/v1/chat/completions");
    assert_eq!(
        shows(&world),
        (format!("Bearer {SECRET}"), chat("api.example.test"))
    );
    let secret = world.sealed(ONE, "secret", "sk-another-0123456789");
    world.run(&patch(PatchKey {
        sealed_for: Some(ONE),
        secret: Some(secret),
        provider: Some("https://other.example.test/v1".to_owned()),
        ..PatchKey::default()
    }));
    let expected = (
        "Bearer sk-another-0123456789".to_owned(),
        chat("other.example.test"),
    );
    assert_eq!(shows(&world), expected);
}

#[test]
fn keys_that_cannot_be_used_are_left_out_with_the_reason() {
    let mut world = World::new();
    world.add(11, 1, ProviderConfig::STANDARD, "another field");
    let two = KeyId(Uuid::from_u128(12));
    let vertex = ProviderConfig::Vertex {
        base_url: None,
        project_id: "my-project".to_owned(),
        location: "us-central1".to_owned(),
        client_email: "robot@my-project.iam.gserviceaccount.com".to_owned(),
        private_key: world.sealed(two, "private_key", "-----BEGIN PRIVATE KEY-----\nMIIE..."),
        token_uri: None,
    };
    world.run(&Command::AddKey(AddKey {
        id: two,
        name: String::new(),
        level: level(1),
        provider: "https://us-central1-aiplatform.googleapis.com".to_owned(),
        config: vertex.into(),
        secret: world.sealed(two, "secret", SECRET),
        enabled: true,
    }));
    assert_eq!(world.picks(1), None);
    let mut skipped = world.pools.skipped();
    skipped.sort_by_key(|(_, number, _)| *number);
    assert!(matches!(
        skipped.as_slice(),
        [
            (
                OWNER,
                KeyNumber(1),
                Skipped::Sealed(foldgate_vault::Error::Refused)
            ),
            (OWNER, KeyNumber(2), Skipped::Account(AccountError::NotPem)),
        ]
    ));
    world.run(&Command::RemoveKey(KeyNumber(1)));
    assert_eq!(world.pools.skipped().len(), 1);
}

#[test]
fn a_whole_state_is_the_same_as_its_records() {
    let mut world = World::new();
    world.add(11, 1, ProviderConfig::STANDARD, "secret");
    world.add(12, 2, ProviderConfig::STANDARD, "secret");
    let fresh = pools(&world.vault);
    fresh.load(&world.state);
    assert!(matches!(pick(&fresh, 1), Picked::Key(held) if held.key() == ONE));
    world.run(&Command::RemoveKey(KeyNumber(1)));
    fresh.load(&world.state);
    assert!(matches!(pick(&fresh, 1), Picked::Empty));
    assert!(matches!(pick(&fresh, 2), Picked::Key(_)));
}

#[test]
fn a_sleep_is_told_kept_and_taken_along() {
    let mut world = World::new();
    world.add(11, 1, ProviderConfig::STANDARD, "secret");
    let Picked::Key(held) = pick(&world.pools, 1) else {
        panic!("no key")
    };
    held.fail(&Failure::broken("x"), None);
    assert_eq!(world.picks(1), None);
    let (own, all) = world.pools.sleeps().sleeping();
    assert_eq!((own.len(), all), (1, 1));
    // Another node hears of it, before and after it has the key.
    let other = pools(&world.vault);
    other.hear(&own[0]);
    other.load(&world.state);
    assert!(matches!(pick(&other, 1), Picked::Asleep(..)));
    let late = pools(&world.vault);
    late.load(&world.state);
    late.hear(&own[0]);
    assert!(matches!(pick(&late, 1), Picked::Asleep(..)));
    // It moves with the key to another Level, and ends with a new secret.
    world.run(&patch(PatchKey {
        level: Some(level(2)),
        ..PatchKey::default()
    }));
    assert!(matches!(pick(&world.pools, 2), Picked::Asleep(..)));
    let secret = Some(world.sealed(ONE, "secret", "sk-another-0123456789"));
    world.run(&patch(PatchKey {
        sealed_for: Some(ONE),
        secret,
        ..PatchKey::default()
    }));
    assert_eq!(world.picks(2), Some(ONE));
}

#[tokio::test]
async fn sleeps_survive_a_restart_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sleeps");
    let mut world = World::new();
    world.add(11, 1, ProviderConfig::STANDARD, "secret");
    let Picked::Key(held) = pick(&world.pools, 1) else {
        panic!("no key")
    };
    assert_eq!(world.pools.sleeps().restore(&file).unwrap(), 0);
    held.fail(&Failure::broken("x"), None);
    world.pools.sleeps().keep(file.clone()).await.unwrap();
    let again = pools(&world.vault);
    assert_eq!(again.sleeps().restore(&file).unwrap(), 1);
    again.load(&world.state);
    assert!(matches!(pick(&again, 1), Picked::Asleep(..)));
    std::fs::write(&file, b"nonsense").unwrap();
    assert!(pools(&world.vault).sleeps().restore(&file).is_err());
}

#[test]
fn a_dropped_attempt_is_no_failure() {
    let mut world = World::new();
    world.add(11, 1, ProviderConfig::STANDARD, "secret");
    for _ in 0..3 {
        let Picked::Key(held) = pick(&world.pools, 1) else {
            panic!("no key")
        };
        let pool = world.pools.pool(OWNER, level(1)).unwrap();
        assert_eq!(super::lock(&pool).in_flight(ONE), Some(1));
        drop(held);
        assert_eq!(super::lock(&pool).in_flight(ONE), Some(0));
    }
    assert_eq!(world.pools.sleeps().sleeping().1, 0);
}
