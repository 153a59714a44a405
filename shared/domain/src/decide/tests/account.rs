use foldgate_proto::event::{AccountAdded, AccountRemoved, CallerKeyIssued, CreditGranted};
use foldgate_proto::{
    AccountId, AccountNumber, CallerKeyId, CallerKeyNumber, Event, KeyTerms, NanoDollars, Profile,
    Rates,
};
use uuid::Uuid;

use super::given::{START, given};
use super::people::{
    ROOT, account, add_account, bounded, field, grant, hash, issue, patch_account, remove_account,
};
use crate::command::{Change, Grant};
use crate::decide::{MAX_ACCOUNT_MODEL_LIMITS, MAX_ACCOUNT_PATTERNS, MAX_CREDIT_DAYS};
use crate::state::MAX_DEPTH;
use crate::{Command, Rejection};

#[test]
fn an_account_comes_with_its_key_and_its_credit() {
    let mut add = account("Team", 1, 9);
    add.credit = Some(Grant {
        amount: NanoDollars(5),
        days: Some(2),
    });
    let events = given().done(&Command::AddAccount(Box::new(add)));
    let two_days = START.after(std::time::Duration::from_hours(48));
    assert_eq!(
        events,
        [
            Event::AccountAdded(AccountAdded {
                id: AccountId(Uuid::from_u128(509)),
                number: AccountNumber(2),
                parent: ROOT,
                profile: Profile {
                    name: "Team".to_owned(),
                    email: "team@example.com".to_owned(),
                    ..Profile::default()
                },
            }),
            Event::CreditGranted(CreditGranted {
                account: AccountNumber(2),
                amount: NanoDollars(5),
                expires_at: two_days,
            }),
            Event::CallerKeyIssued(CallerKeyIssued {
                id: CallerKeyId(Uuid::from_u128(9)),
                number: CallerKeyNumber(1),
                account: AccountNumber(2),
                name: "default".to_owned(),
                hash: hash(9),
                mask: "sk-\u{2026}9".to_owned(),
                terms: KeyTerms::default(),
            }),
        ]
    );
}

#[test]
fn a_name_has_4_to_63_characters_and_a_letter_and_stands_in_paths() {
    let given = given();
    for good in [
        "abcd",
        "123x",
        "\u{4e2d}\u{6587}\u{5b57}\u{7b26}",
        "a b.c_d-e",
    ] {
        let command = bounded(good, 1, 9, |p| p.email = Some("a@b.example".to_owned()));
        assert!(given.when(&command).is_ok(), "{good:?}");
    }
    assert!(given.when(&add_account(&"x".repeat(63), 1, 9)).is_ok());
    let odd = [
        "",
        "abc",
        "1234",
        " abcd",
        "abcd ",
        "ab/cd",
        "ab@cd",
        ".abcd",
        "ab\ncd",
        "ab\u{202e}cd",
    ];
    for bad in odd {
        let command = bounded(bad, 1, 9, |p| p.email = Some("a@b.example".to_owned()));
        assert_eq!(field(given.refused(&command)).0, "Name", "{bad:?}");
    }
    let long = bounded(&"x".repeat(64), 1, 9, |_| {});
    assert_eq!(field(given.refused(&long)).0, "Name");
}

#[test]
fn a_name_and_an_address_are_one_accounts_whatever_the_case() {
    let given = given()
        .and(&add_account("Team", 1, 9))
        .and(&add_account("Other", 2, 10));
    let taken = |field, value: &str| Rejection::Taken {
        field,
        value: value.to_owned(),
    };
    let same = given.refused(&add_account("TEAM", 1, 11));
    assert_eq!(same, taken("Name", "TEAM"));
    let named = bounded("Root", 1, 11, |_| {});
    assert_eq!(given.refused(&named), taken("Name", "Root"), "the owner's");
    let mail = bounded("third", 1, 11, |p| {
        p.email = Some("OTHER@example.com".to_owned());
    });
    assert_eq!(given.refused(&mail), taken("Email", "OTHER@example.com"));
    let renamed = patch_account(3, 2, |p| p.name = Some("team".to_owned()));
    assert_eq!(given.refused(&renamed), taken("Name", "team"));
    let own = patch_account(2, 1, |p| p.name = Some("TEAM".to_owned()));
    assert!(given.when(&own).is_ok(), "its own, in another case");
}

#[test]
fn a_name_is_free_again_once_nobody_has_it() {
    let mut given = given().and(&add_account("Team", 1, 9));
    given.done(&patch_account(2, 1, |p| p.name = Some("Crew".to_owned())));
    given.done(&bounded("team", 1, 10, |p| {
        p.email = Some("x@y.example".to_owned());
    }));
    given.done(&remove_account(2, 1));
    assert!(given.when(&bounded("crew", 1, 11, |_| {})).is_ok());
    assert!(
        given.when(&issue(3, 9, |_| {})).is_ok(),
        "its key's hash too"
    );
}

