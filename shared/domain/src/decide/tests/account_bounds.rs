//! What an account may be given lies within what every account above it has.

use foldgate_proto::{AccountNumber, NanoDollars, Rates};

use super::given::{Given, add, given, map, set};
use super::people::{add_account, bounded, edit, field, patch_account};
use crate::command::{Change, LimitPatch, ProfileEdit};
use crate::decide::Warning;

/// `team` (2) is bounded in everything, `member` (3) below it in nothing of its own.
fn team() -> Given {
    let team = bounded("team", 1, 9, |p| {
        p.allow_ips = edit("10.0.0.0/8, 127.0.0.1");
        p.allow_models = edit("gpt-*, claude");
        p.allow_levels = edit("1 2");
        p.resources = edit("/v1/chat");
        p.rates = Some(Rates(2_000_000));
        p.hard_limit = Change::Set(NanoDollars(100));
        p.limits = rpm(10);
        p.model_limits = [("gpt-4o".to_owned(), Some(rpm(5)))].into();
    });
    given().and(&team).and(&add_account("member", 2, 10))
}

fn rpm(most: u64) -> LimitPatch {
    LimitPatch {
        rpm: Change::Set(most),
        ..LimitPatch::default()
    }
}

type Edit = fn(&mut ProfileEdit);

const BEYOND: [(&str, Edit); 10] = [
    ("AllowIPs", |p| p.allow_ips = edit("10.0.0.0/7")),
    ("AllowIPs", |p| p.allow_ips = edit("10.1.0.0/16 ::1")),
    ("AllowModels", |p| p.allow_models = edit("gpt-4o, o3")),
    ("AllowModels", |p| p.allow_models = edit("*gpt-4o")),
    ("AllowLevels", |p| p.allow_levels = edit("1, 3")),
    ("Resources", |p| p.resources = edit("/v1")),
    ("Rates", |p| p.rates = Some(Rates(1_999_999))),
    ("HardLimit", |p| {
        p.hard_limit = Change::Set(NanoDollars(101));
    }),
    ("RPM", |p| p.limits = rpm(11)),
    ("ModelLimits", |p| {
        p.model_limits = [("gpt-4o".to_owned(), Some(rpm(6)))].into();
    }),
];

const WITHIN: [Edit; 8] = [
    |p| p.allow_ips = edit("10.1.0.0/16, 127.0.0.1"),
    |p| p.allow_models = edit("gpt-4o gpt-*-mini claude"),
    |p| p.allow_levels = edit("L2"),
    |p| p.resources = edit("/v1/chat/completions /chat"),
    |p| p.rates = Some(Rates(2_000_000)),
    |p| p.hard_limit = Change::Set(NanoDollars(100)),
    |p| p.limits = rpm(10),
    |p| p.model_limits = [("gpt-4o".to_owned(), Some(rpm(5)))].into(),
];

#[test]
fn nothing_goes_beyond_any_account_above() {
    let given = team();
    for (about, change) in BEYOND {
        for (name, command) in [
            ("a patch", patch_account(3, 2, change)),
            ("a new child", bounded("other", 2, 11, change)),
            ("a new grandchild", bounded("other", 3, 11, change)),
        ] {
            assert_eq!(field(given.refused(&command)).0, about, "{name}");
        }
        let beside = bounded("other", 1, 11, change);
        assert!(given.when(&beside).is_ok(), "{about}: not below the team");
    }
}

#[test]
fn limits_per_model_stay_below_every_pattern_that_holds_the_model() {
    let limited = |model: &str, most| {
        let limits = [(model.to_owned(), Some(rpm(most)))].into();
        move |p: &mut ProfileEdit| p.model_limits = limits
    };
    let given = given()
        .and(&bounded("team", 1, 9, limited("gpt-4o*", 5)))
        .and(&bounded("crew", 1, 10, |p| p.limits = rpm(5)));
    for (parent, model, most, problem) in [
        (
            2,
            "gpt-4o-mini",
            6,
            Some("\"gpt-4o-mini\": RPM is above the 5 of the account above for \"gpt-4o*\""),
        ),
        (
            2,
            "gpt-4o*x",
            6,
            Some("\"gpt-4o*x\": RPM is above the 5 of the account above for \"gpt-4o*\""),
        ),
        (2, "gpt-4o-mini", 5, None),
        (2, "gpt-4*", 6, None),
        (
            3,
            "o3",
            6,
            Some("\"o3\": RPM is above the 5 of the account above"),
        ),
        (3, "o3", 5, None),
    ] {
        let child = bounded("member", parent, 11, limited(model, most));
        match problem {
            Some(problem) => {
                assert_eq!(
                    field(given.refused(&child)),
                    ("ModelLimits", problem.to_owned())
                );
            }
            None => assert!(given.when(&child).is_ok(), "{model} {most}"),
        }
    }
}

#[test]
fn what_lies_within_is_granted() {
    let given = team();
    for change in WITHIN {
        assert!(given.when(&patch_account(3, 2, change)).is_ok());
        let mut rates_too = ProfileEdit::default();
        change(&mut rates_too);
        assert!(given.when(&bounded("other", 3, 11, change)).is_ok());
    }
}

#[test]
fn a_child_is_as_dear_as_its_parent_unless_told() {
    let given = team();
    let member = &given.owner().accounts[&AccountNumber(3)];
    assert_eq!(member.profile.rates, Rates(2_000_000));
}

