//! The given/when/then frame: a log of records made by decisions only.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldgate_proto::{
    Actor, ConfigKey, Event, KeyId, KeyNumber, Level, LogId, MaskedSecret, OwnerId, RecordHash,
    RecordId, ResourceId, Revision, Sealed, Timestamp,
};
use uuid::Uuid;

use crate::command::{AddKey, ClaimOwner, ConfigPatch, PatchConfig, Restore, Undo};
use crate::{Command, Context, Decision, OwnerState, Rejection, State, decide};

pub(crate) const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));
pub(crate) const START: Timestamp = Timestamp(1_735_689_600_000);

#[derive(Clone)]
pub(crate) struct Given {
    pub state: State,
    pub now: Timestamp,
    /// The owner behind each revision; at 0 there is none.
    past: Vec<Option<Arc<OwnerState>>>,
    /// Which revisions undid which.
    undid: BTreeMap<Revision, Revision>,
}

/// A claimed owner and nothing else.
pub(crate) fn given() -> Given {
    let mut given = empty();
    given.done(&claim("root", 1));
    given
}

pub(crate) fn empty() -> Given {
    Given {
        state: State::new(LogId(Uuid::from_u128(9))),
        now: START,
        past: vec![None],
        undid: BTreeMap::new(),
    }
}

impl Given {
    pub(crate) fn context(&self) -> Context {
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

    pub(crate) fn when(&self, command: &Command) -> Result<Decision, Rejection> {
        decide(&self.state, OWNER, command, &self.context())
    }

    /// The command must succeed; its events are folded.
    pub(crate) fn done(&mut self, command: &Command) -> Vec<Event> {
        self.tried(command).expect("it is legal").events
    }

    /// Folds what the command comes to, unless it is refused.
    pub(crate) fn tried(&mut self, command: &Command) -> Result<Decision, Rejection> {
        let context = self.context();
        let decision = self.when(command)?;
        let events = decision.events.clone();
        let record = crate::decide::record(&self.state, OWNER, command, &context, events);
        let revision = self.state.revision.next();
        self.state
            .apply(revision, RecordHash::of(&revision.0.to_be_bytes()), &record);
        self.past.push(self.state.owner(OWNER).map(Arc::clone));
        if let Command::Undo(undo) = command {
            self.undid.insert(revision, undo.revision);
        }
        Ok(decision)
    }

    /// The owner as it stood behind a revision.
    pub(crate) fn at(&self, revision: u64) -> Option<Arc<OwnerState>> {
        let at = usize::try_from(revision).expect("few revisions");
        self.past[at].as_ref().map(Arc::clone)
    }

    /// The last revision.
    pub(crate) fn last(&self) -> u64 {
        self.state.revision.0
    }

    /// The undo of a revision, as a history would ask for it.
    pub(crate) fn undo(&self, revision: u64) -> Command {
        Command::Undo(Undo {
            revision: Revision(revision),
            undid: self.undid.get(&Revision(revision)).copied(),
            before: self.at(revision - 1),
            after: self.at(revision).expect("the owner was claimed"),
        })
    }

    /// The restore of a revision, of everything or of one resource.
    pub(crate) fn restore(&self, revision: u64, only: Option<ResourceId>) -> Command {
        Command::Restore(Restore {
            revision: Revision(revision),
            then: self.at(revision).expect("the owner was claimed"),
            only,
        })
    }

    pub(crate) fn and(mut self, command: &Command) -> Self {
        self.done(command);
        self
    }

    pub(crate) fn owner(&self) -> &OwnerState {
        self.state.owner(OWNER).expect("claimed")
    }

    pub(crate) fn refused(&self, command: &Command) -> Rejection {
        let before = self.state.clone();
        let rejection = self.when(command).expect_err("it is refused");
        assert_eq!(before, self.state, "a refusal changes nothing");
        rejection
    }
}

pub(crate) fn claim(name: &str, key: u8) -> Command {
    Command::ClaimOwner(ClaimOwner {
        name: name.to_owned(),
        key_hash: [key; 32],
        key_mask: "sk-\u{2026}".to_owned(),
    })
}

pub(crate) fn level(n: u64) -> Level {
    Level::new(n).expect("a Level")
}

pub(crate) fn secret() -> MaskedSecret {
    MaskedSecret {
        sealed: Sealed(vec![1, 2, 3]),
        mask: "sk-\u{2026}1234".to_owned(),
    }
}

/// A key with id `n` at this Level.
pub(crate) fn key(n: u128, provider: &str, at: u64) -> AddKey {
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

pub(crate) fn add(n: u128, provider: &str, at: u64) -> Command {
    Command::AddKey(key(n, provider, at))
}

pub(crate) fn set(change: impl FnOnce(&mut PatchConfig)) -> Command {
    let mut patch = PatchConfig::default();
    change(&mut patch);
    Command::PatchConfig(patch)
}

pub(crate) fn map<V>(entries: impl IntoIterator<Item = (&'static str, V)>) -> BTreeMap<String, V> {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

pub(crate) fn completed(events: &[Event]) -> Option<BTreeMap<String, Level>> {
    events.iter().find_map(|event| match event {
        Event::LevelMapperCompleted(completed) => Some(completed.patterns.clone()),
        _ => None,
    })
}

pub(crate) fn number(n: u64) -> KeyNumber {
    KeyNumber(n)
}

pub(crate) fn config_refusal(rejection: Rejection) -> (ConfigKey, String) {
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
