use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use foldgate_proto::event::ConfigReset;
use foldgate_proto::record::SCHEMA;
use foldgate_proto::{
    Actor, Event, LogId, OwnerId, Record, RecordHash, RecordId, Revision, Timestamp,
};
use uuid::Uuid;

use super::{Chunk, Feed, FollowItem, Poke, spawn};
use crate::{BrokenLink, Position, Stored};

/// A feed that says what it was told to say, then nothing more.
struct Script {
    chunks: VecDeque<Chunk>,
    told: Arc<Mutex<Vec<&'static str>>>,
}

#[async_trait]
impl Feed for Script {
    async fn next(&mut self, _: Position) -> Chunk {
        match self.chunks.pop_front() {
            Some(chunk) => chunk,
            None => std::future::pending().await,
        }
    }

    fn rejected(&mut self) {
        self.told.lock().unwrap().push("rejected");
    }

    fn accepted(&mut self) {
        self.told.lock().unwrap().push("accepted");
    }
}

fn genesis() -> Position {
    Position::genesis(LogId(Uuid::from_u128(1)))
}

/// A whole log of `count` records; `seed` tells histories apart.
fn history(count: u64, seed: u128) -> Vec<Stored> {
    let mut prev = genesis().hash;
    let next = |number: u64| {
        let record = Record {
            id: RecordId(Uuid::from_u128(seed + u128::from(number))),
            schema: SCHEMA,
            writer_version: String::new(),
            at: Timestamp(0),
            owner: OwnerId(Uuid::nil()),
            actor: Actor::system("test"),
            address: None,
            request_id: None,
            reason: None,
            idempotency: None,
            command: "Test".to_owned(),
            prev,
            events: vec![Event::ConfigReset(ConfigReset {
                keys: std::collections::BTreeSet::default(),
            })],
        };
        let encoded = record.encode().unwrap();
        prev = encoded.hash;
        Stored::new(Revision(number), encoded.bytes.into())
    };
    (1..=count).map(next).collect()
}

fn polled(entries: &[Stored], tail: bool) -> Chunk {
    Chunk {
        entries: entries.to_vec(),
        tail,
        ..Chunk::default()
    }
}

fn pushed(entries: &[Stored]) -> Chunk {
    Chunk {
        pushed: true,
        ..polled(entries, false)
    }
}

/// Runs a script; answers what was heard up to `CaughtUp(last)`, and what the feed was told.
async fn run(chunks: Vec<Chunk>, last: u64) -> (Vec<String>, Vec<&'static str>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let script = Script {
        chunks: chunks.into(),
        told: told.clone(),
    };
    let mut follow = spawn(script, genesis(), Poke::default());
    let mut heard = Vec::new();
    let end = format!("caught up {last}");
    while heard.last() != Some(&end) {
        heard.push(
            match follow.next().await.expect("the script is too short") {
                FollowItem::Entry { revision, .. } => format!("{revision}"),
                FollowItem::CaughtUp(revision) => format!("caught up {revision}"),
                FollowItem::Held { revision, .. } => format!("held {revision}"),
            },
        );
    }
    let told = told.lock().unwrap().clone();
    (heard, told)
}

#[tokio::test]
async fn records_come_once_however_often_they_are_offered() {
    let log = history(6, 0);
    let chunks = vec![
        polled(&log[..3], false),
        pushed(&log[1..4]),
        polled(&log[..5], false),
        pushed(&log[4..]),
        polled(&[], true),
        polled(&[], true),
        polled(&log[5..], true),
    ];
    let (heard, _) = run(chunks, 6).await;
    assert_eq!(heard, ["1", "2", "3", "4", "5", "6", "caught up 6"]);
}

#[tokio::test]
async fn a_hole_is_held_once_and_heals_when_a_whole_copy_answers() {
    let log = history(5, 0);
    let mut holed = log[..2].to_vec();
    holed.extend_from_slice(&log[3..]);
    let chunks = vec![
        polled(&holed, true),
        polled(&log[3..], true),
        polled(&log[2..], true),
    ];
    let (heard, told) = run(chunks, 5).await;
    assert_eq!(heard, ["1", "2", "held 3", "3", "4", "5", "caught up 5"]);
    assert_eq!(told, ["rejected", "rejected", "accepted"]);
}

#[tokio::test]
async fn a_push_that_does_not_fit_is_only_a_reason_to_ask() {
    let (log, other) = (history(3, 0), history(3, 1000));
    let chunks = vec![
        polled(&log[..1], false),
        pushed(&other[1..]),
        pushed(&log[2..]),
        polled(&log[1..], true),
    ];
    let (heard, told) = run(chunks, 3).await;
    assert_eq!(heard, ["1", "2", "3", "caught up 3"]);
    assert_eq!(told, ["accepted", "rejected", "rejected", "accepted"]);
}

#[tokio::test]
async fn a_broken_chain_and_unreadable_bytes_are_held() {
    let (log, other) = (history(3, 0), history(3, 1000));
    let junk = Stored::new(Revision(2), vec![1, 2, 3].into());
    let fault = BrokenLink {
        revision: Revision(2),
        reason: "the disk says no".to_owned(),
    };
    let chunks = vec![
        polled(&[log[0].clone(), other[1].clone()], true),
        polled(&[junk], true),
        Chunk {
            fault: Some(fault),
            ..Chunk::default()
        },
        polled(&log[1..], true),
    ];
    let (heard, _) = run(chunks, 3).await;
    assert_eq!(
        heard,
        ["1", "held 2", "held 2", "held 2", "2", "3", "caught up 3"]
    );
}

#[tokio::test]
async fn after_a_hold_catching_up_is_said_again() {
    let log = history(1, 0);
    let fault = BrokenLink {
        revision: Revision(2),
        reason: String::new(),
    };
    let chunks = vec![
        polled(&log, true),
        Chunk {
            fault: Some(fault),
            ..Chunk::default()
        },
        polled(&[], true),
    ];
    let told = Arc::default();
    let script = Script {
        chunks: chunks.into(),
        told,
    };
    let mut follow = spawn(script, genesis(), Poke::default());
    let mut kinds = Vec::new();
    for _ in 0..4 {
        kinds.push(match follow.next().await.unwrap() {
            FollowItem::Entry { .. } => "entry",
            FollowItem::CaughtUp(_) => "caught up",
            FollowItem::Held { .. } => "held",
        });
    }
    assert_eq!(kinds, ["entry", "caught up", "held", "caught up"]);
}

#[test]
fn the_first_record_names_the_log() {
    let log = history(1, 0);
    let record = Record::decode(&log[0].bytes).unwrap();
    assert_eq!(record.prev, RecordHash::genesis(LogId(Uuid::from_u128(1))));
}
