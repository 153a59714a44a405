//! What a caller may do, by its key, its account and all above.

use std::time::Duration;

use foldgate_proto::{AccountNumber, CallerKeyNumber, Timestamp};

use crate::command::Change;
use crate::decide::tests::given::{Given, OWNER, START, add, given, level, map, set};
use crate::decide::tests::people::{
    add_account, bounded, edit, issue, key_of, patch_account, remove_account, rotate, rotate_owner,
};
use crate::{Access, Command, Denied, OwnerTable, Table};

struct At {
    table: Table,
    now: Timestamp,
}

fn at(given: &Given) -> At {
    At {
        table: Table::new(&given.state),
        now: given.now,
    }
}

impl At {
    fn owner(&self) -> &OwnerTable {
        self.table.owner(OWNER).expect("claimed")
    }

    fn access(&self, key: u8) -> Result<Access<'_>, Denied> {
        let caller = self.table.caller(&[key; 32]).expect("a known key");
        self.owner().access(caller, self.now)
    }

    fn later(mut self, seconds: u64) -> Self {
        self.now = START.after(Duration::from_secs(seconds));
        self
    }

    fn may_call_from(&self, key: u8, address: &str) -> bool {
        let address = address.parse().expect("an address");
        self.access(key)
            .expect("in good standing")
            .check_address(address)
            .is_ok()
    }

    fn levels(&self, key: u8, model: &'static str) -> Result<Vec<u64>, Denied> {
        let access = self.access(key)?;
        let bound = access.resolve(model)?;
        let levels = bound.legs.iter().flat_map(|leg| &leg.levels);
        Ok(levels.map(|level| u64::from(*level)).collect())
    }
}

/// Three Levels with keys; `gpt-*` at 1, `claude*` at 2, 1 switches to 2 and 2 to 3.
fn routed() -> Given {
    let config = set(|patch| {
        patch.set.level_mapper = Some(map([("gpt-*", level(1)), ("claude*", level(2))]));
        patch.set.switch_over = Some([(level(1), level(2)), (level(2), level(3))].into());
        patch.set.model_mapper = Some(map([("old", "gpt-4o".to_owned())]));
    });
    given()
        .and(&add(1, "https://a.example.com", 1))
        .and(&add(2, "https://a.example.com", 2))
        .and(&add(3, "https://a.example.com", 3))
        .and(&config)
}

#[test]
fn a_key_expires_and_a_rotated_one_with_its_overlap() {
    let given = given()
        .and(&bounded("team", 1, 9, |_| {}))
        .and(&issue(2, 10, |key| {
            key.terms.expires_at = Change::Set(START.after(Duration::from_secs(90)));
        }))
        .and(&rotate(key_of(2, 1), 11, 60))
        .and(&rotate(key_of(2, 2), 12, 600));
    for (key, good_until) in [(9, 60), (10, 90), (12, 90), (11, u64::MAX / 1_000)] {
        let just_before = at(&given).later(good_until - 1);
        assert!(just_before.access(key).is_ok(), "{key}");
        let then = at(&given).later(good_until);
        let expired = then.access(key).map(|_| ()) == Err(Denied::Expired);
        assert_eq!(expired, key != 11, "{key}");
    }
    let old = *at(&given).table.caller(&[9; 32]).expect("still known");
    assert_eq!(old.key, Some(CallerKeyNumber(1)));
}

#[test]
fn without_overlap_the_old_key_is_gone_at_once() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&rotate(key_of(2, 1), 10, 0));
    assert!(at(&given).table.caller(&[9; 32]).is_none());
    assert!(at(&given).access(10).is_ok());
}

#[test]
fn who_stands_below_a_suspended_account_may_not_call() {
    let mut given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10))
        .and(&add_account("guest", 3, 11));
    given.done(&patch_account(3, 2, |p| p.suspended = Some(true)));
    let now = at(&given);
    assert!(now.access(9).is_ok(), "who stands above may");
    for key in [10, 11] {
        assert_eq!(now.access(key).map(|_| ()), Err(Denied::Suspended));
    }
    assert!(now.access(1).is_ok(), "the owner");
}

