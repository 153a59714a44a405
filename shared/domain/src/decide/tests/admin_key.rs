use foldgate_proto::event::{AdminKeyIssued, AdminKeyRevoked, OwnerKeyRotated};
use foldgate_proto::{AdminKeyId, AdminKeyNumber, AdminRole, Event, OwnerId, Timestamp};
use uuid::Uuid;

use super::given::{OWNER, START, claim, given};
use super::people::{add_account, admin, field, hash, issue, rotate_owner};
use crate::command::IssueAdminKey;
use crate::decide::MAX_ADMIN_KEYS;
use crate::{Command, Rejection, decide};

#[test]
fn every_role_can_be_issued_and_a_key_revoked() {
    let mut given = given();
    for (role, n) in AdminRole::ALL.iter().zip(1_u8..) {
        let number = AdminKeyNumber(u64::from(n));
        let events = given.done(&admin(&format!("admin {n}"), *role, n + 50));
        let issued = Event::AdminKeyIssued(AdminKeyIssued {
            id: AdminKeyId(Uuid::from_u128(u128::from(n) + 50)),
            number,
            name: format!("admin {n}"),
            role: *role,
            hash: hash(n + 50),
            mask: format!("fg-\u{2026}{}", n + 50),
            expires_at: None,
        });
        assert_eq!(events, [issued]);
    }
    let revoked = Event::AdminKeyRevoked(AdminKeyRevoked {
        number: AdminKeyNumber(3),
    });
    let revoke = Command::RevokeAdminKey(AdminKeyNumber(3));
    assert_eq!(given.done(&revoke), [revoked]);
    let again = given.refused(&revoke);
    assert_eq!(again, Rejection::NoSuchAdminKey(AdminKeyNumber(3)));
    given.done(&admin("again", AdminRole::Owner, 53));
    let last = given.owner().admin_keys.keys().max().copied();
    assert_eq!(last, Some(AdminKeyNumber(4)), "numbers are not used again");
}

#[test]
fn a_name_names_one_key_and_never_the_owner() {
    let given = given().and(&admin("On-call", AdminRole::Operator, 50));
    let taken = |name: &str| Rejection::Taken {
        field: "name",
        value: name.to_owned(),
    };
    for name in ["on-CALL", "Root"] {
        let refused = given.refused(&admin(name, AdminRole::Owner, 51));
        assert_eq!(refused, taken(name));
    }
    let long = "x".repeat(64);
    for name in ["", " ", "a ", " a", "a\nb", long.as_str()] {
        let refused = given.refused(&admin(name, AdminRole::Owner, 51));
        assert_eq!(field(refused).0, "name", "{name:?}");
    }
}

#[test]
fn expiry_lies_in_the_future() {
    let given = given();
    let until = |expires_at| {
        Command::IssueAdminKey(IssueAdminKey {
            id: AdminKeyId(Uuid::from_u128(1)),
            name: "ops".to_owned(),
            role: AdminRole::Operator,
            hash: hash(50),
            mask: String::new(),
            expires_at: Some(expires_at),
        })
    };
    assert_eq!(field(given.refused(&until(START))).0, "expires_at");
    assert!(given.when(&until(Timestamp(START.0 + 1))).is_ok());
}

#[test]
fn an_owner_holds_so_many_admin_keys() {
    let mut given = given();
    for n in 0..MAX_ADMIN_KEYS {
        let mut command = admin(&format!("admin {n}"), AdminRole::Auditor, 0);
        if let Command::IssueAdminKey(issue) = &mut command {
            issue.hash =
                foldgate_proto::KeyHash(foldgate_proto::RecordHash::of(&n.to_be_bytes()).0);
        }
        given.done(&command);
    }
    let refused = given.refused(&admin("more", AdminRole::Auditor, 50));
    assert!(matches!(
        refused,
        Rejection::TooMany {
            what: "admin keys",
            ..
        }
    ));
}

#[test]
fn the_owner_key_is_replaced_by_one_that_nobody_has() {
    let mut given = given();
    let rotated = Event::OwnerKeyRotated(OwnerKeyRotated {
        key_hash: hash(2),
        key_mask: "sk-\u{2026}2".to_owned(),
    });
    assert_eq!(given.done(&rotate_owner(2)), [rotated]);
    assert_eq!(given.owner().key_hash, vec![2; 32]);
    assert_eq!(
        given.refused(&rotate_owner(2)),
        Rejection::KeyTaken,
        "its own"
    );
    assert!(given.when(&rotate_owner(1)).is_ok(), "the old one is free");
}

#[test]
fn no_owner_takes_a_key_that_another_owner_knows() {
    let mut given =
        given()
            .and(&add_account("team", 1, 9))
            .and(&admin("ops", AdminRole::Operator, 20));
    let second = OwnerId(Uuid::from_u128(2));
    assert_ne!(second, OWNER);
    for taken in [1, 9, 20] {
        let claim = claim("second", taken);
        let refused = decide(&given.state, second, &claim, &given.context());
        assert!(refused.is_err(), "{taken}");
    }
    let context = given.context();
    let claim = claim("second", 30);
    let events = decide(&given.state, second, &claim, &context)
        .expect("legal")
        .events;
    let record = crate::decide::record(&given.state, second, &claim, &context, events);
    let next = given.state.revision.next();
    given
        .state
        .apply(next, foldgate_proto::RecordHash([0; 32]), &record);
    assert_eq!(given.refused(&rotate_owner(30)), Rejection::KeyTaken);
    for taken in [9, 20] {
        let rotate = rotate_owner(taken);
        let refused = decide(&given.state, second, &rotate, &given.context());
        assert_eq!(refused, Err(Rejection::KeyTaken), "{taken}");
    }
    assert!(given.when(&issue(2, 31, |_| {})).is_ok());
}
