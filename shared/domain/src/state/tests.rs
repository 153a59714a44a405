//! The fold as properties: any events, any snapshot point, the same bytes.

mod arbitrary;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use foldgate_proto::{
    Account, Idempotency, KeyHash, LogId, OwnerId, Quantities, Record, RecordHash, RecordId,
    Revision, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

use self::arbitrary::{HASHES, OWNERS, record, records};
use super::people::{digest, folded, hashes, prefix};
use super::{OwnerState, State};
use crate::definition::{Registered, places};
use crate::price::{Tariff, Terms};
use crate::{Caller, Denied, OwnerTable, Table};

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
                prop_assert!(now.last_caller_key >= owner.last_caller_key);
                prop_assert!(now.last_admin_key >= owner.last_admin_key);
                prop_assert!(now.last_definition >= owner.last_definition);
            }
            for owner in state.owners.values() {
                check_counts(owner);
                check_indexes(owner);
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
            prop_assert_eq!(one.prices().version(), other.prices().version());
            for model in ["ab", "b"] {
                let call = |table: &OwnerTable| {
                    let prices = Arc::clone(table.prices());
                    let price = prices.of(Tariff::Call, model);
                    price.cost(&Quantities::default(), None, Terms::default())
                };
                prop_assert_eq!(call(one), call(other));
            }
        }
        for hash in HASHES.map(|n| [n; 32]) {
            prop_assert_eq!(table.admin(&hash), fresh.admin(&hash));
            prop_assert_eq!(table.caller(&hash), fresh.caller(&hash));
            let Some(caller) = table.caller(&hash) else { continue };
            let owner = |table: &Table| table.owner(caller.owner).map(Arc::clone);
            let (one, other) = (owner(&table), owner(&fresh));
            let (one, other) = (one.expect("its owner"), other.expect("its owner"));
            prop_assert_eq!(allowed(&one, caller), allowed(&other, caller));
        }
    }
}

/// Everything a caller is told of what it may do.
fn allowed(owner: &OwnerTable, caller: &Caller) -> Result<Vec<String>, Denied> {
    let access = owner.access(caller, Timestamp(60_000_000))?;
    let mut told: Vec<String> = Vec::new();
    for model in ["a", "ab", "ba", "gpt-4o"] {
        told.push(format!("{model}: {:?}", access.resolve(model)));
    }
    for address in ["10.0.0.1", "127.0.0.1", "::1", "192.0.2.1"] {
        let address = address.parse().expect("an address");
        told.push(format!("{address}: {:?}", access.check_address(address)));
    }
    for path in ["/v1/chat/completions", "/v1/audio", "/v1/files"] {
        told.push(format!("{path}: {:?}", access.check_path(path)));
    }
    told.push(access.models().join(" "));
    Ok(told)
}

fn check_counts(owner: &OwnerState) {
    assert_eq!(owner.keys.len(), owner.key_ids.len());
    let priced = owner.config.pricing.is_some();
    assert_eq!(owner.pricing_revision > Revision::ZERO, priced);
    assert!(owner.pricing_revision <= owner.config_revision);
    let total: u32 = owner.staff.values().map(|staff| staff.keys).sum();
    assert_eq!(usize::try_from(total).expect("fits"), owner.keys.len());
    let enabled: u32 = owner.staff.values().map(|staff| staff.enabled).sum();
    let in_use = owner.keys.values().filter(|key| key.disabled.is_none());
    assert_eq!(usize::try_from(enabled).expect("fits"), in_use.count());
    for key in owner.keys.values() {
        assert_eq!(owner.key(key.id).map(|k| k.number), Some(key.number));
    }
}

