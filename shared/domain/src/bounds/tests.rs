//! What is in force below accounts that were narrowed.

use std::collections::BTreeSet;

use foldgate_proto::event::{AccountAdded, AccountPatched, OwnerClaimed};
use foldgate_proto::{
    AccountId, AccountNumber, Actor, Event, Level, LogId, ModelLimit, NanoDollars, OwnerId,
    Profile, Record, RecordHash, RecordId,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::State;
use crate::acl::{Item, Path, meet};

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

fn apply(state: &mut State, event: Event) {
    let record = Record {
        id: RecordId(Uuid::from_u128(u128::from(state.revision.0) + 100)),
        schema: foldgate_proto::record::SCHEMA,
        writer_version: "test".to_owned(),
        at: state.at,
        owner: OWNER,
        actor: Actor::owner("root"),
        address: None,
        request_id: None,
        reason: None,
        idempotency: None,
        command: "Test".to_owned(),
        prev: state.chain,
        events: vec![event],
    };
    let revision = state.revision.next();
    state.apply(revision, RecordHash::of(&revision.0.to_be_bytes()), &record);
}

fn added(number: u64, parent: u64, profile: Profile) -> Event {
    Event::AccountAdded(AccountAdded {
        id: AccountId(Uuid::from_u128(u128::from(number))),
        number: AccountNumber(number),
        parent: AccountNumber(parent),
        profile,
    })
}

fn list(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// The owner's account is 1; 2 stands below it, 3 below 2.
fn tree(parent: Profile, child: Profile) -> State {
    let mut state = State::new(LogId(Uuid::from_u128(9)));
    apply(
        &mut state,
        Event::OwnerClaimed(OwnerClaimed {
            account: AccountNumber(1),
            name: "root".to_owned(),
            key_hash: vec![1; 32],
            key_mask: "mask".to_owned(),
        }),
    );
    apply(&mut state, added(2, 1, parent));
    apply(&mut state, added(3, 2, child));
    state
}

#[test]
fn the_lowest_limit_and_the_common_part_of_lists_hold() {
    let limit = |rpm, tpd| {
        Some(Box::new(ModelLimit {
            rpm,
            tpd,
            ..ModelLimit::default()
        }))
    };
    let parent = Profile {
        limits: limit(Some(10), Some(500)),
        allow_ips: Some(list(&["10.0.0.0/8"]).into()),
        allow_levels: Some(levels_of(&[1, 2]).into()),
        hard_limit: Some(NanoDollars(5)),
        ..Profile::default()
    };
    let child = Profile {
        limits: limit(Some(20), None),
        allow_ips: Some(list(&["10.1.0.0/16", "192.168.0.0/16"]).into()),
        allow_models: Some(list(&["gpt-4o*"]).into()),
        resources: Some(list(&["/v1/chat"]).into()),
        ..Profile::default()
    };
    let mut state = tree(parent.clone(), child);
    let bounds = |state: &State| {
        let owner = state.owner(OWNER).unwrap();
        let bounds = owner.bounds(AccountNumber(3));
        let parent = owner.bounds(AccountNumber(2));
        let child = &owner.accounts[&AccountNumber(3)];
        assert_eq!(parent.of_child(child), bounds, "asked either way");
        bounds
    };
    let now = bounds(&state);
    assert_eq!((now.limits.rpm, now.limits.tpd), (Some(10), Some(500)));
    assert_eq!(now.allow_ips, Some(list(&["10.1.0.0/16"])));
    assert_eq!(now.allow_models, Some(list(&["gpt-4o*"])));
    assert_eq!(now.resources, Some(list(&["/v1/chat"])));
    assert_eq!(now.allow_levels.map(|levels| levels.len()), Some(2));
    assert_eq!(now.hard_limit, Some(NanoDollars(5)));
    assert!(!now.suspended);
    // The parent is narrowed below what its child has.
    let narrowed = Profile {
        allow_models: Some(list(&["gpt-4o-mini"]).into()),
        resources: Some(list(&["/v1/embeddings"]).into()),
        suspended: true,
        ..parent
    };
    let patched = AccountPatched {
        number: AccountNumber(2),
        profile: narrowed,
    };
    apply(&mut state, Event::AccountPatched(patched));
    let now = bounds(&state);
    assert_eq!(now.allow_models, Some(list(&["gpt-4o-mini"])));
    assert_eq!(now.resources, Some(list(&[])));
    assert!(now.suspended);
    let root = state.owner(OWNER).unwrap().bounds(AccountNumber(1));
    assert_eq!(root, crate::Bounds::default());
}

#[test]
fn a_model_keeps_the_lowest_limit_of_all_that_hold_it() {
    let rpm = |rpm| ModelLimit {
        rpm: Some(rpm),
        ..ModelLimit::default()
    };
    let limited = |models: &[(&str, u64)], all: Option<u64>| Profile {
        model_limits: models
            .iter()
            .map(|(m, most)| ((*m).to_owned(), rpm(*most)))
            .collect::<std::collections::BTreeMap<_, _>>()
            .into(),
        limits: all.map(|all| Box::new(rpm(all))),
        ..Profile::default()
    };
    let parent = limited(&[("gpt-4o*", 5), ("o3", 900), ("o4", 40)], Some(100));
    let child = limited(&[("gpt-4o-mini", 500), ("o*", 50), ("claude", 7)], None);
    let state = tree(parent, child);
    let bounds = state.owner(OWNER).unwrap().bounds(AccountNumber(3));
    let in_force: Vec<(&str, Option<u64>)> = bounds
        .model_limits
        .iter()
        .map(|(model, most)| (model.as_str(), most.rpm))
        .collect();
    let expected = [
        ("claude", Some(7)),
        ("gpt-4o*", Some(5)),
        ("gpt-4o-mini", Some(5)),
        ("o*", Some(50)),
        ("o3", Some(50)),
        ("o4", Some(40)),
    ];
    assert_eq!(in_force, expected);
}

fn levels_of(numbers: &[u64]) -> BTreeSet<Level> {
    numbers.iter().copied().filter_map(Level::new).collect()
}

fn levels() -> impl Strategy<Value = BTreeSet<Level>> {
    let level = (0_u64..6).prop_filter_map("a Level", Level::new);
    prop::collection::btree_set(level, 0..5)
}

fn within<T: Item>(item: &T, list: &BTreeSet<T>) -> bool {
    item.is_within(&T::above(list))
}

fn paths() -> impl Strategy<Value = BTreeSet<Path>> {
    let path = "(/[ab]){1,3}".prop_map(Path);
    prop::collection::btree_set(path, 0..4)
}

proptest! {
    #[test]
    fn what_both_lists_allow_is_what_their_meeting_allows(
        one in levels(), other in levels(), level in 0_u64..6
    ) {
        let level = Level::new(level).unwrap();
        let both = meet(Some(&one), Some(&other)).unwrap();
        prop_assert_eq!(
            within(&level, &both),
            within(&level, &one) && within(&level, &other)
        );
    }

    #[test]
    fn paths_meet_by_their_segments(one in paths(), other in paths(), path in "(/[ab]){1,4}") {
        let path = Path(path);
        let both = meet(Some(&one), Some(&other)).unwrap();
        prop_assert_eq!(
            within(&path, &both),
            within(&path, &one) && within(&path, &other)
        );
    }
}
