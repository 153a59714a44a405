use std::sync::Arc;

use foldgate_domain::balance::hour;
use foldgate_domain::command::ClaimOwner;
use foldgate_domain::{Command, Context, State, decide};
use foldgate_proto::{Actor, Credit, LogId, OwnerId, Profile, Rare, RecordId, Revision};
use uuid::Uuid;

use super::*;
use crate::purses::Spends;

const DAY: i64 = 24 * 3_600_000;

/// 2026-11-20T12:00:00Z
const NOW: Timestamp = Timestamp(1_795_176_000_000);

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));

const LEAST: NanoDollars = NanoDollars(2);

fn ago(days: i64) -> Timestamp {
    Timestamp(NOW.0 - days * DAY)
}

fn credit(amount: i64, granted: i64) -> Credit {
    Credit {
        amount: NanoDollars(amount),
        granted_at: ago(granted),
        expires_at: Timestamp(NOW.0 + DAY),
    }
}

/// Accounts of one owner: 1 is the owner's own, 2 stands below it, 3 below 2.
fn owner(credits: [&[Credit]; 2], profiles: [Profile; 2]) -> OwnerState {
    let mut owner = claimed();
    let numbers = [2, 3].into_iter().zip(credits).zip(profiles);
    for ((number, credits), profile) in numbers {
        let account = Account {
            id: foldgate_proto::AccountId(Uuid::from_u128(u128::from(number))),
            number: AccountNumber(number),
            parent: AccountNumber(number - 1),
            profile,
            credits: Rare::from(credits.to_vec()),
            created_at: ago(30),
            updated_at: ago(30),
            revision: Revision(1),
        };
        owner.accounts.insert(account.number, Arc::new(account));
    }
    owner
}

/// An owner of whom nothing is known but that it is there.
fn claimed() -> OwnerState {
    let mut state = State::new(LogId(Uuid::from_u128(9)));
    let command = Command::ClaimOwner(ClaimOwner {
        name: "owner".to_owned(),
        key_hash: [0; 32],
        key_mask: String::new(),
    });
    let context = Context {
        now: ago(60),
        record: RecordId(Uuid::from_u128(8)),
        actor: Actor::system("test"),
        address: None,
        request_id: None,
        reason: None,
        idempotency: None,
        precondition: None,
        writer_version: String::new(),
    };
    let events = decide(&state, OWNER, &command, &context).unwrap().events;
    let record = foldgate_domain::decide::record(&state, OWNER, &command, &context, events);
    let hash = record.encode().unwrap().hash;
    state.apply(Revision(1), hash, &record);
    state.owner(OWNER).unwrap().as_ref().clone()
}

fn judged(owner: &OwnerState, spent: &[(u64, i64, i64)]) -> Judgement {
    let mut spends = Spends::default();
    for (account, days, cost) in spent {
        let of = (OWNER, AccountNumber(*account));
        spends.add(of, ago(*days), NanoDollars(*cost));
    }
    judge(owner, spends.of(OWNER, owner, NOW), (LEAST, NOW))
}

fn left(owner: &OwnerState, found: &Judgement, account: u64) -> NanoDollars {
    let account = &owner.accounts[&AccountNumber(account)];
    balance(&account.credits, &found.paid[&account.number], NOW).total
}

#[test]
fn credit_pays_for_an_account_and_for_those_below_that_have_none() {
    let owner = owner([&[credit(100, 10)], &[]], Default::default());
    let spent = [(1, 1, 1_000), (2, 1, 30), (3, 1, 20), (3, 12, 500)];
    let found = judged(&owner, &spent);
    assert_eq!(left(&owner, &found, 2), NanoDollars(50));
    assert_eq!(found.paid.len(), 1);
    assert!(found.empty.is_empty() && found.low.is_empty());
}

