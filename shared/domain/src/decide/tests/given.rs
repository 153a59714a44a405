//! The given/when/then frame: a log of records made by decisions only.

use std::collections::BTreeMap;

use foldgate_proto::{
    Actor, ConfigKey, Event, KeyId, KeyNumber, Level, LogId, MaskedSecret, OwnerId, RecordHash,
    RecordId, Revision, Sealed, Timestamp,
};
use uuid::Uuid;

use crate::command::{AddKey, ClaimOwner, ConfigPatch, PatchConfig};
use crate::{Command, Context, Decision, OwnerState, Rejection, State, decide};

pub(super) const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));
pub(super) const START: Timestamp = Timestamp(1_735_689_600_000);

pub(super) struct Given {
    pub state: State,
    pub now: Timestamp,
}

/// A claimed owner and nothing else.
pub(super) fn given() -> Given {
    let mut given = empty();
    given.done(&claim("root", 1));
    given
}

pub(super) fn empty() -> Given {
    Given {
        state: State::new(LogId(Uuid::from_u128(9))),
        now: START,
    }
}

impl Given {
    pub(super) fn context(&self) -> Context {
        Context {
            now: self.now,
            record: RecordId(Uuid::from_u128(u128::from(self.state.revision.0) + 100)),
            actor: Actor::owner("root"),
            address: None,
            request_id: None,
            reason: None,
            idempotency: None,
            precondition: None,
            writer_version: "test".to_owned(),
        }
    }

    pub(super) fn when(&self, command: &Command) -> Result<Decision, Rejection> {
        decide(&self.state, OWNER, command, &self.context())
    }

    /// The command must succeed; its events are folded.
    pub(super) fn done(&mut self, command: &Command) -> Vec<Event> {
        let context = self.context();
        let decision = decide(&self.state, OWNER, command, &context).expect("it is legal");
        let record = crate::decide::record(
            &self.state,
            OWNER,
            command,
            &context,
            decision.events.clone(),
        );
        let revision = self.state.revision.next();
        self.state
            .apply(revision, RecordHash::of(&revision.0.to_be_bytes()), &record);
        decision.events
    }

    pub(super) fn and(mut self, command: &Command) -> Self {
        self.done(command);
        self
    }

    pub(super) fn owner(&self) -> &OwnerState {
        self.state.owner(OWNER).expect("claimed")
    }

    pub(super) fn refused(&self, command: &Command) -> Rejection {
        let before = self.state.clone();
        let rejection = self.when(command).expect_err("it is refused");
        assert_eq!(before, self.state, "a refusal changes nothing");
        rejection
    }
}

pub(super) fn claim(name: &str, key: u8) -> Command {
    Command::ClaimOwner(ClaimOwner {
        name: name.to_owned(),
        key_hash: [key; 32],
        key_mask: "sk-\u{2026}".to_owned(),
    })
}

pub(super) fn level(n: u64) -> Level {
    Level::new(n).expect("a Level")
}

pub(super) fn secret() -> MaskedSecret {
    MaskedSecret {
        sealed: Sealed(vec![1, 2, 3]),
        mask: "sk-\u{2026}1234".to_owned(),
    }
}

/// A key with id `n` at this Level.
pub(super) fn key(n: u128, provider: &str, at: u64) -> AddKey {
    AddKey {
        id: KeyId(Uuid::from_u128(1000 + n)),
        name: format!("key {n}"),
        level: level(at),
        provider: provider.to_owned(),
        config: ConfigPatch::default(),
        secret: secret(),
        enabled: true,
    }
}

pub(super) fn add(n: u128, provider: &str, at: u64) -> Command {
    Command::AddKey(key(n, provider, at))
}

pub(super) fn set(change: impl FnOnce(&mut PatchConfig)) -> Command {
    let mut patch = PatchConfig::default();
    change(&mut patch);
    Command::PatchConfig(patch)
}

pub(super) fn map<V>(entries: impl IntoIterator<Item = (&'static str, V)>) -> BTreeMap<String, V> {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

pub(super) fn completed(events: &[Event]) -> Option<BTreeMap<String, Level>> {
    events.iter().find_map(|event| match event {
        Event::LevelMapperCompleted(completed) => Some(completed.patterns.clone()),
        _ => None,
    })
}

pub(super) fn number(n: u64) -> KeyNumber {
    KeyNumber(n)
}

pub(super) fn config_refusal(rejection: Rejection) -> (ConfigKey, String) {
    match rejection {
        Rejection::Config { key, problem } => (key, problem),
        other => panic!("not about configuration: {other:?}"),
    }
}

#[test]
fn the_record_stands_behind_the_last_one() {
    let given = given();
    let command = add(1, "https://api.example.com", 1);
    let mut context = given.context();
    context.now = Timestamp(START.0 - 5000);
    let record = crate::decide::record(&given.state, OWNER, &command, &context, Vec::new());
    assert_eq!(record.prev, given.state.chain);
    assert_eq!(record.at, START, "time in the log never runs back");
    assert_eq!(record.command, "AddKey");
    assert_eq!(given.state.revision, Revision(1));
}
