//! The codec is total: any bytes give a record or an error, and what is written
//! is read back.

use foldgate_proto::event::KeyRemoved;
use foldgate_proto::record::{MAX_BYTES, SCHEMA};
use foldgate_proto::report;
use foldgate_proto::{
    Actor, DecodeError, EncodeError, Event, Heartbeat, KeyNumber, Level, LogId, OwnerId, Record,
    RecordHash, RecordId, SleepReport, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

fn record(number: u64, reason: Option<String>) -> Record {
    Record {
        id: RecordId(Uuid::from_u128(1)),
        schema: SCHEMA,
        writer_version: "0.1.0".to_owned(),
        at: Timestamp(5),
        owner: OwnerId(Uuid::from_u128(2)),
        actor: Actor::system("test"),
        address: None,
        request_id: None,
        reason,
        idempotency: None,
        command: "RemoveKey".to_owned(),
        prev: RecordHash::genesis(LogId(Uuid::from_u128(3))),
        events: vec![Event::KeyRemoved(KeyRemoved {
            number: KeyNumber(number),
        })],
    }
}

proptest! {
    #[test]
    fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        drop(Record::decode(&bytes));
        drop(report::decode::<SleepReport>(&bytes));
        drop(report::decode::<Heartbeat>(&bytes));
    }

    #[test]
    fn a_damaged_record_is_never_read_as_whole(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let good = record(7, Some("why".to_owned())).encode().expect("encodable");
        let mut bytes = good.bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        drop(Record::decode(&bytes));
        prop_assert_ne!(RecordHash::of(&bytes), good.hash);
    }

    #[test]
    fn what_is_written_is_read_back(number in any::<u64>(), reason in proptest::option::of(".{0,50}")) {
        let record = record(number, reason);
        let encoded = record.encode().expect("encodable");
        prop_assert_eq!(Record::decode(&encoded.bytes).expect("readable"), record);
    }
}

#[test]
fn bytes_behind_a_record_are_refused() {
    let mut bytes = record(1, None).encode().expect("encodable").bytes;
    bytes.push(0xc0);
    assert!(matches!(
        Record::decode(&bytes),
        Err(DecodeError::Trailing(1))
    ));
}

#[test]
fn a_newer_schema_is_named_even_where_its_events_are_unknown() {
    let mut newer = record(1, None);
    newer.schema = SCHEMA + 1;
    let bytes = newer.encode().expect("encodable").bytes;
    assert!(matches!(
        Record::decode(&bytes),
        Err(DecodeError::NewerSchema(schema)) if schema == SCHEMA + 1
    ));

    let unknown = serde_json::json!({"schema": 9, "events": [{"SomethingNew": {}}]});
    let bytes = rmp_serde::to_vec_named(&unknown).expect("encodable");
    assert!(matches!(
        Record::decode(&bytes),
        Err(DecodeError::NewerSchema(9))
    ));
}

#[test]
fn a_record_over_the_limit_is_neither_written_nor_read() {
    let big = record(1, Some("x".repeat(MAX_BYTES)));
    assert!(matches!(big.encode(), Err(EncodeError::TooLarge(_))));
    assert!(matches!(
        Record::decode(&vec![0; MAX_BYTES + 1]),
        Err(DecodeError::TooLarge(_))
    ));
}

#[test]
fn a_level_is_a_whole_number_from_0_to_9999() {
    assert_eq!("0".parse::<Level>().map(Level::get), Ok(0));
    assert_eq!("9999".parse::<Level>().map(Level::get), Ok(9999));
    for bad in [
        "",
        "-1",
        "+1",
        "10000",
        "1.0",
        " 1",
        "a",
        "99999999999999999999",
    ] {
        assert!(bad.parse::<Level>().is_err(), "{bad:?}");
    }
}

#[test]
fn subjects_hold_one_token_per_name() {
    use foldgate_proto::names;
    assert_eq!(names::token("eu west.1>*"), "eu_west_1__");
    assert_eq!(names::mirror_stream("eu-west.1"), "FOLDGATE_LOG_EU-WEST_1");
    let owner = OwnerId(Uuid::from_u128(2));
    let subject = names::log_subject(owner, "AddKey");
    assert_eq!(subject.split('.').count(), 4);
}
