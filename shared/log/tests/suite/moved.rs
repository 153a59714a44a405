//! Random histories made by decisions, moved to another log as text: the same
//! bytes at the same revisions, and at every one of them the same state.

use std::collections::BTreeSet;

use foldgate_domain::State;
use foldgate_domain::testing::{History, Wish};
use foldgate_log::embedded::Embedded;
use foldgate_log::event_log::MAX_READ;
use foldgate_log::export::{Header, Line, Reader};
use foldgate_log::{EventLog, Position, Stored};
use foldgate_proto::{Record, RecordHash, Revision};
use proptest::prelude::*;

/// Every record of a log.
async fn all_of(log: &dyn EventLog) -> Vec<Stored> {
    let mut all = Vec::new();
    loop {
        let from = Revision(all.len() as u64 + 1);
        let chunk = log.read(from, MAX_READ).await.expect("it is whole");
        if chunk.is_empty() {
            return all;
        }
        all.extend(chunk);
    }
}

/// A log as text, line by line.
async fn exported(log: &dyn EventLog) -> Vec<String> {
    let head = log.head().await.expect("a head");
    let header = Header::new(log.log_id().await.expect("an id"), head);
    let mut lines = vec![header.line().expect("a line")];
    for stored in all_of(log).await {
        let record = Record::decode(&stored.bytes).expect("a record");
        lines.push(Line::of(&stored, &record).line().expect("a line"));
    }
    lines
}

async fn moved(history: &History) {
    let home = tempfile::tempdir().expect("a folder");
    let id = history.states[0].log;
    let origin = Embedded::create(&home.path().join("one"), id)
        .await
        .expect("a log");
    origin
        .append(Revision::ZERO, &history.records)
        .await
        .expect("they fit");
    let lines = exported(&origin).await;

    let mut reader = Reader::begin(&lines[0]).expect("a header");
    let mut group = Vec::new();
    for line in &lines[1..] {
        let stored = reader.next(line).expect("a line of it");
        group.push(stored.encoded().expect("a record"));
    }
    assert_eq!(
        reader.end().expect("all of it"),
        origin.head().await.expect("a head")
    );
    let target = Embedded::create(&home.path().join("other"), id)
        .await
        .expect("a log");
    target
        .append(Revision::ZERO, &group)
        .await
        .expect("they fit");
    assert_eq!(exported(&target).await, lines, "it is the same log");
    target.verify(&mut |_| {}).await.expect("every link holds");

    let mut state = State::new(id);
    let mut at = Position::genesis(id);
    for (stored, expected) in all_of(&target).await.iter().zip(&history.states[1..]) {
        let record = Record::decode(&stored.bytes).expect("a record");
        assert_eq!(record.prev, at.hash);
        state.apply(stored.revision, stored.hash, &record);
        at = stored.position();
        let hash = |state: &State| -> RecordHash { state.hash().expect("encodable") };
        assert_eq!(hash(&state), hash(expected), "at {}", stored.revision);
    }
    assert_eq!(state.revision.0, history.records.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_log_moved_as_text_is_the_same_at_every_revision(
        wishes in proptest::collection::vec(any::<Wish>(), 20..80),
    ) {
        let mut history = History::new([1; 32]);
        for wish in wishes {
            history.wish(wish);
        }
        prop_assert!(history.records.len() > 5, "wishes come true");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(moved(&history));
    }
}

/// Histories that lack a sort of record would show nothing of it.
#[test]
fn wishes_of_every_sort_come_true() {
    let mut history = History::new([1; 32]);
    for more in 0..60 {
        for sort in 0..12 {
            history.wish((sort, more, more));
        }
    }
    let records = history.records.iter();
    let commands: BTreeSet<String> = records
        .map(|encoded| Record::decode(&encoded.bytes).expect("a record").command)
        .collect();
    let expected = [
        "AddAccount",
        "AddKey",
        "ClaimOwner",
        "IssueAdminKey",
        "PatchAccount",
        "PatchConfig",
        "PublishNews",
        "PutDefinition",
        "RemoveAccount",
        "RemoveDefinition",
        "RemoveKey",
        "Restore",
        "RetractNews",
        "RevokeAdminKey",
        "RevokeCallerKey",
        "Undo",
    ];
    assert_eq!(commands, expected.map(str::to_owned).into());
}
