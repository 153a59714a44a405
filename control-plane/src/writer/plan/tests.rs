//! A group of commands, decided one behind the other.

use foldgate_domain::Command;
use foldgate_domain::command::{ClaimOwner, PublishNews};
use foldgate_proto::{
    Actor, Idempotency, LogId, NewsId, NewsNumber, OwnerId, RecordHash, Revision,
};
use uuid::Uuid;

use super::*;
use crate::request::Stamp;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

fn submission(command: Command) -> Submission {
    Submission {
        owner: OWNER,
        command,
        actor: Actor::owner("root"),
        stamp: Stamp::default(),
        precondition: None,
    }
}

fn claim() -> Submission {
    submission(Command::ClaimOwner(ClaimOwner {
        name: "root".to_owned(),
        key_hash: [7; 32],
        key_mask: "sk-...".to_owned(),
    }))
}

fn news(title: &str) -> Submission {
    submission(Command::PublishNews(PublishNews {
        id: NewsId(Uuid::from_u128(9)),
        title: title.to_owned(),
        content: "content".to_owned(),
        target: None,
        days: None,
    }))
}

fn retract(number: u64) -> Submission {
    submission(Command::RetractNews(NewsNumber(number)))
}

fn plan(base: State, submissions: &[Submission]) -> Plan {
    let ids = (1_u128..).map(|n| RecordId(Uuid::from_u128(n)));
    Plan::new(base, submissions.iter().zip(ids), NOW)
}

fn claimed() -> State {
    plan(State::new(LogId(Uuid::from_u128(3))), &[claim()]).state
}

#[test]
fn each_command_sees_what_the_one_before_it_did() {
    let plan = plan(claimed(), &[news("a"), retract(1), retract(1)]);
    let verdicts: Vec<bool> = plan.steps.iter().map(|s| s.verdict.is_ok()).collect();
    assert_eq!(verdicts, [true, true, false]);
    assert_eq!(plan.records.len(), 2);
    assert_eq!(plan.state.revision, Revision(3));
    let needs: Vec<usize> = plan.steps.iter().map(|s| s.needs).collect();
    assert_eq!(needs, [1, 2, 2], "a refusal hangs on the records before it");
}

#[test]
fn records_are_chained() {
    let plan = plan(claimed(), &[news("a"), news("b")]);
    let records: Vec<_> = plan
        .records
        .iter()
        .map(|encoded| foldgate_proto::Record::decode(&encoded.bytes).unwrap())
        .collect();
    assert_eq!(records[0].prev, claimed().chain);
    assert_eq!(records[1].prev, plan.records[0].hash);
    assert_eq!(plan.state.chain, plan.records[1].hash);
}

#[test]
fn the_same_retry_key_with_the_same_request_is_written_once() {
    let with_key = |hash: &[u8]| {
        let mut submission = news("a");
        submission.stamp.idempotency = Some(Idempotency {
            key: "once".to_owned(),
            request_hash: RecordHash::of(hash),
        });
        submission
    };
    let plan = plan(claimed(), &[with_key(b"1"), with_key(b"1"), with_key(b"2")]);
    assert_eq!(plan.records.len(), 1);
    let first = plan.steps[0].verdict.as_ref().unwrap();
    let second = plan.steps[1].verdict.as_ref().unwrap();
    assert_eq!(first.subject(), second.subject());
    assert_eq!(first.record, second.record);
    assert_eq!(second.revision(), first.revision());
    assert!(second.replayed.is_some() && first.replayed.is_none());
    let third = plan.steps[2].verdict.as_ref().unwrap_err();
    assert_eq!(*third, Error::Rejected(Rejection::IdempotencyMismatch));
}

#[test]
fn a_group_is_bounded() {
    let many = vec![news("a"); MAX_GROUP + 1];
    assert_eq!(plan(claimed(), &many).steps.len(), MAX_GROUP);
}

#[test]
fn a_preview_writes_nothing_and_tells_what_would_be() {
    let state = claimed();
    let preview = preview(&state, &news("a"), RecordId(Uuid::from_u128(5)), NOW).unwrap();
    assert_eq!(preview.subject(), Some(1));
    assert_eq!(preview.state.revision, state.revision.next());
}