#[test]
fn who_is_gone_is_gone() {
    let mut given = given().and(&add_account("team", 1, 9));
    let before = at(&given);
    let caller = *before.table.caller(&[9; 32]).expect("known");
    given.done(&remove_account(2, 1));
    let now = at(&given);
    assert!(now.table.caller(&[9; 32]).is_none());
    let denied = now.owner().access(&caller, START).map(|_| ());
    assert_eq!(denied, Err(Denied::Gone), "one that was looked up before");
}

#[test]
fn the_owner_key_follows_its_rotation() {
    let given = given().and(&rotate_owner(2));
    assert!(at(&given).table.caller(&[1; 32]).is_none());
    let caller = *at(&given).table.caller(&[2; 32]).expect("known");
    assert_eq!((caller.account, caller.key), (AccountNumber(1), None));
}

#[test]
fn addresses_are_those_of_every_list() {
    let given = given()
        .and(&bounded("team", 1, 9, |p| {
            p.allow_ips = edit("10.0.0.0/8 2001:db8::/32 ::1");
        }))
        .and(&bounded("member", 2, 10, |p| {
            p.allow_ips = edit("10.1.0.0/16");
        }))
        .and(&bounded("hermit", 1, 11, |p| p.allow_ips = edit("-*")))
        .and(&add_account("anybody", 1, 12))
        .and(&bounded("mapped", 1, 13, |p| {
            p.allow_ips = edit("::ffff:10.0.0.0/104");
        }))
        .and(&bounded("nowhere", 2, 14, |p| p.allow_ips = edit("-*")));
    let now = at(&given);
    let allowed: [(u8, &str, bool); 17] = [
        (9, "10.200.0.1", true),
        (9, "::ffff:10.200.0.1", true),
        (9, "2001:db8::9", true),
        (9, "192.0.2.1", false),
        (10, "10.1.2.3", true),
        (10, "10.2.2.3", false),
        (10, "2001:db8::9", false),
        (11, "127.0.0.1", true),
        (11, "127.9.9.9", true),
        (11, "::1", true),
        (11, "::ffff:127.0.0.1", true),
        (11, "10.0.0.1", false),
        (12, "192.0.2.1", true),
        (13, "10.9.9.9", true),
        (13, "11.0.0.1", false),
        (14, "::1", true),
        (14, "127.0.0.1", false),
    ];
    for (key, address, expected) in allowed {
        assert_eq!(now.may_call_from(key, address), expected, "{key} {address}");
    }
}

#[test]
fn paths_are_those_of_every_list_and_the_owners() {
    let given = given()
        .and(&bounded("team", 1, 9, |p| {
            p.resources = edit("/v1/chat /v1/models");
        }))
        .and(&bounded("member", 2, 10, |p| {
            p.resources = edit("/v1/chat/completions");
        }))
        .and(&bounded("hermit", 1, 11, |p| p.resources = edit("-*")))
        .and(&set(|patch| {
            patch.set.resources = Some(["/v1/chat".to_owned()].into());
        }));
    let now = at(&given);
    let may = |key, path| now.access(key).expect("good").check_path(path);
    assert_eq!(may(9, "/chat/completions"), Ok(()));
    assert_eq!(may(9, "/v1/models"), Err(Denied::Path), "the owner's");
    assert_eq!(may(10, "/v1/chat/completions/x"), Ok(()));
    assert_eq!(may(10, "/v1/chat"), Err(Denied::Path));
    assert_eq!(may(11, "/v1/chat"), Err(Denied::Path));
    assert_eq!(may(1, "/v1/embeddings"), Err(Denied::Path));
}