#[test]
fn addresses_are_addresses() {
    let given = given();
    for bad in ["", "x", "a@b", "a b@c.example", "a@b@c.example"] {
        let command = bounded("team", 1, 9, |p| p.email = Some(bad.to_owned()));
        assert_eq!(field(given.refused(&command)).0, "Email", "{bad:?}");
    }
    let bills = bounded("team", 1, 9, |p| p.billing_email = Some("x".to_owned()));
    assert_eq!(field(given.refused(&bills)).0, "BillingEmail");
    let none = bounded("team", 1, 9, |p| p.billing_email = Some(String::new()));
    assert!(given.when(&none).is_ok());
    let alias = bounded("team", 1, 9, |p| p.alias = Some("x".repeat(129)));
    assert_eq!(field(given.refused(&alias)).0, "Alias");
}

#[test]
fn an_account_stands_below_one_that_is_there_and_not_too_deep() {
    let mut given = given();
    let nowhere = given.refused(&add_account("team", 7, 9));
    assert_eq!(nowhere, Rejection::NoSuchAccount(AccountNumber(7)));
    for depth in 1..=MAX_DEPTH {
        let above = u64::try_from(depth).expect("few");
        let n = u8::try_from(depth).expect("few");
        given.done(&add_account(&format!("team{depth}"), above, n + 10));
    }
    let deepest = u64::try_from(MAX_DEPTH).expect("few") + 1;
    assert_eq!(given.owner().depth(AccountNumber(deepest)), MAX_DEPTH);
    let deeper = given.refused(&add_account("deeper", deepest, 99));
    assert_eq!(field(deeper).0, "Parent");
}

#[test]
fn only_the_parent_changes_or_removes_an_account() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10));
    let unknown = Rejection::NoSuchAccount(AccountNumber(3));
    let rename = |parent| patch_account(3, parent, |p| p.alias = Some("x".to_owned()));
    assert_eq!(given.refused(&rename(1)), unknown, "a grandchild");
    assert_eq!(given.refused(&rename(3)), unknown, "itself");
    assert_eq!(given.refused(&remove_account(3, 1)), unknown);
    assert!(given.when(&rename(2)).is_ok());
}

#[test]
fn a_patch_says_something_and_what_is_so_already_writes_nothing() {
    let given = given().and(&add_account("team", 1, 9));
    let nothing = given.refused(&patch_account(2, 1, |_| {}));
    assert_eq!(nothing, Rejection::NothingToChange);
    let same = patch_account(2, 1, |p| p.name = Some("team".to_owned()));
    assert_eq!(given.when(&same).map(|d| d.events), Ok(Vec::new()));
}

#[test]
fn who_has_accounts_below_stays_and_who_goes_takes_its_keys() {
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10))
        .and(&issue(3, 11, |_| {}));
    let refused = given.refused(&remove_account(2, 1));
    assert_eq!(refused, Rejection::HasChildren(AccountNumber(2)));
    let removed = Event::AccountRemoved(AccountRemoved {
        number: AccountNumber(3),
    });
    assert_eq!(given.done(&remove_account(3, 2)), [removed]);
    assert_eq!(given.owner().caller_keys.len(), 1);
    assert!(given.owner().caller_key_presented(hash(11)).is_none());
    given.done(&remove_account(2, 1));
    let added = given.done(&add_account("team", 1, 9));
    let Event::AccountAdded(added) = &added[0] else {
        panic!("added first")
    };
    assert_eq!(added.number, AccountNumber(4), "numbers are not used again");
}

#[test]
fn credit_is_money_for_some_days() {
    let mut given = given().and(&add_account("team", 1, 9));
    given.done(&grant(2, 1, 100, None));
    for (nanos, days, about) in [
        (0, None, "CreditGranted"),
        (5, Some(0), "Days"),
        (5, Some(MAX_CREDIT_DAYS + 1), "Days"),
        (-101, None, "CreditGranted"),
        (i64::MAX, None, "CreditGranted"),
    ] {
        let refused = given.refused(&grant(2, 1, nanos, days));
        assert_eq!(field(refused).0, about, "{nanos} {days:?}");
    }
    given.done(&grant(2, 1, -100, Some(MAX_CREDIT_DAYS)));
    let mut taken = account("debtor", 1, 10);
    taken.credit = Some(Grant {
        amount: NanoDollars(-1),
        days: None,
    });
    let refused = given.refused(&Command::AddAccount(Box::new(taken)));
    assert_eq!(field(refused).0, "CreditGranted");
    for _ in 2..1_000 {
        given.done(&grant(2, 1, 1, None));
    }
    let full = given.refused(&grant(2, 1, 1, None));
    assert!(matches!(
        full,
        Rejection::TooMany {
            what: "credits",
            ..
        }
    ));
}

