use std::time::Duration;

use foldgate_proto::event::{CallerKeyPatched, CallerKeyRevoked, CallerKeyRotated};
use foldgate_proto::{AccountNumber, AdminRole, CallerKeyNumber, Event, KeyTerms, Timestamp};

use super::given::{START, given};
use super::people::{
    add_account, admin, bounded, edit, field, hash, issue, key_of, patch_account, patch_key_of,
    rotate, rotate_owner,
};
use crate::Rejection;
use crate::command::{Change, LimitPatch};
use crate::decide::{MAX_KEYS_PER_ACCOUNT, MAX_OVERLAP};
use crate::state::people::{digest, prefix};

const LATER: Timestamp = Timestamp(START.0 + 1_000);

#[test]
fn a_hash_leads_to_one_key_of_whatever_sort() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&admin("ops", AdminRole::Operator, 20))
        .and(&rotate(key_of(2, 1), 10, 60));
    for taken in [1, 9, 10, 20] {
        for command in [
            issue(2, taken, |_| {}),
            add_account("other", 1, taken),
            rotate(key_of(2, 1), taken, 0),
            admin("more", AdminRole::Auditor, taken),
            rotate_owner(taken),
        ] {
            assert_eq!(given.refused(&command), Rejection::KeyTaken, "{taken}");
        }
    }
    assert!(given.when(&issue(2, 11, |_| {})).is_ok());
}

/// What was promised of the old key holds: a rotation that would end it early is
/// refused, unless all old keys are to go.
#[test]
fn a_second_rotation_does_not_cut_the_first_overlap_short() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&rotate(key_of(2, 1), 10, 60));
    let (name, problem) = field(given.refused(&rotate(key_of(2, 1), 11, 1)));
    assert_eq!(name, "OverlapSeconds");
    assert!(
        problem.contains("good until 2025-01-01T00:01:00"),
        "{problem}"
    );
    assert!(given.when(&rotate(key_of(2, 1), 11, 0)).is_ok(), "at once");
    given.now = START.after(Duration::from_mins(1));
    assert!(
        given.when(&rotate(key_of(2, 1), 11, 1)).is_ok(),
        "it is over"
    );
}

#[test]
fn a_key_belongs_to_an_account_that_is_there() {
    let given = given().and(&add_account("team", 1, 9));
    let refused = given.refused(&issue(7, 10, |_| {}));
    assert_eq!(refused, Rejection::NoSuchAccount(AccountNumber(7)));
    assert!(
        given.when(&issue(1, 10, |_| {})).is_ok(),
        "the owner's own account"
    );
    let unknown = Rejection::NoSuchCallerKey(CallerKeyNumber(1));
    for command in [
        patch_key_of(key_of(1, 1), |p| p.name = Some("x".to_owned())),
        rotate(key_of(1, 1), 10, 0),
        crate::Command::RevokeCallerKey(key_of(1, 1)),
    ] {
        assert_eq!(given.refused(&command), unknown, "another account's key");
    }
}

#[test]
fn an_account_holds_so_many_keys() {
    let mut given = given().and(&add_account("team", 1, 9));
    for n in 1..MAX_KEYS_PER_ACCOUNT {
        let n = u8::try_from(n).expect("few");
        given.done(&issue(2, n + 100, |_| {}));
    }
    let refused = given.refused(&issue(2, 10, |_| {}));
    assert_eq!(
        refused.to_string(),
        "there are 100 caller keys of one account already, the most there may be"
    );
    assert!(matches!(
        refused,
        Rejection::TooMany {
            limit: MAX_KEYS_PER_ACCOUNT,
            ..
        }
    ));
    assert!(given.when(&issue(1, 10, |_| {})).is_ok());
}

/// The owner's own account is bounded only by what the owner may hold in all.
#[test]
fn the_owners_own_account_holds_more() {
    let mut given = given();
    for n in 0..=MAX_KEYS_PER_ACCOUNT {
        let n = u8::try_from(n).expect("few");
        given.done(&issue(1, n + 100, |_| {}));
    }
    let kept = given.owner().caller_keys_of(AccountNumber(1)).count();
    assert_eq!(kept, MAX_KEYS_PER_ACCOUNT + 1);
    // One that was revoked comes back, beyond what other accounts may hold.
    given.done(&crate::Command::RevokeCallerKey(key_of(1, 5)));
    let undo = given.undo(given.last());
    given.done(&undo);
    assert_eq!(given.owner().caller_keys.len(), MAX_KEYS_PER_ACCOUNT + 1);
}

#[test]
fn names_and_expiry_are_checked() {
    let given = given().and(&add_account("team", 1, 9));
    let long = "x".repeat(129);
    for bad in [long.as_str(), "a\nb", "a\u{0}"] {
        let refused = given.refused(&issue(2, 10, |key| bad.clone_into(&mut key.name)));
        assert_eq!(field(refused).0, "Name");
    }
    let empty = patch_key_of(key_of(2, 1), |p| p.name = Some(String::new()));
    assert_eq!(field(given.refused(&empty)).0, "Name");
    for (at, fits) in [
        (START, false),
        (Timestamp(START.0 - 1), false),
        (LATER, true),
    ] {
        let issue = issue(2, 10, |key| key.terms.expires_at = Change::Set(at));
        assert_eq!(given.when(&issue).is_ok(), fits, "{at}");
        let patch = patch_key_of(key_of(2, 1), |p| p.terms.expires_at = Change::Set(at));
        assert_eq!(given.when(&patch).is_ok(), fits, "{at}");
    }
    let refused = given.refused(&issue(2, 10, |key| {
        key.terms.expires_at = Change::Set(START);
    }));
    assert_eq!(field(refused).0, "ExpiresAt");
}