#[test]
fn models_are_checked_before_and_behind_the_accounts_mapper() {
    let mapper = |to: &str| Some(map([("fast*", to.to_owned())]));
    let given = routed()
        .and(&bounded("team", 1, 9, |p| {
            p.model_mapper = mapper("gpt-4o");
            p.allow_models = edit("fast* gpt-4o");
        }))
        .and(&bounded("before", 1, 10, |p| {
            p.model_mapper = mapper("gpt-4o");
            p.allow_models = edit("gpt-4o");
        }))
        .and(&bounded("behind", 1, 11, |p| {
            p.model_mapper = mapper("gpt-4o");
            p.allow_models = edit("fast*");
        }))
        .and(&add_account("member", 2, 12))
        .and(&issue(2, 13, |key| key.terms.allow_models = edit("fast-1")))
        .and(&bounded("owners", 1, 14, |p| p.allow_models = edit("old")));
    let now = at(&given);
    assert_eq!(now.levels(9, "fast-1"), Ok(vec![1, 2, 3]));
    let denied = |model: &str| Err(Denied::Model(model.to_owned()));
    assert_eq!(now.levels(10, "fast-1"), denied("fast-1"));
    assert_eq!(now.levels(11, "fast-1"), denied("gpt-4o"));
    let unmapped = Err(Denied::NoRoute("fast-1".to_owned()));
    assert_eq!(
        now.levels(12, "fast-1"),
        unmapped,
        "only one's own mapper applies"
    );
    assert_eq!(now.levels(12, "claude"), denied("claude"), "a list above");
    assert_eq!(
        now.levels(13, "fast-1"),
        denied("gpt-4o"),
        "the key's own list"
    );
    assert_eq!(
        now.levels(14, "old"),
        Ok(vec![1, 2, 3]),
        "not behind the owner's mapper"
    );
    let access = now.access(9).expect("good");
    let bound = access.resolve("fast-1").expect("routed");
    assert_eq!(bound.route.model, "gpt-4o");
}

#[test]
fn no_level_serves_that_is_not_allowed() {
    let given = routed()
        .and(&bounded("team", 1, 9, |p| p.allow_levels = edit("1 3")))
        .and(&bounded("member", 2, 10, |p| p.allow_levels = edit("1")))
        .and(&bounded("hermit", 1, 11, |p| p.allow_levels = edit("-*")));
    let now = at(&given);
    assert_eq!(now.levels(1, "gpt-4o"), Ok(vec![1, 2, 3]));
    assert_eq!(
        now.levels(9, "gpt-4o"),
        Ok(vec![1, 3]),
        "past one, not into it"
    );
    assert_eq!(now.levels(10, "gpt-4o"), Ok(vec![1]));
    let denied = |model: &str| Err(Denied::Level(model.to_owned()));
    assert_eq!(now.levels(9, "claude"), denied("claude"));
    assert_eq!(now.levels(11, "gpt-4o"), denied("gpt-4o"));
}

#[test]
fn models_lists_what_the_caller_may_name() {
    let mut given = routed()
        .and(&bounded("team", 1, 9, |p| {
            p.model_mapper = Some(map([
                ("mine", "gpt-4o".to_owned()),
                ("w*", "gpt-4o".to_owned()),
            ]));
        }))
        .and(&bounded("member", 2, 10, |p| {
            p.allow_models = edit("gpt-4o");
        }))
        .and(&bounded("lower", 1, 11, |p| p.allow_levels = edit("3")));
    let list = |given: &Given, key| -> Vec<String> {
        let now = at(given);
        let access = now.access(key).expect("good");
        access.models().iter().map(ToString::to_string).collect()
    };
    let team = list(&given, 9);
    for model in ["mine", "old", "gpt-4o"] {
        assert!(team.iter().any(|m| m == model), "{model}");
    }
    assert!(team.iter().any(|m| m.starts_with("claude")));
    assert!(!team.iter().any(|m| m.contains('*')) && team.is_sorted());
    assert_eq!(list(&given, 10), ["gpt-4o"]);
    assert_eq!(list(&given, 11), Vec::<String>::new());
    for n in 1..=3 {
        given.done(&Command::RemoveKey(foldgate_proto::KeyNumber(n)));
    }
    assert_eq!(list(&given, 9), Vec::<String>::new(), "nothing serves");
}

#[test]
fn a_call_without_a_model_goes_to_the_lowest_level_or_where_its_name_leads() {
    let levels = |given: &Given, key: u8, name: &'static str| {
        let at = at(given);
        let access = at.access(key).expect("in good standing");
        let leg = access.unnamed(name).map(|leg| leg.levels);
        leg.map(|levels| levels.into_iter().map(u64::from).collect::<Vec<_>>())
    };
    let given = routed().and(&bounded("team", 1, 9, |p| {
        p.allow_levels = edit("2");
        p.allow_models = edit("gpt-4o");
    }));
    assert_eq!(levels(&given, 1, "files"), Ok(vec![1, 2, 3]));
    assert_eq!(levels(&given, 1, "claude-files"), Ok(vec![2, 3]));
    assert_eq!(levels(&given, 9, "files"), Ok(vec![2]));
    assert!(levels(&crate::decide::tests::given::given(), 1, "files").is_err());
}