type Edit = fn(&mut crate::command::ProfileEdit);

#[test]
fn money_is_above_nothing_and_the_soft_limit_below_the_hard_one() {
    let given = given();
    let cases: [(&str, Edit); 5] = [
        ("Rates", |p| p.rates = Some(Rates(0))),
        ("Rates", |p| p.rates = Some(Rates(u64::MAX))),
        ("HardLimit", |p| p.hard_limit = Change::Set(NanoDollars(-1))),
        ("SoftLimit", |p| p.soft_limit = Change::Set(NanoDollars(-1))),
        ("SoftLimit", |p| {
            p.hard_limit = Change::Set(NanoDollars(5));
            p.soft_limit = Change::Set(NanoDollars(6));
        }),
    ];
    for (about, change) in cases {
        let refused = given.refused(&bounded("team", 1, 9, change));
        assert_eq!(field(refused).0, about);
    }
}

#[test]
fn maps_hold_so_many_patterns_and_each_is_one() {
    let given = given();
    let mapper = |count: usize| {
        let one = |n: usize| (format!("m{n}"), "target".to_owned());
        bounded("team", 1, 9, |p| {
            p.model_mapper = Some((0..count).map(one).collect());
        })
    };
    assert!(given.when(&mapper(MAX_ACCOUNT_PATTERNS)).is_ok());
    let refused = given.refused(&mapper(MAX_ACCOUNT_PATTERNS + 1));
    assert_eq!(field(refused).0, "ModelMapper");
    let limit = crate::command::LimitPatch {
        rpm: Change::Set(1),
        ..crate::command::LimitPatch::default()
    };
    let limits = |count: usize| {
        let one = |n: usize| (format!("m{n}"), Some(limit));
        bounded("team", 1, 9, |p| {
            p.model_limits = (0..count).map(one).collect();
        })
    };
    assert!(given.when(&limits(MAX_ACCOUNT_MODEL_LIMITS)).is_ok());
    let refused = given.refused(&limits(MAX_ACCOUNT_MODEL_LIMITS + 1));
    assert_eq!(field(refused).0, "ModelLimits");
    for (from, to) in [("", "x"), ("a b", "x"), ("a", ""), ("a", "x*")] {
        let command = bounded("team", 1, 9, |p| {
            p.model_mapper = Some([(from.to_owned(), to.to_owned())].into());
        });
        assert_eq!(
            field(given.refused(&command)).0,
            "ModelMapper",
            "{from:?}={to:?}"
        );
    }
}

#[test]
fn only_the_owner_grants_credit() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10));
    let mut child = account("other", 2, 11);
    child.credit = Some(Grant {
        amount: NanoDollars(1),
        days: None,
    });
    let below = Command::AddAccount(Box::new(child.clone()));
    for command in [below, grant(3, 2, 1, None), grant(3, 2, -1, None)] {
        assert_eq!(given.refused(&command), Rejection::OwnerGrants);
    }
    child.parent = AccountNumber(1);
    assert!(given.when(&Command::AddAccount(Box::new(child))).is_ok());
    assert!(given.when(&grant(2, 1, 1, None)).is_ok());
}

#[test]
fn a_name_is_not_taken_for_a_level() {
    for (name, good) in [
        ("L123", false),
        ("l0001", false),
        ("L123a", true),
        ("LL12", true),
    ] {
        match given().when(&add_account(name, 1, 9)) {
            Ok(_) => assert!(good, "{name}"),
            Err(rejection) => assert!(!good && field(rejection).0 == "Name", "{name}"),
        }
    }
}

#[test]
fn names_that_look_the_same_are_one() {
    for (one, other, same) in [
        ("STRASSE", "stra\u{df}e", true),
        ("Caf\u{e9}", "cafe\u{301}", true),
        ("\u{ff34}eam", "team", true),
        (
            "\u{391}\u{3a3}\u{3a3}\u{3a3}",
            "\u{3b1}\u{3c3}\u{3c3}\u{3c2}",
            true,
        ),
        ("Cafe", "caf\u{e9}", false),
    ] {
        assert_eq!(crate::is_same(one, other), same, "{one} {other}");
        let mut add = account(other, 1, 10);
        add.profile.email = Some("other@example.com".to_owned());
        let given = given().and(&bounded(one, 1, 9, |p| {
            p.email = Some("one@example.com".to_owned());
        }));
        let added = given.when(&Command::AddAccount(Box::new(add)));
        assert_eq!(added.is_err(), same, "{one} {other}");
        let found = given.owner().account_named(other).is_some();
        assert_eq!(found, same, "{one} {other}");
    }
}
