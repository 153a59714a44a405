//! Records that fit a chain.

use foldgate_log::{EventLog, Position};
use foldgate_proto::event::{ConfigPatched, ConfigReset, OwnerClaimed};
use foldgate_proto::record::SCHEMA;
use foldgate_proto::{
    AccountNumber, Actor, Config, Encoded, Event, OwnerId, Record, RecordHash, RecordId, Revision,
    Timestamp,
};
use uuid::Uuid;

/// The owner all records belong to.
const OWNER: OwnerId = OwnerId(Uuid::from_u128(7));

/// A writer's view of where the log ends.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    pub(crate) at: Position,
}

impl Chain {
    pub(crate) async fn behind(log: &dyn EventLog) -> Self {
        Self {
            at: log.head().await.unwrap(),
        }
    }

    /// The next record.
    pub(crate) fn next(&mut self, event: Event) -> Encoded {
        let encoded = record(self.at.hash, event).encode().unwrap();
        self.at = Position {
            revision: self.at.revision.next(),
            hash: encoded.hash,
        };
        encoded
    }

    /// The next `count` records.
    pub(crate) fn group(&mut self, count: usize) -> Vec<Encoded> {
        (0..count).map(|_| self.next(filler(10))).collect()
    }

    /// The revision the next record is decided on.
    pub(crate) fn expected(&self) -> Revision {
        self.at.revision
    }
}

pub(crate) fn record(prev: RecordHash, event: Event) -> Record {
    Record {
        id: RecordId(Uuid::now_v7()),
        schema: SCHEMA,
        writer_version: "test".to_owned(),
        at: Timestamp(1_700_000_000_000),
        owner: OWNER,
        actor: Actor::system("test"),
        address: None,
        request_id: None,
        reason: None,
        idempotency: None,
        command: "Test".to_owned(),
        prev,
        events: vec![event],
    }
}

/// An owner comes to be.
pub(crate) fn claim() -> Event {
    Event::OwnerClaimed(OwnerClaimed {
        account: AccountNumber(1),
        name: "owner".to_owned(),
        key_hash: vec![7; 32],
        key_mask: "sk-...".to_owned(),
    })
}

/// A change of configuration that can be seen in the state.
pub(crate) fn config(mail: &str) -> Event {
    Event::ConfigPatched(ConfigPatched {
        patch: Config {
            xai_mail: Some(mail.to_owned()),
            ..Config::default()
        },
    })
}

/// An event of about that many bytes.
pub(crate) fn filler(size: usize) -> Event {
    if size == 0 {
        return Event::ConfigReset(ConfigReset {
            keys: std::collections::BTreeSet::default(),
        });
    }
    config(&"x".repeat(size))
}