#[test]
fn an_account_pays_for_itself_from_its_first_credit_on() {
    let owner = owner([&[credit(100, 10)], &[credit(40, 5)]], Default::default());
    let found = judged(&owner, &[(3, 8, 25), (3, 2, 39)]);
    assert_eq!(left(&owner, &found, 2), NanoDollars(75));
    assert_eq!(left(&owner, &found, 3), NanoDollars(1));
    assert_eq!(found.empty, [AccountNumber(3)]);
    let (account, left) = (AccountNumber(3), NanoDollars(1));
    assert_eq!(found.low, [Low { account, left }]);
}

#[test]
fn credit_is_low_before_it_is_spent() {
    let owner = owner([&[credit(100, 10)], &[]], Default::default());
    assert!(judged(&owner, &[(2, 1, 90)]).low.is_empty());
    let found = judged(&owner, &[(2, 1, 91)]);
    assert_eq!((found.low.len(), found.empty.len()), (1, 0));
    let found = judged(&owner, &[(2, 1, 98)]);
    assert_eq!((found.low.len(), found.empty.len()), (1, 0));
    let found = judged(&owner, &[(2, 1, 99)]);
    assert_eq!((found.low.len(), found.empty.len()), (1, 1));
}

#[test]
fn limits_are_about_this_month_and_all_below() {
    let limited = Profile {
        hard_limit: Some(NanoDollars(50)),
        soft_limit: Some(NanoDollars(20)),
        ..Profile::default()
    };
    let owner = owner([&[], &[]], [limited, Profile::default()]);
    let quiet = judged(&owner, &[(3, 25, 1_000), (3, 1, 19)]);
    assert!(quiet.soft.is_empty() && quiet.capped.is_empty());
    let soft = judged(&owner, &[(3, 1, 19), (2, 3, 1)]);
    assert_eq!(soft.soft.len(), 1);
    assert_eq!(soft.soft[0].spent, NanoDollars(20));
    assert!(soft.capped.is_empty());
    // A clock that is forty days fast.
    let hard = judged(&owner, &[(3, 1, 48), (2, 3, 1), (2, -40, 1)]);
    assert_eq!(hard.capped, [AccountNumber(2)]);
    assert!(hard.paid.is_empty() && hard.empty.is_empty());
}

#[test]
fn hours_that_are_put_together_change_no_judgement() {
    let owner = owner([&[credit(1_000, 60)], &[credit(40, 5)]], Default::default());
    let mut spends = Spends::default();
    let mut expected = 0;
    for hours in 0..400 {
        let at = Timestamp(NOW.0 - hours * 3_600_000);
        spends.add((OWNER, AccountNumber(3)), at, NanoDollars(1));
        // Until its own first credit the account above paid.
        expected += i64::from(hour(at) < hour(ago(5)));
    }
    let spent = spends.of(OWNER, &owner, NOW);
    assert!(spent[&AccountNumber(3)].hours.len() < 20);
    let found = judge(&owner, spent, (LEAST, NOW));
    let above = left(&owner, &found, 2);
    assert_eq!(above, NanoDollars(1_000 - expected));
}

#[test]
fn nodes_are_told_what_those_have_left_that_spend() {
    let limited = Profile {
        hard_limit: Some(NanoDollars(50)),
        ..Profile::default()
    };
    let owner = owner(
        [&[credit(100, 10)], &[credit(40, 5)]],
        [limited, Profile::default()],
    );
    let quiet = judged(&owner, &[(2, 1, 10), (3, 1, 10)]);
    assert_eq!((quiet.left, quiet.room), (Vec::new(), Vec::new()));
    // The one above is told of as well: it pays where the other's credit is younger.
    let busy = judged(&owner, &[(2, 1, 10), (3, 0, 15)]);
    let left = [(3, 25), (2, 90)];
    let left = left.map(|(account, left)| (AccountNumber(account), NanoDollars(left)));
    assert_eq!(busy.left, left);
    assert_eq!(busy.room, [(AccountNumber(2), NanoDollars(25))]);
}
