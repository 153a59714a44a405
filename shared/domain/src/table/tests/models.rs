//! Models in the table: how names lead to them, what of them a caller may use, and
//! that a table brought forward is the table made anew.

mod forward;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use foldgate_proto::{DefinitionId, DefinitionKind, DefinitionNumber, Event, JsonText, KeyId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command::{PutDefinition, RemoveDefinition};
use crate::decide::tests::given::{Given, OWNER, START, add, given, level, map, set};
use crate::decide::tests::people::{bounded, edit};
use crate::failure::classify;
use crate::table::models::{Serves, Target};
use crate::{Access, Command, Denied, Destination, Leg, OwnerTable, Table};

/// A Model whose id is `n`: its first value, or another one.
fn put(n: u128, number: Option<u64>, value: Value) -> Command {
    let Value::Object(value) = value else {
        panic!("a Model is an object");
    };
    Command::PutDefinition(Box::new(PutDefinition {
        kind: DefinitionKind::Model,
        id: DefinitionId(Uuid::from_u128(n)),
        number: number.map(DefinitionNumber),
        value,
        secrets: BTreeMap::new(),
    }))
}

fn made(n: u128, value: Value) -> Command {
    put(n, None, value)
}

fn remove(number: u64) -> Command {
    Command::RemoveDefinition(RemoveDefinition {
        kind: DefinitionKind::Model,
        number: DefinitionNumber(number),
    })
}

/// Direct, by Level, named `upstream` there.
fn direct(name: &str, upstream: &str, at: u64) -> Value {
    json!({"display_name": name, "model_name": upstream, "level": at})
}

fn routing(name: &str, targets: &[&str]) -> Value {
    let targets: Vec<Value> = targets.iter().map(|name| json!({"model": name})).collect();
    json!({"display_name": name, "routing": {"targets": targets}})
}

/// Three Levels with a key each; `gpt-*` at 1, `exact` at 2, 1 switches to 2.
fn world() -> Given {
    given()
        .and(&add(1, "https://a.example.com", 1))
        .and(&add(2, "https://a.example.com", 2))
        .and(&add(3, "https://a.example.com", 3))
        .and(&set(|patch| {
            patch.set.level_mapper = Some(map([("gpt-*", level(1)), ("exact", level(2))]));
            patch.set.model_mapper = Some(map([
                ("a*", "gpt-4o".to_owned()),
                ("old", "smart".to_owned()),
            ]));
            patch.set.switch_over = Some([(level(1), level(2))].into());
        }))
}

fn table(given: &Given) -> Table {
    Table::new(&given.state)
}

fn owner(table: &Table) -> &OwnerTable {
    table.owner(OWNER).expect("claimed")
}

fn access(table: &Table, key: u8) -> Access<'_> {
    let caller = table.caller(&[key; 32]).expect("a known key");
    owner(table)
        .access(caller, START)
        .expect("in good standing")
}

/// Where a name leads, in short: a Level's number, or a Model's name.
fn leads(given: &Given, name: &str) -> String {
    let table = table(given);
    match owner(&table).resolve(name).map(|route| route.to) {
        Ok(Destination::Level { level, .. }) => level.to_string(),
        Ok(Destination::Model(named)) => named.name().to_owned(),
        Err(_) => "nowhere".to_owned(),
    }
}