#[test]
fn lists_are_edited_by_items_and_taken_from_the_nearest_above() {
    let mut given = team();
    let models = |given: &Given, number| {
        let account = &given.owner().accounts[&AccountNumber(number)];
        let list = account.profile.allow_models.as_deref();
        list.map(|list| list.iter().cloned().collect::<Vec<_>>().join(" "))
    };
    given.done(&patch_account(3, 2, |p| p.allow_models = edit("-claude")));
    assert_eq!(models(&given, 3).as_deref(), Some("gpt-*"));
    given.done(&patch_account(3, 2, |p| {
        p.allow_models = edit("claude gpt-4o");
    }));
    assert_eq!(models(&given, 3).as_deref(), Some("claude gpt-* gpt-4o"));
    let absent = patch_account(3, 2, |p| p.allow_models = edit("-o3"));
    assert_eq!(field(given.refused(&absent)).0, "AllowModels");
    given.done(&patch_account(3, 2, |p| p.allow_models = edit("-*")));
    assert_eq!(models(&given, 3).as_deref(), Some(""));
    given.done(&patch_account(3, 2, |p| p.allow_models = edit("*")));
    assert_eq!(models(&given, 3), None);
    let unbounded = bounded("other", 1, 11, |p| p.allow_levels = edit("-1"));
    assert_eq!(field(given.refused(&unbounded)).0, "AllowLevels");
}

#[test]
fn limits_are_edited_one_by_one_and_none_left_is_none() {
    let mut given = team();
    given.done(&patch_account(3, 2, |p| p.limits = rpm(4)));
    given.done(&patch_account(3, 2, |p| {
        p.limits = LimitPatch {
            tpd: Change::Set(7),
            ..LimitPatch::default()
        };
    }));
    let limits = |given: &Given| {
        let account = &given.owner().accounts[&AccountNumber(3)];
        account.profile.limits.as_deref().map(|l| (l.rpm, l.tpd))
    };
    assert_eq!(limits(&given), Some((Some(4), Some(7))));
    given.done(&patch_account(3, 2, |p| {
        p.limits = LimitPatch {
            rpm: Change::Clear,
            tpd: Change::Clear,
            ..LimitPatch::default()
        };
    }));
    assert_eq!(limits(&given), None);
    given.done(&patch_account(2, 1, |p| {
        p.model_limits = [("gpt-4o".to_owned(), None)].into();
    }));
    let team = &given.owner().accounts[&AccountNumber(2)];
    assert!(team.profile.model_limits.is_empty());
}

/// Narrowing a parent does not ask its children; they can still be changed in
/// everything else, above all switched off.
#[test]
fn who_was_narrowed_from_above_can_still_be_changed() {
    let mut given = team();
    for change in WITHIN {
        given.done(&patch_account(3, 2, change));
    }
    given.done(&patch_account(2, 1, |p| {
        p.allow_ips = edit("-* 192.0.2.1");
        p.allow_models = edit("-* o3");
        p.allow_levels = edit("-* 7");
        p.resources = edit("-* /v1/audio");
        p.rates = Some(Rates(3_000_000));
        p.hard_limit = Change::Set(NanoDollars(1));
        p.limits = rpm(1);
        p.model_limits = [("gpt-4o".to_owned(), Some(rpm(1)))].into();
    }));
    given.done(&patch_account(3, 2, |p| p.suspended = Some(true)));
    let still = patch_account(3, 2, |p| p.allow_models = edit("gpt-4"));
    assert_eq!(
        field(given.refused(&still)).0,
        "AllowModels",
        "what changes"
    );
}

#[test]
fn what_an_account_could_not_call_is_warned_of() {
    let given = given()
        .and(&add(1, "https://api.openai.com", 1))
        .and(&set(|c| {
            c.set.model_mapper = Some(map([("alias", "gpt-4o".to_owned())]));
        }))
        .and(&add_account("team", 1, 9));
    let cases: [(Edit, Edit, Warning); 4] = [
        (
            |p| p.allow_models = edit("-*"),
            |p| p.allow_models = edit("-* o3"),
            Warning::NoModel,
        ),
        (
            |p| p.allow_levels = edit("2"),
            |p| p.allow_levels = edit("1 2"),
            Warning::NoLevel,
        ),
        (
            |p| p.resources = edit("/v1/embeddings"),
            |p| p.resources = edit("/v1"),
            Warning::ChatBlocked("Resources"),
        ),
        (
            |p| p.model_mapper = Some(map([("x", "nowhere".to_owned())])),
            |p| p.model_mapper = Some(map([("x", "alias".to_owned())])),
            Warning::Unserved("ModelMapper", "x".to_owned(), "nowhere".to_owned()),
        ),
    ];
    let warnings = |command| given.when(&command).expect("legal").warnings;
    for (hurts, good, warning) in cases {
        for hurt in [patch_account(2, 1, hurts), bounded("other", 1, 10, hurts)] {
            assert_eq!(warnings(hurt), std::slice::from_ref(&warning));
        }
        for fine in [patch_account(2, 1, good), bounded("other", 1, 10, good)] {
            assert_eq!(warnings(fine), []);
        }
    }
    assert_eq!(
        warnings(patch_account(2, 1, |p| p.alias = Some("x".to_owned()))),
        []
    );
}