/// Indexes hold what the maps say and nothing else.
fn check_indexes(owner: &OwnerState) {
    let children = owner.accounts.values().map(|a| ((a.parent, a.number), ()));
    assert_eq!(owner.children, children.collect());
    let keys = owner
        .caller_keys
        .values()
        .map(|k| ((k.account, k.number), ()));
    assert_eq!(owner.account_keys, keys.collect());
    for (number, account) in &owner.accounts {
        assert_eq!(*number, account.number);
    }
    let named = |text: fn(&Account) -> &String| {
        let accounts = owner.accounts.values();
        accounts
            .map(move |a| ((digest(&folded(text(a))), a.number), ()))
            .collect()
    };
    assert_eq!(owner.account_names, named(|a| &a.profile.name));
    assert_eq!(owner.account_emails, named(|a| &a.profile.email));
    let mut presented = imbl::OrdMap::new();
    for key in owner.caller_keys.values() {
        presented.extend(hashes(key).map(|hash| ((prefix(hash), key.number), ())));
    }
    assert_eq!(owner.key_hashes, presented);
    check_definitions(owner);
}

fn check_definitions(owner: &OwnerState) {
    let all = || owner.definitions.values();
    let ids = all().map(|d| (d.id, (d.kind, d.number)));
    assert_eq!(owner.definition_ids, ids.collect());
    assert_eq!(owner.definition_ids.len(), owner.definitions.len());
    let by_name = all().filter(|d| !d.name.is_empty());
    let names = by_name.map(|d| ((d.kind, digest(&folded(&d.name)), d.number), ()));
    assert_eq!(owner.definition_names, names.collect());
    let refers = all().flat_map(|d| d.refers.iter().map(|r| ((*r, d.kind, d.number), ())));
    assert_eq!(owner.referrers, refers.collect());
    for (at, definition) in &owner.definitions {
        assert_eq!(*at, (definition.kind, definition.number));
        assert!(definition.number <= owner.last_definition);
    }
}

/// Whatever is defined is legal today, as it is stored, and what it speaks of is there.
fn check_legal(owner: &OwnerState) {
    for definition in owner.definitions.values() {
        let line = Registered::of(definition.kind).expect("registered");
        let value = serde_json::from_str(&definition.value.0).expect("an object");
        let checked = line
            .check(&value, owner)
            .unwrap_or_else(|e| panic!("{definition:?}: {e}"));
        assert_eq!(checked.value, definition.value);
        assert_eq!(checked.name, definition.name);
        assert_eq!(checked.refers, *definition.refers);
        let mut named = owner.definitions_named(definition.kind, &definition.name);
        let alone = named.all(|other| other.number == definition.number);
        assert!(alone || definition.name.is_empty(), "{definition:?}");
        let mut places = line
            .secrets
            .iter()
            .flat_map(|pattern| places(&value, pattern));
        assert!(places.all(|place| definition.secrets.contains_key(&place)));
        for resource in &definition.refers {
            assert!(
                owner.resource(*resource).is_some(),
                "{definition:?} speaks of {resource}"
            );
        }
    }
}

/// As [`check_indexes`], and what decisions see to: nobody shares a name or a key,
/// and nothing hangs loose.
pub(crate) fn check_whole(owner: &OwnerState) {
    check_counts(owner);
    check_indexes(owner);
    let profiles = || owner.accounts.values().map(|account| &account.profile);
    let names: BTreeSet<_> = profiles().map(|p| folded(&p.name)).collect();
    assert_eq!(names.len(), owner.accounts.len());
    let emails: BTreeSet<_> = profiles().map(|p| folded(&p.email)).collect();
    assert_eq!(emails.len(), owner.accounts.len());
    let admins = owner.admin_keys.values().map(|key| key.hash);
    let callers = owner.caller_keys.values().flat_map(|key| hashes(key));
    let hashes: Vec<KeyHash> = admins.chain(callers).collect();
    assert_eq!(hashes.iter().collect::<BTreeSet<_>>().len(), hashes.len());
    assert!(!hashes.iter().any(|hash| owner.key_hash == hash.0));
    for account in owner.accounts.values() {
        assert!(owner.is_rooted(account.number));
    }
    check_legal(owner);
    for key in owner.caller_keys.values() {
        assert!(owner.is_root(key.account) || owner.accounts.contains_key(&key.account));
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