/// Each leg, in short: the name upstream and the Levels.
fn legs(legs: &[Leg<'_>]) -> Vec<(String, Vec<u64>)> {
    let levels = |leg: &Leg<'_>| leg.levels.iter().map(|level| u64::from(*level)).collect();
    legs.iter()
        .map(|leg| (leg.model.to_string(), levels(leg)))
        .collect()
}

#[test]
fn an_exact_model_wins_over_all_and_is_exempt_from_the_mappers_wildcards() {
    let given = world()
        .and(&made(1, direct("exact", "x", 3)))
        .and(&made(2, direct("apple", "x", 3)))
        .and(&made(3, direct("smart", "x", 3)));
    assert_eq!(leads(&given, "exact"), "exact", "LEVEL_MAPPER names it too");
    assert_eq!(leads(&given, "apple"), "apple", "a* would map it");
    assert_eq!(leads(&given, "avocado"), "1", "a* maps what is no Model");
    assert_eq!(leads(&given, "old"), "smart", "what is mapped leads on");
}

#[test]
fn wildcards_go_by_rank_and_of_equals_the_model() {
    let given = world()
        .and(&made(1, direct("gpt-4*", "x", 3)))
        .and(&made(2, direct("gpt-*", "x", 3)))
        .and(&made(3, direct("ex*", "x", 3)))
        .and(&made(4, direct("*", "x", 3)));
    assert_eq!(leads(&given, "gpt-4o"), "gpt-4*");
    assert_eq!(leads(&given, "gpt-3"), "gpt-*");
    assert_eq!(
        leads(&given, "exact"),
        "2",
        "an exact Level beats a wildcard"
    );
    assert_eq!(leads(&given, "expert"), "ex*");
    assert_eq!(leads(&given, "other"), "*");
    let given = given.and(&put(2, Some(2), direct("g*", "x", 3)));
    assert_eq!(leads(&given, "gpt-3"), "1", "LEVEL_MAPPER ranks higher now");
}

#[test]
fn a_wildcards_stars_are_filled_upstream() {
    let given = world()
        .and(&made(1, direct("team/*-v*", "*/*", 3)))
        .and(&made(2, direct("keep/*", "fixed", 3)));
    let table = table(&given);
    let access = access(&table, 1);
    let upstream = |name| legs(&access.resolve(name).expect("served").legs);
    assert_eq!(upstream("team/big-v2"), [("big/2".to_owned(), vec![3])]);
    assert_eq!(upstream("keep/any"), [("fixed".to_owned(), vec![3])]);
}

#[test]
fn a_model_that_routes_has_a_leg_for_each_target() {
    let key = KeyId(Uuid::from_u128(1003));
    let by_key = json!({"display_name": "c", "model_name": "c-up", "provider_key_id": key.0});
    let given = world()
        .and(&made(1, direct("a1", "a-up", 1)))
        .and(&made(2, direct("b", "b-up", 2)))
        .and(&made(3, by_key))
        .and(&made(4, routing("smart", &["B", "c", "a1"])));
    let table = table(&given);
    let access = access(&table, 1);
    let bound = access.resolve("smart").expect("served");
    let names = |name: &str, levels: &[u64]| (name.to_owned(), levels.to_vec());
    assert_eq!(
        legs(&bound.legs),
        [
            names("b-up", &[2]),
            names("c-up", &[3]),
            names("a-up", &[1, 2])
        ]
    );
    let only: Vec<_> = bound.legs.iter().map(|leg| (leg.place, leg.only)).collect();
    assert_eq!(only, [(0, None), (1, Some(key)), (2, None)]);
}

#[test]
fn targets_that_a_caller_may_not_use_are_left_out() {
    let key =
        json!({"display_name": "k", "model_name": "k", "provider_key_id": Uuid::from_u128(1003)});
    let given = world()
        .and(&made(1, direct("one", "m", 1)))
        .and(&made(2, direct("two", "m", 2)))
        .and(&made(3, key))
        .and(&made(4, routing("all", &["one", "two", "k"])))
        .and(&made(5, routing("none", &["one", "k"])))
        .and(&bounded("team", 1, 9, |p| {
            p.allow_levels = edit("2");
            p.allow_models = edit("all, none, one, k, gpt-4o");
        }));
    let table = table(&given);
    let team = access(&table, 9);
    let allowed = |name| team.resolve(name).map(|bound| legs(&bound.legs));
    assert_eq!(allowed("all"), Ok(vec![("m".to_owned(), vec![2])]));
    for name in ["none", "one", "k"] {
        let denied = allowed(name).expect_err("no Level of it is allowed");
        assert_eq!(denied, Denied::Level(name.to_owned()));
    }
    assert_eq!(allowed("two"), Err(Denied::Model("two".to_owned())));
    assert_eq!(team.models(), ["all"]);
    let all = access(&table, 1).models();
    for name in ["all", "exact", "k", "none", "old", "one", "two"] {
        assert_eq!(all.contains(&name), name != "old", "{name}: {all:?}");
    }
}

#[test]
fn models_may_be_bound_to_addresses() {
    let from = |name: &str, ranges: Value| {
        let mut model = direct(name, "m", 1);
        model["allowed_cidrs"] = ranges;
        model
    };
    let mut outer = routing("outer", &["open"]);
    outer["allowed_cidrs"] = json!(["10.0.0.0/8"]);
    let given = world()
        .and(&made(
            1,
            from("bound", json!(["10.0.0.0/8", "2001:db8::1"])),
        ))
        .and(&made(2, direct("open", "m", 1)))
        .and(&made(3, routing("some", &["bound", "open"])))
        .and(&made(4, routing("only", &["bound"])))
        .and(&made(5, outer));
    let table = table(&given);
    let count = |name: &'static str, address: &str| {
        let address: IpAddr = address.parse().expect("an address");
        let access = access(&table, 1).from(address);
        access.resolve(name).map(|bound| bound.legs.len())
    };
    let denied = |name: &str| Err(Denied::ModelAddress(name.to_owned()));
    for address in ["10.1.2.3", "::ffff:10.1.2.3"] {
        assert_eq!(count("bound", address), Ok(1));
        assert_eq!(count("some", address), Ok(2));
        assert_eq!(count("outer", address), Ok(1));
    }
    assert_eq!(count("bound", "2001:db8::1"), Ok(1));
    assert_eq!(
        count("some", "192.0.2.1"),
        Ok(1),
        "the other target is left"
    );
    for name in ["bound", "only", "outer"] {
        assert_eq!(count(name, "192.0.2.1"), denied(name));
    }
    assert_eq!(
        access(&table, 1).resolve("bound").map(|b| b.legs.len()),
        Ok(1)
    );
}