#[test]
fn an_expired_key_can_be_renamed_and_given_more_time() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&patch_key_of(key_of(2, 1), |p| {
        p.terms.expires_at = Change::Set(LATER);
    }));
    given.now = LATER.after(Duration::from_secs(9));
    given.done(&patch_key_of(key_of(2, 1), |p| {
        p.name = Some("old".to_owned());
    }));
    let events = given.done(&patch_key_of(key_of(2, 1), |p| {
        p.terms.expires_at = Change::Clear;
    }));
    let patched = Event::CallerKeyPatched(CallerKeyPatched {
        number: CallerKeyNumber(1),
        name: "old".to_owned(),
        terms: KeyTerms::default(),
    });
    assert_eq!(events, [patched]);
}

#[test]
fn terms_lie_within_every_account_above() {
    let rpm = |most| LimitPatch {
        rpm: Change::Set(most),
        ..LimitPatch::default()
    };
    let mut given = given()
        .and(&bounded("team", 1, 9, |p| {
            p.allow_models = edit("gpt-*");
            p.limits = rpm(10);
        }))
        .and(&add_account("member", 2, 10));
    let beyond = given.refused(&issue(3, 11, |key| key.terms.allow_models = edit("o3")));
    assert_eq!(field(beyond).0, "AllowModels");
    let more = given.refused(&issue(3, 11, |key| key.terms.limits = rpm(11)));
    assert_eq!(field(more).0, "RPM");
    let mut add = super::people::account("other", 2, 11);
    add.key.terms.allow_models = edit("o3");
    let first = given.refused(&crate::Command::AddAccount(Box::new(add)));
    assert_eq!(field(first).0, "AllowModels", "an account's first key");
    given.done(&issue(3, 11, |key| {
        key.terms.allow_models = edit("gpt-4o");
        key.terms.limits = rpm(10);
    }));
    given.done(&patch_account(2, 1, |p| p.allow_models = edit("-* o3")));
    let renamed = patch_key_of(key_of(3, 3), |p| p.name = Some("x".to_owned()));
    assert!(
        given.when(&renamed).is_ok(),
        "what was narrowed stays as it is"
    );
    let wider = patch_key_of(key_of(3, 3), |p| p.terms.allow_models = edit("gpt-4"));
    assert_eq!(field(given.refused(&wider)).0, "AllowModels");
}

#[test]
fn a_patch_says_something_and_what_is_so_already_writes_nothing() {
    let given = given().and(&add_account("team", 1, 9));
    let nothing = given.refused(&patch_key_of(key_of(2, 1), |_| {}));
    assert_eq!(nothing, Rejection::NothingToChange);
    let same = patch_key_of(key_of(2, 1), |p| p.name = Some("default".to_owned()));
    assert_eq!(given.when(&same).map(|d| d.events), Ok(Vec::new()));
}

#[test]
fn a_rotated_key_stays_good_for_as_long_as_was_asked() {
    let mut given = given().and(&add_account("team", 1, 9));
    let longer = MAX_OVERLAP.as_secs() + 1;
    let refused = given.refused(&rotate(key_of(2, 1), 10, longer));
    assert_eq!(field(refused).0, "OverlapSeconds");
    assert!(given.when(&rotate(key_of(2, 1), 10, longer - 1)).is_ok());
    let rotated = |n, previous_until| {
        Event::CallerKeyRotated(CallerKeyRotated {
            number: CallerKeyNumber(1),
            hash: hash(n),
            mask: format!("sk-\u{2026}{n}"),
            previous_until,
        })
    };
    let until = START.after(Duration::from_mins(1));
    assert_eq!(
        given.done(&rotate(key_of(2, 1), 10, 60)),
        [rotated(10, Some(until))]
    );
    let known =
        |given: &super::given::Given, n| given.owner().caller_key_presented(hash(n)).is_some();
    assert!(known(&given, 9) && known(&given, 10));
    assert_eq!(
        given.done(&rotate(key_of(2, 1), 11, 0)),
        [rotated(11, None)]
    );
    assert!(!known(&given, 9) && !known(&given, 10) && known(&given, 11));
    let revoked = Event::CallerKeyRevoked(CallerKeyRevoked {
        number: CallerKeyNumber(1),
    });
    let revoke = crate::Command::RevokeCallerKey(key_of(2, 1));
    assert_eq!(given.done(&revoke), [revoked]);
    assert!(given.owner().key_hashes.is_empty() && given.owner().account_keys.is_empty());
}

/// Indexes hold digests: as if all of them were the same, whoever looks by a name,
/// an address or a key finds whose it is.
#[test]
fn what_shares_a_digest_is_told_apart() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("other", 1, 10));
    let mut owner = given.owner().clone();
    for n in [1, 2] {
        let (account, key) = (AccountNumber(n + 1), CallerKeyNumber(n));
        for (name, shared) in [("team", 9), ("other", 10)] {
            let email = digest(&format!("{name}@example.com"));
            owner.account_names.insert((digest(name), account), ());
            owner.account_emails.insert((email, account), ());
            owner.key_hashes.insert((prefix(hash(shared)), key), ());
        }
    }
    for (name, number, presented) in [("Team", 2, 9), ("Other", 3, 10)] {
        let named = owner.account_named(name);
        let mailed = owner.account_mailed(&format!("{name}@example.com"));
        let key = owner.caller_key_presented(hash(presented));
        let number = AccountNumber(number);
        assert_eq!(named.map(|account| account.number), Some(number));
        assert_eq!(mailed.map(|account| account.number), Some(number));
        assert_eq!(key.map(|key| key.account), Some(number));
    }
}
