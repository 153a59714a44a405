use foldgate_proto::event::OwnerClaimed;
use foldgate_proto::{AccountNumber, Event, OwnerId};
use uuid::Uuid;

use super::given::{OWNER, add, claim, empty, given};
use crate::{Kind, Rejection, decide};

#[test]
fn the_first_owner_gets_account_1() {
    let events = empty().done(&claim("root", 1));
    assert_eq!(
        events,
        [Event::OwnerClaimed(OwnerClaimed {
            account: AccountNumber(1),
            name: "root".to_owned(),
            key_hash: vec![1; 32],
            key_mask: "sk-\u{2026}".to_owned(),
        })]
    );
}

#[test]
fn an_owner_is_claimed_once_whatever_the_case_of_its_name() {
    let given = given();
    let rejection = given.refused(&claim("other", 2));
    assert_eq!(rejection, Rejection::OwnerExists("other".to_owned()));
    let second = OwnerId(Uuid::from_u128(2));
    let refused = decide(&given.state, second, &claim("ROOT", 2), &given.context());
    assert_eq!(
        refused.map_err(|r| r.kind()).expect_err("taken"),
        Kind::Conflict
    );
}

#[test]
fn an_owner_needs_a_name_and_a_key_of_its_own() {
    let second = OwnerId(Uuid::from_u128(2));
    let given = given();
    for (command, field) in [
        (claim("", 2), "name"),
        (claim(&"x".repeat(64), 2), "name"),
        (claim("a\u{0}b", 2), "name"),
        (claim("b", 1), "key"),
    ] {
        let refused = decide(&given.state, second, &command, &given.context());
        let refused = refused.expect_err("invalid");
        assert_eq!(
            (refused.kind(), refused.param()),
            (Kind::Invalid, Some(field))
        );
    }
    let fits = decide(
        &given.state,
        second,
        &claim(&"\u{4e2d}".repeat(63), 2),
        &given.context(),
    );
    assert!(fits.is_ok(), "lengths are characters");
}

#[test]
fn nothing_can_be_asked_of_an_owner_that_nobody_claimed() {
    let given = given();
    let stranger = OwnerId(Uuid::from_u128(77));
    assert_ne!(stranger, OWNER);
    let refused = decide(
        &given.state,
        stranger,
        &add(1, "https://a.example", 1),
        &given.context(),
    );
    assert_eq!(refused, Err(Rejection::NoSuchOwner));
}

#[test]
fn so_many_retry_keys_are_remembered_and_the_oldest_make_room() {
    use foldgate_proto::{Idempotency, RecordHash};

    use crate::Rejection::TooManyRetryKeys;
    use crate::decide::MAX_IDEMPOTENCY_KEYS;

    let mut given = given();
    let command = add(1, "https://a.example", 1);
    let mut context = given.context();
    let mut record = crate::decide::record(&given.state, OWNER, &command, &context, Vec::new());
    for n in 0..MAX_IDEMPOTENCY_KEYS {
        record.idempotency = Some(Idempotency {
            key: n.to_string(),
            request_hash: RecordHash([0; 32]),
        });
        let next = given.state.revision.next();
        given.state.apply(next, RecordHash([0; 32]), &record);
    }
    assert!(
        decide(&given.state, OWNER, &command, &context).is_ok(),
        "without a key"
    );
    context.idempotency = record.idempotency;
    let refused = decide(&given.state, OWNER, &command, &context);
    assert_eq!(refused, Err(TooManyRetryKeys(MAX_IDEMPOTENCY_KEYS)));
    context.now = context.now.after(std::time::Duration::from_hours(25));
    assert!(
        decide(&given.state, OWNER, &command, &context).is_ok(),
        "a day later"
    );
}