#[test]
fn what_is_not_understood_is_left_out_and_named() {
    let mut given = world()
        .and(&made(1, direct("one", "m", 1)))
        .and(&made(2, routing("lead", &["one"])));
    let before = table(&given);
    let mut record = {
        let context = given.context();
        let put = made(3, direct("new", "m", 1));
        let events = given.when(&put).expect("legal").events;
        crate::decide::record(&given.state, OWNER, &put, &context, events)
    };
    for event in &mut record.events {
        if let Event::DefinitionPut(put) = event {
            put.value = JsonText(r#"{"display_name":"new","from_the_future":1}"#.to_owned());
        }
    }
    let revision = given.state.revision.next();
    given
        .state
        .apply(revision, foldgate_proto::RecordHash([0; 32]), &record);
    let after = before.advance(&given.state, [&record]);
    let unread: Vec<&str> = owner(&after)
        .unread_models()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(unread, ["new"]);
    assert!(owner(&after).resolve("new").is_err());
    assert!(owner(&after).resolve("lead").is_ok(), "the others serve");
    assert_eq!(owner(&before).unread_models().count(), 0);
}

#[test]
fn a_target_that_changes_changes_in_those_that_lead_to_it() {
    let given = world()
        .and(&made(1, direct("one", "before", 1)))
        .and(&made(2, routing("lead", &["one"])));
    let old = table(&given);
    let mut given = given;
    let context = given.context();
    let change = put(1, Some(1), direct("one", "behind", 2));
    let events = given.when(&change).expect("legal").events;
    let record = crate::decide::record(&given.state, OWNER, &change, &context, events);
    given.done(&change);
    let new = old.advance(&given.state, [&record]);
    let upstream = |table: &Table| legs(&access(table, 1).resolve("lead").expect("served").legs);
    assert_eq!(upstream(&old), [("before".to_owned(), vec![1, 2])]);
    assert_eq!(upstream(&new), [("behind".to_owned(), vec![2])]);
}

#[test]
fn cooldowns_count_what_they_are_told_to() {
    let cooled = |cooldown: Value| {
        let mut model = direct("m", "m", 1);
        model["cooldown"] = cooldown;
        let given = world().and(&made(1, model));
        let table = table(&given);
        let named = owner(&table).model(DefinitionNumber(1)).expect("compiled");
        let Serves::Direct(direct) = &named.serves else {
            panic!("it is direct");
        };
        direct.cooling.clone()
    };
    let status = |status| classify(status, b"");
    let secs = |secs| Some(Duration::from_secs(secs));
    assert_eq!(cooled(json!({"default_seconds": 5})), None, "off unless on");
    let plain = cooled(json!({"enabled": true})).expect("on");
    assert_eq!(plain.after(&status(503), None), secs(30));
    assert_eq!(plain.after(&status(429), secs(700)), secs(600));
    assert_eq!(plain.after(&status(429), secs(7)), secs(7));
    assert_eq!(plain.after(&status(404), None), None);
    let late = crate::failure::Failure::timeout("late");
    let broken = crate::failure::Failure::broken("broken");
    assert_eq!(plain.after(&late, None), secs(30));
    assert_eq!(plain.after(&broken, None), secs(30));
    let own = cooled(json!({
        "enabled": true, "default_seconds": 3, "max_seconds": 4, "honor_retry_after": false,
        "trigger_on_timeout": false, "trigger_on_transport": false, "trigger_statuses": [404],
    }))
    .expect("on");
    assert_eq!(own.after(&status(404), secs(100)), secs(3));
    for failure in [status(503), late, broken] {
        assert_eq!(own.after(&failure, None), None);
    }
}

#[test]
fn targets_keep_their_terms() {
    let lead = json!({"display_name": "lead", "routing": {"targets": [
        {"model": "one", "priority": -3, "weight": 0, "tags": ["eu"]},
        {"model_id": Uuid::from_u128(2)},
    ]}});
    let given = world()
        .and(&made(1, direct("one", "m", 1)))
        .and(&made(2, direct("two", "m", 1)))
        .and(&made(3, lead));
    let table = table(&given);
    let named = owner(&table).model(DefinitionNumber(3)).expect("compiled");
    let Serves::Routing(routing) = &named.serves else {
        panic!("it routes");
    };
    let terms = |target: &Target| (target.priority, target.weight, target.tags.clone());
    let found: Vec<_> = routing.targets.iter().map(terms).collect();
    assert_eq!(found, [(-3, 0, vec!["eu".to_owned()]), (0, 1, vec![])]);
}
