//! The fold as properties: any events, any snapshot point, the same bytes.

mod arbitrary;

use std::time::Duration;

use foldgate_proto::{
    Idempotency, LogId, OwnerId, Record, RecordHash, RecordId, Revision, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

use self::arbitrary::{OWNERS, record, records};
use super::State;
use crate::Table;

fn fold<'r>(state: &mut State, records: impl IntoIterator<Item = &'r Record>) {
    for record in records {
        let revision = state.revision.next();
        let hash = RecordHash::of(record.id.0.as_bytes());
        state.apply(revision, hash, record);
    }
}

fn empty() -> State {
    State::new(LogId(Uuid::from_u128(1)))
}

proptest! {
    #[test]
    fn any_snapshot_point_gives_the_same_bytes(
        records in records(0..60),
        at in any::<prop::sample::Index>(),
    ) {
        let mut whole = empty();
        fold(&mut whole, &records);
        let cut = if records.is_empty() { 0 } else { at.index(records.len()) };
        let mut first = empty();
        fold(&mut first, &records[..cut]);
        let bytes = first.to_bytes().expect("encodable");
        let mut second = State::from_bytes(&bytes).expect("readable");
        prop_assert_eq!(&second, &first);
        fold(&mut second, &records[cut..]);
        prop_assert_eq!(second.to_bytes().expect("encodable"), whole.to_bytes().expect("encodable"));
        prop_assert_eq!(second.hash().expect("encodable"), RecordHash::of(&whole.to_bytes().expect("encodable")));
    }

    #[test]
    fn a_clone_taken_on_the_way_is_left_as_it_was(records in records(1..60)) {
        let mut state = empty();
        let half = records.len() / 2;
        fold(&mut state, &records[..half]);
        let kept = state.clone();
        let bytes = kept.to_bytes().expect("encodable");
        fold(&mut state, &records[half..]);
        prop_assert_eq!(kept.to_bytes().expect("encodable"), bytes);
    }

    #[test]
    fn counters_never_fall_and_counts_are_true(records in records(0..80)) {
        let mut state = empty();
        let mut last = empty();
        for record in &records {
            fold(&mut state, [record]);
            prop_assert!(state.at >= last.at);
            prop_assert!(state.last_account >= last.last_account);
            for (id, owner) in &last.owners {
                let now = state.owner(*id).expect("owners stay");
                prop_assert!(now.last_key >= owner.last_key);
                prop_assert!(now.last_news >= owner.last_news);
            }
            for owner in state.owners.values() {
                prop_assert_eq!(owner.keys.len(), owner.key_ids.len());
                let total: u32 = owner.staff.values().map(|staff| staff.keys).sum();
                prop_assert_eq!(usize::try_from(total).expect("fits"), owner.keys.len());
                let enabled: u32 = owner.staff.values().map(|staff| staff.enabled).sum();
                let in_use = owner.keys.values().filter(|key| key.disabled.is_none()).count();
                prop_assert_eq!(usize::try_from(enabled).expect("fits"), in_use);
                for key in owner.keys.values() {
                    prop_assert_eq!(owner.key(key.id).map(|k| k.number), Some(key.number));
                }
            }
            last = state.clone();
        }
    }

    #[test]
    fn reading_a_state_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(State::from_bytes(&bytes));
    }

    #[test]
    fn a_table_advanced_in_any_batches_routes_like_a_new_one(
        records in records(0..60),
        batch in 1..10usize,
    ) {
        let mut state = empty();
        let mut table = Table::new(&state);
        for batch in records.chunks(batch) {
            fold(&mut state, batch);
            table = table.advance(&state, batch);
        }
        let fresh = Table::new(&state);
        for id in OWNERS {
            prop_assert_eq!(table.owner(id).is_some(), fresh.owner(id).is_some());
            let (Some(one), Some(other)) = (table.owner(id), fresh.owner(id)) else { continue };
            for model in ["a", "ab", "ba", "abc", "gpt-4o", "claude-x"] {
                prop_assert_eq!(one.resolve(model), other.resolve(model));
            }
            prop_assert_eq!(one.models(), other.models());
            prop_assert_eq!(one.allows("/v1/chat/completions"), other.allows("/v1/chat/completions"));
            prop_assert_eq!(&one.state, &other.state);
            let hash = <[u8; 32]>::try_from(one.state.key_hash.as_slice());
            let caller = |table: &Table| hash.ok().and_then(|h| table.caller(&h).cloned());
            prop_assert_eq!(caller(&table), caller(&fresh));
        }
    }
}

#[test]
fn a_header_that_claims_too_much_is_an_error_and_no_allocation() {
    let bytes = empty().to_bytes().expect("encodable");
    let name = b"owners";
    let at = bytes
        .windows(name.len())
        .position(|w| w == name)
        .expect("there")
        + name.len();
    assert_eq!(bytes[at], 0x80, "an empty map");
    let mut claims = bytes[..at].to_vec();
    claims.extend([0xdf, 0xff, 0xff, 0xff, 0xff]);
    claims.extend(&bytes[at + 1..]);
    assert!(State::from_bytes(&claims).is_err());
}

fn replayed(at: i64, key: &str) -> Record {
    Record {
        at: Timestamp(at),
        id: RecordId(Uuid::from_u128(u128::try_from(at).unwrap_or(0))),
        idempotency: Some(Idempotency {
            key: key.to_owned(),
            request_hash: RecordHash::of(key.as_bytes()),
        }),
        ..record(OWNERS[0], Vec::new())
    }
}

#[test]
fn an_idempotency_key_is_remembered_for_a_day_of_log_time() {
    let day = i64::try_from(Duration::from_hours(24).as_millis()).expect("fits");
    let mut state = empty();
    fold(&mut state, &[replayed(1000, "a"), replayed(2000, "b")]);
    let find = |state: &State, key: &str| {
        let found = state.idempotency.get(&(OWNERS[0], key.to_owned()));
        found.map(|replay| replay.revision)
    };
    assert_eq!(find(&state, "a"), Some(Revision(1)));
    fold(&mut state, &[replayed(1000 + day, "c")]);
    assert_eq!(find(&state, "a"), Some(Revision(1)), "a whole day");
    fold(&mut state, &[replayed(1001 + day, "d")]);
    assert_eq!(find(&state, "a"), None);
    assert_eq!(find(&state, "b"), Some(Revision(2)));
}

#[test]
fn events_of_an_unknown_owner_change_nothing_but_the_position() {
    let mut state = empty();
    let stranger = OwnerId(Uuid::from_u128(99));
    let events = vec![foldgate_proto::Event::KeyRemoved(
        foldgate_proto::event::KeyRemoved {
            number: foldgate_proto::KeyNumber(1),
        },
    )];
    fold(&mut state, &[record(stranger, events)]);
    assert!(state.owners.is_empty());
    assert_eq!(state.revision, Revision(1));
}
