//! What an export lets pass, and what not.

use foldgate_proto::{Actor, LogId, OwnerId, Record, RecordHash, RecordId, Revision, Timestamp};
use uuid::Uuid;

use super::*;

const LOG: LogId = LogId(Uuid::from_u128(7));

/// Three records, as an export's lines.
fn lines() -> Vec<String> {
    let mut at = Position::genesis(LOG);
    let mut lines = vec![String::new()];
    for number in 1..=3_u128 {
        let record = Record {
            id: RecordId(Uuid::from_u128(number)),
            schema: 1,
            writer_version: "1".to_owned(),
            at: Timestamp(1_000),
            owner: OwnerId(Uuid::from_u128(9)),
            actor: Actor::owner("root"),
            address: None,
            request_id: None,
            reason: None,
            idempotency: None,
            command: "Filler".to_owned(),
            prev: at.hash,
            events: Vec::new(),
        };
        let bytes = record.encode().unwrap().bytes;
        let stored = Stored::new(at.revision.next(), bytes.into());
        at = stored.position();
        lines.push(Line::of(&stored, &record).line().unwrap());
    }
    lines[0] = Header::new(LOG, at).line().unwrap();
    lines
}

fn read(lines: &[String]) -> Result<Position, Fault> {
    let mut reader = Reader::begin(&lines[0])?;
    for line in &lines[1..] {
        reader.next(line)?;
    }
    reader.end()
}

#[test]
fn a_whole_export_is_read_back() {
    let at = read(&lines()).unwrap();
    assert_eq!(at.revision, Revision(3));
    let empty = Header::new(LOG, Position::genesis(LOG)).line().unwrap();
    assert_eq!(read(&[empty]).unwrap(), Position::genesis(LOG));
}

#[test]
fn whatever_is_changed_is_found_and_its_line_named() {
    let good = lines();
    let with = |index: usize, line: String| {
        let mut lines = good.clone();
        lines[index] = line;
        read(&lines).unwrap_err()
    };
    let replaced = |index: usize, from: &str, to: &str| {
        assert!(good[index].contains(from), "{from}");
        with(index, good[index].replace(from, to))
    };
    for (from, to, says) in [
        (
            "\"at\":\"1970-01-01T00:00:01.000Z\"",
            "\"at\":\"\"",
            "at is not what",
        ),
        ("owner:root", "owner:else", "actor is not what"),
        ("Filler", "Other", "command is not what"),
        (
            "\"kinds\":[]",
            "\"kinds\":[\"KeyAdded\"]",
            "kinds is not what",
        ),
        ("\"kinds\":[],", "\"kinds\":[],\"more\":1,", "unknown field"),
        ("\"revision\":2", "\"revision\":4", "it is missing"),
        ("\"bytes\":\"", "\"bytes\":\"!", "bytes:"),
    ] {
        let fault = replaced(2, from, to);
        assert_eq!(fault.line, 3, "{from}: {fault}");
        assert!(fault.reason.contains(says), "{from}: {fault}");
    }
    let hash = RecordHash::of(b"other").to_string();
    let (start, end) = good[2].split_once("\"hash\":\"").unwrap();
    let fault = with(2, format!("{start}\"hash\":\"{hash}{}", &end[64..]));
    assert!(fault.reason.contains("the hash of its bytes"), "{fault}");
    let fault = with(1, String::new());
    assert_eq!(fault.line, 2, "an empty line: {fault}");
}

#[test]
fn lines_that_are_missing_swapped_or_too_many_are_found() {
    let good = lines();
    let mut missing = good.clone();
    missing.remove(2);
    assert_eq!(read(&missing).unwrap_err().line, 3);
    let mut swapped = good.clone();
    swapped.swap(1, 2);
    assert_eq!(read(&swapped).unwrap_err().line, 2);
    let short = &good[..3];
    let fault = read(short).unwrap_err();
    assert!(fault.reason.contains("the log's head is 3"), "{fault}");
    let mut long = good.clone();
    long.push(good[3].clone());
    assert_eq!(read(&long).unwrap_err().line, 5);
}

#[test]
fn a_header_of_another_kind_is_refused() {
    let good = lines();
    let head = &good[0];
    for (line, says) in [
        (String::new(), "no export"),
        (good[1].clone(), "no export"),
        (
            head.replace("\"foldgate_log\":1", "\"foldgate_log\":2"),
            "format 2",
        ),
        (
            head.replace("\"revision\":3", "\"revision\":0"),
            "empty log",
        ),
        (head.replace("\"log_id\"", "\"log\""), "unknown field"),
    ] {
        let fault = Reader::begin(&line).unwrap_err();
        assert_eq!(fault.line, 1);
        assert!(fault.reason.contains(says), "{line}: {fault}");
    }
    let other = head.replace(&LOG.to_string(), &LogId(Uuid::from_u128(8)).to_string());
    let mut lines = good.clone();
    lines[0] = other;
    assert_eq!(read(&lines).unwrap_err().line, 2, "another log's records");
}
